"""Who may do what in a case, and who sees what of it: asked of a whole ledger, as its members are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.assembly import Ledger
from ledger.casework.people import Actor
from ledger.casework.queries import EvidenceView
from ledger.entry.canonical_json import parse
from ledger.entry.receipt_number import format_number
from ledger.errors import ConflictError, ForbiddenError, LedgerError, MalformedError, NotFoundError
from ledger.submit.errors import UnacceptableError
from ledger.upkeep.fsck import fsck
from tests.ledger.making import ALICE, JUDGE, anchor_file, make_log, opened, statement

PARTNER = Actor("partner", "counsel")
OPPONENT = Actor("opponent", "party")
OPPONENTS_COUNSEL = Actor("oc", "counsel")
THIRD = Actor("third", "party")
OTHER_THIRD = Actor("other-third", "party")
NOTARY = Actor("notary", "notary")
CLERK = Actor("clerk", "clerk")
STRANGER = Actor("eve", "party")
ROLES = {
    PARTNER: "party", OPPONENT: "opposing", OPPONENTS_COUNSEL: "opposing", THIRD: "third", OTHER_THIRD: "third",
    NOTARY: "notary", CLERK: "clerk", JUDGE: "court",
}  # fmt: skip

OPEN = {
    "file.name", "file.received", "file.size", "file.sha256", "file.sha512", "file.media_type", "submitter.name",
}  # fmt: skip
SAID = b"""{"metadata": {"author": "X", "notes": "n", "chat.from": "F", "chat.to": "T"},
 "requisites": {"address": "A"}, "policy": {"declared.author": "open", "declared.chat.*": "open",
 "declared.chat.to": "sealed", "file.name": "sealed"}}"""
FILE = b"\xff\xd8\xff\xe0 a photograph"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with opened(make_log(tmp_path_factory.mktemp("sight") / "data")) as found:
        yield found


@pytest.fixture(scope="module")
def case(ledger: Ledger) -> str:
    opened_case = ledger.open_case(ALICE, "Alice v. opponent").case
    for actor, role in ROLES.items():
        ledger.add_member(ALICE, opened_case, actor.name, actor.role, role)
    return opened_case


@pytest.fixture(scope="module")
def plain(ledger: Ledger, case: str) -> str:
    """The number of Alice's evidence under the default policy."""
    return anchor_file(ledger, case, FILE, "photo.jpg", b'{"metadata": {"author": "Xanthippe"}}').number


@pytest.fixture(scope="module")
def ruled(ledger: Ledger, case: str) -> str:
    """The number of Alice's evidence under a policy of her own."""
    return anchor_file(ledger, case, FILE, "secret name.jpg", SAID).number


def check_view(view: EvidenceView, open_names: set[str]) -> None:
    assert set(view.opened) == open_names
    assert set(view.closed) == set(view.names) - open_names
    assert set(view.openings) == open_names | {"@names"}


# --- what others see -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("viewer", [ALICE, PARTNER], ids=lambda actor: actor.name)
def test_a_side_sees_all_of_its_own(ledger: Ledger, ruled: str, viewer: Actor) -> None:
    view = ledger.evidence(viewer, ruled)
    check_view(view, set(view.names))
    assert view.opened["declared.chat.to"] == "T" and view.has_file
    with ledger.file(viewer, ruled).stream as stream:
        assert stream.read() == FILE


@pytest.mark.parametrize("viewer", [OPPONENT, OPPONENTS_COUNSEL, THIRD, NOTARY, CLERK, JUDGE], ids=lambda a: a.name)
def test_others_see_the_default_and_which_names_there_are(ledger: Ledger, plain: str, viewer: Actor) -> None:
    view = ledger.evidence(viewer, plain)
    check_view(view, OPEN)
    assert set(view.closed) == {"declared.author", "system.policy"}
    assert "Xanthippe" not in "".join(view.openings.values())


@pytest.mark.parametrize("viewer", [OPPONENT, THIRD, NOTARY, JUDGE], ids=lambda a: a.name)
def test_others_see_what_the_policy_opens_and_no_more(ledger: Ledger, ruled: str, viewer: Actor) -> None:
    view = ledger.evidence(viewer, ruled)
    check_view(view, (OPEN - {"file.name"}) | {"declared.author", "declared.chat.from"})
    assert view.published and view.number == ruled


@pytest.mark.parametrize("viewer", [OPPONENT, THIRD, NOTARY, CLERK], ids=lambda a: a.name)
def test_others_do_not_get_the_file(ledger: Ledger, plain: str, viewer: Actor) -> None:
    with pytest.raises(ForbiddenError, match="until it is disclosed or ordered"):
        ledger.file(viewer, plain)
    assert not ledger.evidence(viewer, plain).has_file


def test_the_court_gets_the_file(ledger: Ledger, plain: str) -> None:
    view = ledger.file(JUDGE, plain)
    assert (view.name, view.size, view.media_type) == ("photo.jpg", len(FILE), "image/jpeg")
    with view.stream as stream:
        assert stream.read() == FILE


def test_each_third_is_a_side_of_its_own(ledger: Ledger, case: str) -> None:
    number = anchor_file(ledger, case, FILE, said=b'{"metadata": {"a": 1}}', actor=THIRD).number
    for viewer in (OTHER_THIRD, ALICE, OPPONENT):
        assert "declared.a" in ledger.evidence(viewer, number).closed
        with pytest.raises(ForbiddenError):
            ledger.file(viewer, number)
    assert "declared.a" in ledger.evidence(THIRD, number).opened


def test_two_who_are_on_no_side_are_not_one(ledger: Ledger, case: str) -> None:
    """A notary's evidence is the notary's alone: an empty side is no side."""
    number = anchor_file(ledger, case, FILE, said=b'{"metadata": {"a": 1}}', actor=NOTARY).number
    assert "declared.a" in ledger.evidence(CLERK, number).closed
    assert "declared.a" in ledger.evidence(NOTARY, number).opened


def test_a_file_that_stayed_at_home_is_nobodys(ledger: Ledger, case: str) -> None:
    number = ledger.anchor(ALICE, case, statement(1), None, None, None).number
    for viewer in (ALICE, JUDGE):
        with pytest.raises(NotFoundError, match="only its digests were submitted"):
            ledger.file(viewer, number)


def test_acts_are_open_to_members(ledger: Ledger, case: str) -> None:
    first, second = ledger.timeline(CLERK, case, 0, 2)
    assert (first.kind, first.opened["case.title"], first.closed) == ("case.opened", "Alice v. opponent", ())
    assert (second.kind, second.opened["member.name"]) == ("member.added", "partner")


# --- receipts ------------------------------------------------------------------------------------------------------


def test_the_secret_is_the_submitters_alone(ledger: Ledger, ruled: str, case: str) -> None:
    mine = parse(ledger.receipt(ALICE, ruled), where="receipt", max_depth=9)
    courts = parse(ledger.receipt(JUDGE, ruled), where="receipt", max_depth=9)
    assert isinstance(mine, dict) and isinstance(courts, dict)
    assert "secret" in mine and "secret" not in courts
    assert isinstance(mine["opened"], list) and isinstance(courts["opened"], list)
    assert len(mine["opened"]) == len(ledger.evidence(ALICE, ruled).names) + 1
    assert set(map(str, courts["opened"])) == set(ledger.evidence(JUDGE, ruled).openings.values())
    for viewer in (PARTNER, OPPONENT, THIRD, NOTARY, CLERK):
        with pytest.raises(ForbiddenError, match="get a receipt"):
            ledger.receipt(viewer, ruled)


def test_the_access_code_is_in_nothing_that_is_carried_away(ledger: Ledger, case: str) -> None:
    anchored = anchor_file(ledger, case, b"unlike others", said=b'{"metadata": {"x": 1}}', key="access")
    again = anchor_file(ledger, case, b"unlike others", said=b'{"metadata": {"x": 1}}', key="access")
    assert anchored.access == again.access and len(anchored.access.replace("-", "")) == 26
    carried = [
        anchored.receipt,
        ledger.receipt(ALICE, anchored.number),
        b"".join(ledger.bundle(ALICE, anchored.number, True).chunks),
        b"".join(ledger.case_bundle(ALICE, case).chunks),
    ]
    for code in (anchored.access, anchored.access.replace("-", "")):
        assert not any(code.encode() in each for each in carried)
    other = anchor_file(ledger, case, b"unlike others", said=b'{"metadata": {"x": 1}}')
    assert other.access != anchored.access


# --- strangers -----------------------------------------------------------------------------------------------------


def test_a_stranger_learns_nothing_not_even_that_there_is_something(ledger: Ledger, case: str, plain: str) -> None:
    pairs = [(case, "0" * 32), (plain, format_number(9_999_999_999))]
    for known, unknown in pairs:
        asked = (
            [ledger.case, lambda a, c: ledger.timeline(a, c, 0, 9), ledger.case_bundle, ledger.check_may_anchor]
            if known == case
            else [ledger.evidence, ledger.file, ledger.receipt, lambda a, n: ledger.bundle(a, n, True)]
        )
        for ask in asked:
            told = []
            for what in (known, unknown):
                with pytest.raises(NotFoundError) as raised:
                    ask(STRANGER, what)
                told.append((type(raised.value), raised.value.args))
            assert told[0] == told[1]
    assert ledger.cases(STRANGER, 0, 99) == []
    assert ledger.lookup(STRANGER, sha256(FILE).hexdigest()) == []
    with pytest.raises(NotFoundError):
        ledger.anchor(STRANGER, case, statement(1), None, None, None)


@pytest.mark.parametrize("number", ["", "EL-1", "EL-0000000003-00", "EL-0000000000-" + "x" * 99, "../../etc", "EL-٠"])
def test_what_is_no_number_is_not_found(ledger: Ledger, case: str, number: str) -> None:
    with pytest.raises(NotFoundError):
        ledger.evidence(ALICE, number)


@pytest.mark.parametrize("name", ["", "x", "0" * 31, "A" * 32, "0" * 33, "../x", "%00" * 11])
def test_what_is_no_case_is_not_found(ledger: Ledger, name: str) -> None:
    with pytest.raises(NotFoundError):
        ledger.case(ALICE, name)


def test_entries_that_are_no_evidence_have_no_receipt(ledger: Ledger, case: str) -> None:
    for entry in ledger.timeline(ALICE, case, 0, 3):
        with pytest.raises(NotFoundError):
            ledger.receipt(ALICE, entry.number)


def test_a_digest_is_found_where_it_is_open(ledger: Ledger, case: str) -> None:
    data = b"looked for"
    sealed = b'{"policy": {"file.sha256": "sealed"}}'
    shown = anchor_file(ledger, case, data, "shown.txt").number
    nameless = anchor_file(ledger, case, data, "hidden.txt", b'{"policy": {"file.name": "on-demand"}}').number
    hidden = anchor_file(ledger, case, data, said=sealed).number
    elsewhere = anchor_file(ledger, ledger.open_case(STRANGER, "Elsewhere").case, data, actor=STRANGER).number
    digest = sha256(data).hexdigest()
    assert [hit.number for hit in ledger.lookup(ALICE, digest)] == [shown, nameless, hidden]
    hits = ledger.lookup(OPPONENT, digest)
    assert [(hit.number, hit.name) for hit in hits] == [(shown, "shown.txt"), (nameless, None)]
    assert [hit.number for hit in ledger.lookup(STRANGER, digest)] == [elsewhere]
    for wrong in ("", "0", digest.upper(), "zz" * 32):
        with pytest.raises(MalformedError):
            ledger.lookup(ALICE, wrong)


# --- who may do what -----------------------------------------------------------------------------------------------


def test_offices_are_for_accounts_of_that_office(ledger: Ledger) -> None:
    case = ledger.open_case(ALICE, "Offices").case
    for role in ("court", "clerk", "notary", "expert"):
        for account_role in ("party", "counsel", "operator", "auditor", "court" if role != "court" else "clerk"):
            with pytest.raises(ForbiddenError, match=f"no account of role {role}"):
                ledger.add_member(ALICE, case, "x", account_role, role)
        assert ledger.add_member(ALICE, case, f"a-{role}", role, role).side == ""
    with pytest.raises(UnacceptableError, match="expected a role among"):
        ledger.add_member(ALICE, case, "x", "operator", "operator")


def test_once_a_court_is_in_only_it_admits_a_court(ledger: Ledger) -> None:
    case = ledger.open_case(ALICE, "Courts").case
    ledger.add_member(ALICE, case, "judge", "court", "court")
    with pytest.raises(ForbiddenError, match="only that court admits another"):
        ledger.add_member(ALICE, case, "friend", "court", "court")
    assert ledger.add_member(JUDGE, case, "second", "court", "court").role == "court"
    ledger.add_member(ALICE, case, "bob", "party", "opposing")  # everybody else is still the opener's to add
    ledger.add_member(JUDGE, case, "carol", "party", "third")


def test_only_the_opener_and_the_court_add_members(ledger: Ledger, case: str) -> None:
    for actor in (PARTNER, OPPONENT, THIRD, NOTARY, CLERK):
        with pytest.raises(ForbiddenError, match="only who opened the case, and its court"):
            ledger.add_member(actor, case, "x", "party", "third")
    with pytest.raises(NotFoundError):
        ledger.add_member(STRANGER, case, STRANGER.name, "party", "opposing")


def test_nobody_is_on_two_sides(ledger: Ledger, case: str) -> None:
    for name, role in (("alice", "opposing"), ("opponent", "party"), ("third", "opposing"), ("partner", "party")):
        with pytest.raises(ConflictError, match=f"{name} is a member already"):
            ledger.add_member(ALICE, case, name, "party", role)


@pytest.mark.parametrize("actor", [JUDGE, CLERK], ids=lambda a: a.name)
def test_courts_and_clerks_anchor_nothing(ledger: Ledger, case: str, actor: Actor) -> None:
    with pytest.raises(ForbiddenError, match="anchor evidence"):
        ledger.check_may_anchor(actor, case)
    with pytest.raises(ForbiddenError):
        ledger.anchor(actor, case, statement(1), None, None, None)


@pytest.mark.parametrize("title", ["", "  ", "x" * 301, "two\nlines", "\x00", "\x9b", "\ud800"])
def test_titles_are_one_line(ledger: Ledger, title: str) -> None:
    before = ledger.status()["size"]
    with pytest.raises(UnacceptableError, match="open a case: expected"):
        ledger.open_case(ALICE, title)
    assert ledger.status()["size"] == before
    assert ledger.open_case(ALICE, "Ә" * 300).title == "Ә" * 300


def test_cases_are_listed_in_pages(ledger: Ledger) -> None:
    actor = Actor("lister", "party")
    made = [ledger.open_case(actor, f"Case {n}") for n in range(5)]
    first = ledger.cases(actor, -1, 3)
    assert [each.title for each in [*first, *ledger.cases(actor, first[-1].index, 3)]] == [m.title for m in made]


# --- at once -------------------------------------------------------------------------------------------------------


def test_of_many_who_add_the_same_account_one_succeeds(tmp_path: Path, database_url: str) -> None:
    """Each decides on the case as it was; the log takes one, and the others decide again and see the member."""
    settings = make_log(tmp_path / "data", database_url)
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "Race").case
        ledger.add_member(ALICE, case, "judge", "court", "court")
        roles = ["opposing", "third", "party", "opposing", "third", "party"]
        outcomes: list[object] = []
        together = threading.Barrier(len(roles))

        def add(n: int) -> None:
            together.wait(10)
            try:
                outcomes.append(ledger.add_member(JUDGE if n % 2 else ALICE, case, "bob", "party", roles[n]))
            except LedgerError as error:
                outcomes.append(error)

        with ThreadPoolExecutor(len(roles)) as pool:
            list(pool.map(add, range(len(roles))))
        assert sum(isinstance(each, ConflictError) for each in outcomes) == len(roles) - 1
        assert len(ledger.case(ALICE, case).members) == 3
        assert ledger.case(ALICE, case).length == 3
    assert list(fsck(settings)) == []


def test_evidence_that_keeps_arriving_starves_nobody(tmp_path: Path, database_url: str) -> None:
    settings = make_log(tmp_path / "data", database_url)
    stop = threading.Event()
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "Busy").case

        def anchor(_: int) -> int:
            n = 0
            while not stop.is_set():
                ledger.anchor(ALICE, case, statement(n), None, None, None)
                n += 1
            return n

        with ThreadPoolExecutor(6) as pool:
            counts = pool.map(anchor, range(6))
            for n in range(5):
                ledger.add_member(ALICE, case, f"member{n}", "party", "third")
            stop.set()
            assert sum(counts) > 0
        assert len(ledger.case(ALICE, case).members) == 6

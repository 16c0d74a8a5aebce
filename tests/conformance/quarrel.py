"""A demand with every outcome, on a real served ledger; and the same log's second history, signed with its own keys."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger.assembly import Ledger
from ledger.casework.people import Actor
from tests.conformance.served import MEMBERS, PEOPLE, Town, make_town, serving
from tests.fakes.lying_proxy import LyingProxy
from tests.ledger.extract.pictures import camera_exif, jpeg
from verifier.answer.answer import AnswerResult, check_answer

AUTHOR, PLACE, NOTE = "declared.author", "declared.place", "declared.note"
OTHER, VERSION = "declared.other", "extracted.version"
NEVER = "extracted.dkim"
DEMANDED = sorted([AUTHOR, NOTE, OTHER, PLACE, NEVER, VERSION])
SAID = {
    "metadata": {"author": "Ж. Серік", "place": "51.13 N 71.43 E", "note": "a borrowed telephone", "other": "x"},
    "policy": {NOTE: "sealed"},
}
GROUNDS, REASON, RULING = "The photograph bears no date.", "a secret protected by law", "the place decides the case"


@dataclass(frozen=True)
class Quarrel:
    """`number`: a photograph of aigul's; `other`: another piece; `demand`: bekova's, partly disclosed, then refused;
    `foreign`: a demand on the other piece. `before`: the bundle that bekova held before she demanded; `after`: one from
    afterwards. `second`: a server with the same keys, on a copy made before the demand, that says something else since.
    """

    town: Town
    second: Town
    proxy: LyingProxy
    trust: Path
    number: str
    other: str
    demand: str
    foreign: str
    refusal: str
    before: Path
    after: Path

    def check(self, demand: str | None = None, url: str | None = None, bundle: Path | None = None) -> AnswerResult:
        """What bekova's own program finds, at the proxy unless another `url` is given."""
        server = self.town.server("bekova", url or self.proxy.url)
        return check_answer(demand or self.demand, server, self.trust, bundle=bundle)


@contextmanager
def quarrelling(folder: Path) -> Iterator[Quarrel]:
    """The whole of it, served twice by `evidence-ledger serve`."""
    data, copy = folder / "data", folder / "copy"
    settings, tokens = make_town(data)
    aigul = Actor("aigul", "party")
    ledger = Ledger.open(settings)
    case = ledger.open_case(aigul, "Ахметов v. Сейтқали").case
    for user, role in MEMBERS:
        ledger.add_member(aigul, case, user, PEOPLE[user], role)
    ledger.close()
    with ExitStack() as stack:
        town = stack.enter_context(serving(data, tokens))
        number = town.anchor("aigul", case, jpeg(camera_exif()), "photo.jpg", SAID)["number"]
        other = town.anchor("aigul", case, jpeg(camera_exif()), "second.jpg", SAID)["number"]
        before = folder / "before.evidence.zip"
        before.write_bytes(town.bundle("bekova", number))
        town.served.stop()
        shutil.copytree(data, copy)
        town.served.start()
        second = stack.enter_context(serving(copy, tokens))
        demand = lodge(town, number)
        town.post("aigul", f"demands/{demand}/disclosure", {"fields": [AUTHOR, VERSION]})
        refused = town.post("aigul", f"demands/{demand}/refusal", {"reason": REASON})
        foreign = lodge(town, other)
        twin = lodge(second, number)
        assert twin == demand, "both histories have a demand of one id"
        second.post("aigul", f"demands/{twin}/disclosure", {"fields": [AUTHOR]})
        while second.get("bekova", f"cases/{case}")["length"] <= town.get("bekova", f"cases/{case}")["length"]:
            second.post("bekova", f"cases/{case}/channels", {"channels": [{"address": "a@b.kz", "kind": "email"}]})
        proxy = stack.enter_context(LyingProxy(town.served.url))
        trust = town.trust(folder / "trust")
        refusal = refused["events"][-1]["number"]
        after = folder / "after.evidence.zip"
        after.write_bytes(town.bundle("bekova", number))
        yield Quarrel(town, second, proxy, trust, number, other, demand, foreign, refusal, before, after)


def lodge(town: Town, number: str, fields: list[str] | str = "", grounds: str = GROUNDS, who: str = "bekova") -> str:
    """A demand's id."""
    body = {"fields": fields or DEMANDED, "grounds": grounds}
    return str(town.post(who, f"evidence/{number}/demands", body)["demand"])

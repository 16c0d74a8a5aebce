"""What a kind of evidence should say, and what does not fit together: told, never held against anybody."""

from __future__ import annotations

import tomllib

import pytest

from ledger.entry.names import check_name
from ledger.submit.kinds import KINDS, missing, requisites
from ledger.submit.questions import questions
from tests.architecture.sources import ROOT

EARLIER, LATER = "2026-05-01T10:00:00Z", "2026-05-05T10:00:00+05:00"
PICTURE = "a picture without source cannot be examined; add the page, message, mailbox or device original"


def test_each_kind_has_its_file_and_each_line_its_reason() -> None:
    folder = ROOT / "ledger" / "submit" / "evidence_kinds"
    assert sorted(path.stem for path in folder.glob("*.toml")) == list(KINDS)
    for kind in KINDS:
        data = tomllib.loads((folder / f"{kind}.toml").read_text(encoding="utf-8"))
        assert data.keys() == {"title", "requisite"} and data["title"]
        lines = requisites(kind)
        assert len({line.name for line in lines}) == len(lines) >= 4
        for line in lines:
            assert len(line.reason) > 20 and line.reason[0].islower()
            for name in (line.name, *line.also):
                check_name(name)
    with pytest.raises(KeyError):
        requisites("../web_page")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_missing_is_said_with_its_reason_until_it_is_there(kind: str) -> None:
    fields: dict[str, object] = {"declared.kind": kind, "file.media_type": "text/plain"}
    said = [each for each in missing(fields) if each.reason != PICTURE]  # type: ignore[arg-type]
    assert [(each.name, each.reason) for each in said] == [(line.name, line.reason) for line in requisites(kind)]
    for line in requisites(kind):
        for name in (line.name, *line.also):
            left = missing({**fields, name: "something"})  # type: ignore[dict-item]
            assert line.name not in [each.name for each in left]
        for nothing in (None, "", [], {}):
            assert line.name in [each.name for each in missing({**fields, line.name: nothing})]  # type: ignore[dict-item]


def test_a_bare_picture_is_told_at_once() -> None:
    bare = {"file.media_type": "image/png"}
    assert [each.reason for each in missing(bare)] == [PICTURE]
    assert PICTURE in [
        each.reason for each in missing({"file.media_type": "application/pdf", "declared.kind": "screenshot"})
    ]
    for source in ("requisite.address", "declared.original_at", "relation.derived_from", "extracted.model"):
        assert missing({**bare, source: "x"}) == ()
    assert missing({"file.media_type": "application/pdf"}) == ()
    assert PICTURE not in [each.reason for each in missing({**bare, "declared.kind": "digitised_paper"})]


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"extracted.modified_at": LATER, "extracted.sent_at": EARLIER}, "modified after it was sent"),
        ({"extracted.created_at": LATER, "extracted.sent_at": EARLIER}, "created after it was sent"),
        ({"extracted.created_at": LATER, "extracted.modified_at": EARLIER}, "modified before it was created"),
        ({"extracted.created_at": LATER, "requisite.made_at": "2026-05-01"}, "said to have been made"),
        ({"extracted.created_at": LATER, "declared.created_at": "2026-05-01"}, "creation differs"),
        ({"extracted.created_at": "2027-01-01T00:00:00Z"}, "later than it was anchored"),
        ({"declared.author": "A", "extracted.author": "B"}, "another author"),
        ({"declared.extracted.author": "A", "extracted.author": "B"}, "taken anew"),
    ],
)
def test_what_does_not_fit_together_is_asked(fields: dict[str, str], asked: str) -> None:
    said = questions(fields, "2026-11-21T09:00:00.000Z")
    assert any(asked in text for text in said), said
    assert not any("forg" in text or "fake" in text for text in said)
    for name in fields:
        assert not any(asked in text for text in questions({**fields, name: None}, "2026-11-21T09:00:00.000Z"))


@pytest.mark.parametrize(
    "fields",
    [
        {"extracted.modified_at": "2026-05-01T10:00:30Z", "extracted.sent_at": "2026-05-01T10:00:00Z"},  # two clocks
        {"extracted.modified_at": "2026-05-01T20:00:00", "extracted.sent_at": "2026-05-01T10:00:00Z"},  # which zone?
        {"extracted.modified_at": "2026-05-02", "extracted.sent_at": "2026-05-01T20:00:00Z"},  # some time of that day
        {"extracted.modified_at": "2026-05-01T15:00:00+05:00", "extracted.sent_at": "2026-05-01T10:00:00Z"},
        {"declared.author": " a. b ", "extracted.author": "A. B"},
        {"extracted.created_at": "long ago", "extracted.modified_at": "2026-13-77T99:99:99Z"},
        {"extracted.created_at": 5, "extracted.author": ["A"], "declared.author": "B"},
        {"extracted.created_at": "9999-12-31T23:59:59-14:00", "extracted.modified_at": "0001-01-01"},
        {},
    ],
)
def test_what_may_well_fit_is_not_asked(fields: dict[str, object]) -> None:
    assert [text for text in questions(fields) if "modified before" not in text] == []  # type: ignore[arg-type]

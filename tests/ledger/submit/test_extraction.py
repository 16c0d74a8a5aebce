"""Metadata taken at anchoring: committed, never fatal, and within what an entry holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from ledger.assembly import Ledger
from ledger.entry.canonical_json import serialise
from ledger.extract.sandbox import Extraction as Taken
from ledger.submit.errors import UnacceptableError
from tests.ledger.making import ALICE, anchor_file, make_log, opened


def photograph(folder: Path) -> bytes:
    """A JPEG that says who took it, with what."""
    path, exif = folder / "p.jpg", Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x013B], exif[0x0132] = "Maker", "Model 7", "Asel", "2026:11:02 08:41:07"
    Image.new("RGB", (32, 32)).save(path, exif=exif)
    return path.read_bytes()


def test_what_the_file_says_is_committed_with_it(tmp_path: Path) -> None:
    settings = make_log(tmp_path / "data", extract=True)
    with opened(settings) as ledger:
        case = ledger.open_case(ALICE, "t").case
        said = serialise({"metadata": {"author": "Somebody else"}})
        anchored = anchor_file(ledger, case, photograph(tmp_path), "door.jpg", said)
        fields = ledger.evidence(ALICE, anchored.number).opened
        assert (fields["extracted.author"], fields["extracted.make"], fields["extracted.format"]) == (
            "Asel", "Maker", "jpeg",
        )  # fmt: skip
        assert fields["extracted.gps"] is None and fields["extracted.extractor_version"]
        assert any("another author than the file names" in each for each in anchored.questions)
        assert anchored.missing == ()
        broken = anchor_file(ledger, case, b"\xff\xd8\xff\xe0 not a photograph", "x.jpg")
        assert ledger.evidence(ALICE, broken.number).opened["extracted.failure"] is not None
        assert [each.name for each in broken.missing] == ["declared.source"]
        assert not list(settings.blobs.glob("incoming/*"))
    assert settings.extract


def test_the_operator_may_switch_it_off(tmp_path: Path) -> None:
    with opened(make_log(tmp_path / "data", extract=False)) as ledger:
        number = anchor_file(ledger, ledger.open_case(ALICE, "t").case, photograph(tmp_path)).number
        assert not [name for name in ledger.evidence(ALICE, number).names if name.startswith("extracted.")]


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        ({"extracted.author": "x" * 70_000}, {"extracted.author": None}),
        ({"extracted.author": 1.5}, {"extracted.author": None}),
        ({f"extracted.f{n}": n for n in range(1_100)}, {"extracted.format": "jpeg"}),
    ],
    ids=["too long", "no value", "too many"],
)
def test_an_extractor_that_overdoes_it_is_not_fatal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: dict[str, object], kept: dict[str, object]
) -> None:
    always = {"extracted.extractor": "e", "extracted.extractor_version": "1", "extracted.failure": None,
              "extracted.format": "jpeg"}  # fmt: skip

    def overdo(*_: object, **__: object) -> Taken:
        return Taken({**always, **found}, "e", "1", None)  # type: ignore[dict-item]

    monkeypatch.setattr("ledger.submit.extraction.extract", overdo)
    with opened(make_log(tmp_path / "data", extract=True)) as ledger:
        number = anchor_file(ledger, ledger.open_case(ALICE, "t").case).number
        fields = ledger.evidence(ALICE, number).opened
        assert kept.items() <= fields.items()
        assert fields["extracted.failure"]


@pytest.mark.parametrize(
    "said",
    [
        {"metadata": {"kind": "painting"}},
        {"metadata": {"kind": 5}},
        {"metadata": {"origin": "genuine"}},
        {"metadata": {"original_at": ["here"]}},
        {"relations": {"inspired_by": ["EL-0000000000-98"]}},
        {"relations": {"supersedes": []}},
        {"relations": {"supersedes": "EL-0000000000-98"}},
        {"relations": {"supersedes": ["EL-0000000000-97"]}},
        {"relations": {"supersedes": [7]}},
        {"relations": {"supersedes": ["EL-0000000000-98"] * 101}},
        {"relations": []},
    ],
    ids=str,
)
def test_words_that_the_ledger_reads_mean_what_they_say(tmp_path: Path, said: dict[str, object]) -> None:
    with opened(make_log(tmp_path / "data")) as ledger:
        case = ledger.open_case(ALICE, "t").case
        with pytest.raises(UnacceptableError) as caught:
            anchor_file(ledger, case, said=serialise(said))  # type: ignore[arg-type]
        assert str(caught.value.where).startswith("statement.")
        check_nothing(ledger, case)


def check_nothing(ledger: Ledger, case: str) -> None:
    assert [entry.kind for entry in ledger.timeline(ALICE, case, 0, 10)] == ["case.opened"]


def test_links_in_a_batch_name_their_line(tmp_path: Path) -> None:
    digests = b'"sha256":"' + b"0" * 64 + b'","sha512":"' + b"0" * 128 + b'","size":1,"name":"n"'
    line = b"{%b}" % digests
    wrong = b'{%b,"relations":{"series":["EL-0000000000-98"]}}' % digests
    with opened(make_log(tmp_path / "data")) as ledger:
        case = ledger.open_case(ALICE, "t").case
        with pytest.raises(UnacceptableError) as caught:
            ledger.anchor_batch(ALICE, case, [line, wrong], None)
        assert caught.value.where == "line 2.relations.series"
        check_nothing(ledger, case)

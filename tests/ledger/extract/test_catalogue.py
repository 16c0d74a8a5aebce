"""Names: constant lists in the ledger's grammar, and a document that says the same as the code."""

from __future__ import annotations

import os

import pytest

from ledger.entry.names import check_name
from ledger.extract.catalogue import as_markdown
from ledger.extract.fields import ALWAYS, PREFIX
from ledger.extract.formats import FORMATS, format_by_type
from ledger.submit.limits import ENTRY_FIELDS, STATEMENT_FIELDS
from tests.conftest import ROOT

DOCUMENT = ROOT / "docs" / "extractors.md"
BEGIN = "<!-- Written by the code: EVIDENCE_WRITE_DOCS=1 pytest tests/ledger/extract/test_catalogue.py -->\n"


@pytest.mark.parametrize("name", FORMATS)
def test_every_name_is_the_ledgers_and_stands_once(name: str) -> None:
    names = FORMATS[name].names
    assert list(names) == sorted(set(names))
    for each in names:
        check_name(each)
        check_name(f"declared.{each}")
        assert each.startswith(PREFIX)
    assert {PREFIX + field.name for field in ALWAYS} <= set(names)
    assert len(names) + STATEMENT_FIELDS + 10 <= ENTRY_FIELDS


def test_the_founding_documents_five_are_where_the_format_has_them() -> None:
    has = {name: {each.removeprefix(PREFIX) for each in chosen.names} for name, chosen in FORMATS.items()}
    for name in ("jpeg", "png", "tiff", "heif", "webp", "pdf", "ooxml", "odf", "ole", "html", "mhtml", "iso_media"):
        assert {"created_at", "modified_at", "author", "version"} <= has[name], name
    assert {"sent_at", "author"} <= has["mail"]
    assert {"sent_at", "author"} <= has["ole"]
    assert {"created_at", "modified_at"} <= has["chat"] & has["archive"]


def test_each_media_type_has_one_reader() -> None:
    types = [media_type for chosen in FORMATS.values() for media_type in chosen.module.MEDIA_TYPES]
    assert len(types) == len(set(types))
    assert format_by_type("image/jpeg").name == "jpeg"
    assert format_by_type("application/octet-stream").name == "other"


def test_the_document_lists_every_format_and_every_name() -> None:
    before, mark, after = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
    if os.environ.get("EVIDENCE_WRITE_DOCS"):
        DOCUMENT.write_text(before + BEGIN + "\n" + as_markdown(), encoding="utf-8")
        return
    assert mark
    assert after == "\n" + as_markdown()

"""The log as anybody reads it: from the served bytes alone the tree can be rebuilt and the checkpoint checked."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.merkle.entry_bundles import parse_entry_bundle
from ledger.merkle.hashing import hash_leaf, tree_root
from ledger.note.checkpoint import parse_checkpoint
from ledger.note.signed_note import parse_note
from tests.api.service import Service, hash_only, running_service

ENTRIES = 600


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A log of more than two full tiles."""
    with running_service(tmp_path_factory.mktemp("filled")) as service:
        case = service.open_case(service.add("alice"))
        lines = b"\n".join(json.dumps(hash_only(b"%d" % at)).encode() for at in range(ENTRIES))
        answer = service.post(
            "alice", f"/api/v1/cases/{case}/evidence:batch", data=lines, content_type="application/x-ndjson"
        )
        assert answer.status_code == 201
        yield service


def test_the_served_leaves_give_the_served_checkpoint(filled: Service) -> None:
    answer = filled.get(None, "/checkpoint")
    assert answer.content_type == "text/plain; charset=utf-8"
    checkpoint = parse_checkpoint(parse_note(answer.get_data()).text)
    assert checkpoint.size == ENTRIES + 2
    hashes: list[bytes] = []
    leaves: list[bytes] = []
    for index in range(0, checkpoint.size, 256):
        width = min(256, checkpoint.size - index)
        path = f"{index // 256:03}" + ("" if width == 256 else f".p/{width}")
        tile = filled.get(None, f"/tile/0/{path}").get_data()
        hashes += [tile[at : at + 32] for at in range(0, len(tile), 32)]
        leaves += parse_entry_bundle(filled.get(None, f"/tile/entries/{path}").get_data(), width)
    assert [hash_leaf(leaf) for leaf in leaves] == hashes
    assert tree_root(hashes) == checkpoint.root
    upper = filled.get(None, "/tile/1/000.p/2").get_data()
    assert upper == tree_root(hashes[:256]) + tree_root(hashes[256:512])


def test_what_never_changes_may_be_kept_and_the_checkpoint_not(filled: Service) -> None:
    for path in ("/tile/0/000", "/tile/entries/001", "/tile/0/002.p/5"):
        assert "immutable" in filled.get(None, path).headers["Cache-Control"]
    assert filled.get(None, "/checkpoint").headers["Cache-Control"] == "public, max-age=1"
    assert filled.get(None, "/tile/0/009").headers["Cache-Control"] == "no-store"


def test_leaves_are_compressed_for_who_asks(filled: Service) -> None:
    plain = filled.get(None, "/tile/entries/000")
    packed = filled.get(None, "/tile/entries/000", headers={"Accept-Encoding": "gzip, br;q=0.5"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.get_data()) == plain.get_data()
    assert packed.content_length < plain.content_length
    refused = filled.get(None, "/tile/entries/000", headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers


@pytest.mark.parametrize(
    "path",
    ["/tile/0/0", "/tile/0/0000", "/tile/0/x000/000", "/tile/0/1", "/tile/0/000/", "/tile/0/000.p/0",
     "/tile/0/000.p/01", "/tile/0/000.p/",
     "/tile/-1/000", "/tile/64/000", "/tile/+0/000", "/tile/0/%30%30%30%2f", "/tile/entries/000.p/256",
     "/tile/entries/00", "/tile/entries/", "/tile/8/000", "/tile/0/002.p/255", "/tile/0/" + "x999/" * 6 + "999"],
)  # fmt: skip
def test_only_the_spec_s_spelling_of_what_exists_is_served(filled: Service, path: str) -> None:
    assert filled.get(None, path).status_code == 404


def test_anybody_s_page_may_read_what_anybody_may_read(filled: Service) -> None:
    for path in ("/checkpoint", "/tile/0/000", "/trust/policy", "/trust/log.vkey", "/trust.zip"):
        assert filled.get(None, path).headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in filled.get("alice", "/api/v1/cases").headers


def test_the_trust_folder_as_files_and_as_a_zip(filled: Service, tmp_path: Path) -> None:
    answer = filled.get(None, "/trust.zip")
    with zipfile.ZipFile(io.BytesIO(answer.get_data())) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    assert files["policy"] == filled.get(None, "/trust/policy").get_data()
    name = "tsa-operator/development.pem"
    assert files[name] == filled.get(None, f"/trust/{name}").get_data()
    assert not [each for each in files if each.startswith("tsa/")], "the development authority is counted by nobody"
    assert filled.get(None, "/trust.zip").get_data() == answer.get_data()
    first, second = filled.get(None, "/trust/log.vkey").get_data(as_text=True).splitlines()
    assert first in files["policy"].decode() and second in files["policy"].decode()
    assert len(first) < len(second), "Ed25519 stands first"


def test_the_counters_name_nobody(filled: Service) -> None:
    filled.get("alice", "/api/v1/cases")
    filled.get(None, "/no/such/address")
    text = filled.get(None, "/metrics").get_data(as_text=True)
    assert 'evidence_http_requests_total{method="GET",route="/api/v1/cases",status="200"}' in text
    assert f"evidence_ledger_size {ENTRIES + 2}.0" in text
    assert "alice" not in text and "such" not in text
    case = filled.get("alice", "/api/v1/cases").get_json()["items"][0]["case"]
    assert case not in text

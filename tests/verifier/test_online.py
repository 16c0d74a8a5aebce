"""Step 11 against a real HTTP server that serves the tiles of a forged log, honestly or not."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.verifier.log_forge import CHAIN, ED25519, ML_DSA, STRANGER, ForgedLog, jcs, number, tree, write_trust
from tests.verifier.zip_forge import bundle
from verifier import online, tiles
from verifier.check import Check, Outcome
from verifier.verify import verify


class Handler(BaseHTTPRequestHandler):
    """Serves `served`; a path under gzip/ is packed."""

    served: dict[str, bytes]

    def do_GET(self) -> None:
        data = self.served.get(self.path.removeprefix("/gzip").removeprefix("/"))
        self.send_response(200 if data is not None else 404)
        if data is not None and self.path.startswith("/gzip/"):
            data = gzip.compress(data)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def serving(served: dict[str, bytes]) -> Iterator[str]:
    handler = type("Served", (Handler,), {"served": served})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def tile_path(number: int) -> str:
    return f"x{number // 1000:03d}/{number % 1000:03d}" if number > 999 else f"{number:03d}"


def resources(log: ForgedLog) -> dict[str, bytes]:
    """All that tlog-tiles serves for the log as it is."""
    served = {"checkpoint": log.checkpoint()}
    nodes, level = log.hashes, 0
    while nodes:
        for start in range(0, len(nodes), 256):
            tile = nodes[start : start + 256]
            suffix = "" if len(tile) == 256 else f".p/{len(tile)}"
            served[f"tile/{level}/{tile_path(start // 256)}{suffix}"] = b"".join(tile)
        nodes = [tree(nodes[start : start + 256]) for start in range(0, len(nodes) - 255, 256)]
        level += 1
    for start in range(0, len(log.leaves), 256):
        leaves = log.leaves[start : start + 256]
        suffix = "" if len(leaves) == 256 else f".p/{len(leaves)}"
        packed = b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)
        served[f"tile/entries/{tile_path(start // 256)}{suffix}"] = packed
    return served


class Grown:
    """A log with a case's bundle and an entry's bundle of it, and how it grew since."""

    def __init__(self, folder: Path, before: int, others: int, later: int = 0) -> None:
        self.log = ForgedLog()
        self.folder = folder
        first = self.log.append("case.opened", fields={"a": 1})
        for _ in range(before):
            self.log.append("evidence.read", "d" * 32, fields={"a": 1})
        self.case = bundle(self.log.members(first), case=CHAIN)
        self.entry = bundle(self.log.members(first), number=number(first.index))
        self.trust = write_trust(folder / "trust", ED25519, ML_DSA)
        for count, chain in ((others, "e" * 32), (later, CHAIN)):
            for _ in range(count):
                self.log.append("evidence.read", chain, fields={"a": 1})
        self.served = resources(self.log)

    def step(self, data: bytes, url: str | None = None) -> Check:
        path = self.folder / "bundle"
        path.write_bytes(data)
        if url is not None:
            return verify(path, self.trust, online=url).checks[10]
        with serving(self.served) as base:
            return verify(path, self.trust, online=base).checks[10]


@pytest.mark.parametrize(
    ("before", "others"), [(0, 0), (0, 1), (5, 0), (5, 7), (250, 3), (254, 1), (255, 300), (300, 400)]
)
def test_a_log_that_grew(tmp_path: Path, before: int, others: int) -> None:
    grown = Grown(tmp_path, before, others)
    assert grown.step(grown.case).outcome is Outcome.PASSED
    assert grown.step(grown.entry).outcome is Outcome.PASSED


def test_a_later_entry_of_the_chain(tmp_path: Path) -> None:
    grown = Grown(tmp_path, 3, 4, later=2)
    assert grown.step(grown.case).outcome is Outcome.FAILED
    found = grown.step(grown.entry)
    assert found.outcome is Outcome.NOT_CHECKED and "entry 9" in found.detail


def test_another_history(tmp_path: Path) -> None:
    grown = Grown(tmp_path, 3, 4)
    other = Grown(tmp_path, 2, 5)
    grown.served = other.served
    assert grown.step(grown.case).outcome is Outcome.FAILED
    same_size = Grown(tmp_path, 2, 1)
    grown = Grown(tmp_path, 3, 0)
    assert len(grown.log.leaves) == len(same_size.log.leaves)
    grown.served = same_size.served
    assert grown.step(grown.case).outcome is Outcome.FAILED


@pytest.mark.parametrize("path", ["tile/0/000.p/9", "tile/entries/000.p/9"])
def test_tiles_and_entries_that_lie(tmp_path: Path, path: str) -> None:
    grown = Grown(tmp_path, 3, 4)
    data = grown.served[path]
    grown.served[path] = data[:40] + bytes([data[40] ^ 1]) + data[41:]
    if path.startswith("tile/entries"):
        grown.served[path] = data[:-1] + bytes([data[-1] ^ 1])
    assert grown.step(grown.case).outcome is Outcome.FAILED
    for broken in (data[:-1], data + b"\0", b""):
        grown.served[path] = broken
        assert grown.step(grown.case).outcome is Outcome.NOT_CHECKED
    del grown.served[path]
    assert grown.step(grown.case).outcome is Outcome.NOT_CHECKED


def test_a_checkpoint_that_is_not_signed_says_nothing(tmp_path: Path) -> None:
    grown = Grown(tmp_path, 3, 4)
    for signers in ((STRANGER,), (ED25519,)):
        grown.served["checkpoint"] = grown.log.checkpoint(signers=signers)
        assert grown.step(grown.case).outcome is Outcome.NOT_CHECKED
    grown.served["checkpoint"] = grown.log.checkpoint(size=3)
    assert "older" in grown.step(grown.case).detail
    grown.served["checkpoint"] = b"x" * (tiles.MAX_CHECKPOINT + 1)
    assert grown.step(grown.case).outcome is Outcome.NOT_CHECKED


def test_gzip_and_prefixes(tmp_path: Path) -> None:
    grown = Grown(tmp_path, 3, 4)
    path = grown.folder / "bundle"
    path.write_bytes(grown.case)
    with serving(grown.served) as base:
        assert verify(path, grown.trust, online=f"{base}/gzip/").checks[10].outcome is Outcome.PASSED


@pytest.mark.parametrize(
    "url", ["", "file:///etc", "ftp://127.0.0.1/", "http://", "http://[", "http://127.0.0.1:9/", "x", "http://a b/"]
)
def test_urls_that_lead_nowhere(tmp_path: Path, url: str) -> None:
    grown = Grown(tmp_path, 1, 1)
    assert grown.step(grown.case, url).outcome is Outcome.NOT_CHECKED


def test_too_many_new_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grown = Grown(tmp_path, 1, 5)
    monkeypatch.setattr(online, "MAX_LEAVES", 4)
    assert "too many" in grown.step(grown.case).detail


def test_redirects_are_not_followed(tmp_path: Path) -> None:
    grown = Grown(tmp_path, 1, 1)

    class Redirecting(Handler):
        served = grown.served

        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", "/".join(["", "elsewhere", self.path]))
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Redirecting)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        found = grown.step(grown.case, f"http://127.0.0.1:{server.server_address[1]}")
    finally:
        server.shutdown()
        server.server_close()
    assert found.outcome is Outcome.NOT_CHECKED


def test_a_leaf_that_cannot_be_read_leaves_its_chain_open(tmp_path: Path) -> None:
    grown = Grown(tmp_path, 1, 0)
    grown.log.leaves.append(jcs({"chain": CHAIN, "v": 2}))
    grown.served = resources(grown.log)
    assert grown.step(grown.case).outcome is Outcome.NOT_CHECKED

"""A log checked from its public files: any changed byte names its file, from a folder and over HTTP, and at once."""

from __future__ import annotations

import gzip
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ledger.commit.signer import CheckpointSigner
from ledger.errors import ConfigError, LedgerError, UnavailableError
from ledger.merkle.entry_bundles import format_entry_bundle, parse_entry_bundle
from ledger.merkle.hashing import hash_leaf
from ledger.merkle.open_tiles import OpenTiles
from ledger.merkle.tiles import TILE_WIDTH, EntryBundleId, partial_tiles, tile_width
from ledger.note.checkpoint import Checkpoint
from ledger.upkeep import tile_source, url_tiles
from ledger.upkeep.finding import Finding
from ledger.upkeep.tile_audit import fsck_tiles
from tests.ledger.making import make_log, opened, signer_of
from tests.ledger.upkeep.tile_log import make_chains, write_folder, write_trust


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`log`: a folder of tiles. `trust`: whom to believe. `data`: the ledger's own."""
    folder = tmp_path_factory.mktemp("public")
    with opened(make_chains(folder / "data")) as ledger:
        write_folder(ledger, folder / "log")
        write_trust(ledger, folder / "trust")
    return folder


@pytest.fixture
def log(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original / "log", tmp_path / "log"))


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def flip(path: Path, at: int) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


class Handler(SimpleHTTPRequestHandler):
    """A plain file server; subclasses misbehave."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving(folder: Path, handler: type[Handler] = Handler) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_sound_log_from_a_folder_and_over_http(original: Path) -> None:
    log = original / "log"
    assert {"checkpoint", "tile/0/000", "tile/entries/000"} < set(files(log))
    for trust in (None, original / "trust"):
        assert list(fsck_tiles(str(log), trust)) == []
        with serving(log) as url:
            assert list(fsck_tiles(url, trust)) == []
    seen: list[tuple[str, int, int]] = []
    assert list(fsck_tiles(str(log), None, lambda *step: seen.append(step))) == []
    assert seen[-1][1] == seen[-1][2] > 1_400


def test_processes_find_what_one_finds(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.upkeep.tile_audit.STRETCH_MIN", 1)
    assert list(fsck_tiles(str(log), processes=2)) == []
    flip(log / "tile/entries/002", 5_000)
    flip(log / "tile/0/004", 5_000)
    alone = list(fsck_tiles(str(log), processes=1))
    assert [each.where for each in alone] == ["tile/entries/002", "tile/0/004"]
    assert list(fsck_tiles(str(log), processes=2)) == alone


def test_a_flipped_byte_in_any_file_names_that_file_alone(original: Path, log: Path) -> None:
    for name in files(log):
        whole = (log / name).read_bytes()
        for at in {0, 45, len(whole) // 2, len(whole) - 1}:
            flip(log / name, at)
            found = list(fsck_tiles(str(log), original / "trust"))
            assert {each.where for each in found} == {name}, (name, at, found)
            (log / name).write_bytes(whole)
    assert list(fsck_tiles(str(log), original / "trust")) == []


@pytest.mark.parametrize("trusted", [True, False])
def test_any_flipped_byte_of_what_is_signed_names_the_checkpoint(original: Path, log: Path, trusted: bool) -> None:
    """The root's base64 may become other base64 or none: the file is the same."""
    whole = (log / "checkpoint").read_bytes()
    root = whole.index(b"\n", whole.index(b"\n") + 1) + 1
    for at in range(0 if trusted else root, whole.index(b"\n\n")):
        flip(log / "checkpoint", at)
        [found] = fsck_tiles(str(log), original / "trust" if trusted else None)
        assert found.where == "checkpoint" and "it cannot be believed" in found.what, (at, found)
        (log / "checkpoint").write_bytes(whole)


def test_a_missing_file_is_named(original: Path, log: Path) -> None:
    for name in files(log):
        whole = (log / name).read_bytes()
        (log / name).unlink()
        if name == "checkpoint":
            with pytest.raises(ConfigError, match="no checkpoint"):
                list(fsck_tiles(str(log), original / "trust"))
        else:
            found = list(fsck_tiles(str(log), original / "trust"))
            assert Finding(name, "it is missing") in found and {each.where for each in found} == {name}
        (log / name).write_bytes(whole)


def test_a_cut_file_is_named(original: Path, log: Path) -> None:
    for name in files(log):
        whole = (log / name).read_bytes()
        for cut in (b"", whole[:-1], whole[: len(whole) // 2], whole + b"\0"):
            (log / name).write_bytes(cut)
            found = list(fsck_tiles(str(log), original / "trust"))
            assert {each.where for each in found} == {name}, (name, len(cut), found)
        (log / name).write_bytes(whole)


def test_two_changed_files_are_both_named(log: Path) -> None:
    flip(log / "tile/entries/001", 9_000)
    flip(log / "tile/0/003", 45)
    assert [each.where for each in fsck_tiles(str(log))] == ["tile/entries/001", "tile/0/003"]


def test_a_full_file_stands_for_a_partial_one(original: Path, log: Path, tmp_path: Path) -> None:
    """The partial ones may be deleted once the full ones are there (tlog-tiles)."""
    older = tmp_path / "older"
    shutil.copytree(log, older)
    size = 1_000
    leaves = leaves_of(log)
    with_keys = signer_of_log(original)
    resign(older, with_keys, leaves[:size])
    for kind in ("0", "entries"):
        shutil.rmtree(older / f"tile/{kind}/003.p")
        shutil.copy(log / f"tile/{kind}/003", older / f"tile/{kind}/003")
    assert list(fsck_tiles(str(older))) == []


# --- logs whose operator misbehaves: signed, and wrong --------------------------------------------------------------


def leaves_of(log: Path) -> list[bytes]:
    found: list[bytes] = []
    size = int((log / "checkpoint").read_text(encoding="utf-8").splitlines()[1])
    for index in range(-(-size // TILE_WIDTH)):
        bundle = EntryBundleId(index, tile_width(0, index, size))
        found += parse_entry_bundle((log / bundle.path()).read_bytes(), bundle.width)
    return found


def signer_of_log(original: Path) -> CheckpointSigner:
    from ledger.config import load_settings

    return signer_of(load_settings(original / "data", {}, {}))


def resign(log: Path, signer: CheckpointSigner, leaves: list[bytes]) -> None:
    """Write the whole log anew over these leaves, signed by its own keys."""
    shutil.rmtree(log / "tile")
    grown = OpenTiles().append([hash_leaf(leaf) for leaf in leaves])
    note = signer._sign(Checkpoint(signer.origin, len(leaves), grown.root))
    (log / "checkpoint").write_bytes(note)
    tiles = [*grown.full, *((tile, grown.tiles.partial(tile.level)) for tile in partial_tiles(len(leaves)))]
    bundles = [
        (EntryBundleId(index, tile_width(0, index, len(leaves))),
         format_entry_bundle(leaves[index * TILE_WIDTH : (index + 1) * TILE_WIDTH]))
        for index in range(-(-len(leaves) // TILE_WIDTH))
    ]  # fmt: skip
    for place, data in [*tiles, *bundles]:
        (log / place.path()).parent.mkdir(parents=True, exist_ok=True)
        (log / place.path()).write_bytes(data)


def swap(leaves: list[bytes]) -> None:
    leaves[500], leaves[501] = leaves[501], leaves[500]


def drop(leaves: list[bytes]) -> None:
    del leaves[700]


def spoil(leaves: list[bytes]) -> None:
    leaves[600] = leaves[600].replace(b'"v":1', b'"v":2')


def publish(leaves: list[bytes]) -> None:
    leaves[300] = leaves[300][: leaves[300].index(b'"fields"')] + (
        b'"kind":"benchmark.recorded",'
        + leaves[300][leaves[300].index(b'"prev"') :].replace(b'"seq"', b'"public":{},"seq"')
    )


@pytest.mark.parametrize(
    ("attack", "what"),
    [
        (swap, "its seq is"), (drop, "its seq is"), (spoil, "its leaf is malformed"),
        (publish, "public content stands on the system chain only"),
    ],
)  # fmt: skip
def test_a_signed_log_that_breaks_its_own_rules(original: Path, log: Path, attack: Any, what: str) -> None:
    leaves = leaves_of(log)
    attack(leaves)
    resign(log, signer_of_log(original), leaves)
    found = list(fsck_tiles(str(log), original / "trust"))
    assert found and all(each.where.startswith("entry ") for each in found)
    assert any(each.what.startswith(what) for each in found), found


def test_another_log_s_checkpoint_and_keys(original: Path, log: Path, tmp_path: Path) -> None:
    with opened(make_log(tmp_path / "other")) as ledger:  # of the same name
        write_folder(ledger, tmp_path / "theirs")
        trust = write_trust(ledger, tmp_path / "trust")
    (found,) = fsck_tiles(str(log), trust)
    assert found.where == "checkpoint" and "it cannot be believed" in found.what
    shutil.copy(tmp_path / "theirs" / "checkpoint", log / "checkpoint")
    assert all(each.where in ("checkpoint", "tile/entries/000.p/1") for each in fsck_tiles(str(log)))
    assert list(fsck_tiles(str(log)))
    (trust / "policy").write_text("quorum none\n", encoding="utf-8")
    (found,) = fsck_tiles(str(log), trust)
    assert found.where == "checkpoint" and "no trusted key has the name" in found.what
    (trust / "policy").write_text("quorum none", encoding="utf-8")
    with pytest.raises(ConfigError, match="read the trust folder"):
        list(fsck_tiles(str(log), trust))
    with pytest.raises(ConfigError, match="read the trust folder"):
        list(fsck_tiles(str(log), tmp_path / "nowhere"))


# --- places that cannot be read ------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["", "no/such/folder", "ftp://ledger.example/", "http://", "https://a.example/?q=1"])
def test_what_is_neither_a_folder_nor_an_address(place: str) -> None:
    with pytest.raises(ConfigError):
        list(fsck_tiles(place))


class Silent(Handler):
    def do_GET(self) -> None:
        if self.path.endswith("tile/entries/003"):
            threading.Event().wait(30)
        super().do_GET()


class Dripping(Handler):
    def do_GET(self) -> None:
        if not self.path.endswith("tile/entries/003"):
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        for _ in range(300):
            self.wfile.write(b"x")
            threading.Event().wait(0.05)


class Flooding(Handler):
    def do_GET(self) -> None:
        if not self.path.endswith("tile/0/002"):
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        for _ in range(tile_source.FILE_MAX // 1_000_000 + 3):
            self.wfile.write(bytes(1_000_000))


class Busy(Handler):
    seen: dict[str, int] = {}  # noqa: RUF012 (shared on purpose)

    def do_GET(self) -> None:
        self.seen[self.path] = self.seen.get(self.path, 0) + 1
        if self.seen[self.path] == 1 and self.path.endswith("3"):
            self.send_error(503)
        else:
            super().do_GET()


class Zipped(Handler):
    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        data = gzip.compress(path.read_bytes())
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Bomb(Handler):
    def do_GET(self) -> None:
        if not self.path.endswith("tile/0/001"):
            super().do_GET()
            return
        data = gzip.compress(bytes(tile_source.FILE_MAX * 2))
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Moved(Handler):
    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.mark.parametrize("handler", [Silent, Dripping, Flooding, Bomb, Moved])
def test_a_server_that_misbehaves_ends_it_with_the_file_s_name(
    original: Path, handler: type[Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(url_tiles, "TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr(url_tiles, "FILE_SECONDS", 1.0)
    with serving(original / "log", handler) as url, pytest.raises(LedgerError) as caught:
        list(fsck_tiles(url, original / "trust"))
    assert caught.value.where is not None and ("tile/" in caught.value.where or caught.value.where == "checkpoint")


@pytest.mark.parametrize("handler", [Busy, Zipped])
def test_a_busy_server_and_a_zipping_one_are_read(original: Path, handler: type[Handler]) -> None:
    with serving(original / "log", handler) as url:
        assert list(fsck_tiles(url, original / "trust")) == []


def test_a_server_that_is_not_there(original: Path) -> None:
    with serving(original / "log") as url:
        pass
    with pytest.raises(UnavailableError):
        list(fsck_tiles(url))

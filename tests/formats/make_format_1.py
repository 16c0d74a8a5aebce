"""Makes format-1.tar.gz: a data folder of format 1, and what people hold of it.

`python -m tests.formats.make_format_1`, run by hand, once, with the release that introduced the format. After a release
it is never made anew: it is what every later one must still open.
"""

from __future__ import annotations

import json
import sys
import tarfile
import tempfile
import threading
from pathlib import Path

from api.auth.accounts import AccountStore
from ledger.assembly import Ledger
from ledger.config import Settings
from tests.ledger.making import ALICE, BOB, JUDGE, anchor_file, make_log, opened, statement

FILES = {"contract.txt": b"the contract\n", "empty.bin": b"", "photo.jpg": b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8}
SAID = '{"metadata":{"author":"А. Серікова","place":"Алматы"},"policy":{"declared.place":"sealed"}}'.encode()
BATCH = 260  # one full tile, and an open one


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = make_log(folder / "data")
        accounts = AccountStore.open(settings.database)
        for actor in (ALICE, BOB, JUDGE):
            accounts.add(actor.name, actor.role)
        accounts.close()
        with opened(settings) as ledger:
            tell(ledger, folder, settings)
        with tarfile.open(target, "w:gz") as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file() and not path.name.endswith((".lock", ".writer-lock")):
                    archive.add(path, str(path.relative_to(folder)), filter=_of_nobody)


def _of_nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


def tell(ledger: Ledger, folder: Path, settings: Settings) -> None:
    """A case with both sides and a court: files, a demand and its answer, an erased field, a batch, a token."""
    case = ledger.open_case(ALICE, "Format 1").case
    ledger.add_member(ALICE, case, BOB.name, BOB.role, "opposing")
    ledger.add_member(ALICE, case, JUDGE.name, JUDGE.role, "court")
    numbers = {name: anchor_file(ledger, case, data, name, SAID, key=name).number for name, data in FILES.items()}
    demand = ledger.desk.demand(BOB, numbers["contract.txt"], fields=["declared.author"], grounds="It is disputed")
    ledger.desk.disclose(ALICE, demand.demand)
    ledger.erase(JUDGE, numbers["photo.jpg"], ["declared.place"], "Order 1")
    ledger.anchor_batch(ALICE, case, [statement(n) for n in range(BATCH)], "batch")
    ledger.start()
    for _ in range(400):
        if ledger.status()["timestamps"][0]["last_index"] is not None:  # type: ignore[index]
            break
        threading.Event().wait(0.05)
    held = folder / "held"
    held.mkdir()
    for name, number in numbers.items():
        if name != "photo.jpg":
            (held / f"{number}.receipt.json").write_bytes(ledger.receipt(ALICE, number))
            (held / f"{number}.evidence.zip").write_bytes(b"".join(ledger.bundle(ALICE, number, True).chunks))
    for name, data in ledger.trust_files().items():
        (folder / "trust" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "trust" / name).write_bytes(data)
    status = ledger.status()
    told = {"case": case, "numbers": numbers, "size": status["size"], "root": status["root"], "origin": settings.origin}
    (folder / "told.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("format-1.tar.gz"))

"""One bit changed at each place that matters, by an opponent who knows the formats and packs the bundle anew."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

Members = dict[str, bytes]

HEX: Final = b"0123456789abcdef"
BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
LETTERS: Final = BASE64[:52]
DIGITS: Final = HEX[:10]


@dataclass(frozen=True, slots=True)
class Tampering:
    """What is changed, the step of docs/spec/verification.md that must refuse it, and how."""

    what: str
    step: int
    change: Callable[[Members], None]


def read_members(bundle: Path) -> Members:
    """The members of a bundle, by name."""
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_members(bundle: Path, members: Mapping[str, bytes], *, keep_list: bool = False) -> None:
    """Pack `members` within the zip profile; bundle.json lists what is there, unless `keep_list`."""
    packed = dict(members)
    if not keep_list:
        head = json.loads(packed.pop("bundle.json"))
        head["members"] = [
            {"name": name, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            for name, data in sorted(packed.items())
        ]
        text = json.dumps(head, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        packed["bundle.json"] = text.encode("utf-8")
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(packed):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), packed[name])


def flip_bit(data: bytes, at: int, alphabet: bytes | None = None) -> bytes:
    """`data` with one bit of the byte at `at` flipped, so that the byte stays within `alphabet`."""
    for bit in range(8):
        changed = data[at] ^ (1 << bit)
        if alphabet is None or changed in alphabet:
            return data[:at] + bytes([changed]) + data[at + 1 :]
    raise ValueError(f"no single bit keeps byte {at} within its alphabet")


def entry_of(members: Members) -> str:
    """The folder of the subject's entry."""
    found = [name.rpartition("/")[0] for name in members if name.endswith("/hashes")]
    if len(found) != 1:
        raise ValueError(f"expected one entry with fields, got {len(found)}")
    return found[0]


def opening_named(members: Members, field: str) -> str:
    """The member that opens `field`."""
    folder = f"{entry_of(members)}/fields/"
    return next(name for name in members if name.startswith(folder) and json.loads(members[name])[0] == field)


def in_evidence(members: Members) -> None:
    name = next(name for name in members if name.startswith("evidence/"))
    members[name] = flip_bit(members[name], len(members[name]) // 2)


def in_leaf(members: Members) -> None:
    """The last digit of the claimed time."""
    name = f"{entry_of(members)}/leaf.json"
    members[name] = flip_bit(members[name], members[name].index(b'Z","v":1') - 1, DIGITS)


def in_value(members: Members) -> None:
    """A letter of what was declared."""
    name = opening_named(members, "declared.author")
    members[name] = flip_bit(members[name], members[name].rindex(b'"') - 1, LETTERS)


def in_salt(members: Members) -> None:
    name = opening_named(members, "declared.author")
    members[name] = flip_bit(members[name], members[name].index(b'","') + 3, BASE64)


def in_hash(members: Members) -> None:
    name = f"{entry_of(members)}/hashes"
    members[name] = flip_bit(members[name], members[name].index(b"\n") + 1, HEX)


def in_proof(members: Members) -> None:
    """The first hash of the inclusion proof."""
    name = f"{entry_of(members)}/proof.tlog-proof"
    second_line_ends = members[name].index(b"\n", members[name].index(b"\n") + 1)
    members[name] = flip_bit(members[name], second_line_ends + 1, BASE64)


def in_signature(line: int) -> Callable[[Members], None]:
    """The signature in the checkpoint's line `line`: 0 is Ed25519, 1 is ML-DSA-44. In every proof alike."""

    def change(members: Members) -> None:
        for name, data in members.items():
            if name.endswith("/proof.tlog-proof"):
                begins = [at for at in range(len(data)) if data.startswith("\n— ".encode(), at)][line]
                # Past the key ID, which stands in the first six characters of the base64.
                at = data.index(b" ", begins + len("\n— ".encode())) + 40
                members[name] = flip_bit(data, at, BASE64)

    return change


def without_line(line: int) -> Callable[[Members], None]:
    """One of the log's two signatures is left out."""

    def change(members: Members) -> None:
        for name, data in members.items():
            if name.endswith("/proof.tlog-proof"):
                lines = data.decode("utf-8").splitlines(keepends=True)
                signed = [number for number, text in enumerate(lines) if text.startswith("— ")]
                del lines[signed[line]]
                members[name] = "".join(lines).encode("utf-8")

    return change


def in_token(members: Members) -> None:
    """The end of the token: its signature. Its record in the log is left out, or it would no longer be admitted."""
    for name in [
        name for name in members if name.startswith("entries/") and not name.startswith(f"{entry_of(members)}/")
    ]:
        del members[name]
    members["timestamps/0/token.tsr"] = flip_bit(
        members["timestamps/0/token.tsr"], -4 + len(members["timestamps/0/token.tsr"])
    )


def in_number(members: Members) -> None:
    """bundle.json names the receipt number of an entry that is not here, with right check digits."""
    head = json.loads(members["bundle.json"])
    index = int(head["number"][3:13]) ^ 0b1_0000_0000
    head["number"] = f"EL-{index:010}-{98 - index * 100 % 97:02}"
    members["bundle.json"] = json.dumps(head).encode()


TAMPERINGS: Final = (
    Tampering("the evidence file", 3, in_evidence),
    Tampering("the leaf (its claimed time)", 5, in_leaf),
    Tampering("a declared value", 4, in_value),
    Tampering("an opening's salt", 4, in_salt),
    Tampering("a field hash", 4, in_hash),
    Tampering("the inclusion proof", 5, in_proof),
    Tampering("the checkpoint's Ed25519 signature", 6, in_signature(0)),
    Tampering("the checkpoint's ML-DSA-44 signature", 6, in_signature(1)),
    Tampering("the Ed25519 signature left out", 6, without_line(0)),
    Tampering("the ML-DSA-44 signature left out", 6, without_line(1)),
    Tampering("a timestamp token", 8, in_token),
    Tampering("the number in bundle.json", 5, in_number),
)

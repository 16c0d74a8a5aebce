"""A small log of its own making: leaves, commitments, a signed checkpoint, proofs, and bundles and receipts of them.

Trees are computed by RFC 6962's recursive definitions, which share nothing with the verifier's algorithms.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ORIGIN = "log.test/court"
CHAIN = "0123456789abcdef" * 2
SYSTEM_CHAIN = "f" * 32
SECRET = bytes(range(32))
FILE = b"the evidence"


def jcs(value: Any) -> bytes:
    """Canonical JSON, for members whose names are ascii."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def hash_leaf(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def split(count: int) -> int:
    return 1 << (count - 1).bit_length() - 1


def tree(hashes: Sequence[bytes]) -> bytes:
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = split(len(hashes))
    return node(tree(hashes[:k]), tree(hashes[k:]))


def path(index: int, hashes: Sequence[bytes]) -> list[bytes]:
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    if index < k:
        return [*path(index, hashes[:k]), tree(hashes[k:])]
    return [*path(index - k, hashes[k:]), tree(hashes[:k])]


def consistency(size: int, hashes: Sequence[bytes], whole: bool = True) -> list[bytes]:
    if size == len(hashes):
        return [] if whole else [tree(hashes)]
    k = split(len(hashes))
    if size <= k:
        return [*consistency(size, hashes[:k], whole), tree(hashes[k:])]
    return [*consistency(size - k, hashes[k:], False), tree(hashes[:k])]


@dataclass(frozen=True)
class Signer:
    """A key of any of the three types, with the line it writes under a checkpoint."""

    name: str
    kind: int
    seed: int

    @property
    def _key(self) -> Ed25519PrivateKey | MLDSA44PrivateKey:
        seed = bytes([self.seed]) * 32
        return MLDSA44PrivateKey.from_seed_bytes(seed) if self.kind == 6 else Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def material(self) -> bytes:
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def key_id(self) -> bytes:
        hashed = self.name.encode() + b"\n" + bytes([self.kind]) + self.material
        return hashlib.sha256(hashed).digest()[:4]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{b64(bytes([self.kind]) + self.material)}"

    def line(self, text: bytes, time: int = 1_700_000_000) -> bytes:
        """The line; the same bytes each time it is asked for, although ML-DSA signatures are randomised."""
        return _line(self, text, time)

    def signature(self, text: bytes, time: int) -> bytes:
        stamp = time.to_bytes(8, "big")
        if self.kind == 1:
            return self._key.sign(text)
        if self.kind == 4:
            return stamp + self._key.sign(b"cosignature/v1\ntime %d\n" % time + text)
        origin, size, root = text.decode().split("\n")[:3]
        name, log = self.name.encode(), origin.encode()
        message = b"subtree/v1\n\0" + bytes([len(name)]) + name + stamp + bytes([len(log)]) + log
        message += bytes(8) + int(size).to_bytes(8, "big") + base64.b64decode(root)
        return stamp + self._key.sign(message)


@cache
def _line(signer: Signer, text: bytes, time: int) -> bytes:
    return f"— {signer.name} {b64(signer.key_id + signer.signature(text, time))}\n".encode()


ED25519 = Signer(ORIGIN, 1, 1)
ML_DSA = Signer(ORIGIN, 6, 2)
RETIRED_ED25519 = Signer(ORIGIN, 1, 3)
RETIRED_ML_DSA = Signer(ORIGIN, 6, 4)
WITNESS = Signer("witness.test/w", 4, 5)
WITNESS_ML_DSA = Signer("witness.test/m", 6, 6)
STRANGER = Signer("stranger.test", 1, 7)


@dataclass
class ForgedEntry:
    """An entry and the parts it is handed over with."""

    index: int
    leaf: bytes
    hashes: list[bytes] = field(default_factory=list)
    openings: list[bytes] = field(default_factory=list)


@dataclass
class ForgedLog:
    """A log whose entries are appended one by one; the first is `log.opened`."""

    leaves: list[bytes] = field(default_factory=list)
    signers: tuple[Signer, ...] = (ED25519, ML_DSA)
    _seq: dict[str, int] = field(default_factory=dict)
    _last: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        vkeys = [ED25519.vkey, ML_DSA.vkey]
        self.append("log.opened", SYSTEM_CHAIN, public={"origin": ORIGIN, "v": 1, "vkeys": vkeys})

    def append(self, kind: str, chain: str = CHAIN, *, time: str = "2024-03-02T09:00:00.000Z", **content: Any) -> Any:
        """Append an entry with `fields`, `public`, or with members of the leaf set otherwise (`leaf`)."""
        entry = ForgedEntry(len(self.leaves), b"")
        seq, prev = self._seq.get(chain, 0), self._last.get(chain)
        members: dict[str, Any] = {"chain": chain, "kind": kind, "seq": seq, "time": time, "v": 1}
        members["prev"] = None if prev is None else hash_leaf(prev).hex()
        if "fields" in content:
            entry.openings = openings(content["fields"])
            entry.hashes = [hash_leaf(opening) for opening in entry.openings]
            members["fields"] = {"count": len(entry.hashes), "root": tree(entry.hashes).hex()}
        if "public" in content:
            members["public"] = content["public"]
        members |= content.get("leaf", {})
        entry.leaf = jcs(members)
        self.leaves.append(entry.leaf)
        self._seq[chain], self._last[chain] = seq + 1, entry.leaf
        return entry

    @property
    def hashes(self) -> list[bytes]:
        return [hash_leaf(leaf) for leaf in self.leaves]

    def text(self, size: int | None = None, origin: str = ORIGIN) -> bytes:
        hashes = self.hashes[:size]
        return f"{origin}\n{len(hashes)}\n{b64(tree(hashes))}\n".encode()

    def checkpoint(self, size: int | None = None, signers: Sequence[Signer] | None = None) -> bytes:
        text = self.text(size)
        return text + b"\n" + b"".join(signer.line(text) for signer in signers or self.signers)

    def proof(self, index: int, checkpoint: bytes | None = None) -> bytes:
        lines = ["c2sp.org/tlog-proof@v1", f"index {index}", *map(b64, path(index, self.hashes))]
        return "\n".join(lines).encode() + b"\n\n" + (checkpoint or self.checkpoint())

    def members(self, *entries: ForgedEntry, checkpoint: bytes | None = None) -> dict[str, bytes]:
        """The members of a bundle that holds these entries, all fields open."""
        checkpoint = checkpoint or self.checkpoint()
        members: dict[str, bytes] = {}
        for entry in entries:
            folder = f"entries/{entry.index}"
            members[f"{folder}/leaf.json"] = entry.leaf
            members[f"{folder}/proof.tlog-proof"] = self.proof(entry.index, checkpoint)
            if entry.hashes:
                members[f"{folder}/hashes"] = b"".join(value.hex().encode() + b"\n" for value in entry.hashes)
            for position, opening in enumerate(entry.openings):
                members[f"{folder}/fields/{position}.json"] = opening
        return members

    def receipt(self, entry: ForgedEntry, **changes: Any) -> bytes:
        """The receipt of an entry, with members added, replaced, or left out where the value is None."""
        members: dict[str, Any] = {
            "v": 1,
            "number": number(entry.index),
            "leaf": entry.leaf.decode(),
            "proof": self.proof(entry.index).decode(),
            "hashes": [value.hex() for value in entry.hashes],
            "opened": [opening.decode() for opening in entry.openings],
            "timestamps": [],
            "entries": [],
            "certs": [],
        }
        members |= changes
        return jcs({name: value for name, value in members.items() if value is not None})


def number(index: int) -> str:
    return f"EL-{index:010d}-{98 - index * 100 % 97:02d}"


def openings(fields: Mapping[str, Any]) -> list[bytes]:
    """The openings of fields with SECRET, `@names` first."""
    named = [("@names", sorted(fields)), *sorted(fields.items())]
    return [jcs([name, b64(hmac.digest(SECRET, name.encode(), "sha256")[:16]), value]) for name, value in named]


def anchored_fields(data: bytes = FILE, **changes: Any) -> dict[str, Any]:
    """The fields of an evidence.anchored; a change to `...` leaves a field out. Dots in names are written __."""
    fields: dict[str, Any] = {
        "file.name": "photo.JPEG",
        "file.size": len(data),
        "file.sha256": hashlib.sha256(data).hexdigest(),
        "file.sha512": hashlib.sha512(data).hexdigest(),
        "file.media_type": "image/jpeg",
        "submitter.name": "Айгүл",
    }
    fields |= {name.replace("__", "."): value for name, value in changes.items()}
    return {name: value for name, value in fields.items() if value is not ...}


def write_trust(folder: Path, *signers: Signer, policy: str = "quorum none\n", **files: str) -> Path:
    """A trust folder that believes these log keys and no timestamp authority."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.joinpath("policy").write_text("".join(f"log {signer.vkey}\n" for signer in signers) + policy)
    for name, content in files.items():
        folder.joinpath(name).write_text(content)
    return folder

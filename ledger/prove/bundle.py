"""The bundle: the parts as files in a zip, and a README with the commands of other people's tools."""

from __future__ import annotations

import re
import shlex
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from ledger.blobs.contract import BlobStore
from ledger.entry.canonical_json import Value, serialise
from ledger.errors import CorruptError, LimitError
from ledger.prove.parts import EntryParts, TimestampParts
from ledger.prove.zip_writer import Member, write_zip, zip_length

MEMBERS_MAX = 100_000
MEMBER_BYTES_MAX = 64 * 1024 * 1024
ALL_BYTES_MAX = 512 * 1024 * 1024
"""What a verifier reads at most (docs/spec/bundle.md, "Zip profile"); evidence files are not counted in bytes."""

_READ_BYTES = 1024 * 1024
_EXTENSION = re.compile(r"[a-z0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """The file of an anchored entry that goes into the bundle: its name as committed, its SHA-256 (32 bytes)."""

    index: int
    name: str
    sha256: bytes


@dataclass(frozen=True, slots=True)
class BundleStream:
    """A bundle on its way out. `length` in bytes; `chunks` can be read once."""

    filename: str
    length: int
    chunks: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class BundleParts:
    """All that goes into a bundle. Either `number` (an entry's) or `case` (a chain). `trust`: the operator's own
    copy.
    """

    number: str | None
    case: str | None
    entries: Sequence[EntryParts]
    timestamps: Sequence[TimestampParts]
    certs: Sequence[str]
    evidence: Sequence[EvidenceFile]
    trust: Mapping[str, bytes]


def write_bundle(parts: BundleParts, blobs: BlobStore) -> BundleStream:
    """The bundle's bytes, the same for the same content.

    Each evidence file is read twice: once for its CRC-32, which also shows whether the blob is still what was received.
    Raises CorruptError if it is not, LimitError for a bundle that no verifier would read.
    """
    members = [*_entry_members(parts.entries), *_timestamp_members(parts.timestamps)]
    members += [Member.of(f"certs/{n}.pem", pem.encode("ascii")) for n, pem in enumerate(parts.certs)]
    members += [_evidence_member(file, blobs) for file in parts.evidence]
    members += [Member.of(f"trust/{name}", data) for name, data in parts.trust.items()]
    members.append(Member.of("README.txt", _readme(parts).encode("ascii")))
    members.sort(key=lambda member: member.name.encode("ascii"))
    members.append(Member.of("bundle.json", _manifest(parts, members)))
    _check_limits(members)
    members.sort(key=lambda member: member.name.encode("ascii"))
    return BundleStream(f"{parts.number or parts.case}.evidence.zip", zip_length(members), write_zip(members))


def extension_of(file_name: str) -> str:
    """What follows the name's last dot, if that is 1 to 8 ASCII letters and digits (lowered); otherwise `bin`."""
    _, dot, tail = file_name.rpartition(".")
    lowered = "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in tail)
    return lowered if dot and _EXTENSION.fullmatch(lowered) else "bin"


def _entry_members(entries: Sequence[EntryParts]) -> Iterator[Member]:
    for entry in entries:
        folder = f"entries/{entry.index}"
        yield Member.of(f"{folder}/leaf.json", entry.leaf)
        yield Member.of(f"{folder}/proof.tlog-proof", entry.proof)
        if entry.openings is not None:
            yield Member.of(f"{folder}/hashes", _hex_lines(entry.hashes))
            for position, opening in entry.openings.items():
                yield Member.of(f"{folder}/fields/{position}.json", opening)


def _timestamp_members(timestamps: Sequence[TimestampParts]) -> Iterator[Member]:
    for n, timestamp in enumerate(timestamps):
        folder = f"timestamps/{n}"
        yield Member.of(f"{folder}/token.tsr", timestamp.token)
        yield Member.of(f"{folder}/stamped", timestamp.stamped.encode())
        yield Member.of(f"{folder}/consistency", _hex_lines(timestamp.consistency))


def _check_limits(members: Sequence[Member]) -> None:
    sizes = [member.size for member in members if not member.name.startswith("evidence/")]
    for what, limit, got in (
        ("members", MEMBERS_MAX, len(members)),
        ("bytes in one member", MEMBER_BYTES_MAX, max(sizes)),
        ("bytes beside the evidence", ALL_BYTES_MAX, sum(sizes)),
    ):
        if got > limit:
            raise LimitError(f"write a bundle: expected at most {limit} {what}, got {got}", "bundle", limit, got)


def _hex_lines(hashes: Sequence[bytes]) -> bytes:
    return "".join(f"{each.hex()}\n" for each in hashes).encode("ascii")


def _evidence_member(file: EvidenceFile, blobs: BlobStore) -> Member:
    def read() -> Iterator[bytes]:
        with blobs.open(file.sha256) as stream:
            while chunk := stream.read(_READ_BYTES):
                yield chunk

    size, crc, digest = 0, 0, sha256()
    for chunk in read():
        size += len(chunk)
        crc = zlib.crc32(chunk, crc)
        digest.update(chunk)
    if digest.digest() != file.sha256:
        raise CorruptError(f"bundle the file of entry {file.index}: the stored bytes are not those that were received")
    return Member(f"evidence/{file.index}.{extension_of(file.name)}", size, crc, file.sha256, read)


def _manifest(parts: BundleParts, members: Sequence[Member]) -> bytes:
    subject: dict[str, Value] = {"number": parts.number} if parts.number is not None else {"case": parts.case}
    listed: list[Value] = [{"name": each.name, "sha256": each.sha256.hex(), "size": each.size} for each in members]
    kind = "entry" if parts.number is not None else "case"
    return serialise({**subject, "members": listed, "subject": kind, "v": 1})


def _readme(parts: BundleParts) -> str:
    """Commands of tools that others wrote. Everything that varies is quoted for a shell, also an authority's name."""
    lines = [
        f"Evidence bundle of {parts.number or 'case ' + str(parts.case)}.",
        "",
        "The operator of the ledger wrote this folder. Nothing in it is a verdict. Take the program that checks it",
        "(evidence-verify) and the trust folder from elsewhere: from the court, from your own side's expert.",
        "",
        "The same can be done by hand, with tools that others wrote. Run these in the unzipped folder.",
        "TRUST is your own trust folder:",
        "",
        "TRUST=../trust",
        "",
    ]
    if parts.evidence:
        lines += ["# the evidence file's digests; compare with file.sha256 and file.sha512"]
        lines += ["sha256sum evidence/*", "sha512sum evidence/*", ""]
    lines += [
        "# the log: any tool for C2SP tlog-proof, with the log's keys from your policy file;",
        "# an entry's hash is SHA-256 of the byte 00 and its leaf.json",
    ]
    lines += [f"(printf '\\000'; cat entries/{entry.index}/leaf.json) | sha256sum" for entry in parts.entries[:8]]
    if parts.timestamps:
        lines += ["", "# the timestamps: each must print Verification: OK"]
    for n, timestamp in enumerate(parts.timestamps):
        lines.append(_openssl_command(n, timestamp, len(parts.certs), parts.trust))
    return "\n".join(lines) + "\n"


def _openssl_command(n: int, timestamp: TimestampParts, certs: int, trust: Mapping[str, bytes]) -> str:
    folder = "tsa-operator" if f"tsa-operator/{timestamp.authority}.pem" in trust else "tsa"
    anchor = shlex.quote(f"{timestamp.authority}.pem")
    untrusted = "".join(f" -untrusted certs/{each}.pem" for each in range(certs))
    # -attime: an authority's certificate may have ended since; -partial_chain: the anchor need not be a root.
    return (
        f"openssl ts -verify -data timestamps/{n}/stamped -in timestamps/{n}/token.tsr"
        f' -CAfile "$TRUST"/{folder}/{anchor} -partial_chain -attime {timestamp.gen_time_ms // 1000}{untrusted}'
    )

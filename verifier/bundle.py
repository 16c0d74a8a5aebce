"""From a bundle's members to the evidence they hold (docs/spec/bundle.md, "Members of a bundle")."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from verifier.canonical_json import Json, NotCanonical, is_int, parse_object
from verifier.commitment import OpeningPart
from verifier.container import Archive, read_archive
from verifier.encoding import is_hex
from verifier.errors import StepFailed
from verifier.evidence import MAX_TIMESTAMPS, Entry, Evidence, EvidenceFile, Timestamp
from verifier.hash_list import HashList, from_lines
from verifier.pem import is_one_block
from verifier.receipt_number import BadNumber, index_of
from verifier.trust import is_trust_name

BUNDLE_JSON = "bundle.json"
README = "README.txt"
TRUST_FOLDER = "trust/"
CASE_DIGITS = 32

_DECIMAL = r"(0|[1-9][0-9]*)"
_ENTRY = re.compile(rf"entries/{_DECIMAL}/(leaf\.json|proof\.tlog-proof|hashes)")
_OPENING = re.compile(rf"entries/{_DECIMAL}/fields/{_DECIMAL}\.json")
_TIMESTAMP = re.compile(rf"timestamps/{_DECIMAL}/(token\.tsr|stamped|consistency)")
_CERTIFICATE = re.compile(rf"certs/{_DECIMAL}\.pem")
_EVIDENCE = re.compile(rf"evidence/{_DECIMAL}\.([a-z0-9]{{1,8}})")
_RETIRED = re.compile(r"retired/([1-9][0-9]*)")


@dataclass
class _Parts:
    """Members sorted by what they belong to; the names inside are those of the members."""

    entries: dict[int, dict[str, bytes]] = field(default_factory=lambda: defaultdict(dict))
    openings: dict[int, list[OpeningPart]] = field(default_factory=lambda: defaultdict(list))
    timestamps: dict[int, dict[str, bytes]] = field(default_factory=lambda: defaultdict(dict))
    certificates: dict[int, bytes] = field(default_factory=dict)
    files: dict[int, tuple[EvidenceFile, ...]] = field(default_factory=dict)
    retired: dict[int, HashList] = field(default_factory=dict)
    trust_copy: dict[str, bytes] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def read_bundle(file: BinaryIO, length: int) -> Evidence:
    """The evidence in a bundle of `length` bytes.

    Raises StepFailed(1) where the zip profile or bundle.json leaves nothing to go on; every other fault of step 1 that
    shows without reading an entry is listed in the evidence, so that the other steps can still be judged.
    """
    archive = read_archive(file, length)
    if BUNDLE_JSON not in archive.contents:
        raise StepFailed(1, "the bundle has no bundle.json")
    statement = _statement(archive.contents[BUNDLE_JSON])
    parts = _sort(archive)
    parts.faults[:0] = _listing_faults(statement["members"], archive.digests)
    entries = _entries(parts)
    number, case = statement.get("number"), statement.get("case")
    return Evidence(
        is_receipt=False,
        number=number if isinstance(number, str) else None,
        case=case if isinstance(case, str) else None,
        subject=_subject(number, entries),
        entries=entries,
        timestamps=_timestamps(parts),
        certificates=_certificates(parts),
        files=parts.files,
        retired=parts.retired,
        trust_copy=parts.trust_copy,
        faults=tuple(parts.faults),
    )


def _statement(data: bytes) -> dict[str, Json]:
    try:
        statement = parse_object(data)
    except NotCanonical as error:
        raise StepFailed(1, f"bundle.json: {error}") from None
    about = {"entry": "number", "case": "case"}.get(str(statement.get("subject")))
    if about is None or statement.keys() != {"members", "subject", "v", about}:
        raise StepFailed(1, "bundle.json should have members, subject, v and one of number and case")
    if not is_int(statement["v"]) or statement["v"] != 1:
        raise StepFailed(1, "bundle.json should be of v 1")
    stated = statement[about]
    if not isinstance(stated, str) or (about == "case" and not is_hex(stated, CASE_DIGITS)):
        raise StepFailed(1, f"bundle.json should name its {about} in the form of one")
    _check_listing(statement["members"])
    return statement


def _check_listing(members: Json) -> None:
    if not isinstance(members, list):
        raise StepFailed(1, "the members in bundle.json should be a list")
    last = b""
    for member in members:
        if not isinstance(member, dict) or member.keys() != {"name", "sha256", "size"}:
            raise StepFailed(1, "a member in bundle.json should be an object of name, sha256 and size")
        name, sha256, size = member["name"], member["sha256"], member["size"]
        if not isinstance(name, str) or not isinstance(sha256, str) or not is_hex(sha256, 64):
            raise StepFailed(1, "a member in bundle.json should have a name and a sha256 of 64 hex digits")
        if not isinstance(size, int) or not is_int(size) or size < 0:
            raise StepFailed(1, "a member's size in bundle.json should be an integer of 0 or more")
        if name.encode("utf-8") <= last:
            raise StepFailed(1, "the members in bundle.json should be strictly ascending by name")
        last = name.encode("utf-8")


def _listing_faults(members: Json, digests: Mapping[str, tuple[int, str]]) -> list[str]:
    listed = {
        str(member["name"]): (member["size"], member["sha256"])
        for member in (members if isinstance(members, list) else ())
        if isinstance(member, dict)
    }
    faults = [f"{name} is not listed in bundle.json" for name in digests if name not in listed and name != BUNDLE_JSON]
    for name, stated in listed.items():
        if name == BUNDLE_JSON or name not in digests:
            faults.append("bundle.json lists a member that it should not, or that the bundle does not hold")
        elif digests[name] != stated:
            faults.append(f"{name} differs from the size or digest that bundle.json lists")
    return faults


def _sort(archive: Archive) -> _Parts:
    parts = _Parts()
    for name, data in archive.contents.items():
        if name not in (BUNDLE_JSON, README) and not _place(name, data, parts):
            parts.faults.append(f"{name} is no member of a bundle")
    for name, digest in archive.evidence.items():
        if match := _EVIDENCE.fullmatch(name):
            index = int(match[1])
            parts.files[index] = (*parts.files.get(index, ()), EvidenceFile(match[2], digest))
        else:
            parts.faults.append(f"{name} is no member of a bundle")
    return parts


def _place(name: str, data: bytes, parts: _Parts) -> bool:
    if match := _OPENING.fullmatch(name):
        parts.openings[int(match[1])].append(OpeningPart(data, int(match[2])))
    elif match := _ENTRY.fullmatch(name):
        parts.entries[int(match[1])][match[2]] = data
    elif match := _TIMESTAMP.fullmatch(name):
        parts.timestamps[int(match[1])][match[2]] = data
    elif match := _CERTIFICATE.fullmatch(name):
        parts.certificates[int(match[1])] = data
    elif match := _RETIRED.fullmatch(name):
        parts.retired[int(match[1])] = from_lines(data)
    elif name.startswith(TRUST_FOLDER) and is_trust_name(name.removeprefix(TRUST_FOLDER)):
        parts.trust_copy[name.removeprefix(TRUST_FOLDER)] = data
    else:
        return False
    return True


def _entries(parts: _Parts) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    for index in sorted(parts.entries.keys() | parts.openings.keys()):
        members = parts.entries.get(index, {})
        missing = [name for name in ("leaf.json", "proof.tlog-proof") if name not in members]
        if missing:
            parts.faults.append(f"entry {index} has no {' and no '.join(missing)}")
            continue
        openings = sorted(parts.openings.get(index, ()), key=lambda part: part.position or 0)
        hashes = from_lines(members["hashes"]) if "hashes" in members else None
        entries.append(Entry(index, members["leaf.json"], members["proof.tlog-proof"], hashes, tuple(openings)))
    return tuple(entries)


def _subject(number: Json, entries: Iterable[Entry]) -> Entry | None:
    """The entry a number names; that there is none, or no number, is step 5's to say."""
    if not isinstance(number, str):
        return None
    try:
        index = index_of(number)
    except BadNumber:
        return None
    return next((entry for entry in entries if entry.index == index), None)


def _timestamps(parts: _Parts) -> tuple[Timestamp, ...]:
    _check_numbering("timestamps", parts.timestamps, parts.faults)
    if len(parts.timestamps) > MAX_TIMESTAMPS:
        parts.faults.append(f"at most {MAX_TIMESTAMPS} timestamps are allowed and {len(parts.timestamps)} are there")
    timestamps: list[Timestamp] = []
    for number in sorted(parts.timestamps)[:MAX_TIMESTAMPS]:
        members = parts.timestamps[number]
        missing = [name for name in ("consistency", "stamped", "token.tsr") if name not in members]
        if missing:
            parts.faults.append(f"timestamp {number} has no {' and no '.join(missing)}")
            continue
        timestamps.append(Timestamp(members["token.tsr"], members["stamped"], from_lines(members["consistency"])))
    return tuple(timestamps)


def _certificates(parts: _Parts) -> tuple[bytes, ...]:
    _check_numbering("certs", parts.certificates, parts.faults)
    for number, data in sorted(parts.certificates.items()):
        if not is_one_block(data):
            parts.faults.append(f"certs/{number}.pem is not exactly one PEM certificate")
    return tuple(data for _, data in sorted(parts.certificates.items()))


def _check_numbering(folder: str, numbered: Mapping[int, object], faults: list[str]) -> None:
    if sorted(numbered) != list(range(len(numbered))):
        faults.append(f"{folder}/ is not numbered from 0 without a gap")

"""The trust folder: what the reader believes (docs/spec/bundle.md, "Trust folder")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from verifier.encoding import BadEncoding, base64_hash
from verifier.errors import Unreadable, VerifierError
from verifier.policy import BadPolicy, Policy, key_of, lines_of, number_of, parse_policy
from verifier.signed_note import Key

# A folder of a few keys and certificates; beyond this it is a mistake, such as naming the wrong folder, or a bundle's
# copy that is meant to keep the reader waiting.
MAX_FILE = 2**20
MAX_FILES = 1_000
MAX_TOGETHER = 8 * 2**20

_NAME = re.compile(r"policy|retired|maps|tsa/quorum|tsa(?:-operator)?/[A-Za-z0-9._-]+\.pem")
_FOLDERS = frozenset(("tsa", "tsa-operator"))


class BadTrust(VerifierError):
    """A trust folder is not what the specification says one is."""


@dataclass(frozen=True)
class RetiredKey:
    """A log key that no longer signs, and the last tree it is believed for: its size and 32-byte root."""

    key: Key
    size: int
    root: bytes


@dataclass(frozen=True)
class Trust:
    """A trust folder. `authorities` and `operator`: path of the file (`tsa/NAME.pem`) → its anchors.

    `quorum`: how many authorities must agree, 0 where there is none. `monitors` are believed for completeness.
    """

    policy: Policy
    authorities: Mapping[str, tuple[x509.Certificate, ...]]
    operator: Mapping[str, tuple[x509.Certificate, ...]]
    quorum: int
    retired: tuple[RetiredKey, ...]
    monitors: tuple[Key, ...]


def is_trust_name(name: str) -> bool:
    """Whether a relative path is one that a trust folder may hold."""
    return _NAME.fullmatch(name) is not None


def read_trust(folder: Path) -> Trust:
    """The reader's trust folder; raises Unreadable."""
    try:
        return parse_trust(_read_files(folder))
    except BadTrust as error:
        raise Unreadable(f"the trust folder {folder}: {error}") from None
    except (OSError, ValueError) as error:
        raise Unreadable(f"the trust folder {folder} cannot be read: {error}") from None


def parse_trust(files: Mapping[str, bytes]) -> Trust:
    """A trust folder from its files by relative path; raises BadTrust."""
    for name in files:
        if not is_trust_name(name):
            raise BadTrust(f"{name} is no file of a trust folder")
    if len(files) > MAX_FILES or sum(map(len, files.values())) > MAX_TOGETHER:
        raise BadTrust(f"it has more than {MAX_FILES} files, or {MAX_TOGETHER} bytes")
    if "policy" not in files:
        raise BadTrust("it has no policy")
    anchors = {name: _anchors(name, data) for name, data in sorted(files.items()) if name.endswith(".pem")}
    _check_distinct(anchors)
    authorities = {name: found for name, found in anchors.items() if name.startswith("tsa/")}
    try:
        return Trust(
            parse_policy(files["policy"]),
            authorities,
            {name: found for name, found in anchors.items() if name not in authorities},
            _quorum(files.get("tsa/quorum"), len(authorities)),
            tuple(_retired(items) for items in lines_of(files.get("retired", b""), "retired")),
            _monitors(files.get("maps", b"")),
        )
    except (BadPolicy, BadEncoding) as error:
        raise BadTrust(str(error)) from None


def _read_files(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        raise BadTrust("it is not a folder")
    files: dict[str, bytes] = {}
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name in _FOLDERS:
            files |= {f"{path.name}/{inner.name}": _read_file(inner) for inner in sorted(path.iterdir())}
        else:
            files[path.name] = _read_file(path)
        if len(files) > MAX_FILES:
            raise BadTrust(f"it has more than {MAX_FILES} files")
    return files


def _read_file(path: Path) -> bytes:
    if not path.is_file():
        raise BadTrust(f"{path.name} is not a plain file")
    with path.open("rb") as file:
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise BadTrust(f"{path.name} has more than {MAX_FILE} bytes")
    return data


def _anchors(name: str, data: bytes) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificates(data))
    except (ValueError, x509.InvalidVersion) as error:  # the second is no ValueError
        raise BadTrust(f"{name} does not hold PEM certificates: {error}") from None


def _check_distinct(anchors: Mapping[str, tuple[x509.Certificate, ...]]) -> None:
    seen: set[bytes] = set()
    for name, certificates in anchors.items():
        for certificate in certificates:
            der = certificate.public_bytes(Encoding.DER)
            if der in seen:
                raise BadTrust(f"{name} holds a certificate that the folder holds twice")
            seen.add(der)


def _quorum(data: bytes | None, authorities: int) -> int:
    if data is None:
        return min(authorities, 2)
    if not data.endswith(b"\n"):
        raise BadTrust("tsa/quorum should be decimal and a line feed")
    quorum = number_of(data[:-1], "tsa/quorum")
    if not 1 <= quorum <= authorities:
        raise BadTrust(f"tsa/quorum should be 1 to the number of authorities, {authorities}, and is {quorum}")
    return quorum


def _retired(items: list[bytes]) -> RetiredKey:
    if len(items) != 3:
        raise BadTrust("a line of retired should be a vkey, a size and a root")
    size = number_of(items[1], "a size in retired")
    if size < 1:
        raise BadTrust("a size in retired should be 1 or more")
    return RetiredKey(key_of(items[0], "retired"), size, base64_hash(items[2].decode("ascii", "replace")))


def _monitors(data: bytes) -> tuple[Key, ...]:
    keys: list[Key] = []
    quorums: list[int] = []
    for items in lines_of(data, "maps"):
        if len(items) == 2 and items[0] == b"quorum":
            quorums.append(number_of(items[1], "the quorum in maps"))
        elif len(items) == 1:
            keys.append(key_of(items[0], "maps"))
        else:
            raise BadTrust("maps has a line that is neither a vkey nor a quorum")
    if len(quorums) > 1 or any(not 1 <= quorum <= len(keys) for quorum in quorums):
        raise BadTrust("maps should name its quorum at most once, 1 to the number of its monitors")
    return tuple(keys)

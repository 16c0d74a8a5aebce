"""From a statement and a file's facts to the fields of an entry. Pure: no clock, no disk, no secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ledger.entry.canonical_json import Value, serialise
from ledger.entry.names import check_name
from ledger.errors import LedgerError
from ledger.submit.errors import UnacceptableError
from ledger.submit.file_name import check_file_name
from ledger.submit.limits import ENTRY_FIELDS, NAME_BYTES, OPENING_BYTES, VALUE_BYTES, VALUE_DEPTH
from ledger.submit.policy import Visibility, visibility
from ledger.submit.statement import Statement

__all__ = ["EVIDENCE_ANCHORED", "Draft", "FileFacts", "Visibility", "draft_evidence", "visibility"]

EVIDENCE_ANCHORED: Final = "evidence.anchored"
POLICY_FIELD: Final = "system.policy"
RECEIVED_FIELD: Final = "file.received"
"""Whether the ledger received the file and measured its digests; if not, they are the submitter's word."""

# Namespaces that the server fills itself and hands to the draft. What a client says about the same things is declared.*
_SERVER_NAMESPACES: Final = ("extracted.", "capture.", "relation.", "signature.")
# An opening of @names is ["@names","<24 characters of base64>",["name","name"]]: around the names, and for each of them
# two quotes and a comma.
_NAMES_FRAME_BYTES: Final = len('["@names","",[]]') + 24
_NAME_FRAME_BYTES: Final = 3


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is committed of a file. size in bytes, sha256 of 32 bytes, sha512 of 64 bytes.

    Of a file that the ledger received, measured here; of one that stayed at home, the party's word: `received` says
    which.
    """

    name: str
    size: int
    sha256: bytes
    sha512: bytes
    media_type: str
    received: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before it has a secret, a place and a time: its kind, and its fields without `@names`."""

    kind: str
    fields: Mapping[str, Value]


def draft_evidence(
    statement: Statement,
    file: FileFacts,
    submitter_name: str,
    *,
    server_fields: Mapping[str, Value] | None = None,
    entry_fields: int = ENTRY_FIELDS,
) -> Draft:
    """The draft of an `evidence.anchored` entry (FORMATS §2).

    `server_fields` come from the server's own extractors and acts, by full name. `system.policy` is always there, an
    empty object when the statement sets none: so its presence tells nothing.

    Raises UnacceptableError: too many fields for one entry (`entry_fields`, at most 1,023) or for `@names`, a server
    field outside its namespaces, a file or submitter without an acceptable name.
    """
    fields: dict[str, Value] = {
        "file.name": check_file_name(file.name, where="file.name"),
        "file.size": file.size,
        "file.sha256": file.sha256.hex(),
        "file.sha512": file.sha512.hex(),
        "file.media_type": file.media_type,
        RECEIVED_FIELD: file.received,
        "submitter.name": _check_submitter(submitter_name),
        POLICY_FIELD: dict(statement.policy),
    }
    fields.update(statement.fields())
    fields.update(_check_server_fields(server_fields or {}))
    _check_room(fields, entry_fields)
    return Draft(EVIDENCE_ANCHORED, fields)


def _check_submitter(name: str) -> str:
    if not name:
        raise UnacceptableError("drafting evidence: expected the submitter's name, got none", "submitter.name")
    return name


def _check_server_fields(server_fields: Mapping[str, Value]) -> Mapping[str, Value]:
    for name, value in server_fields.items():
        if not name.startswith(_SERVER_NAMESPACES):
            raise UnacceptableError(
                f"drafting evidence: expected a server's field among {' '.join(_SERVER_NAMESPACES)}, got another", name
            )
        try:
            check_name(name)
            length = len(serialise(value, max_depth=VALUE_DEPTH))
        except LedgerError as error:
            raise UnacceptableError(f"drafting evidence: {error.what}", name) from error
        if length > VALUE_BYTES:
            raise UnacceptableError(f"drafting evidence: expected at most {VALUE_BYTES} bytes, got {length}", name)
    return server_fields


def _check_room(fields: Mapping[str, Value], entry_fields: int) -> None:
    if len(fields) > entry_fields:
        raise UnacceptableError(f"drafting evidence: expected at most {entry_fields} fields, got {len(fields)}")
    if len(fields) * (NAME_BYTES + _NAME_FRAME_BYTES) + _NAMES_FRAME_BYTES <= OPENING_BYTES:
        return  # even the longest names fit: the usual case, not counted
    length = _NAMES_FRAME_BYTES + sum(len(name) + _NAME_FRAME_BYTES for name in fields) - 1
    if length > OPENING_BYTES:
        raise UnacceptableError(
            f"drafting evidence: the names of all fields take {length} bytes as an opening, at most {OPENING_BYTES} fit"
        )

"""Acts that record what happens to evidence and between the parties: transfers, reading, revealing, channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from ledger.casework.cases import CaseState
from ledger.casework.people import Actor
from ledger.casework.sight import FILE, committed_policy
from ledger.casework.state import EvidenceState
from ledger.casework.texts import LINE_CHARACTERS, check_optional, check_text
from ledger.casework.transitions import SUBMITTER, permit
from ledger.entry.canonical_json import Value
from ledger.entry.leaf import parse_time
from ledger.errors import ConflictError, ForbiddenError, LedgerError, NotFoundError
from ledger.submit.acts import Act
from ledger.submit.errors import UnacceptableError, place_of
from ledger.submit.policy import visibility

CHANNEL_KINDS: Final = ("account", "email", "messenger", "phone", "post", "other")
CHANNELS: Final = 100
"""Addresses in one declaration: those of a large firm fit."""

READ_KINDS: Final = ("view", "file", "bundle")


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer of custody with the particulars of ISO/IEC 27037. `at`: a time in the ledger's form, if known."""

    to: str
    from_: str | None = None
    at: str | None = None
    place: str | None = None
    reason: str | None = None
    authority: str | None = None
    condition: str | None = None
    changes: str | None = None


def decide_transfer(state: EvidenceState, actor: Actor, transfer: Transfer) -> list[Act]:
    """`custody.transferred`, by any member: it is his word, with his name on it."""
    act = "transfer custody"
    permit("record a transfer of custody", state.role_of(actor))
    check_text(transfer.to, act, "to", LINE_CHARACTERS)
    if transfer.at is not None:
        try:
            parse_time(transfer.at)
        except LedgerError as error:
            raise UnacceptableError(f"{act}: {error.what}", "at") from error
    said: dict[str, Value] = {}
    for name, value in asdict(transfer).items():
        plain = name.rstrip("_")
        said[f"custody.{plain}"] = check_optional(value, act, plain)
    fields: dict[str, Value] = {**said, "relation.entry": state.row.index, "submitter.name": actor.name}
    return [Act(state.row.chain, "custody.transferred", fields, state.case.acts)]


def decide_reveal(state: EvidenceState, actor: Actor, names: Sequence[str]) -> list[Act]:
    """`evidence.revealed`: the submitter's side opens fields, or the file, to all members of the case."""
    act = "reveal"
    permit("reveal fields to all members", state.role_of(actor))
    if isinstance(names, str) or not names:
        raise UnacceptableError(f"{act}: expected at least one field", "fields")
    policy = committed_policy(state.fields)
    for name in names:
        if name in state.erased:
            raise ConflictError(f"{act}: it was erased on an order", name)
        if name == FILE:
            if not state.row.stored:
                raise UnacceptableError(f"{act}: the file is not here, only its digests were submitted", FILE)
        elif name not in state.names:
            raise UnacceptableError(f"{act}: it was never committed", place_of("fields", str(name)))
        elif visibility(name, policy) == "sealed":
            raise ForbiddenError(f"{act}: it is sealed, which only the court's ruling opens", name)
    fields: dict[str, Value] = {
        "answer.fields": sorted(set(names)),
        "relation.entry": state.row.index,
        "submitter.name": actor.name,
    }
    return [Act(state.row.chain, "evidence.revealed", fields, state.case.acts)]


def decide_read(state: EvidenceState, actor: Actor, what: str) -> list[Act]:
    """`evidence.read`: somebody else than the submitter's side looked. Nothing for that side itself."""
    if state.role_of(actor) == SUBMITTER:
        return []
    fields: dict[str, Value] = {
        "custody.to": actor.name,
        "custody.what": what,
        "relation.entry": state.row.index,
        "submitter.name": actor.name,
    }
    return [Act(state.row.chain, "evidence.read", fields, state.case.acts)]


def decide_channels(state: CaseState, actor: Actor, channels: Sequence[Mapping[str, str]]) -> list[Act]:
    """`channel.declared`: a side names the addresses from which its messages count."""
    act = "declare channels"
    member = state.member(actor.name)
    if member is None:
        raise NotFoundError("no such case, or you are not a member of it")
    if not member.side:
        raise ForbiddenError(f"{act}: only a side of the case may")
    if not 1 <= len(channels) <= CHANNELS:
        raise UnacceptableError(f"{act}: expected 1 to {CHANNELS} addresses", "channels")
    listed: list[Value] = []
    for place, channel in enumerate(channels):
        where = f"channels.{place}"
        if channel.keys() != {"address", "kind"}:
            raise UnacceptableError(f"{act}: expected exactly address and kind", where)
        if channel["kind"] not in CHANNEL_KINDS:
            raise UnacceptableError(f"{act}: expected a kind among {', '.join(CHANNEL_KINDS)}", where)
        address = check_text(channel["address"], act, where, LINE_CHARACTERS)
        listed.append({"address": address, "kind": channel["kind"]})
    fields: dict[str, Value] = {"declared.channels": listed, "submitter.name": actor.name}
    return [Act(state.case.chain, "channel.declared", fields, state.acts)]

"""How a piece of evidence stands beside others: links, copies by other parties, challenges, declared channels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ledger.casework.people import Actor
from ledger.casework.reading import CaseReader, SeenEntry, fields_of
from ledger.casework.views import ChallengeView, LinkView
from ledger.entry.canonical_json import Value
from ledger.entry.leaf import parse_leaf
from ledger.entry.receipt_number import format_number, parse_number
from ledger.store.case_contracts import CaseStore
from ledger.submit.draft import EVIDENCE_ANCHORED

LINKS_SHOWN: Final = 200
"""Links to a piece of evidence, and copies of it, that a view lists: more are found from the other entries."""

CHANNELS_READ: Final = 200
"""Declarations of channels that are looked through for a sender's address, the newest."""

SENDER_FIELDS: Final = ("declared.sender", "extracted.from", "extracted.sender")

_NO_PROOF: Final = "presumption, rebuttable; not proof of the person"


class Connections:
    """Reads for a viewer who was found to be a member."""

    def __init__(self, store: CaseStore, reader: CaseReader) -> None:
        self._store = store
        self._reader = reader

    def links(self, actor: Actor, seen: SeenEntry) -> tuple[LinkView, ...]:
        """Links that this entry makes, and those that others make to it, as far as the viewer sees the field."""
        mine = [each for each in self._store.links_from([seen.row.index]) if f"relation.{each.relation}" in seen.open]
        found = [LinkView(each.relation, format_number(each.target), True) for each in mine]
        made = self._store.links_to(seen.row.index, LINKS_SHOWN)
        others = self._reader.seen_at(actor, seen.row.chain, [each.index for each in made])
        open_names = {other.row.index: other.open for other in others}
        for each in made:
            if f"relation.{each.relation}" in open_names.get(each.index, ()):
                found.append(LinkView(each.relation, format_number(each.index), False))
        return tuple(found)

    def copies(self, actor: Actor, seen: SeenEntry, links: Sequence[LinkView]) -> tuple[str, ...]:
        """Whether others anchored the same bytes, and whether linked evidence has others. Only where both digests are
        open to the viewer: a comparison would tell a closed one.
        """
        digest = seen.evidence.sha256 if seen.evidence is not None else None
        if digest is None or "file.sha256" not in seen.open:
            return ()
        same = self._store.evidence_like(seen.row.chain, digest, LINKS_SHOWN)
        indexes = {row.index for row in same} - {seen.row.index}
        indexes |= {parse_number(link.number) for link in links if link.relation not in ("answers", "series")}
        found = []
        for other in self._reader.seen_at(actor, seen.row.chain, sorted(indexes)):
            if "file.sha256" in other.open and other.evidence is not None:
                word = "same" if other.evidence.sha256 == digest else "different"
                found.append(f"{word} bytes as number {format_number(other.row.index)}")
        return tuple(found)

    def sender(self, seen: SeenEntry) -> str | None:
        """What the declared channels say of a message's sender; None where the entry names none that is open."""
        if seen.row.kind != EVIDENCE_ANCHORED:
            return None
        addresses = [str(seen.fields[name]) for name in SENDER_FIELDS if name in seen.open and seen.fields.get(name)]
        if not addresses:
            return None
        acts = self._store.acts_of_kind(seen.row.chain, "channel.declared", CHANNELS_READ)
        openings = self._store.openings([act.index for act in acts])
        rows = self._store.entries_at([act.index for act in acts])
        for act in acts:
            fields = fields_of(openings[act.index])
            declared = {address.casefold() for address in _addresses(fields.get("declared.channels"))}
            if any(_mentions(address, declared) for address in addresses):
                day = parse_leaf(rows[act.index].leaf).time[:10]
                return f"sender address: declared by {fields.get('submitter.name')} on {day}; {_NO_PROOF}"
        return f"sender address: not declared; {_NO_PROOF}"

    @staticmethod
    def standing(challenges: Iterable[ChallengeView]) -> str:
        """Whether the evidence is challenged or admitted, in words."""
        said = []
        for each in challenges:
            part = f", {len(each.fields)} fields" if each.fields else ""
            if each.state == "admitted":
                said.append(f"admitted on {each.time[:10]} by {each.by}{part}")
            elif each.state in ("open", "answered"):
                said.append(f"challenged on {each.time[:10]} by {each.by}{part}, {each.state}")
            else:
                said.append(f"challenged on {each.time[:10]} by {each.by}{part}, ruled: {each.state}")
        return "; ".join(said) or "not challenged"


def _addresses(channels: Value) -> list[str]:
    listed = channels if isinstance(channels, list) else []
    return [str(each.get("address")) for each in listed if isinstance(each, dict)]


def _mentions(sender: str, declared: set[str]) -> bool:
    """Whether a sender, such as `Name <a@b.example>`, is one of the declared addresses."""
    text = sender.casefold().strip()
    inner = text.rpartition("<")[2].removesuffix(">").strip()
    return text in declared or inner in declared

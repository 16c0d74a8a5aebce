"""Cases, entries and evidence as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from api.v1.casework_views import challenge_json, link_json
from api.wire.cursor import Page
from ledger.entry.canonical_json import Value, serialise

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.casework.queries import CaseView, EntryView, EvidenceView, LookupHit, MemberView
    from ledger.submit.anchor_flow import Anchored

Item = TypeVar("Item")


def page_json(page: Page[Item], item_json: Callable[[Item], Value]) -> Value:
    return {"items": [item_json(item) for item in page.items], "next": page.next}


def member_json(member: MemberView) -> Value:
    return {"user": member.account, "role": member.role, "side": member.side}


def case_json(case: CaseView) -> Value:
    return {
        "case": case.case,
        "title": case.title,
        "opener": case.opener,
        "index": case.index,
        "length": case.length,
        "members": [member_json(member) for member in case.members],
    }


def entry_json(entry: EntryView | EvidenceView) -> dict[str, Value]:
    return {
        "number": entry.number,
        "index": entry.index,
        "seq": entry.seq,
        "kind": entry.kind,
        "time": entry.time,
        "leaf_hash": entry.leaf_hash,
        "names": list(entry.names),
        "opened": dict(entry.opened),
        "closed": list(entry.closed),
        "erased": list(entry.erased),
    }


def evidence_json(evidence: EvidenceView) -> Value:
    return {
        **entry_json(evidence),
        "case": evidence.case,
        "leaf": evidence.leaf,
        "openings": dict(evidence.openings),
        "published": evidence.published,
        "has_file": evidence.has_file,
        "standing": evidence.standing,
        "challenges": [challenge_json(challenge) for challenge in evidence.challenges],
        "links": [link_json(link) for link in evidence.links],
        "copies": list(evidence.copies),
        "sender": evidence.sender,
    }


def hit_json(hit: LookupHit) -> Value:
    return {"number": hit.number, "case": hit.case, "index": hit.index, "name": hit.name, "time": hit.time}


def anchored_bytes(anchored: Anchored) -> bytes:
    """The answer to a submission, in canonical bytes. The receipt is canonical JSON already, and put in as it is: by
    name it is the last member but one.
    """
    missing = [{"name": each.name, "reason": each.reason} for each in anchored.missing]
    # Code, case, number and time are of letters, digits and marks that need no escape.
    before = f'{{"access":"{anchored.access}","case":"{anchored.case}","index":{anchored.index},"missing":'
    number = f',"number":"{anchored.number}","questions":'
    return b"".join(
        (
            before.encode("ascii"),
            serialise(missing) if missing else b"[]",
            number.encode("ascii"),
            serialise(list(anchored.questions)) if anchored.questions else b"[]",
            b',"receipt":',
            anchored.receipt,
            f',"time":"{anchored.time}"}}'.encode("ascii"),
        )
    )

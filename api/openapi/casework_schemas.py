"""The bodies of casework, as JSON Schema: demands and answers, challenges, standing, custody, erasure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.openapi.shapes import (
    HEX_32,
    NUMBER,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TIME,
    list_of,
    object_of,
    page_of,
)
from ledger.casework.challenges import HEADS, RULINGS
from ledger.casework.custody import CHANNEL_KINDS
from ledger.casework.demands import ANSWERS, OBJECTS
from ledger.casework.demands import ORDERS as DEMAND_ORDERS
from ledger.casework.reminders import KINDS, LEVELS
from ledger.casework.standing import COURT_ROLE, ROLES
from ledger.casework.standing import ORDERS as STANDING_ORDERS
from ledger.casework.transitions import CHALLENGE_STATES, DEMAND_STATES, STANDING_STATES

NAMES_OR_ALL: Final = {"anyOf": [TEXTS, {"const": "all"}]}
ADMITTED: Final = "admitted"
"""The state of an admission, which stands among the challenges."""

_OBJECT: Final = {"enum": list(OBJECTS)}
_ANSWER: Final = {"enum": list(ANSWERS)}
_HEADS: Final = {"type": "array", "items": {"enum": list(HEADS)}}
_SIDE: Final = {"enum": list(ROLES)}
_EVIDENCE: Final = {**NUMBER, "description": "The evidence's receipt number."}
_ACT: Final = {**NUMBER, "description": "The receipt number of the act, an entry of the case."}

_NEW_DEMAND: Final = object_of(
    {
        "fields": {**NAMES_OR_ALL, "description": "Names, prefixes that end in .*, or all; none for another object."},
        "object": {**_OBJECT, "description": "What is demanded; without it, fields."},
        "grounds": {**TEXT, "description": "Why. It is recorded, and all sides read it."},
    },
    "fields",
    "object",
)

_DISCLOSURE: Final = object_of(
    {
        "fields": {**NAMES_OR_ALL, "description": "Which are opened; without it all that was demanded and may be."},
        "answer": {**_ANSWER, "description": "Without it, disclosed. What stays closed makes it partly."},
        "text": {**TEXT, "description": "What there is to say; how an original was handed over or can be inspected."},
        "produced": {**NUMBER, "description": "produced_later: the evidence that was anchored since."},
    },
    "fields",
    "answer",
    "text",
    "produced",
)

_DEMAND: Final = object_of(
    {
        "demand": {**NUMBER, "description": "Its id: the receipt number of the entry that lodged it."},
        "number": _EVIDENCE,
        "case": HEX_32,
        "state": {"enum": list(DEMAND_STATES)},
        "object": _OBJECT,
        "fields": NAMES_OR_ALL,
        "grounds": TEXT,
        "due_at": TIME,
        "due_basis": {**TEXT, "description": "Where the term comes from."},
        "time": TIME,
        "by": {**TEXT, "description": "The account that lodged it."},
        "events": list_of("Event"),
    }
)

_CHALLENGE: Final = object_of(
    {
        "challenge": {**NUMBER, "description": "Its id: the receipt number of its entry."},
        "number": _EVIDENCE,
        "case": HEX_32,
        "state": {"enum": [*CHALLENGE_STATES, ADMITTED]},
        "heads": _HEADS,
        "fields": {**TEXTS, "description": "Empty: the whole."},
        "grounds": TEXT_OR_NULL,
        "time": TIME,
        "by": TEXT,
        "events": list_of("Event"),
    },
    meaning="A challenge to authenticity; with state admitted, an admission.",
)

_STANDING: Final = object_of(
    {
        "standing": {
            "type": ["string", "null"],
            "pattern": NUMBER["pattern"],
            "description": "The request's id; null where a court's account was let in at once.",
        },
        "number": _EVIDENCE,
        "case": HEX_32,
        "state": {"enum": list(STANDING_STATES)},
        "user": TEXT,
        "role": {"enum": [*ROLES, COURT_ROLE]},
        "time": TIME,
        "events": list_of("Event"),
    }
)

_REMINDER: Final = object_of(
    {
        "kind": {"enum": list(KINDS), "description": "A demand to answer; to rule on; a request for standing."},
        "subject": {**NUMBER, "description": "The id of the demand, or of the request."},
        "number": _EVIDENCE,
        "case": HEX_32,
        "due_at": {**TIME, "type": ["string", "null"], "description": "The end of the term; null without one."},
        "seconds_left": {"type": ["integer", "null"], "description": "Below zero when the term is over."},
        "level": {"enum": list(LEVELS), "description": "soon: less than three days; waiting: without a term."},
    }
)

_TRANSFER: Final = object_of(
    {
        "to": TEXT,
        "from": TEXT,
        "at": TIME,
        "place": TEXT,
        "reason": TEXT,
        "authority": {**TEXT, "description": "On whose authority."},
        "condition": TEXT,
        "changes": {**TEXT, "description": "Changes that could not be avoided, and who answers for them."},
    },
    "from", "at", "place", "reason", "authority", "condition", "changes",
    meaning="The particulars of ISO/IEC 27037.",
)  # fmt: skip

_CHANNEL: Final = object_of({"address": TEXT, "kind": {"enum": list(CHANNEL_KINDS)}})

CASEWORK_SCHEMAS: Final[Mapping[str, Any]] = {
    "Event": object_of(
        {"number": _ACT, "kind": TEXT, "time": TIME, "by": TEXT}, meaning="An act on a demand, challenge or request."
    ),
    "NewDemand": _NEW_DEMAND,
    "Disclosure": _DISCLOSURE,
    "Refusal": object_of({"reason": TEXT}),
    "DemandRuling": object_of(
        {
            "order": {"enum": list(DEMAND_ORDERS)},
            "reason": TEXT,
            "fields": {**NAMES_OR_ALL, "description": "What the order opens; without it all that was demanded."},
        },
        "fields",
    ),
    "Demand": _DEMAND,
    "DemandPage": page_of("Demand"),
    "Reminder": _REMINDER,
    "Reminders": object_of({"items": list_of("Reminder")}),
    "NewChallenge": object_of(
        {"grounds": TEXT, "heads": {**_HEADS, "description": "Without it, content."}, "fields": TEXTS},
        "heads",
        "fields",
    ),
    "Admission": object_of({"fields": TEXTS, "grounds": TEXT}, "fields", "grounds"),
    "ChallengeAnswer": object_of({"text": TEXT}),
    "ChallengeRuling": object_of({"order": {"enum": list(RULINGS)}, "reason": TEXT}),
    "Challenge": _CHALLENGE,
    "NewStanding": object_of({"code": TEXT, "role": {**_SIDE, "description": "Without it, opposing."}}, "role"),
    "StandingRuling": object_of({"order": {"enum": list(STANDING_ORDERS)}, "reason": TEXT}),
    "Standing": _STANDING,
    "StandingPage": page_of("Standing"),
    "Access": object_of({"number": _EVIDENCE, "access": {**TEXT, "description": "The new code; the old one ended."}}),
    "Removal": object_of({"reason": TEXT}),
    "Transfer": _TRANSFER,
    "Revealed": object_of({"fields": {**TEXTS, "description": "Names; file for the file's bytes."}}),
    "Channels": object_of({"channels": {"type": "array", "items": _CHANNEL}}),
    "Act": object_of({"act": _ACT, "number": _EVIDENCE}),
    "CaseAct": object_of({"act": _ACT, "case": HEX_32}),
    "NewErasure": object_of(
        {
            "fields": {**NAMES_OR_ALL, "description": "Names; file for the file's bytes."},
            "order": {**TEXT, "description": "The court's order, and who made it."},
        }
    ),
    "Erasure": object_of(
        {
            "erasure": _ACT,
            "number": _EVIDENCE,
            "fields": TEXTS,
            "unfinished": {
                **TEXT_OR_NULL,
                "description": "Why the database's own files, or a locked store of blobs, may still hold old bytes, "
                "and what its administrator must do; the server goes on trying. null: they hold none.",
            },
        }
    ),
}

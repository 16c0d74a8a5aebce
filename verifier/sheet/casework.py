"""Demands with their answers, challenges and admissions, erasures: the same words in a report and in a check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from verifier.casework.act import Act
from verifier.casework.casework import Erasure
from verifier.casework.challenge import Challenge
from verifier.casework.demand import Demand
from verifier.casework.judged import Judged, Reason, State
from verifier.receipt_number import number_of
from verifier.report_casework import qualified
from verifier.result import Result
from verifier.sheet.all_words import Language
from verifier.sheet.frame import facts, mark, more, name, section, table, value
from verifier.sheet.markup import Markup, join, tag
from verifier.sheet.summary import bounds, reservation

# An honest bundle holds a few; beyond that the page says how many it leaves out.
MAX_SHOWN_ACTS = 100

_MARKS = {
    State.OPENED: ("✔", "good"),
    State.ABSENT: ("○", "good"),
    State.NEVER_COMMITTED: ("∅", "good"),
    State.REFUSED: ("✖", "bad"),
    State.ERASED: ("▬", "open"),
    State.ORDERED: ("!", "bad"),
    State.CLOSED: ("?", "open"),
}


def demands(result: Result, found: Sequence[Demand], words: Language, *, complete: bool) -> Markup:
    """Each demand: who, when, what, why, until when; what came back for each name; what happened since."""
    shown = [_demand(demand, words) for demand in found[:MAX_SHOWN_ACTS]]
    return _acts(result, words.sheet.demands, shown, len(found), words, complete=complete)


def answered(result: Result, found: Demand, completeness: Sequence[str], words: Language, *, so_far: bool) -> Markup:
    """The demand whose answer was checked, and what is known of entries that the answer does not show."""
    notes = [tag("p", tag("strong", text) if so_far else text) for text in completeness]
    return section(words.sheet.demands, reservation(result, words), _demand(found, words, so_far=so_far), *notes)


def challenges(result: Result, words: Language, *, complete: bool) -> Markup:
    """Each challenge and admission, and how it ended."""
    found = result.casework.challenges
    shown = [_challenge(challenge, words) for challenge in found[:MAX_SHOWN_ACTS]]
    return _acts(result, words.sheet.challenges, shown, len(found), words, complete=complete)


def erasures(result: Result, words: Language) -> Markup:
    """Each erasure, and on whose order; nothing where there is none."""
    found = result.casework.erasures
    if not found:
        return Markup()
    shown = [_erasure(erasure, words) for erasure in found[:MAX_SHOWN_ACTS]]
    return _acts(result, words.sheet.erasures, shown, len(found), words, complete=True)


def _acts(
    result: Result, heading: str, shown: Sequence[Markup], count: int, words: Language, *, complete: bool
) -> Markup:
    note = tag("p", words.sheet.none_here) if not count else Markup()
    warning = Markup() if complete else tag("p", words.sheet.not_complete)
    return section(heading, reservation(result, words), note, *shown, more(count - len(shown), words.sheet), warning)


def _demand(demand: Demand, words: Language, *, so_far: bool = False) -> Markup:
    labels = words.sheet.labels
    state = qualified(words.sheet.demand_states[demand.state], words.sheet, so_far=so_far)
    rows = [
        *_who_and_when(demand.act, demand.evidence, words),
        (labels["object"], _word(demand.object, words.sheet.objects, words)),
        (labels["fields"], _asked(demand, words)),
        (labels["grounds"], _said(demand.grounds, words)),
        (labels["due"], _due(demand, words)),
        (labels["state"], tag("strong", state)),
    ]
    head = [labels["name"], labels["came"], labels["reason"], labels["entry"]]
    answers = table(head, [_answer(judged, words, so_far=so_far) for judged in demand.answers], words.sheet)
    return join(
        tag("h3", f"{labels['demand']} {demand.act.number}"), facts(rows), answers, _events(demand.events, words)
    )


def _asked(demand: Demand, words: Language) -> Markup:
    if demand.fields is None:
        return join(words.sheet.unreadable)
    if isinstance(demand.fields, str):
        return join(words.sheet.all_names)
    return Markup(", ".join(name(field) for field in demand.fields)) or join("–")


def _due(demand: Demand, words: Language) -> Markup:
    if demand.due_at is None:
        return join(words.sheet.unknown)
    said = words.sheet.labels["due_says"].format(time=demand.due_at)
    return join(said, " – ", value(demand.due_basis, words.sheet)) if demand.due_basis else join(said)


def _answer(judged: Judged, words: Language, *, so_far: bool) -> list[str]:
    icon, manner = _MARKS[judged.state]
    state = qualified(words.sheet.states[judged.state], words.sheet, so_far=so_far and judged.state is State.REFUSED)
    shown = Markup()
    if judged.state is State.OPENED and judged.value is not None:
        shown = value(judged.value, words.sheet)
    elif isinstance(judged.reason, Reason):
        shown = join(words.sheet.reasons[judged.reason])
    elif judged.reason is not None:
        shown = value(judged.reason, words.sheet)
    act = judged.act.number if judged.act is not None else ""
    return [name(judged.name), mark(icon, state, manner), shown, act]


def _challenge(challenge: Challenge, words: Language) -> Markup:
    labels = words.sheet.labels
    heads = [words.sheet.heads.get(head, head) for head in challenge.heads or ()]
    fields = Markup(", ".join(name(field) for field in challenge.fields or ()))
    rows = [
        *_who_and_when(challenge.act, challenge.evidence, words),
        (labels["state"], tag("strong", words.sheet.challenge_states[challenge.state])),
        (labels["fields"], fields or join(words.sheet.unknown if challenge.fields is None else words.sheet.whole)),
        (labels["grounds"], Markup("–") if challenge.is_silent else _said(challenge.grounds, words)),
    ]
    if challenge.state != "admitted":
        rows.insert(2, (labels["heads"], value(", ".join(heads), words.sheet) if heads else words.sheet.unknown))
    return join(tag("h3", challenge.act.number), facts(rows), _events(challenge.events, words))


def _erasure(erasure: Erasure, words: Language) -> Markup:
    labels = words.sheet.labels
    rows = [
        *_who_and_when(erasure.act, erasure.evidence, words),
        (labels["order"], _said(erasure.order, words)),
        (labels["erased"], Markup(", ".join(name(field) for field in erasure.fields)) or words.sheet.unknown),
    ]
    return join(tag("h3", erasure.act.number), facts(rows), tag("p", words.sheet.states["erased"]))


def _who_and_when(act: Act, evidence: int, words: Language) -> list[tuple[str, str]]:
    labels = words.sheet.labels
    proven = bounds(act.not_before, act.not_after, words)
    when = [labels["says"].format(time=act.time), *([proven] if proven else [])]
    return [
        (labels["evidence"], number_of(evidence)),
        (labels["by"], _said(act.by, words)),
        (labels["when"], "; ".join(when)),
    ]


def _events(events: Sequence[Act], words: Language) -> Markup:
    labels = words.sheet.labels
    rows = [
        [
            act.number,
            words.sheet.kinds[act.kind],
            _said(act.by, words),
            labels["says"].format(time=act.time),
            _what_it_says(act, words),
        ]
        for act in events
    ]
    head = [labels["entry"], labels["act"], labels["by"], labels["when"], labels["said"]]
    return join(tag("h4", labels["events"]), table(head, rows, words.sheet)) if rows else Markup()


def _what_it_says(act: Act, words: Language) -> Markup:
    """The outcome that an act states, the entry that it gives instead, and its words."""
    parts: list[Markup] = []
    kind, order = act.text("answer.kind"), act.text("ruling.order")
    if kind is not None:
        parts.append(_word(kind, words.sheet.demand_states, words))
    if order is not None:
        parts.append(_word(order, words.sheet.orders, words))
    produced = act.position("relation.produced")
    if produced is not None:
        parts.append(join(number_of(produced)))
    for field in ("answer.reason", "answer.text", "ruling.reason"):
        text = act.text(field)
        if text is not None:
            parts.append(value(text, words.sheet))
    return Markup("<br>".join(parts))


def _word(code: str | None, known: Mapping[str, str], words: Language) -> Markup:
    """A value that the specification fixes in the page's language; another one as it is."""
    if code is None:
        return join(words.sheet.unknown)
    return join(known[code]) if code in known else value(code, words.sheet)


def _said(text: str | None, words: Language) -> Markup:
    return value(text, words.sheet) if text is not None else join(words.sheet.unknown)

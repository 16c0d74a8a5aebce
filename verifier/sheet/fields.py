"""The open fields, by who vouches for them: a value that is unchanged is not for that reason true."""

from __future__ import annotations

from verifier.check import Outcome
from verifier.result import Result, Verdict
from verifier.sheet.all_words import Language
from verifier.sheet.frame import digest, facts, name, section, value
from verifier.sheet.markup import Markup, join, tag
from verifier.sheet.summary import bounds, reservation

_COMPARED = ("file.size", "file.sha256", "file.sha512")
_DIGESTS = ("file.sha256", "file.sha512")
# What the operator's programs write (docs/spec/commitment.md, "Fields"); all else stands on the submitter's word.
_OPERATOR = ("submitter.", "system.", "capture.", "extracted.")


def declared(result: Result, words: Language) -> Markup:
    """Each open field under the one whose word it is, and the claimed time."""
    shown = {found: held for found, held in result.contents.fields.items() if held is not None}
    compared = [found for found in _COMPARED if found in shown and _file_is_right(result)]
    operator = [found for found in shown if found.startswith(_OPERATOR)]
    others = [found for found in shown if found not in compared and found not in operator]
    parts: list[Markup] = []
    groups = (
        (words.sheet.declared_fields, others),
        (words.sheet.operator_fields, operator),
        (words.sheet.checked_fields, compared),
    )
    for heading, names in groups:
        if names:
            rows = [(name(found), value(shown[found], words.sheet)) for found in names]
            parts.append(join(tag("h3", heading), facts(rows)))
    if result.claimed_time is not None:
        parts.insert(0, tag("p", words.sheet.operator_time.format(time=result.claimed_time)))
    parts.append(tag("p", words.sheet.operator_acts))
    return section(words.sheet.declared, reservation(result, words), *parts)


def fact_table(result: Result, words: Language) -> Markup:
    """The facts that people copy and compare: number, times, digests in groups, the log."""
    labels = words.sheet.labels
    rows: list[tuple[str, str]] = []
    if result.number is not None:
        rows.append((labels["number"], value(result.number, words.sheet)))
    if result.case is not None:
        rows.append((labels["case"], value(result.case, words.sheet)))
    rows += _file_rows(result, words)
    proven = bounds(result.not_before, result.not_after, words)
    rows.append((labels["proven"], proven or "–"))
    if result.claimed_time is not None:
        rows.append((labels["claimed"], labels["says"].format(time=result.claimed_time)))
    if result.leaf_hash is not None:
        rows.append((labels["leaf"], digest(result.leaf_hash)))
    if result.origin is not None:
        rows.append((labels["origin"], value(result.origin, words.sheet)))
    if result.tree_size is not None and result.tree_root is not None:
        rows += [(labels["tree"], str(result.tree_size)), (labels["root"], digest(result.tree_root))]
    rows.append((labels["trust"], tag("span", result.trust, lang="en")))
    return section(words.sheet.facts, facts(rows))


def _file_rows(result: Result, words: Language) -> list[tuple[str, str]]:
    found = result.contents.fields
    rows: list[tuple[str, str]] = []
    for held, label in (("file.name", words.sheet.labels["file_name"]), ("file.size", words.sheet.labels["size"])):
        if found.get(held) is not None:
            rows.append((label, value(found[held], words.sheet)))
    for held in _DIGESTS:
        text = found.get(held)
        if isinstance(text, str) and text.isalnum() and len(text) <= 128:
            rows.append((held.removeprefix("file.").replace("sha", "SHA-"), digest(text)))
    return rows


def _file_is_right(result: Result) -> bool:
    right = any(check.step == 3 and check.outcome is Outcome.PASSED for check in result.checks)
    return right and result.verdict is not Verdict.NOT_VERIFIED

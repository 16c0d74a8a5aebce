"""The words of the pages in one language; what the steps say of an input stays English.

Each word stands once, so that a page, its print and the terminal say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SheetWords:
    """One language. What stands in braces is filled in by str.format, with text that is escaped afterwards."""

    report_title: str
    answer_title: str
    made_by: str
    # headings
    verified: str
    declared: str
    missing: str
    demands: str
    challenges: str
    erasures: str
    checks: str
    facts: str
    entries: str
    # what each passed step means, by its number; verdicts of an answer
    means: Mapping[int, str]
    answer_verified: str
    answer_incomplete: str
    answer_not_verified: str
    answer_unshown: str
    answer_so_far: str
    # what is known of entries that an answer does not show
    unshown: str
    not_shown: str
    log_read: str
    so_far: str
    # what stands where nothing, too much or something unreadable does
    nothing_verified: str
    only_said: str
    none_here: str
    not_complete: str
    unreadable: str
    unknown: str
    cut: str
    more: str
    whole: str
    all_names: str
    # who vouches for a field
    checked_fields: str
    declared_fields: str
    operator_fields: str
    operator_time: str
    operator_acts: str
    # labels
    labels: Mapping[str, str]
    # values that the specification fixes
    objects: Mapping[str, str]
    demand_states: Mapping[str, str]
    states: Mapping[str, str]
    reasons: Mapping[str, str]
    kinds: Mapping[str, str]
    orders: Mapping[str, str]
    challenge_states: Mapping[str, str]
    heads: Mapping[str, str]
    # the letter
    letter: Mapping[str, str]

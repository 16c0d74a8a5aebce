"""Attacks on tokens whose signer's certificate has ended, and on what is said to keep them alive."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conformance.forge import (
    Authority,
    Forgery,
    accept,
    evidence_with,
    judge,
    outcome,
    record_token,
    stamped,
    started,
    trust,
    unproven,
)
from verifier.check import Outcome
from verifier.trust import Trust


def renewal(*, upto: str, covers: bool, recorded: bool = True, lengthens: bool = True) -> tuple[Forgery, Trust]:
    """A token whose signer's certificate ends at 10:00, and a later one that may keep it alive. Read at 12:00."""
    old = Authority("Old", ends=datetime(2026, 11, 21, 10, tzinfo=UTC))
    new = Authority("New")
    log = started()
    forged = evidence_with([], log)
    first = old.stamp(log.text(), "09:20:00")
    size, text = len(log.leaves), log.text()
    entry = record_token(log, first, text)
    if recorded:
        forged.entries.append(entry)
    over = len(log.leaves) if covers else size
    second = new.stamp(log.text(over), upto)
    forged.stamps = [stamped(log, first, size), *([stamped(log, second, over)] if lengthens else [])]
    return forged, trust(old, new, quorum=1)


def test_renewal_keeps_an_ended_token_alive() -> None:
    forged, brought = renewal(upto="09:59:58", covers=True)
    result = accept(forged.bundle(), brought)
    assert result.not_after == "2026-11-21T09:20:01.000Z"  # the ended token's, which is the earlier


@pytest.mark.parametrize(
    ("settings", "not_after"),
    [
        pytest.param(
            {"upto": "09:59:59", "covers": True}, "2026-11-21T10:00:00.000Z", id="too late: ends within accuracy"
        ),
        pytest.param({"upto": "10:30:00", "covers": True}, "2026-11-21T10:30:01.000Z", id="after the end"),
        pytest.param({"upto": "09:50:00", "covers": False}, "2026-11-21T09:50:01.000Z", id="does not cover the record"),
        pytest.param(
            {"upto": "09:50:00", "covers": True, "recorded": False}, "2026-11-21T09:50:01.000Z", id="unrecorded"
        ),
        pytest.param({"upto": "09:10:00", "covers": True}, "2026-11-21T09:10:01.000Z", id="the renewing one is older"),
        pytest.param({"upto": "09:50:00", "covers": True, "lengthens": False}, None, id="nothing renews"),
    ],
)
def test_renewal_abused(settings: dict[str, Any], not_after: str | None) -> None:
    """Then the ended token says nothing: only what the newer one proves by itself is left."""
    forged, brought = renewal(**settings)
    result = judge(forged.bundle(), brought)
    assert result.not_after == not_after
    assert outcome(result, 8) is (Outcome.PASSED if not_after else Outcome.NOT_CHECKED)


def test_two_ended_tokens_do_not_renew_each_other() -> None:
    end = datetime(2026, 11, 21, 10, tzinfo=UTC)
    one, two = Authority("One", ends=end), Authority("Two", ends=end)
    log = started()
    forged = evidence_with([], log)
    first = one.stamp(log.text(), "09:20:00")
    size, text = len(log.leaves), log.text()
    forged.entries.append(record_token(log, first, text))
    second = two.stamp(log.text(), "09:40:00")
    size_two, text_two = len(log.leaves), log.text()
    forged.entries.append(record_token(log, second, text_two))
    forged.stamps = [stamped(log, first, size), stamped(log, second, size_two)]
    unproven(judge(forged.bundle(), trust(one, two, quorum=1)))

"""Step 11."""

from verifier.check import Check, not_checked
from verifier.examination import Examination


def check_online(examination: Examination) -> Check:
    """Step 11."""
    return not_checked(11, "offline")

"""The result as text (stub replaced below)."""

from verifier.result import Result

LANGUAGES = ("en", "kk", "ru")


def text_report(result: Result, language: str) -> str:
    """The result in words."""
    return "\n".join(f"{c.step} {c.outcome} {c.detail}" for c in result.checks) + "\n"

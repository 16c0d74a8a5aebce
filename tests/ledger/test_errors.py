"""The error tree itself: its shape, its data, its messages, and the way across a process border."""

from __future__ import annotations

import inspect
import pickle

import pytest

from ledger import errors
from ledger.errors import LedgerError, LimitError, MalformedError, RolledBackError, UnavailableError

LEAVES = {
    "ConfigError",
    "ConflictError",
    "CorruptError",
    "ErasedError",
    "ForbiddenError",
    "LimitError",
    "MalformedError",
    "NotFoundError",
    "ProofError",
    "RolledBackError",
    "SignatureError",
    "TooOftenError",
    "UnavailableError",
}


def subclasses() -> list[type[LedgerError]]:
    return [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, LedgerError)]


def test_the_tree_is_one_root_and_its_leaves() -> None:
    assert {each.__name__ for each in subclasses()} == LEAVES | {"LedgerError"}
    # Flat: whoever catches one kind catches no other by accident.
    assert all(each.__bases__ == (LedgerError,) for each in subclasses() if each is not LedgerError)
    assert LedgerError.__bases__ == (Exception,)


@pytest.mark.parametrize("kind", subclasses())
def test_every_error_says_what_and_where(kind: type[LedgerError]) -> None:
    assert str(kind("read a note: expected a newline")) == "read a note: expected a newline"
    error = kind("expected an integer", "public.size")
    assert (error.what, error.where) == ("expected an integer", "public.size")
    assert str(error) == "public.size: expected an integer"
    assert kind.__doc__


@pytest.mark.parametrize(
    "error",
    [
        MalformedError("bad", "leaf"),
        LimitError("too long", "leaf", 65535, 65536),
        UnavailableError("full", None, 7),
        RolledBackError("two trees", "start", ["first\n", "second\n"]),
    ],
)
def test_an_error_crosses_a_process_border_whole(error: LedgerError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # bytes made on the line itself
    assert type(again) is type(error)
    assert vars(again) == vars(error)
    assert str(again) == str(error)


def test_errors_carry_their_data() -> None:
    limit = LimitError("too long", limit=10, got=11)
    assert (limit.limit, limit.got) == (10, 11)
    assert UnavailableError("full", retry_after=3).retry_after == 3
    assert RolledBackError("forked", evidence=["a", "b"]).evidence == ("a", "b")

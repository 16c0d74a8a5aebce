"""The account store, on both databases."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from api.auth.accounts import REMEMBERED_SECONDS, TOKEN_PREFIX, AccountStore, UnauthenticatedError
from ledger.errors import ConfigError, ConflictError, MalformedError, NotFoundError
from ledger.store.sql_store import SqlStore


@pytest.fixture
def accounts(database_url: str) -> Iterator[AccountStore]:
    SqlStore.create(database_url).close()
    store = AccountStore.open(database_url)
    yield store
    store.close()


def test_a_new_account_s_token_opens_it(accounts: AccountStore) -> None:
    made = accounts.add("Айгүл", "party")
    found = accounts.authenticate(made.token)
    assert (found.name, found.role, found.disabled) == ("Айгүл", "party", None)


def test_a_token_has_256_random_bits_and_differs_each_time(accounts: AccountStore) -> None:
    accounts.add("alice", "party")
    tokens = {accounts.new_token("alice").token for _ in range(5)}
    assert len(tokens) == 5
    assert all(token.startswith(TOKEN_PREFIX) and len(token) == len(TOKEN_PREFIX) + 43 for token in tokens)


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1], lambda t: t + "A", lambda t: t.swapcase(), lambda t: "", lambda t: t[4:]]
)
def test_anything_but_the_token_opens_nothing(accounts: AccountStore, change: Callable[[str], str]) -> None:
    made = accounts.add("alice", "party")
    with pytest.raises(UnauthenticatedError):
        accounts.authenticate(change(made.token))


def test_the_database_holds_no_token(accounts: AccountStore) -> None:
    made = accounts.add("alice", "party")
    with accounts._engine.connect() as connection:
        rows = [
            *connection.execute(text("SELECT * FROM account_tokens")),
            *connection.execute(text("SELECT * FROM accounts")),
        ]
    kept = b"|".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)
    assert made.token.encode() not in kept
    assert made.token[len(TOKEN_PREFIX) :].encode() not in kept


def test_a_disabled_account_s_tokens_stop_at_once_and_stay_stopped(accounts: AccountStore) -> None:
    first = accounts.add("alice", "party")
    second = accounts.new_token("alice", "laptop")
    assert accounts.disable("alice").disabled is not None
    for made in (first, second):
        with pytest.raises(UnauthenticatedError):
            accounts.authenticate(made.token)
    assert accounts.disable("alice") == accounts.find("alice")
    with pytest.raises(ConflictError):
        accounts.new_token("alice")


def test_a_revoked_token_stops_and_the_others_go_on(accounts: AccountStore) -> None:
    first = accounts.add("alice", "party")
    second = accounts.new_token("alice", "laptop")
    accounts.revoke_token(first.id)
    accounts.revoke_token(first.id)
    with pytest.raises(UnauthenticatedError):
        accounts.authenticate(first.token)
    assert accounts.authenticate(second.token).name == "alice"
    listed = {view.id: view for view in accounts.tokens("alice")}
    assert listed[first.id].revoked is not None
    assert listed[second.id].revoked is None
    assert listed[second.id].label == "laptop"


def test_a_name_that_looks_taken_is_taken(accounts: AccountStore) -> None:
    accounts.add("cop", "party")
    for name in ("cop", "COP", "сор"):
        with pytest.raises(ConflictError):
            accounts.add(name, "party")
    assert [account.name for account in accounts.accounts()] == ["cop"]


def test_a_bad_name_or_role_makes_no_account(accounts: AccountStore) -> None:
    for name, role in (("a b", "party"), ("alice", "admin")):
        with pytest.raises(MalformedError):
            accounts.add(name, role)
    assert accounts.accounts() == ()


def test_what_is_not_there_is_said_so(accounts: AccountStore) -> None:
    for act in (lambda: accounts.find("bob"), lambda: accounts.disable("bob"), lambda: accounts.new_token("bob"),
                lambda: accounts.tokens("bob"), lambda: accounts.revoke_token("00")):  # fmt: skip
        with pytest.raises(NotFoundError):
            act()


def test_a_second_store_makes_no_second_tables_and_sees_the_first_s_accounts(
    accounts: AccountStore, database_url: str
) -> None:
    made = accounts.add("alice", "court")
    second = AccountStore.open(database_url)
    assert second.authenticate(made.token).role == "court"
    second.close()


def test_many_at_once_make_one_account(accounts: AccountStore) -> None:
    made: list[str] = []
    refused: list[Exception] = []

    def add() -> None:
        try:
            made.append(accounts.add("alice", "party").token)
        except ConflictError as error:
            refused.append(error)

    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(refused)) == (1, 5)
    assert accounts.authenticate(made[0]).name == "alice"


def test_no_database_is_made_where_there_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        AccountStore.open(f"sqlite:///{tmp_path / 'none.db'}")
    assert list(tmp_path.iterdir()) == []


def test_a_database_without_a_log_is_refused(postgres_url: str) -> None:
    with pytest.raises(ConfigError):
        AccountStore.open(postgres_url)


def test_a_token_is_forgotten_at_once_where_it_was_revoked(accounts: AccountStore) -> None:
    made = accounts.add("alice", "party")
    accounts.authenticate(made.token)
    accounts.revoke_token(made.id)
    with pytest.raises(UnauthenticatedError):
        accounts.authenticate(made.token)


@pytest.mark.parametrize("end", ["revoke", "disable"])
def test_elsewhere_it_is_good_for_a_stated_moment_longer(database_url: str, accounts: AccountStore, end: str) -> None:
    """As where a command runs beside the server."""
    made = accounts.add("alice", "party")
    accounts.authenticate(made.token)
    beside = AccountStore.open(database_url)
    try:
        if end == "revoke":
            beside.revoke_token(made.id)
        else:
            beside.disable("alice")
    finally:
        beside.close()
    ended = time.monotonic()
    while time.monotonic() <= ended + REMEMBERED_SECONDS:
        try:
            accounts.authenticate(made.token)
        except UnauthenticatedError:
            break
        time.sleep(0.01)
    time.sleep(0.01)
    with pytest.raises(UnauthenticatedError):
        accounts.authenticate(made.token)


def test_what_was_read_before_a_revocation_is_not_remembered_after_it(
    accounts: AccountStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = accounts.add("alice", "party")
    read = accounts._reads.rows

    def read_late(*asked: Any) -> Any:
        found = read(*asked)
        accounts.revoke_token(made.id)  # between the read and what is made of it
        return found

    monkeypatch.setattr(accounts._reads, "rows", read_late)
    accounts.authenticate(made.token)
    monkeypatch.undo()
    with pytest.raises(UnauthenticatedError):
        accounts.authenticate(made.token)

"""The accounts and their tokens: two tables of the API's own, beside the log's in the same database.

A token is 256 random bits, shown once. Only its SHA-256 is kept: whoever reads the database, or a backup of it, cannot
act with what is there; and 256 bits need no slow hash, since they cannot be guessed. The log knows names alone.

Commands on accounts run beside a server: what was read of a token counts for REMEMBERED_SECONDS, so that a client with
many requests is looked up some times a second, and a disabled account and a revoked token stop working no later than
that; in the process where they were revoked, with the next request.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    ForeignKey,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from api.auth.names import check_name, check_role, fold_name
from ledger.errors import ConfigError, ConflictError, LedgerError, NotFoundError
from ledger.store.engine import WRITER, database_errors, open_engine
from ledger.store.short_reads import ShortReads

TOKEN_PREFIX: Final = "elt_"  # noqa: S105 - what every token begins with is no secret
"""Lets people and scanners of leaked secrets see what it is."""

TOKEN_BYTES: Final = 32
TOKEN_ID_BYTES: Final = 6
LABEL_MAX: Final = 100

REMEMBERED_SECONDS: Final = 0.2
"""How long a token that was good is good without being looked up again. Less than any command takes to start."""

_REMEMBERED_MAX: Final = 4_096

# Two processes that make the tables at the same moment would both fail on PostgreSQL; any constant of ours serves.
_ADVISORY_LOCK: Final = 0x65766C_616363

_metadata = MetaData()

_accounts = Table(
    "accounts",
    _metadata,
    Column("name", String(64), primary_key=True),
    Column("folded", String(255), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("disabled", BigInteger, nullable=True),
)

_tokens = Table(
    "account_tokens",
    _metadata,
    Column("id", String(16), primary_key=True),
    Column("account", String(64), ForeignKey("accounts.name"), nullable=False, index=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("label", String(LABEL_MAX), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("revoked", BigInteger, nullable=True),
)


_WHOSE: Final = (
    "SELECT t.digest, t.revoked, a.name, a.role, a.created, a.disabled FROM account_tokens t "
    "JOIN accounts a ON a.name = t.account WHERE t.digest = ?"
)


class UnauthenticatedError(LedgerError):
    """No token, or one that opens nothing: unknown, revoked, of a disabled account. Which of these, nobody is told."""


@dataclass(frozen=True, slots=True)
class Account:
    """One who may act. Times are milliseconds since the epoch; `disabled` is None while it may act."""

    name: str
    role: str
    created: int
    disabled: int | None


@dataclass(frozen=True, slots=True)
class TokenView:
    """What is known of a token afterwards. `id`: 12 hex digits, no secret; `revoked` is None while it works."""

    id: str
    account: str
    label: str
    created: int
    revoked: int | None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token at its one appearance: `token` is the secret, to be shown and forgotten."""

    id: str
    token: str


class AccountStore:
    """The accounts of one ledger. Every call raises UnavailableError when the database cannot be reached."""

    def __init__(self, engine: Engine) -> None:
        """Over the ledger's own engine; makes the two tables where they are missing."""
        self._engine = engine
        self._reads = ShortReads(engine)
        self._remembered: dict[bytes, tuple[float, Account]] = {}
        self._lock = threading.Lock()
        self._changes = 0  # by this process: what was read before one is not remembered after it
        with database_errors("look for the accounts"), engine.connect() as connection:
            present = inspect(connection)
            complete = all(present.has_table(name) for name in _metadata.tables)
        if not complete:
            with self._writing("make the accounts' tables") as connection:
                if engine.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
                _metadata.create_all(connection, checkfirst=True)

    @classmethod
    def open(cls, url: str) -> AccountStore:
        """Over an engine of its own, for commands that run beside the server; `close` it.

        Raises ConfigError where no log lives at `url`.
        """
        address = make_url(url)
        if address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file():
            raise ConfigError("open the accounts: no database here; `evidence-ledger init` makes one")
        engine = open_engine(url)
        try:
            with database_errors("look for the log"), engine.connect() as connection:
                if not inspect(connection).has_table("entries"):
                    raise ConfigError("open the accounts: the database holds no log; `evidence-ledger init` makes one")
            return cls(engine)
        except BaseException:
            engine.dispose()
            raise

    def close(self) -> None:
        """Close the connections. Not for a store over the ledger's engine: those are the ledger's."""
        self._engine.dispose()

    # ---- accounts ----

    def add(self, name: str, role: str) -> NewToken:
        """A new account and its first token. Raises MalformedError (name, role), ConflictError (taken)."""
        check_name(name)
        check_role(role)
        row = {"name": name, "folded": fold_name(name), "role": role, "created": _now(), "disabled": None}
        with self._writing("add an account") as connection:
            taken = connection.execute(select(_accounts.c.name).where(_accounts.c.folded == row["folded"])).first()
            if taken is not None:
                raise ConflictError(f"add an account: {taken.name} is there already, and looks the same", "name")
            try:
                connection.execute(_accounts.insert().values(row))
            except IntegrityError as error:  # another process was faster
                raise ConflictError(f"add an account: {name} is there already", "name") from error
            return _insert_token(connection, name, "first")

    def find(self, name: str) -> Account:
        """The account of exactly this name. Raises NotFoundError."""
        with database_errors("read an account"), self._engine.connect() as connection:
            return _find(connection, name)

    def accounts(self) -> tuple[Account, ...]:
        """Every account, by name."""
        with database_errors("read the accounts"), self._engine.connect() as connection:
            return tuple(_account(row) for row in connection.execute(select(_accounts).order_by(_accounts.c.name)))

    def disable(self, name: str) -> Account:
        """From now on none of its tokens works. Its acts stay in the log. Repeating it changes nothing."""
        with self._writing("disable an account") as connection:
            account = _find(connection, name)
            if account.disabled is None:
                connection.execute(update(_accounts).where(_accounts.c.name == name).values(disabled=_now()))
            return _find(connection, name)

    # ---- tokens ----

    def new_token(self, name: str, label: str = "") -> NewToken:
        """Another token for an account. Raises NotFoundError, ConflictError (disabled)."""
        with self._writing("make a token") as connection:
            if _find(connection, name).disabled is not None:
                raise ConflictError(f"make a token: the account {name} is disabled", "name")
            return _insert_token(connection, name, label[:LABEL_MAX])

    def tokens(self, name: str | None = None) -> tuple[TokenView, ...]:
        """The tokens of one account, or of all, oldest first; never the secrets. Raises NotFoundError."""
        with database_errors("read the tokens"), self._engine.connect() as connection:
            query = select(_tokens).order_by(_tokens.c.created, _tokens.c.id)
            if name is not None:
                query = query.where(_tokens.c.account == _find(connection, name).name)
            return tuple(
                TokenView(row.id, row.account, row.label, row.created, row.revoked) for row in connection.execute(query)
            )

    def revoke_token(self, token_id: str) -> None:
        """From now on it does not work. Repeating it changes nothing. Raises NotFoundError."""
        with self._writing("revoke a token") as connection:
            query = select(_tokens.c.revoked).where(_tokens.c.id == token_id)
            found = connection.execute(query).first()
            if found is None:
                raise NotFoundError("revoke a token: there is none of this id", "id")
            if found.revoked is None:
                connection.execute(update(_tokens).where(_tokens.c.id == token_id).values(revoked=_now()))

    def authenticate(self, token: str) -> Account:
        """Whose token this is. Raises UnauthenticatedError.

        The look-up goes by the digest: what its timing could tell is of no use without the preimage. The comparison
        afterwards is constant in time, so that no collation or index of a database decides about equality.
        """
        digest = sha256(token.encode("utf-8", "surrogateescape")).digest()
        now, changes = time.monotonic(), self._changes
        until, account = self._remembered.get(digest, (0.0, None))
        if account is not None and now < until:
            return account
        for found, revoked, name, role, created, disabled in self._reads.rows("check a token", _WHOSE, (digest,)):
            if hmac.compare_digest(bytes(found), digest) and revoked is None and disabled is None:
                account = Account(name, role, created, disabled)
                with self._lock:
                    if len(self._remembered) >= _REMEMBERED_MAX:
                        self._remembered.clear()
                    if changes == self._changes:
                        self._remembered[digest] = (now + REMEMBERED_SECONDS, account)
                return account
        raise UnauthenticatedError("check a token: not a token of this ledger", "authorization")

    @contextmanager
    def _writing(self, act: str) -> Iterator[Connection]:
        with database_errors(act), self._engine.connect() as bare:
            connection = bare.execution_options(**WRITER)
            with connection.begin():
                yield connection
        with self._lock:
            self._changes += 1
            self._remembered.clear()


def _find(connection: Connection, name: str) -> Account:
    row = connection.execute(select(_accounts).where(_accounts.c.name == name)).first()
    if row is None:
        raise NotFoundError("find an account: there is none of this name", "name")
    return _account(row)


def _insert_token(connection: Connection, account: str, label: str) -> NewToken:
    token = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    token_id = secrets.token_hex(TOKEN_ID_BYTES)
    digest = sha256(token.encode("ascii")).digest()
    row = {"id": token_id, "account": account, "digest": digest, "label": label, "created": _now(), "revoked": None}
    connection.execute(_tokens.insert().values(row))
    return NewToken(token_id, token)


def _account(row: Row[tuple[object, ...]]) -> Account:
    return Account(row.name, row.role, row.created, row.disabled)


def _now() -> int:
    return time.time_ns() // 1_000_000

"""`user` and `token`: who may use the ledger. Both work beside a running server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.auth.names import ROLES
from api.cli import PROGRAM
from api.cli.operator.settings import read_settings
from api.cli.output import json_result, message, result
from api.cli.parsing import command, data_option, group, json_option
from ledger.entry.leaf import format_time

if TYPE_CHECKING:
    from api.auth.accounts import Account, AccountStore, TokenView


@group("user", example=f"{PROGRAM} user add aigul --role party")
def user() -> None:
    """Add, list and disable accounts."""


@group("token", example=f"{PROGRAM} token new aigul --label laptop")
def token() -> None:
    """Make, list and revoke the accounts' tokens."""


@command("add", short_help="Make an account; prints its token, once.", example=f"{PROGRAM} user add aigul --role party")
@click.argument("name")
@click.option("--role", required=True, type=click.Choice(ROLES), help="What the account is; fixed.")
@json_option
@data_option
def add_user(name: str, role: str, as_json: bool, data: Path) -> None:
    """Make the account NAME and print its token. It is shown this once: only its digest is kept."""
    with _accounts(data) as accounts:
        new = accounts.add(name, role)
    if as_json:
        json_result({"name": name, "role": role, "id": new.id, "token": new.token})
    else:
        result(new.token)


@command("list", short_help="List the accounts.", example=f"{PROGRAM} user list")
@json_option
@data_option
def list_users(as_json: bool, data: Path) -> None:
    """Print the accounts: name, role, and active or disabled, separated by tabs."""
    with _accounts(data) as accounts:
        listed = accounts.accounts()
    if as_json:
        json_result({"users": [_shown_account(each) for each in listed]})
        return
    for each in listed:
        result(each.name, each.role, _state(each.disabled, "disabled"))


@command("disable", short_help="End an account.", example=f"{PROGRAM} user disable aigul")
@click.argument("name")
@json_option
@data_option
def disable_user(name: str, as_json: bool, data: Path) -> None:
    """End the account NAME: its tokens stop working at once. Its acts stay in the log."""
    with _accounts(data) as accounts:
        account = accounts.disable(name)
    if as_json:
        json_result(_shown_account(account))
    else:
        message(f"{name} is disabled")


@command("new", short_help="Make another token; prints it, once.", example=f"{PROGRAM} token new aigul --label laptop")
@click.argument("name")
@click.option("--label", default="", metavar="TEXT", help="What it is for; shown in the list.")
@json_option
@data_option
def new_token(name: str, label: str, as_json: bool, data: Path) -> None:
    """Make another token for the account NAME and print it. It is shown this once."""
    with _accounts(data) as accounts:
        new = accounts.new_token(name, label)
    if as_json:
        json_result({"account": name, "label": label, "id": new.id, "token": new.token})
    else:
        result(new.token)


@command("list", short_help="List the tokens, never their secrets.", example=f"{PROGRAM} token list aigul")
@click.argument("name", required=False)
@json_option
@data_option
def list_tokens(name: str | None, as_json: bool, data: Path) -> None:
    """Print the tokens, of NAME or of all: id, account, since when, active or revoked, label. Never the tokens
    themselves: nobody has them but who received them.
    """
    with _accounts(data) as accounts:
        listed = accounts.tokens(name)
    if as_json:
        json_result({"tokens": [_shown_token(each) for each in listed]})
        return
    for each in listed:
        result(each.id, each.account, format_time(each.created), _state(each.revoked, "revoked"), each.label)


@command("revoke", short_help="End a token.", example=f"{PROGRAM} token revoke 1f2e3d4c5b6a")
@click.argument("token_id", metavar="ID")
@json_option
@data_option
def revoke_token(token_id: str, as_json: bool, data: Path) -> None:
    """End the token with this ID, as `token list` shows it. It stops working at once."""
    with _accounts(data) as accounts:
        accounts.revoke_token(token_id)
    if as_json:
        json_result({"id": token_id, "revoked": True})
    else:
        message(f"{token_id} is revoked")


@contextmanager
def _accounts(data: Path) -> Iterator[AccountStore]:
    # Imported when needed: every command would wait for the database's library otherwise, clients' too.
    from api.auth.accounts import AccountStore

    store = AccountStore.open(read_settings(data).database)
    try:
        yield store
    finally:
        store.close()


def _shown_account(account: Account) -> dict[str, object]:
    return {"name": account.name, "role": account.role, "disabled": account.disabled is not None}


def _shown_token(view: TokenView) -> dict[str, object]:
    return {
        "id": view.id,
        "account": view.account,
        "label": view.label,
        "created": format_time(view.created),
        "revoked": view.revoked is not None,
    }


def _state(ended: int | None, word: str) -> str:
    return "active" if ended is None else word


for user_command in (add_user, list_users, disable_user):
    user.add_command(user_command)
for token_command in (new_token, list_tokens, revoke_token):
    token.add_command(token_command)

"""Who sees a field before anything is disclosed (DESIGN §3.1).

A policy maps keys to visibilities. A key is one of

    declared.author     a full field name: that field alone
    declared.chat.*     a prefix: every field below it, not `declared.chat` itself
    extracted           a namespace alone, the same as `extracted.*` (no field has a name of one part)

The longest key that covers a field wins, so a full name beats every prefix. What no key covers has the default:
`file.*` and `submitter.name` open to the case's members, everything else on demand. `@names` is always open.
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeGuard

from ledger.entry.canonical_json import Value
from ledger.entry.names import check_name
from ledger.errors import LedgerError
from ledger.submit.errors import UnacceptableError, place_of

Visibility = Literal["open", "on-demand", "sealed"]

VISIBILITIES: Final = ("open", "on-demand", "sealed")
NAMESPACES: Final = frozenset(
    {"file", "declared", "requisite", "extracted", "relation", "capture", "submitter", "signature", "system"}
)
NAMES_FIELD: Final = "@names"
_PREFIX_MARK: Final = ".*"


def check_policy(policy: Mapping[str, Value], *, where: str) -> dict[str, Visibility]:
    """`policy` as it is, once each key and visibility is known to mean something.

    A key that can cover nothing is refused: who seals `declard.*` must hear of it before the field is open.
    Raises UnacceptableError.
    """
    checked: dict[str, Visibility] = {}
    for key, visibility in policy.items():
        _check_key(key, where)
        if not _is_visibility(visibility):
            raise UnacceptableError(
                f"setting a policy: expected one of {', '.join(VISIBILITIES)}", place_of(where, key)
            )
        checked[key] = visibility
    return checked


def visibility(field_name: str, policy: Mapping[str, Visibility]) -> Visibility:
    """What `policy` says of one field, or the default where it says nothing."""
    if field_name == NAMES_FIELD:
        return "open"
    if field_name in policy:
        return policy[field_name]
    prefix = field_name
    while "." in prefix:
        prefix = prefix.rpartition(".")[0]
        if prefix + _PREFIX_MARK in policy:
            return policy[prefix + _PREFIX_MARK]
    if prefix in policy:
        return policy[prefix]
    return "open" if prefix == "file" or field_name == "submitter.name" else "on-demand"


def _check_key(key: str, where: str) -> None:
    name = key.removesuffix(_PREFIX_MARK)
    try:
        check_name(name)
    except LedgerError as error:
        raise UnacceptableError(
            f"setting a policy for a name or a prefix that ends in .*: {error.what}", place_of(where, key)
        ) from error
    namespace = name.partition(".")[0]
    if namespace not in NAMESPACES:
        raise UnacceptableError(
            f"setting a policy: expected a namespace among {', '.join(sorted(NAMESPACES))}, got {namespace}",
            place_of(where, key),
        )
    if key == "file":
        raise UnacceptableError(
            "setting a policy: `file` alone is the file's bytes, which no policy opens; its fields are file.*",
            place_of(where, key),
        )


def _is_visibility(value: Value) -> TypeGuard[Visibility]:
    return isinstance(value, str) and value in VISIBILITIES

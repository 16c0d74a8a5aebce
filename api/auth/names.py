"""Names and roles of accounts.

A name is what the members of a case read beside an act, and what is committed as `submitter.name`: two names that look
alike to a reader must not be two accounts. So a name's letters come from one script, and a name that differs from an
existing one only by case, or by letters that Latin and Cyrillic share by shape, is taken.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from ledger.errors import MalformedError

NAME_MAX: Final = 64
"""Characters of a name; the column's width in the ledger's tables."""

ROLES: Final = ("party", "counsel", "court", "clerk", "notary", "expert", "auditor", "operator")
"""CONTRACT: `user add NAME --role …`."""

_SHAPE: Final = re.compile(r"\w[\w.@-]*", re.UNICODE)
_LOOKALIKES: Final = str.maketrans("авекмнорстухіһԛԝјѕ", "abekmhopctyxihqwjs")


def check_name(name: str) -> str:
    """`name` as it is: 1 to 64 letters, digits and `. _ @ -`, beginning with a letter or digit, of one script, in NFC.

    Raises MalformedError.
    """
    if not 1 <= len(name) <= NAME_MAX:
        raise MalformedError(f"naming an account: expected 1 to {NAME_MAX} characters, got {len(name)}", "name")
    if not _SHAPE.fullmatch(name) or name.startswith("_"):
        raise MalformedError(
            "naming an account: expected letters, digits and . _ @ - after a first letter or digit", "name"
        )
    if unicodedata.normalize("NFC", name) != name:
        raise MalformedError("naming an account: expected composed letters (Unicode NFC)", "name")
    scripts = {unicodedata.name(letter, "UNNAMED").split()[0] for letter in name if letter.isalpha()}
    if len(scripts) > 1:
        raise MalformedError(
            f"naming an account: expected letters of one script, got {', '.join(sorted(scripts))}", "name"
        )
    if any(letter.isdigit() and not letter.isascii() for letter in name):
        raise MalformedError("naming an account: expected digits 0 to 9", "name")
    return name


def fold_name(name: str) -> str:
    """One text for all names that a reader could take for `name`."""
    return name.casefold().translate(_LOOKALIKES)


def check_role(role: str) -> str:
    """`role` as it is. Raises MalformedError for one that does not exist."""
    if role not in ROLES:
        raise MalformedError(f"giving an account a role: expected one of {', '.join(ROLES)}", "role")
    return role

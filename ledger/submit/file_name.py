"""A file's name as evidence: a name, never a path.

Nothing in the ledger opens a file by this name. It is shown to people and offered for saving, so what could lead out of
a folder, break a line or show itself in another order than it is written is refused. All letters are welcome.
"""

import re
from typing import Final

from ledger.submit.errors import UnacceptableError
from ledger.submit.limits import FILE_NAME_BYTES

_SEPARATORS: Final = "/\\"
_DRIVE: Final = re.compile(r"[A-Za-z]:")
# Controls (Cc), and line and paragraph separators (Zl, Zp), which break a line in logs and letters; surrogates (Cs).
_BREAKING: Final = "\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
# Embeddings, overrides and isolates: with U+202E "photo_gpj.exe" shows itself as "photo_exe.jpg". The marks U+200E and
# U+200F reorder nothing by force, and phones write them into honest names.
_REORDERING: Final = "\u202a-\u202e\u2066-\u2069"
_REFUSED: Final = re.compile(f"[{re.escape(_SEPARATORS)}{_BREAKING}{_REORDERING}]")


def check_file_name(name: str, *, where: str) -> str:
    """`name` as it is: 1 to 255 bytes of UTF-8. Raises UnacceptableError."""
    fault = _fault(name)
    if fault is not None:
        raise UnacceptableError(f"naming a file: {fault}", where)
    return name


def _fault(name: str) -> str | None:
    if not name:
        return "expected a name, got an empty one"
    refused = _REFUSED.search(name)
    if refused is not None:
        character = refused.group()
        if character in _SEPARATORS:
            return f"expected a name, not a path: it holds {character!r}"
        return f"expected printable characters, got U+{ord(character):04X}"
    if name in {".", ".."}:
        return f"expected a name, got {name!r}, which means a folder"
    if _DRIVE.match(name):
        return f"expected a name, not a path: it begins with a drive, {name[:2]!r}"
    if name != name.strip():
        return "expected no blanks at the beginning or end"
    length = len(name.encode())
    if length > FILE_NAME_BYTES:
        return f"expected at most {FILE_NAME_BYTES} bytes of UTF-8, got {length}"
    return None

"""Where readers put what they find."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ledger.extract.errors import ExtractError
from ledger.extract.fields import PREFIX
from ledger.extract.values import Json, committable, text

FAILURE_CHARACTERS: Final = 400
"""Characters of `extracted.failure`: a dozen parts that failed."""


class Findings:
    """The fields of one file: every name of its format from the start, null until a reader fills it.

    So whatever interrupts a reader, the list of names is whole and what was found before stays.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._values: dict[str, Json] = dict.fromkeys(names)
        self._failures: list[str] = []

    def put(self, name: str, value: object) -> None:
        """Fill `name` (without prefix). An empty string counts as nothing. Raises KeyError for a name that is not the
        format's, TypeError for a value that cannot be committed.
        """
        if PREFIX + name not in self._values:
            raise KeyError(name)
        kept = committable(value)
        self._values[PREFIX + name] = None if kept == "" else kept

    def put_first(self, name: str, *candidates: object) -> None:
        """Fill `name`, unless it is filled already, with the first candidate that is neither null nor empty."""
        if self.get(name) is None:
            self.put(name, next((value for value in candidates if value not in (None, "")), None))

    def get(self, name: str) -> Json:
        """What `name` holds now."""
        return self._values[PREFIX + name]

    def has(self, name: str) -> bool:
        """Whether the format's list has `name`."""
        return PREFIX + name in self._values

    def fail(self, part: str, reason: str) -> None:
        """Record that `part` of the file could not be read. `reason` holds no words of the file."""
        self._failures.append(f"{part}: {reason}")

    @contextmanager
    def attempt(self, part: str) -> Iterator[None]:
        """Read one part of the file; if that fails, the failure is recorded and the other parts are still read.

        Of a library's exception only the kind is kept: its message may quote the file, and `extracted.failure` is
        handed out with the rest.
        """
        try:
            yield
        except ExtractError as error:
            self.fail(part, error.reason)
        except MemoryError:
            self.fail(part, "out of memory")
        except Exception as error:  # any library may raise anything on a hostile file; recorded, with its kind
            self.fail(part, f"unreadable ({type(error).__name__})")

    def failure(self) -> str | None:
        """All recorded failures in one short text, or null."""
        return text("; ".join(self._failures), FAILURE_CHARACTERS) or None

    def values(self) -> dict[str, Json]:
        """Every name with its value."""
        return dict(self._values)

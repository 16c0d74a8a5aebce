"""Everybody who wrote in a chat, counted message by message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ledger.extract.values import listing, text

PARTICIPANTS_MAX: Final = 10_000
"""People that are kept apart; large channels have more writers, and then the rest stands together under no name."""

_REST: Final = ("", None)


@dataclass(slots=True)
class _Person:
    messages: int = 0
    first: str | None = None
    last: str | None = None


class Participants:
    """A chat's writers."""

    def __init__(self) -> None:
        self._people: dict[tuple[str, str | None], _Person] = {}
        self.messages = 0

    def wrote(self, name: str, identity: str | None, at: str | None) -> None:
        """One message, in the export's order; `at` in the form that is shown."""
        self.messages += 1
        key = (text(name, 200), text(identity, 100) if identity else None)
        if key not in self._people and len(self._people) >= PARTICIPANTS_MAX:
            key = _REST
        person = self._people.setdefault(key, _Person())
        person.messages += 1
        person.first = person.first or at
        person.last = at or person.last

    def listing(self) -> dict[str, object]:
        """By number of messages, then by name."""
        ordered = sorted(self._people.items(), key=lambda each: (-each[1].messages, each[0][0], each[0][1] or ""))
        return listing(
            {"name": name, "id": identity, "messages": one.messages, "first": one.first, "last": one.last}
            for (name, identity), one in ordered
        )

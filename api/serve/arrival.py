"""What has come of a request, before a thread takes it.

A thread that waits for a client serves nobody else. So the loop collects a request's head and, as long as it is small,
its body; a thread gets both at once. Longer bodies, and those whose end only reading tells, go to threads that may
wait.

Nothing is decided here but when and where a request is worked on: gunicorn's parser reads every byte again, and says
what is acceptable.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from api.settings import COLLECTED_BYTES, HEADER_BYTES, HEADER_FIELDS, REQUEST_LINE_BYTES

# A head that is longer is refused by the parser, which is to see it then.
_HEAD_BYTES_MAX: Final = REQUEST_LINE_BYTES + HEADER_FIELDS * (HEADER_BYTES + 2)
_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,19})[ \t]*\r\n", re.IGNORECASE)
# What waits for nothing but the writer: one statement without a file, so one part with a head of its own, and without
# links, for each of which the database is asked: hundreds would keep others waiting. Whatever is taken for it and is
# not, merely stands in the way of others for a while.
_ANCHORING: Final = re.compile(rb"POST /api/v1/cases/[0-9a-f]{1,64}/evidence HTTP/")
_PART: Final = b"content-disposition:"
_LINKS: Final = b"relations"
_LETTER_ESCAPED: Final = re.compile(rb"\\u00[67]")  # JSON may write a member's name so
_ANCHORING_BYTES_MAX: Final = 32 * 1024
# The end of such a body is not known, or the client waits for a word before it sends one.
_CONVERSATION: Final = re.compile(rb"\r\n(?:transfer-encoding|expect):", re.IGNORECASE)


class Readiness(Enum):
    """MORE must come; WHOLE: no reading will wait; LONG: reading the body may."""

    MORE = 1
    WHOLE = 2
    LONG = 3


class Arrival:
    """The bytes of one request, in order."""

    __slots__ = ("_is_announced", "_needed", "_pieces", "_searched", "size")

    def __init__(self) -> None:
        self.size = 0
        self._pieces = bytearray()
        self._needed: int | None = None  # bytes of head and body, once the head is there
        self._is_announced = False  # whether the body's length was read out of the head
        self._searched = 0

    def take(self, data: bytes) -> Readiness:
        """More of it has come."""
        self._pieces += data
        self.size += len(data)
        if self._needed is None:
            end = self._pieces.find(_END, self._searched)
            if end < 0:
                self._searched = max(0, self.size - len(_END) + 1)
                # A byte that is none of a head's has no head to wait for, and neither has too much of one.
                return Readiness.MORE if self.size <= _HEAD_BYTES_MAX else Readiness.WHOLE
            head = bytes(self._pieces[: end + 2])
            length = _LENGTH.search(head)
            if _CONVERSATION.search(head) is not None:
                return Readiness.LONG
            self._is_announced = length is not None
            self._needed = end + len(_END) + (0 if length is None else int(length[1]))
        if self.size >= self._needed:
            return Readiness.WHOLE
        return Readiness.MORE if self._needed <= COLLECTED_BYTES else Readiness.LONG

    @property
    def is_anchoring(self) -> bool:
        """Whether what has come asks for one statement without a file and links to be anchored, and is all there: of
        a length that is written as none is written here, the parser may make another one, and wait for it.
        """
        if not self._is_announced or self._needed is None or self.size < self._needed:
            return False
        if self.size > _ANCHORING_BYTES_MAX or _ANCHORING.match(self._pieces) is None:
            return False
        if _LINKS in self._pieces or _LETTER_ESCAPED.search(self._pieces) is not None:
            return False
        return self._pieces.lower().count(_PART) == 1

    def give(self) -> bytes:
        """All that has come; then nothing has."""
        data = bytes(self._pieces)
        self._pieces.clear()
        self.size, self._needed, self._is_announced, self._searched = 0, None, False, 0
        return data

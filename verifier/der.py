"""A strict DER reader (X.690 §8 and §10): one encoding per value, so that what is hashed is what is read.

Only what time stamps and certificates are made of is read: single-byte tags, definite lengths in their shortest form.
BER's indefinite lengths, padded lengths and constructed strings are refused. The order inside a SET OF is taken as it
stands: signatures cover the bytes as they stand, and nothing here is encoded again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OID: Final = 0x06
UTF8_STRING: Final = 0x0C
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31

MAX_BYTES: Final = 1 << 20
"""Largest value read, in bytes. A real token has a few KiB; with revocation lists inside, a few hundred."""
MAX_DEPTH: Final = 24
"""Deepest nesting read. A time stamp needs 12 levels; each level costs a copy of the bytes inside it."""
MAX_MEMBERS: Final = 4096
"""Most values inside one node. Of empty ones, MAX_BYTES would hold half a million."""
MAX_INTEGER_BYTES: Final = 128
"""Longest INTEGER. RFC 3161 §2.4.2 asks for 20 bytes; Python refuses to print integers of about 1,800."""
MAX_OID_BYTES: Final = 128
"""Longest OBJECT IDENTIFIER content. A UUID arc (2.25.n) takes 20 bytes."""
_MAX_LENGTH_OCTETS: Final = 4  # more could only describe what MAX_BYTES refuses


class DerError(ValueError):
    """The bytes are not the strict DER that was expected; the text is one lower-case sentence."""


@dataclass(frozen=True, slots=True)
class Node:
    """One tag-length-value: `tag` (the identifier octet), `content`, `raw` (all three parts), `depth` (0 outermost)."""

    tag: int
    content: bytes
    raw: bytes
    depth: int = 0

    def expect(self, tag: int, what: str) -> Node:
        """This node, if it bears `tag`; raises DerError otherwise."""
        if self.tag != tag:
            raise DerError(f"read {what}: expected tag 0x{tag:02x}, got 0x{self.tag:02x}")
        return self

    def children(self) -> list[Node]:
        """The values inside a constructed node, in their order; raises DerError."""
        if not self.tag & 0x20:
            raise DerError(f"read a value: expected a constructed one, got tag 0x{self.tag:02x}")
        if self.depth >= MAX_DEPTH:
            raise DerError(f"read a value: expected at most {MAX_DEPTH} levels, got more")
        nodes: list[Node] = []
        offset = 0
        while offset < len(self.content):
            node = _read_at(self.content, offset, self.depth + 1)
            nodes.append(node)
            if len(nodes) > MAX_MEMBERS:
                raise DerError(f"read a value: expected at most {MAX_MEMBERS} members, got more")
            offset += len(node.raw)
        return nodes

    def only_child(self, tag: int, what: str) -> Node:
        """The single value inside an explicitly tagged node; raises DerError if there is none, or more, or another."""
        children = self.children()
        if len(children) != 1:
            raise DerError(f"read {what}: expected one value, got {len(children)}")
        return children[0].expect(tag, what)


def read_der(data: bytes) -> Node:
    """The one value that `data` (at most MAX_BYTES bytes) encodes, with nothing after it; raises DerError."""
    if len(data) > MAX_BYTES:
        raise DerError(f"read a value: expected at most {MAX_BYTES} bytes, got {len(data)}")
    node = _read_at(data, 0, 0)
    if len(node.raw) != len(data):
        raise DerError(f"read a value: expected nothing after it, got {len(data) - len(node.raw)} bytes")
    return node


def _read_at(data: bytes, start: int, depth: int) -> Node:
    if start + 2 > len(data):
        raise DerError("read a value: expected tag and length, got the end")
    tag = data[start]
    if tag & 0x1F == 0x1F:
        raise DerError("read a value: expected a tag of one byte, got a longer one")
    length, body = _read_length(data, start + 1)
    end = body + length
    if end > len(data):
        raise DerError(f"read a value: expected {length} bytes, got {len(data) - body}")
    return Node(tag, data[body:end], data[start:end], depth)


def _read_length(data: bytes, at: int) -> tuple[int, int]:
    first = data[at]
    if first < 0x80:
        return first, at + 1
    count = first & 0x7F
    if not 1 <= count <= _MAX_LENGTH_OCTETS:
        raise DerError(f"read a length: expected a definite one of at most {_MAX_LENGTH_OCTETS} bytes, got another")
    octets = data[at + 1 : at + 1 + count]
    length = int.from_bytes(octets, "big")
    if len(octets) != count or octets[0] == 0 or length < 0x80:
        raise DerError("read a length: expected its shortest form, got another")
    return length, at + 1 + count


class Fields:
    """Reads the members of a SEQUENCE in order; what is left over at `end` is refused."""

    def __init__(self, node: Node, what: str, tag: int = SEQUENCE) -> None:
        """Opens `node`, which must bear `tag`; `what` names it in errors. Raises DerError."""
        self._what = what
        self._nodes = node.expect(tag, what).children()
        self._next = 0

    def take(self, tag: int) -> Node:
        """The next member, which must bear `tag`; raises DerError."""
        return self.take_any().expect(tag, self._what)

    def take_any(self) -> Node:
        """The next member, whatever it is; raises DerError if there is none."""
        if self._next == len(self._nodes):
            raise DerError(f"read {self._what}: expected another member, got the end")
        self._next += 1
        return self._nodes[self._next - 1]

    def optional(self, tag: int) -> Node | None:
        """The next member if it bears `tag`, otherwise None and nothing is taken."""
        if self._next < len(self._nodes) and self._nodes[self._next].tag == tag:
            return self.take_any()
        return None

    def optional_any(self) -> Node | None:
        """The next member, whatever it is, or None at the end."""
        return self.take_any() if self._next < len(self._nodes) else None

    def end(self) -> None:
        """Raises DerError if a member is left: one that this reader does not know may change the others' meaning."""
        if self._next != len(self._nodes):
            raise DerError(f"read {self._what}: expected no further member, got {len(self._nodes) - self._next}")


def integer(node: Node, what: str, tag: int = INTEGER) -> int:
    """An INTEGER in its shortest form (X.690 §8.3), at most MAX_INTEGER_BYTES bytes; raises DerError."""
    content = node.expect(tag, what).content
    if not 1 <= len(content) <= MAX_INTEGER_BYTES:
        raise DerError(f"read {what}: expected an integer of 1 to {MAX_INTEGER_BYTES} bytes, got {len(content)}")
    if len(content) > 1 and (content[0], content[1] >> 7) in ((0x00, 0), (0xFF, 1)):
        raise DerError(f"read {what}: expected an integer in its shortest form, got a padded one")
    return int.from_bytes(content, "big", signed=True)


def boolean(node: Node, what: str) -> bool:
    """A BOOLEAN, 0x00 or 0xff (X.690 §11.1); raises DerError."""
    content = node.expect(BOOLEAN, what).content
    if content not in (b"\x00", b"\xff"):
        raise DerError(f"read {what}: expected 00 or ff, got {content[:4].hex()}")
    return content == b"\xff"


def oid(node: Node, what: str) -> str:
    """An OBJECT IDENTIFIER as dotted decimals, each arc in its shortest form (X.690 §8.19); raises DerError."""
    content = node.expect(OID, what).content
    if not 1 <= len(content) <= MAX_OID_BYTES or content[-1] & 0x80:
        raise DerError(f"read {what}: expected an object identifier of 1 to {MAX_OID_BYTES} whole bytes")
    arcs: list[int] = []
    arc = 0
    fresh = True
    for octet in content:
        if fresh and octet == 0x80:
            raise DerError(f"read {what}: expected object identifier arcs in their shortest form, got a padded one")
        arc = arc << 7 | octet & 0x7F
        fresh = not octet & 0x80
        if fresh:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)  # X.690 §8.19.4: the first two arcs share one number
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))

"""Content Credentials (C2PA): whether a file carries a manifest store, and who it names. Nothing in it is checked.

The store is a JUMBF superbox (ISO/IEC 19566-5) whose description box bears the label `c2pa`.
"""

from __future__ import annotations

import re
from typing import Final

from ledger.extract.values import decoded

BOX_TYPE: Final = b"jumb"
LABEL: Final = b"c2pa\x00"
# C2PA 2.x §A.5: the user type of the ISO base media box that holds the store.
MEDIA_BOX_UUID: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
STORE_BYTES: Final = 16 * 1024 * 1024
"""Bytes of a store that are looked through: thumbnails inside make them some hundred KiB."""

_MANIFEST: Final = re.compile(rb"(?:urn:uuid:|urn:c2pa:)[0-9A-Za-z:._-]{8,100}")
# CBOR (RFC 8949): the text key `claim_generator`, then a text string of up to 23, 255 or 65,535 bytes.
_GENERATOR: Final = re.compile(rb"oclaim_generator(?:([\x60-\x77])|\x78(.)|\x79(..))", re.DOTALL)


def absent() -> dict[str, object]:
    """What `extracted.c2pa` says of a file without a store; an object, so that absence looks like presence outside."""
    return {"present": False}


def describe(store: bytes, where: str) -> dict[str, object]:
    """What `extracted.c2pa` says of a store found `where` in the file."""
    store = store[:STORE_BYTES]
    return {
        "present": True,
        "where": where,
        "bytes": len(store),
        "manifests": sorted({found.decode("ascii") for found in _MANIFEST.findall(store)})[:50],
        "claim_generator": _generator(store),
        "signature_checked": False,
    }


def is_store(data: bytes) -> bool:
    """Whether bytes are a superbox labelled as a C2PA manifest store."""
    return data[4:8] == BOX_TYPE and LABEL in data[:64]


def _generator(store: bytes) -> str | None:
    found = _GENERATOR.search(store)
    if found is None:
        return None
    short, byte, word = found.groups()
    length = short[0] & 0x1F if short else byte[0] if byte else int.from_bytes(word, "big")
    return decoded(store[found.end() : found.end() + min(length, 200)])

"""Where the parts of a token lie, so that a flipped byte can be told by what it was."""

from __future__ import annotations

from verifier.der import Node, read_der


def regions(response: bytes) -> dict[str, range]:
    """Where the parts of a forged or real response with one signer lie, as byte offsets."""
    found: dict[str, range] = {}
    offsets: dict[int, int] = {}

    def enter(parent: Node, start: int) -> list[tuple[Node, int]]:
        at = start + len(parent.raw) - len(parent.content)
        members = []
        for child in parent.children():
            members.append((child, at))
            offsets[id(child)] = at
            at += len(child.raw)
        return members

    def mark(label: str, node: Node, start: int) -> None:
        found[label] = range(start, start + len(node.raw))

    outer = enter(read_der(response), 0)
    mark("status", *outer[0])
    wrapped = enter(*outer[1])
    signed = enter(*enter(*wrapped[1])[0])
    for label, (node, start) in zip(("version", "digest algorithms", "content"), signed, strict=False):
        mark(label, node, start)
    for node, start in signed[3:-1]:
        mark("certificates" if node.tag == 0xA0 else "revocation lists", node, start)
    signer = enter(*enter(*signed[-1])[0])
    labels = (
        "signer version",
        "signer id",
        "digest algorithm",
        "signed attributes",
        "signature algorithm",
        "signature",
    )
    for label, (node, start) in zip(labels, signer, strict=False):
        mark(label, node, start)
    for node, start in signer[len(labels) :]:
        mark("unsigned attributes", node, start)
    return found


def region_of(found: dict[str, range], offset: int) -> str:
    return next((label for label, span in found.items() if offset in span), "frame")

"""Consistency proofs from tiles, against RFC 6962's recursive definition."""

from __future__ import annotations

import pytest

from tests.verifier.log_forge import ForgedLog, consistency, tree
from tests.verifier.test_online import resources, serving
from verifier.merkle import BadProof, check_consistency
from verifier.server import Server
from verifier.tiles import TiledLog

SIZES = (1, 2, 3, 7, 8, 13, 255, 256, 257, 511, 515)


@pytest.mark.parametrize("size", SIZES)
def test_the_proof_is_rfc_6962s(size: int) -> None:
    log = ForgedLog()
    log.leaves = [b"%d" % index for index in range(size)]
    hashes = log.hashes
    with serving(resources(log)) as url:
        for first in {first for first in (*range(1, 20), *SIZES, size - 1) if 1 <= first <= size}:
            proof = TiledLog(Server(url)).consistency(first, size)
            assert proof == consistency(first, hashes)
            check_consistency(first, tree(hashes[:first]), size, tree(hashes), proof)
            if first < size:
                with pytest.raises(BadProof):
                    check_consistency(first, tree([*hashes[:first][::-1], b"x" * 32]), size, tree(hashes), proof)

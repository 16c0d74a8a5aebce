"""The log's Merkle tree: RFC 6962 / RFC 9162 hashing with SHA-256, pure functions over 32-byte hashes.

A leaf's hash is `SHA-256(0x00 || leaf)`, a node's is `SHA-256(0x01 || left || right)`: the prefixes keep a leaf from
ever being passed off as a node. A tree of n leaves splits at the largest power of two below n. Two leaves, `b""` and
`b"\\x00"` (the first two of Certificate Transparency's reference tree):

    6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d   leaf 0, and the root of the tree of 1
    96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7   leaf 1
    fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125   the root of the tree of 2

A *node* is named by (level, index): level 0 are the leaf hashes, node (h, i) is the root of the perfect subtree over
the leaves i·2^h … (i+1)·2^h − 1, and never changes once those leaves exist. The *frontier* of a tree of n leaves is
the list of its largest perfect subtrees, one for each bit of n: all that is needed to append.

Nodes are kept in *tiles* (C2SP tlog-tiles): tile (L, N) holds the 256 nodes of level 8·L from index 256·N on. Tile
1,234,067 of tile level 0 is served as `tile/0/x001/x234/067`, and its first 112 hashes as
`tile/0/x001/x234/067.p/112`.

`prove_…` builds a proof, `check_…` raises `ProofError` unless it holds; neither returns a truth value.
"""

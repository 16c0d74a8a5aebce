"""Signed notes and what is written in them: checkpoints, cosignatures, policies, proofs (C2SP).

A checkpoint is a note whose text is origin, size and root. The log signs it twice, with Ed25519 and with ML-DSA-44, and
witnesses add lines:

    ledger.example/court
    2
    +sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU=

    — ledger.example/court Z81fzgJ…
    — ledger.example/court x75q1wA…
    — witness.example/notary yq7FkgA…

The text includes its last newline; an empty line parts it from the signatures. A signature line names its key by name
and by key ID, `SHA-256(name || 0x0A || type || public key)[:4]`. Types: 0x01 Ed25519 over the text, 0x04 Ed25519
cosignature, 0x06 ML-DSA-44 cosignature, both with a time. A *vkey* says all of that in one word:

    example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k

Lines of unknown keys are ignored, lines of known keys must be right: anybody may add a line, and nobody may break one.
"""

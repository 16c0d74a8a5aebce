"""Entries: the leaf that the log holds, the fields that it commits to, and the openings that people hold.

A leaf is canonical JSON (RFC 8785), at most 65,535 bytes; an entry of a case says nothing but its place and a
commitment:

    {"chain":"5f0c…","fields":{"count":7,"root":"9a1d…"},"kind":"evidence.anchored","prev":"41b7…","seq":3,
     "time":"2026-11-21T09:15:02.123Z","v":1}

The commitment is the RFC 6962 root over *openings*. With the entry's secret of 32 bytes `00 01 … 1f`, the field
`file.name` with the value `contract.pdf` has the opening

    ["file.name","TCR37XwF8FuXmOHOkp5apA==","contract.pdf"]

whose middle is the salt, `HMAC-SHA256(secret, "file.name")[:16]`, and whose hash is `SHA-256(0x00 || opening)`.
Position 0 of every commitment is the field `@names`: the other fields' names, ascending. Position p is the p-th name.
So a commitment is a map: a name cannot be committed twice with two values, and absence is proven at once.

An entry is known to people by its receipt number: entry 123 is `EL-0000000123-20`.
"""

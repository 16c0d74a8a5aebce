"""Submission: from what a client sends to the fields of an entry.

    statement (JSON) ── statement ──┐
                                    ├── draft ──> Draft("evidence.anchored", {"file.name": …, "declared.author": …})
    file (bytes) ────── intake ─────┘
                          └── blobs: durable before its entry is committed

A statement as clients send it:

    {"metadata":{"author":"А. Серікова"},"requisites":{"address":"https://example.kz/"},"policy":{"extracted.*":"sealed"}}

Which answer a refusal becomes is carried by the error's class: MalformedError (not a JSON text of ours, 400),
LimitError (too many bytes, 413), UnacceptableError (well formed, but not a statement that can be anchored, 422).
"""

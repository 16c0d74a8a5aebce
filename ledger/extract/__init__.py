"""Metadata out of files, taken at anchoring: who made a file, when, with what, and what it says of itself.

The files come from parties to a dispute, so every one of them may be built to break its reader. Hence a process of its
own for each file (`sandbox`), without network, without files to open but the one it was handed, with bounds on time,
memory and answer; what it answers is read as strictly as if the file itself had written it (`answer`).

    sandbox     what the server and the client call: a path and a media type in, an Extraction out, never an exception
    worker      the process: shuts itself in (`confine`, `landlock`), reads one file, prints one JSON object
    formats     which reader takes which media type
    catalogue   every format's names with meaning and source, as docs/extractors.md shows them
    findings    where readers put what they find: only names of their own list, only values that can be committed
    *_format    one per format: its constant NAMES, and `read(source, findings)`

A photograph's answer, shortened:

    {"extracted.created_at": "2026-11-02T08:41:07+05:00", "extracted.failure": null, "extracted.format": "jpeg",
     "extracted.gps": {"latitude": "51.128889", "longitude": "71.420000"}, "extracted.device_serial": null, ...}

Names never depend on the file, nor on the tools that are installed: a format's whole list is always there, null where
the file says nothing, so that `@names` tells the other side no more than the format. What would be secret by its mere
presence stands inside an object.

Nothing here comes from the rest of the ledger; values are plain JSON. The server imports the format modules for their
names alone, so they import third-party parsers inside `read`, never at the top.
"""

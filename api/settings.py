"""What the HTTP server is told, and its own limits, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ledger.config import Settings

# ---- heads ----

# Longer than any path of ours; a cursor is the longest thing in a query.
REQUEST_LINE_BYTES: Final = 4_094
HEADER_FIELDS: Final = 64
HEADER_BYTES: Final = 8_190

# ---- bodies ----

# A JSON body other than a statement: titles, names, grounds. The longest is a ruling's reasons.
JSON_BYTES: Final = 256 * 1024
# A timestamp request is some hundred bytes.
TIMESTAMP_BYTES: Final = 16 * 1024
# A batch is held in memory until every line is checked: 10,000 statements of 6 KiB, and more than most ever need.
BATCH_BYTES: Final = 64 * 1024**2
# The head of one part of a form: two header lines, and a file's name.
PART_HEAD_BYTES: Final = 8 * 1024
# Boundaries and heads around a file and its statement.
MULTIPART_OVERHEAD_BYTES: Final = 16 * 1024
# One read of a body. Large, for the digests' sake: with what waits for them an upload takes up to ten times as much.
READ_BYTES: Final = 1024 * 1024
# While more than so many files come in at once, one read of each is smaller, and all of them fit into memory.
UPLOADS_FAST: Final = 16
READ_BYTES_MANY: Final = 256 * 1024

# ---- refusing early ----

# A client that is still sending when it is refused sees a broken pipe, not the reason, unless what it sends is taken.
DRAIN_BYTES: Final = 32 * 1024**2
DRAIN_SECONDS: Final = 10.0

# ---- lists ----

PAGE_ENTRIES: Final = 50
PAGE_ENTRIES_MAX: Final = 500

# ---- the server ----

# Of requests that are wholly there, so that a thread waits for the writer at most: the interpreter runs one at a time.
THREADS: Final = 32
# Of requests whose bodies are still coming: files. One waits for its client most of the time; those that come beyond
# them wait in line.
UPLOAD_THREADS: Final = 256
# So many threads there may be while clients that are slow to take their answers hold the others.
THREADS_MAX: Final = 256
# A request of up to so many bytes is collected before a thread sees it: a statement of the largest size in its form.
COLLECTED_BYTES: Final = 320 * 1024
# All that is collected at one time; what would be beyond goes to a thread as it is.
COLLECTED_BYTES_MAX: Final = 128 * 1024**2
# Connections that a process keeps, most of them idle between requests: each is a file number and some kilobytes. The
# longest idle are closed when more come.
CONNECTIONS: Final = 8_192
# Connections that the kernel keeps until they are accepted.
BACKLOG: Final = 2_048
KEEPALIVE_SECONDS: Final = 15
# A client that sends has this long, and a second more for each of so many bytes; then it is taken to be gone.
PATIENCE_SECONDS: Final = 30.0
BYTES_PER_SECOND_MIN: Final = 8 * 1024
# A client that takes no byte of its answer for this long is taken to be gone.
SILENCE_SECONDS: Final = 60.0
# CONTRACT: SIGTERM ends `serve` within 10 s. Requests under way get the first part, then the ledger drains its pool.
GRACE_SECONDS: Final = 3
STOP_SECONDS: Final = 9


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """What the ledger's settings say about HTTP.

    public_url   -- the address under which others reach this server, without a final slash; None: as they call it
    behind_proxy -- how many proxies of ours stand in front, whose X-Forwarded-* are believed; 0: nobody's are
    """

    public_url: str | None = None
    behind_proxy: int = 0

    @classmethod
    def of(cls, settings: Settings) -> HttpSettings:
        """Out of the ledger's settings."""
        url = settings.public_url.rstrip("/") if settings.public_url else None
        return cls(url, settings.behind_proxy)

    @property
    def is_https(self) -> bool:
        return self.public_url is not None and self.public_url.startswith("https://")

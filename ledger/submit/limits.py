"""Limits on what is submitted, each with its reason. The operator may set others; the formats' own limits stand."""

from dataclasses import dataclass, fields

from ledger.entry.canonical_json import INTEGER_MAX
from ledger.entry.commitment import COUNT_MAX, OPENING_MAX, VALUE_DEPTH_MAX
from ledger.entry.names import NAME_MAX
from ledger.errors import ConfigError

# Video of a court hearing fits. A file is streamed in constant memory, so the bound protects the disk, not the memory.
FILE_BYTES = 10 * 1024**3
# Parsed in memory as a whole, by each request at a time; some hundred times a careful statement.
STATEMENT_BYTES = 256 * 1024
# Metadata and requisites together. With the server's own fields the entry stays below ENTRY_FIELDS.
STATEMENT_FIELDS = 256
# FORMATS §2: count is at most 1,024, and position 0 is @names.
ENTRY_FIELDS = COUNT_MAX - 1
# FORMATS §2: the name, namespace included, in bytes. A format's limit: names longer than this have no commitment.
NAME_BYTES = NAME_MAX
# Canonical bytes of one field's value. With name and salt the opening stays below OPENING_BYTES.
VALUE_BYTES = 64 * 1024
# FORMATS §2: an opening's bytes. It bounds @names too: 1,023 names of 128 bytes do not fit.
OPENING_BYTES = OPENING_MAX
# Deepest list or object inside a value, a scalar having depth 0 (FORMATS §1).
VALUE_DEPTH = VALUE_DEPTH_MAX
# Lines of one batch: it is checked as a whole before anything is stored, in memory and within one request's time.
BATCH_LINES = 10_000
# What Linux, macOS and Windows take as one file's name, in bytes of UTF-8.
FILE_NAME_BYTES = 255


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits that the operator may set. Raises ConfigError for one that is not a positive integer, or that lies
    above what the formats can hold.
    """

    file_bytes: int = FILE_BYTES
    statement_bytes: int = STATEMENT_BYTES
    statement_fields: int = STATEMENT_FIELDS
    entry_fields: int = ENTRY_FIELDS
    value_bytes: int = VALUE_BYTES
    batch_lines: int = BATCH_LINES

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if type(value) is not int or value < 1:
                raise ConfigError(f"setting a limit: expected a positive integer, got {value!r}", each.name)
        ceilings = {"file_bytes": INTEGER_MAX, "entry_fields": ENTRY_FIELDS, "value_bytes": VALUE_BYTES}
        for name, ceiling in ceilings.items():
            value = getattr(self, name)
            if value > ceiling:
                raise ConfigError(f"setting a limit: the formats hold at most {ceiling}, got {value}", name)

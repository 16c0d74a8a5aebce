"""exiftool, where it is installed: every tag it reads, in one object, beside what the readers here find.

It runs as a child of the worker, so all that confines the worker confines it. It opens its standard input, which is the
evidence, as a file (a pipe it would read into memory); no path, no configuration file, no environment of anybody's.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from typing import Any, Final

from ledger.extract.errors import ExtractError
from ledger.extract.findings import Findings

OUTPUT_BYTES: Final = 2 * 1024 * 1024
"""Bytes of exiftool's answer; what is committed is cut to one field's size."""

_ARGUMENTS: Final = (
    "-config", "", "-json", "-G1", "-charset", "UTF8", "-api", "LargeFileSupport=1",
    # what it says of its own run and of the descriptor, not of the evidence
    "--ExifTool:Warning", "--System:all", "--File:FileType", "--File:FileTypeExtension", "--File:MIMEType",
    "/proc/self/fd/0",
)  # fmt: skip
_ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

# Where our own readers have no source (makers' notes, formats without a reader), by what exiftool calls them.
_SECOND_SOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    "device_serial": ("SerialNumber", "InternalSerialNumber", "CameraSerialNumber"),
    "lens": ("LensModel", "LensID", "Lens"),
    "lens_serial": ("LensSerialNumber",),
    "make": ("Make", "DeviceManufacturer"),
    "model": ("Model", "DeviceModelName"),
    "software": ("Software", "CreatorTool", "WritingApp", "Encoder"),
    "author": ("Artist", "Author", "Creator", "By-line"),
}


def version(tool: str | None) -> str | None:
    """exiftool's version; None where there is none that runs."""
    if tool is None:
        return None
    try:
        return _run(tool, ("-config", "", "-ver"), None).decode("ascii").strip() or None
    except (ExtractError, OSError, UnicodeDecodeError):
        return None


def read(tool: str, descriptor: int, findings: Findings) -> None:
    """Fill `exiftool`, `exiftool_version`, and what stayed empty. Raises ExtractError when exiftool gives nothing."""
    found = json.loads(_run(tool, _ARGUMENTS, descriptor), parse_float=str, parse_int=str)
    tags = found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else {}
    tags.pop("SourceFile", None)
    findings.put("exiftool_version", tags.pop("ExifTool:ExifToolVersion", None))
    findings.put("exiftool", tags)
    for name, sources in _SECOND_SOURCES.items():
        if findings.has(name):
            findings.put_first(name, *(_tag(tags, source) for source in sources))


def _tag(tags: Mapping[str, Any], wanted: str) -> str | None:
    """A tag of any group but Composite, whose values are exiftool's own reckoning."""
    for name, value in tags.items():
        group, _, tag = name.rpartition(":")
        if tag == wanted and group != "Composite" and isinstance(value, str) and value.strip():
            return value
    return None


def _run(tool: str, arguments: tuple[str, ...], descriptor: int | None) -> bytes:
    with subprocess.Popen(
        [tool, *arguments], stdin=subprocess.DEVNULL if descriptor is None else descriptor, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env=_ENVIRONMENT,
    ) as process:  # fmt: skip
        if process.stdout is None:
            raise ExtractError("exiftool did not start")
        try:
            output = process.stdout.read(OUTPUT_BYTES + 1)
        except BaseException:  # time is out: it must not be waited for, so that what was found is still answered
            process.kill()
            raise
        if len(output) > OUTPUT_BYTES:
            process.kill()
            raise ExtractError("exiftool's answer is too long")
    if not output.strip():
        raise ExtractError("exiftool gave no answer")
    return output

"""The headers that every answer carries."""

from __future__ import annotations

from typing import Final

from flask import Response

# Nothing of ours is a page to be framed, and no answer may run, load or send anything.
_CONTENT_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

# What is submitted is somebody's evidence, perhaps a hostile page: in a sandbox it has no origin and no script.
FILE_POLICY: Final = f"sandbox; {_CONTENT_POLICY}"

_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_UNLESS_SET: Final = {
    "Content-Security-Policy": _CONTENT_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    # An answer to a member must not stay in a shared cache, or in a browser's after the member has left.
    "Cache-Control": "no-store",
}
# A year; sent only where the operator says that the ledger is reached over https.
_TRANSPORT: Final = "max-age=31536000"

# For the log and the trust folder: anybody's page may read what anybody may read.
OPEN_TO_ALL: Final = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}


def add_security_headers(response: Response, *, is_https: bool) -> None:
    """Set the headers; those of `_UNLESS_SET` only where the view has not chosen its own."""
    headers = response.headers
    for name, value in _ALWAYS.items():
        headers.add(name, value)  # no view sets one of these
    for name, value in _UNLESS_SET.items():
        if name not in headers:
            headers.add(name, value)
    if is_https:
        response.headers["Strict-Transport-Security"] = _TRANSPORT

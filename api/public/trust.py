"""What a verifier's user may choose to believe: the folder of docs/spec/bundle.md, as the operator states it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Final

from flask import Response, request

from api.openapi.operation import Answer, Content, Parameter, Resource
from api.openapi.shapes import BINARY
from api.settings import TIMESTAMP_BYTES
from api.wire.answer import ZIP, save_as, text_answer
from api.wire.body import check_media_type, read_body
from api.wire.headers import OPEN_TO_ALL
from api.wire.services import Services
from ledger.errors import NotFoundError

TRUST = Resource("trust", is_public=True)

_TEXT: Final = "text/plain; charset=utf-8"
_PEM: Final = "application/x-pem-file"
# It changes when the operator changes keys or policy, announced long before.
_CACHE: Final = "public, max-age=60"
_STRING = {"type": "string"}
_QUERY: Final = "application/timestamp-query"
_REPLY: Final = "application/timestamp-reply"
# The zip profile of docs/spec/bundle.md: the same folder gives the same bytes.
_DATE: Final = (1980, 1, 1, 0, 0, 0)


@TRUST.operation(
    "GET",
    "/trust/policy",
    "The policy",
    Answer(200, "C2SP tlog-policy: the log's keys, witnesses, quorum.", Content("text/plain", _STRING)),
    problems=(404, 503),
)
def get_policy(services: Services) -> Response:
    """As the operator states it. Compare it with what you were given on another way."""
    return _file(services, "policy", _TEXT)


@TRUST.operation(
    "GET",
    "/trust/log.vkey",
    "The log's keys",
    Answer(200, "One verifier key a line (C2SP signed-note), Ed25519 first.", Content("text/plain", _STRING)),
    problems=(503,),
)
def get_vkeys(services: Services) -> Response:
    """The keys that sign checkpoints."""
    text = "".join(f"{vkey}\n" for vkey in services.ledger.log_vkeys())
    return text_answer(text, _TEXT, {"Cache-Control": _CACHE, **OPEN_TO_ALL})


@TRUST.operation(
    "GET",
    "/trust/tsa-operator/{name}.pem",
    "A certificate of the operator's own timestamp authority",
    Answer(200, "PEM.", Content(_PEM, _STRING)),
    parameters=(Parameter("name", "path", "The authority."),),
    problems=(404, 503),
)
def get_operator_authority(services: Services, name: str) -> Response:
    """Not independent of the operator: a verifier shows its timestamps and counts none."""
    return _file(services, f"tsa-operator/{name}.pem", _PEM)


@TRUST.operation(
    "GET",
    "/trust.zip",
    "The trust folder",
    Answer(200, "The folder as a zip.", Content(ZIP, BINARY)),
    problems=(503,),
)
def get_trust_zip(services: Services) -> Response:
    """To be unpacked and handed to `evidence-verify --trust`, once you have reason to believe it."""
    data = zip_folder(services.ledger.trust_files())
    return save_as(text_answer(data, ZIP, {"Cache-Control": _CACHE, **OPEN_TO_ALL}), "trust.zip")


@TRUST.operation(
    "POST",
    "/timestamp",
    "Ask the embedded timestamp authority",
    Answer(200, "A TimeStampResp; a refusal is one too.", Content(_REPLY, BINARY)),
    body=Content(_QUERY, BINARY),
    problems=(400, 413, 415, 503),
)
def stamp(services: Services) -> Response:
    """RFC 3161 over HTTP. The development authority: its tokens say that they prove no time to others."""
    check_media_type(request, (_QUERY,))
    return Response(services.ledger.timestamp_reply(read_body(request, TIMESTAMP_BYTES)), content_type=_REPLY)


def zip_folder(files: Mapping[str, bytes]) -> bytes:
    """The files as a zip, stored, by name, without times."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _DATE), files[name])
    return buffer.getvalue()


def _file(services: Services, name: str, content_type: str) -> Response:
    files = services.ledger.trust_files()
    if name not in files:
        raise NotFoundError("read the trust folder: there is no such file")
    return text_answer(files[name], content_type, {"Cache-Control": _CACHE, **OPEN_TO_ALL})

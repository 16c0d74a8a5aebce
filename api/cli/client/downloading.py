"""Bundles, streamed to disk: whole, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import httpx

from api.cli.client.patience import Patience
from api.cli.client.service import Service
from api.cli.failures import CommandError, network_failure
from api.cli.output import result
from api.cli.progress import Meter, metered
from api.cli.replacing import in_folder, replaced_file


def download_bundle(service: Service, path: str, parameters: Mapping[str, str], subject: str, out: Path | None) -> None:
    """Fetch a bundle to `out` (default SUBJECT.evidence.zip here) and print the file's name.

    A lost connection begins anew. Raises RefusedError, httpx.HTTPError, OSError, CommandError.
    """
    if out is None and not subject.replace("-", "").isalnum():
        raise CommandError(f"naming the file: {subject!r} cannot name one; use -o FILE")
    target = in_folder(out, f"{subject}.evidence.zip")
    patience = Patience()
    with metered(target.name) as meter:
        while True:
            try:
                _download(service, path, parameters, target, meter)
                break
            except httpx.TransportError as error:
                if not service.may_come_back(error) or not patience.ask(network_failure(error)):
                    raise
    result(target)


def _download(service: Service, path: str, parameters: Mapping[str, str], target: Path, meter: Meter) -> None:
    with service.streamed(path, parameters) as response, replaced_file(target) as file:
        length = response.headers.get("Content-Length", "")
        meter.start(int(length) if length.isdigit() else None)
        # Without a length httpx cannot tell a whole body from one cut off; with one it raises.
        for chunk in response.iter_bytes():
            file.write(chunk)
            meter.advance(len(chunk))

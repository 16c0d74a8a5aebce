"""`anchor`: files, or their digests alone, into a case of the ledger."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import httpx

from api.cli import PROGRAM
from api.cli.client.extracting import declared_metadata
from api.cli.client.reading import Digests, ReadFile, digest_file
from api.cli.client.receipts import check_describes, keep_receipt, receipt_of_answer
from api.cli.client.service import Service, segment
from api.cli.failures import FAILED, CommandError, explain
from api.cli.output import json_result, message, result
from api.cli.parsing import command, json_option, pairs, relations, server_options
from api.cli.progress import Meter, metered
from ledger.entry.canonical_json import parse_strict

# 128 bits: two clients never meet by chance, and within the 64 visible characters that a key may have.
KEY_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for each file."""

    case: str
    statement: Mapping[str, Mapping[str, object]]
    hash_only: bool
    extract: bool
    out: Path
    as_json: bool


@command(
    "anchor",
    short_help="Anchor files in a case; prints receipt numbers.",
    example=f"{PROGRAM} anchor photo.jpg video.mp4 --case 5f0c1d2e… --meta author='A. Photographer' --out receipts/\n"
    f"{PROGRAM} anchor --case 5f0c1d2e… --hash-only -- -oddly-named.pdf",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(readable=False, path_type=Path))
@click.option("--case", required=True, metavar="CASE", help="The case's id.")
@click.option("--meta", multiple=True, callback=pairs, metavar="NAME=VALUE", help="Metadata: the field declared.NAME.")
@click.option("--requisite", multiple=True, callback=pairs, metavar="NAME=VALUE", help="The field requisite.NAME.")
@click.option(
    "--policy",
    multiple=True,
    callback=pairs,
    metavar="NAME=open|on-demand|sealed",
    help="Who sees a field, or all below a prefix such as 'declared.*', before it is disclosed.",
)
@click.option("--hash-only", is_flag=True, help="Digest here and send name, size and digests; the file stays at home.")
@click.option("--extract", is_flag=True, help="With --hash-only: take its metadata here, as declared.extracted.*")
@click.option(
    "--relation",
    multiple=True,
    callback=relations,
    metavar="NAME=NUMBER",
    help="A link to evidence of the case: supersedes, derived_from, corroborates, contradicts, series; to a demand: "
    "answers.",
)
@click.option(
    "--out", default=".", metavar="DIR", type=click.Path(path_type=Path), help="Where receipts go.  [default: .]"
)
@json_option
@server_options
def anchor(
    files: tuple[Path, ...],
    case: str,
    meta: dict[str, str],
    requisite: dict[str, str],
    policy: dict[str, str],
    hash_only: bool,
    extract: bool,
    relation: dict[str, list[str]],
    out: Path,
    as_json: bool,
    server: str,
    token: str | None,
) -> int:
    """Anchor each FILE in a case; print its receipt's number and write NUMBER.receipt.json.

    --meta, --requisite and --policy may be repeated and hold for every file; a VALUE is a text. The file's name is sent
    without its folders. Each file is an entry of its own: when one fails, the others go on, and the exit status is 1.
    After a lost connection a file is sent again under the same key: it is recorded once.
    """
    _check_visibilities(policy)
    _check_extraction(extract, hash_only, meta)
    said: dict[str, Mapping[str, object]] = {
        "metadata": meta,
        "requisites": requisite,
        "policy": policy,
        "relations": relation,
    }
    statement = {name: value for name, value in said.items() if value}
    with Service(server, token) as service:
        # Before gigabytes are sent: is there such a server, does it know the token, may the receipts be written?
        service.get(f"/cases/{segment(case)}")
        _prepare_folder(out)
        request = Request(case, statement, hash_only, extract, out, as_json)
        failed = [path for path in files if not _anchored(service, request, path)]
    if failed and len(files) > 1:
        message(f"{PROGRAM}: {len(failed)} of {len(files)} files failed: {', '.join(map(str, failed))}")
    return FAILED if failed else 0


def _anchored(service: Service, request: Request, path: Path) -> bool:
    """Anchor one file and print its result; False, and a message that names it, when that failed."""
    try:
        _anchor(service, request, path)
    except BrokenPipeError:
        raise  # nobody reads the results any more
    except Exception as error:
        explained = explain(error)
        if explained is None:
            raise
        message(f"{PROGRAM}: anchoring {path}: {explained}")
        return False
    return True


def _anchor(service: Service, request: Request, path: Path) -> None:
    name = _file_name(path)
    key = secrets.token_hex(KEY_BYTES)
    with metered(name) as meter:
        if request.hash_only:
            body, digests = _send_digests(service, request, path, name, key, meter)
        else:
            body, digests = _send_file(service, request, path, name, key, meter)
    number, receipt = receipt_of_answer(body)
    try:
        check_describes(receipt, digests)
        keep_receipt(request.out, number, receipt)
    finally:
        # Anchored is anchored: the number is told even when the receipt cannot be kept.
        json_result(body) if request.as_json else result(number)
    _say_what_is_asked(name, body)


def _send_file(
    service: Service, request: Request, path: Path, name: str, key: str, meter: Meter
) -> tuple[bytes, Digests]:
    with ReadFile(path, meter) as file:

        def parts() -> list[tuple[str, Any]]:
            file.seek(0)
            # The name travels in the statement: a part's head has no exact form for each name (%22 stands for ").
            return [_statement_part({**request.statement, "name": name}), ("file", (None, file))]

        try:
            response = service.post_parts(f"/cases/{segment(request.case)}/evidence", key, parts)
        except httpx.LocalProtocolError as error:
            # More or fewer bytes came out of the file than its size had announced.
            raise CommandError("sending the file: it changed while it was being read") from error
        return response.content, file.digests()


def _send_digests(
    service: Service, request: Request, path: Path, name: str, key: str, meter: Meter
) -> tuple[bytes, Digests]:
    digests = digest_file(path, meter)
    known = {"name": name, "size": digests.size, "sha256": digests.sha256, "sha512": digests.sha512}
    taken = declared_metadata(path) if request.extract else {}
    metadata = {**request.statement.get("metadata", {}), **taken}
    part = _statement_part({**request.statement, **({"metadata": metadata} if metadata else {}), **known})
    response = service.post_parts(f"/cases/{segment(request.case)}/evidence", key, lambda: [part])
    return response.content, digests


def _statement_part(statement: Mapping[str, object]) -> tuple[str, tuple[None, bytes, str]]:
    text = json.dumps(statement, ensure_ascii=False).encode("utf-8")
    return "statement", (None, text, "application/json")


def _prepare_folder(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    if not os.access(out, os.W_OK | os.X_OK):
        raise CommandError(f"writing receipts to {out}: permission denied")


def _file_name(path: Path) -> str:
    """The last part of the path. Raises CommandError where it is no text: a field's value must be one."""
    try:
        path.name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise CommandError("naming the file: expected valid utf-8; rename a copy of it") from error
    return path.name


def _say_what_is_asked(name: str, body: bytes) -> None:
    """What courts ask of such evidence and it does not say, and what does not fit together: now it can be mended."""
    answer = parse_strict(body, where="the server's answer")
    said = answer if isinstance(answer, dict) else {}
    missing, questions = said.get("missing"), said.get("questions")
    for each in missing if isinstance(missing, list) else []:
        if isinstance(each, dict):
            message(f"{name}: missing {each.get('name')}: {each.get('reason')}")
    for question in questions if isinstance(questions, list) else []:
        message(f"{name}: to be asked: {question}")


def _check_extraction(extract: bool, hash_only: bool, meta: Mapping[str, str]) -> None:
    if extract and not hash_only:
        raise click.UsageError("--extract: expected --hash-only too; of a file that is sent the ledger takes it itself")
    if extract and any(name.startswith("extracted.") for name in meta):
        raise click.UsageError("--extract: expected no --meta extracted.…; what is taken stands under those names")


def _check_visibilities(policy: Mapping[str, str]) -> None:
    for name, visibility in policy.items():
        if visibility not in ("open", "on-demand", "sealed"):
            raise click.UsageError(f"--policy {name}: expected open, on-demand or sealed, got {visibility!r}")

"""`anchor` against a real server: what it prints, what it leaves, and what it refuses."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pty
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from api.cli.client.reading import Digests
from api.cli.client.receipts import check_describes
from api.cli.failures import CommandError
from ledger.entry.canonical_json import parse
from ledger.entry.receipt_number import parse_number
from tests.api.cli.running import PROGRAM, ServedLedger, environment, fail, run, succeed

AWKWARD_NAMES = [
    "фото с места.jpg",
    "-x",
    "--help",
    'a"b.txt',
    "a%22b.txt",
    "a;b=c'd.txt",
    "сот ісі.pdf",
    "a b.txt",
    "%0A",
]


def opened(folder: Path, number: str) -> dict[str, Any]:
    """The fields that a kept receipt opens; its bytes must be canonical."""
    receipt = parse((folder / f"{number}.receipt.json").read_bytes(), where="receipt")
    assert isinstance(receipt, dict)
    assert receipt["number"] == number
    lines = receipt["opened"]
    assert isinstance(lines, list)
    return {opening[0]: opening[2] for opening in map(json.loads, map(str, lines))}


def test_files_become_numbers_and_receipts(party: Mapping[str, str], case: str, work: Path) -> None:
    (work / "a.txt").write_bytes(b"abc")
    (work / "empty").write_bytes(b"")
    out = work / "new" / "folder"
    stdout = succeed("anchor", "a.txt", "empty", "--case", case, "--out", out, env=party, cwd=work)
    numbers = stdout.splitlines()
    assert [parse_number(number) for number in numbers] == [parse_number(numbers[0]), parse_number(numbers[0]) + 1]
    fields = opened(out, numbers[0])
    assert (fields["file.name"], fields["file.size"]) == ("a.txt", 3)
    assert fields["file.sha256"] == hashlib.sha256(b"abc").hexdigest()
    assert opened(out, numbers[1])["file.sha512"] == hashlib.sha512(b"").hexdigest()
    assert stat.S_IMODE((out / f"{numbers[0]}.receipt.json").stat().st_mode) == 0o600
    assert len(list(out.iterdir())) == 2


def test_the_default_place_for_receipts_is_here(party: Mapping[str, str], case: str, work: Path) -> None:
    (work / "a.txt").write_bytes(b"here")
    number = succeed("anchor", "a.txt", "--case", case, env=party, cwd=work)
    assert {path.name for path in work.iterdir()} == {"a.txt", f"{number}.receipt.json"}


def test_a_receipt_is_replaced_as_a_whole(party: Mapping[str, str], case: str, work: Path) -> None:
    (work / "a.txt").write_bytes(b"again")
    number = succeed("anchor", "a.txt", "--case", case, env=party, cwd=work)
    path = work / f"{number}.receipt.json"
    first = path.read_bytes()
    path.write_bytes(b"x" * 100_000)
    assert succeed("receipt", number, "-o", path, env=party) == str(path)
    assert json.loads(path.read_bytes())["leaf"] == json.loads(first)["leaf"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("options", [[], ["--hash-only"]], ids=["file", "hash-only"])
def test_files_keep_their_exact_names_and_no_folder(
    options: list[str], party: Mapping[str, str], case: str, work: Path
) -> None:
    (work / "folder").mkdir()
    for name in AWKWARD_NAMES:
        (work / "folder" / name).write_bytes(name.encode())
    numbers = succeed("anchor", "--case", case, *options, "--", *AWKWARD_NAMES, env=party, cwd=work / "folder")
    kept = [opened(work / "folder", number) for number in numbers.splitlines()]
    assert [fields["file.name"] for fields in kept] == AWKWARD_NAMES
    assert [fields["file.size"] for fields in kept] == [len(name.encode()) for name in AWKWARD_NAMES]
    number = succeed("anchor", "--case", case, *options, Path("folder", "-x"), env=party, cwd=work)
    assert opened(work, number)["file.name"] == "-x"


def test_hash_only_keeps_the_file_at_home(
    served: ServedLedger, party: Mapping[str, str], case: str, work: Path
) -> None:
    content = os.urandom(3_000_000)
    (work / "home.bin").write_bytes(content)
    before = sum(1 for path in (served.data / "blobs").rglob("*") if path.is_file())
    number = succeed("anchor", "home.bin", "--case", case, "--hash-only", env=party, cwd=work)
    assert sum(1 for path in (served.data / "blobs").rglob("*") if path.is_file()) == before
    fields = opened(work, number)
    assert fields["file.sha256"] == hashlib.sha256(content).hexdigest()
    assert fields["file.sha512"] == hashlib.sha512(content).hexdigest()
    assert fields["file.size"] == len(content)


def test_metadata_requisites_and_policy_become_fields(party: Mapping[str, str], case: str, work: Path) -> None:
    (work / "a.txt").write_bytes(b"fields")
    number = succeed(
        "anchor", "a.txt", "--case", case, "--meta", "author=Ә. Б.", "--meta", "formula=a=b", "--meta", "minus=-5",
        "--requisite", "address=https://example.test/?q=1", "--policy", "declared.author=sealed",
        env=party, cwd=work,
    )  # fmt: skip
    names = opened(work, number)["@names"]
    assert {"declared.author", "declared.formula", "declared.minus", "requisite.address", "system.policy"} <= set(names)
    receipt = json.loads((work / f"{number}.receipt.json").read_bytes())
    assert "secret" in receipt
    shown = {json.loads(line)[0]: json.loads(line)[2] for line in receipt["opened"]}
    expected = {"declared.author": "Ә. Б.", "declared.formula": "a=b", "declared.minus": "-5",
                "requisite.address": "https://example.test/?q=1"}  # fmt: skip
    assert {name: shown[name] for name in expected} == expected


def test_json_is_the_body_of_the_answer(party: Mapping[str, str], case: str, work: Path) -> None:
    (work / "a.txt").write_bytes(b"json")
    (work / "b.txt").write_bytes(b"json too")
    lines = succeed("anchor", "a.txt", "b.txt", "--case", case, "--json", env=party, cwd=work).splitlines()
    bodies = [json.loads(line) for line in lines]
    members = {"number", "case", "index", "time", "access", "receipt", "missing", "questions"}
    assert [set(body) for body in bodies] == [members] * 2
    assert [body["case"] for body in bodies] == [case, case]
    kept = json.loads((work / f"{bodies[0]['number']}.receipt.json").read_bytes())
    assert kept == bodies[0]["receipt"]


def test_when_one_file_fails_the_others_go_on(party: Mapping[str, str], case: str, work: Path) -> None:
    for name in ("a", "e"):
        (work / name).write_bytes(name.encode())
    (work / "folder").mkdir()
    os.mkfifo(work / "pipe")
    done = run("anchor", "a", "gone", "folder", "pipe", "e", "--case", case, env=party, cwd=work)
    assert done.returncode == 1
    numbers = done.stdout.splitlines()
    assert [opened(work, number)["file.name"] for number in numbers] == ["a", "e"]
    for name in ("gone", "folder", "pipe"):
        assert f"anchoring {name}: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "3 of 5 files failed: gone, folder, pipe" in done.stderr


def test_a_file_that_cannot_be_read_is_named(party: Mapping[str, str], case: str, work: Path) -> None:
    """Root may read every file; a process's own memory opens, and reading its first page fails for everybody."""
    if os.geteuid() == 0:
        path, reason = Path("/proc/self/mem"), "input/output error"
    else:
        path, reason = work / "a", "permission denied"
        path.write_bytes(b"a")
        path.chmod(0)
    text = fail(1, "anchor", path, "--case", case, env=party, cwd=work)
    assert f"anchoring {path}: " in text
    assert reason in text


def test_a_name_that_is_no_utf8_is_refused_in_words(party: Mapping[str, str], case: str, work: Path) -> None:
    Path(os.fsdecode(bytes(work) + b"/\xff.txt")).write_bytes(b"x")
    assert "utf-8" in fail(1, "anchor", "--case", case, b"\xff.txt", env=party, cwd=work)


def test_a_name_that_misleads_is_refused_by_the_server(party: Mapping[str, str], case: str, work: Path) -> None:
    name = "photo\u202egpj.exe"
    (work / name).write_bytes(b"x")
    text = fail(1, "anchor", name, "--case", case, env=party, cwd=work)
    assert "\u202e" not in text
    assert "U+202E" in text


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--meta", "Author=x"], "declared.Author"),
        (["--policy", "declard.x=sealed"], "namespace"),
        (["--meta", "long=" + "x" * 70_000], "65536"),
    ],
)
def test_what_the_server_refuses_is_said_in_its_words(
    words: list[str], reason: str, party: Mapping[str, str], case: str, work: Path
) -> None:
    (work / "a").write_bytes(b"a")
    assert reason in fail(1, "anchor", "a", "--case", case, *words, env=party, cwd=work)
    assert [path.name for path in work.iterdir()] == ["a"]


@pytest.mark.parametrize("case_id", ["0" * 32, "x", "../../healthz", ""])
def test_a_case_that_is_not_yours_is_told_before_the_file_is_sent(
    case_id: str, party: Mapping[str, str], work: Path
) -> None:
    (work / "a").write_bytes(b"a")
    assert "anchoring" not in fail(1, "anchor", "a", "--case", case_id, env=party, cwd=work)


def test_a_wrong_token_is_told(party: Mapping[str, str], case: str, work: Path) -> None:
    (work / "a").write_bytes(b"a")
    assert "401" in fail(1, "anchor", "a", "--case", case, "--token", "elt_wrong", env=party, cwd=work)


def test_the_receipts_folder_is_tried_before_anything_is_anchored(
    party: Mapping[str, str], case: str, work: Path
) -> None:
    (work / "a").write_bytes(b"a")
    (work / "taken").write_bytes(b"")
    before = succeed("case", "show", case, env=party)
    fail(1, "anchor", "a", "--case", case, "--out", "taken", env=party, cwd=work)
    assert succeed("case", "show", case, env=party) == before


def test_progress_is_for_a_terminal_and_never_on_stdout(party: Mapping[str, str], case: str, work: Path) -> None:
    with (work / "large.bin").open("wb") as file:
        file.truncate(60_000_000)
    try:
        terminal, end = pty.openpty()
    except OSError as error:
        pytest.skip(f"no terminal to be had here: {error.strerror}")
    with subprocess.Popen(
        [PROGRAM, "anchor", "large.bin", "--case", case],
        stdout=subprocess.PIPE, stderr=end, cwd=work, env=environment({**party, "TERM": "xterm", "COLUMNS": "120"}),
    ) as process:  # fmt: skip
        os.close(end)
        shown = read_terminal(terminal)
        assert process.stdout is not None
        stdout = process.stdout.read().decode()
    assert process.returncode == 0
    number = stdout.strip()
    assert stdout == f"{number}\n"
    assert opened(work, number)["file.size"] == 60_000_000
    assert "large.bin" in shown
    assert "/s" in shown  # the rate
    assert "0:00:0" in shown  # the time left


def read_terminal(terminal: int) -> str:
    """All that is written to the other end, until it is closed there."""
    shown = b""
    try:
        while chunk := os.read(terminal, 65536):
            shown += chunk
    except OSError as error:
        assert error.errno == errno.EIO  # Linux says so that nobody has the other end open any more
    finally:
        os.close(terminal)
    return shown.decode()


def test_a_receipt_for_another_file_is_refused() -> None:
    """A server, or somebody between, that records something else than what was sent."""
    sha256, sha512 = hashlib.sha256(b"abc").hexdigest(), hashlib.sha512(b"abc").hexdigest()

    def receipt(**fields: object) -> bytes:
        return json.dumps({"opened": [json.dumps([name, "", value]) for name, value in fields.items()]}).encode()

    right = {"file.size": 3, "file.sha256": sha256, "file.sha512": sha512}
    check_describes(receipt(**right), Digests(3, sha256, sha512))
    for name, wrong in (("file.size", 4), ("file.sha256", sha256[::-1]), ("file.sha512", sha512[::-1])):
        with pytest.raises(CommandError, match=name):
            check_describes(receipt(**{**right, name: wrong}), Digests(3, sha256, sha512))
        with pytest.raises(CommandError, match=name):
            check_describes(receipt(**{key: right[key] for key in right if key != name}), Digests(3, sha256, sha512))

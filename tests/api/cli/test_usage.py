"""What holds for every command: help, version, exit status, and words instead of tracebacks.

Run within this process, where they are many; `test_process` runs real ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from api.cli import main
from api.cli.client import challenges, demands, standing
from api.cli.program import program
from ledger.casework import demands as rules
from ledger.casework.challenges import HEADS
from ledger.casework.standing import ROLES
from tests.api.cli.running import environment, free_port

Outcome = tuple[int, str, str]


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Outcome]:
    """Runs one command in an empty folder: exit status, stdout, stderr."""

    def run_here(*words: str | Path, env: dict[str, str] | None = None) -> Outcome:
        for name in os.environ.keys() - environment().keys():
            monkeypatch.delenv(name)
        for name, value in (env or {}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        code = main([str(word) for word in words])
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return run_here


def failed(outcome: Outcome, code: int) -> str:
    """What a failed command said: on stderr only."""
    assert outcome[:2] == (code, ""), outcome
    assert outcome[2].strip()
    return outcome[2]


def commands(group: click.Group, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [words]
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found += commands(command, (*words, name)) if isinstance(command, click.Group) else [(*words, name)]
    return found


COMMANDS = commands(program)
NUMBER = "EL-0000000004-86"
NOWHERE = {"EVIDENCE_LEDGER_SERVER": f"http://127.0.0.1:{free_port()}", "EVIDENCE_LEDGER_TOKEN": "elt_x"}


def test_the_commands_are_those_of_the_contract() -> None:
    assert {" ".join(words) for words in COMMANDS} == {
        "", "init", "serve", "fsck", "doctor", "status", "user", "user add", "user list", "user disable", "token",
        "token new", "token list", "token revoke", "trust", "case", "case open", "case list", "case show",
        "case add-member", "case remove-member", "case bundle", "anchor", "receipt", "bundle", "lookup", "completion",
        "demand", "demands", "reminders", "disclose", "refuse", "rule", "challenge", "admit", "standing",
        "standing list", "standing ask", "standing admit", "standing refuse", "erase", "rebuild",
        "backup", "restore", "upgrade",
    }  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_helps_with_an_example(words: tuple[str, ...], call: Callable[..., Outcome]) -> None:
    code, help_text, said = call(*words, "--help")
    assert (code, said) == (0, "")
    assert help_text.startswith(" ".join(["Usage: evidence-ledger", *words]))
    example = help_text.partition("Example:\n")[2]
    assert f"evidence-ledger {' '.join(words)}".strip() in example


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_tells_its_version(words: tuple[str, ...], call: Callable[..., Outcome]) -> None:
    code, version, said = call(*words, "--version")
    assert (code, said) == (0, "")
    assert version.startswith("evidence-ledger 0.")
    assert version == call("--version")[1]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nothing"],
        ["case"],
        ["case", "open"],
        ["--data", ".", "status"],  # options stand after the subcommand
        ["anchor", "x"],
        ["anchor", "--case", "c"],
        ["anchor", "x", "--case", "c", "--meta", "author"],
        ["anchor", "x", "--case", "c", "--meta", "=v"],
        ["anchor", "x", "--case", "c", "--meta", "a=1", "--meta", "a=2"],
        ["anchor", "x", "--case", "c", "--policy", "declared.a=closed"],
        ["anchor", "x", "--case", "c", "--server", "127.0.0.1:8080"],
        ["anchor", "x", "--case", "c", "--server", "http://[::1"],
        ["anchor", "x", "--case", "c", "--extract"],
        ["anchor", "x", "--case", "c", "--hash-only", "--extract", "--meta", "extracted.author=A"],
        ["anchor", "x", "--case", "c", "--relation", "supersedes"],
        ["demand", NUMBER, "--fields", "a"],
        ["demand", NUMBER, "--grounds", "x"],
        ["demand", NUMBER, "--fields", "a", "--all", "--grounds", "x"],
        ["demand", NUMBER, "--fields", "a,,b", "--grounds", "x"],
        ["demand", NUMBER, "--all", "--object", "file", "--grounds", "x"],
        ["demand", NUMBER, "--all", "--object", "moon", "--grounds", "x"],
        ["refuse", NUMBER],
        ["rule", NUMBER, "--order", "maybe", "--reason", "x"],
        ["rule", NUMBER, "--order", "disclose"],
        ["challenge", NUMBER],
        ["challenge", NUMBER, "--head", "tail", "--grounds", "x"],
        ["standing", "admit", NUMBER],
        ["erase", NUMBER, "--all"],
        ["erase", NUMBER, "--order", "x"],
        ["case", "remove-member", "c", "x"],
        ["user", "add", "x", "--role", "king"],
        ["user", "add", "x"],
        ["init"],
        ["init", "--origin", "a", "--tsa", "nourl"],
        ["init", "--origin", "a", "--tsa-interval", "0"],
        ["serve", "--port", "70000"],
        ["trust"],
        ["backup"],
        ["restore"],
        ["init", "--origin", "a", "--join", "--successor-of", "b"],
        ["completion", "tcsh"],
    ],
    ids=" ".join,
)
def test_wrong_use_is_two(words: list[str], call: Callable[..., Outcome], tmp_path: Path) -> None:
    failed(call(*words, env=NOWHERE), 2)
    assert list(tmp_path.iterdir()) == []


def test_a_value_that_is_no_utf8_is_wrong_use(call: Callable[..., Outcome]) -> None:
    # So Python hands the byte FF over.
    assert "utf-8" in failed(call("anchor", "x", "--case", "c", "--meta", "a=\udcff", env=NOWHERE), 2)


def test_a_title_that_is_no_utf8_is_refused_in_words(call: Callable[..., Outcome]) -> None:
    assert "utf-8" in failed(call("case", "open", "\udcff", env=NOWHERE), 1)


def test_without_a_token_nothing_is_sent(call: Callable[..., Outcome]) -> None:
    assert "EVIDENCE_LEDGER_TOKEN" in failed(call("case", "list", env={"EVIDENCE_LEDGER_TOKEN": ""}), 2)


@pytest.mark.parametrize(
    "words",
    [
        ["case", "open", "title"],
        ["case", "list"],
        ["case", "show", "c"],
        ["case", "bundle", "c", "-o", "c.zip"],
        ["anchor", "x", "--case", "c"],
        ["receipt", NUMBER],
        ["bundle", NUMBER],
        ["demand", NUMBER, "--all", "--grounds", "x"],
        ["demands", "c"],
        ["reminders"],
        ["disclose", NUMBER],
        ["challenge", NUMBER, "--grounds", "x"],
        ["standing", "list", "c"],
        ["erase", NUMBER, "--all", "--order", "x"],
    ],
    ids=" ".join,
)
def test_a_server_that_was_never_there_is_told_at_once(
    words: list[str], call: Callable[..., Outcome], tmp_path: Path
) -> None:
    (tmp_path / "x").write_bytes(b"x")
    text = failed(call(*words, env=NOWHERE), 1)
    assert NOWHERE["EVIDENCE_LEDGER_SERVER"] in text
    assert "connection refused" in text.lower()
    assert "again" not in text
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize(
    "words",
    [
        ["receipt"],
        ["demand", "--all", "--grounds", "x"],
        ["disclose"],
        ["refuse", "--reason", "x"],
        ["rule", "--order", "disclose", "--reason", "x"],
        ["challenge", "--grounds", "x"],
        ["admit"],
        ["standing", "refuse", "--reason", "x"],
        ["standing", "ask", "--code", "x"],
        ["erase", "--all", "--order", "x"],
    ],
    ids=" ".join,
)
def test_a_mistyped_number_is_refused_before_anything_is_sent(words: list[str], call: Callable[..., Outcome]) -> None:
    assert "wrong check digits" in failed(call(*words, "EL-0000000004-87", env=NOWHERE), 1)


def test_the_choices_are_those_of_the_rules() -> None:
    assert (demands.OBJECTS, demands.ANSWERS, demands.ORDERS) == (rules.OBJECTS, rules.ANSWERS, rules.ORDERS)
    assert (challenges.HEADS, standing.ROLES) == (HEADS, ROLES)


@pytest.mark.parametrize("token", ["elt x", "elt_\nx", "ключ"])
def test_a_token_that_is_none_does_not_break_the_request(token: str, call: Callable[..., Outcome]) -> None:
    assert "token" in failed(call("case", "list", "--token", token, env=NOWHERE), 1)


@pytest.mark.parametrize(
    "words",
    [["status"], ["fsck"], ["serve"], ["rebuild"], ["user", "list"], ["user", "add", "x", "--role", "party"],
     ["token", "list"], ["token", "revoke", "x"], ["trust", "--out", "t"]],
    ids=" ".join,
)  # fmt: skip
def test_where_no_ledger_is_the_operator_hears_of_init(
    words: list[str], call: Callable[..., Outcome], tmp_path: Path
) -> None:
    assert "init" in failed(call(*words, "--data", tmp_path / "none"), 1)
    assert list(tmp_path.iterdir()) == []


def test_settings_that_do_not_parse_are_named(call: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("origin = [", encoding="utf-8")
    assert "config.toml" in failed(call("status", "--data", tmp_path), 1)


def test_data_that_may_not_be_read_is_named(call: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    assert "config.toml" in failed(call("user", "list", "--data", tmp_path), 1)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_program(shell: str, call: Callable[..., Outcome]) -> None:
    code, script, said = call("completion", shell)
    assert (code, said) == (0, "")
    assert "_EVIDENCE_LEDGER_COMPLETE" in script


def test_doctor_names_what_is_missing_and_what_works(call: Callable[..., Outcome], tmp_path: Path) -> None:
    code, found, _ = call("doctor", "--data", tmp_path, env={"PATH": str(tmp_path)})
    lines = [line.split("\t") for line in found.splitlines()]
    outcomes = {subject: outcome for outcome, subject, _ in lines}
    assert outcomes.items() >= {"python": "ok", "cryptography": "ok", "sqlite": "ok", "openssl": "missing",
                                "exiftool": "missing", "ledger": "missing"}.items()  # fmt: skip
    assert code == (1 if "failed" in outcomes.values() else 0)
    assert list(tmp_path.iterdir()) == []


def test_doctor_fails_where_a_ledger_cannot_run(call: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("no = 1\n", encoding="utf-8")
    code, found, _ = call("doctor", "--data", tmp_path)
    assert code == 1
    assert any(line.startswith("failed\tledger\t") for line in found.splitlines())

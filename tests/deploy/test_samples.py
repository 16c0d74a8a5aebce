"""The samples in deploy/: they parse, name commands and options that exist, and allow what the ledger allows."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import click
import pytest

from api.cli.program import program
from api.settings import MULTIPART_OVERHEAD_BYTES, PATIENCE_SECONDS, STOP_SECONDS
from ledger.submit.limits import FILE_BYTES, STATEMENT_BYTES
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
INSTALLED = "/opt/evidence-ledger/bin/evidence-ledger"
UNITS = sorted(path.name for path in DEPLOY.glob("*.service"))


def check_command(words: list[str]) -> dict[str, object]:
    """The options of one `evidence-ledger` command line, as the program itself parses them."""
    command = program.get_command(click.Context(program), words[0])
    assert command is not None
    return command.make_context(words[0], words[1:]).params


def unit(name: str) -> dict[str, list[str]]:
    """Every setting of a unit, those that stand several times too."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in (DEPLOY / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "[")):
            key, separator, value = line.partition("=")
            assert separator and re.fullmatch(r"[A-Z][A-Za-z]+", key), line
            found[key].append(value)
    return found


@pytest.mark.parametrize("name", UNITS)
def test_a_units_command_exists_with_its_options(name: str) -> None:
    (started,) = unit(name)["ExecStart"]
    words = shlex.split(started.replace("%i", "8081"))
    if words[0] == "/bin/sh":
        words = shlex.split(re.sub(r"\$\(.*\)", "now", words[2]))[1:]
    assert words[0] == INSTALLED
    options = check_command(words[1:])
    assert options["data"] == Path("/var/lib/evidence-ledger")


def test_a_unit_leaves_the_readers_of_files_their_walls() -> None:
    """docs/extractors.md: a user and a network namespace, Landlock; everything else of a service is shut."""
    for name in ("evidence-ledger.service", "evidence-ledger@.service"):
        found = unit(name)
        assert found["RestrictNamespaces"] == ["user net"]
        assert "landlock_restrict_self" in " ".join(found["SystemCallFilter"])
        assert not {"PrivateUsers", "MemoryDenyWriteExecute", "PrivateNetwork"} & found.keys()
        assert found["NoNewPrivileges"] == ["yes"] and found["ProtectSystem"] == ["strict"]
        assert int(found["TimeoutStopSec"][0]) > STOP_SECONDS and found["KillMode"] == ["mixed"]
    template, single = unit("evidence-ledger@.service"), unit("evidence-ledger.service")
    assert {key for key in single if single[key] != template[key]} == {"Description", "ExecStart"}


def test_systemd_reads_the_units(tmp_path: Path) -> None:
    """Where systemd is there. That each line is one of its settings is all that can be told without."""
    for path in DEPLOY.glob("*.[st]*e*"):
        if path.suffix in (".service", ".timer"):
            text = path.read_text(encoding="utf-8").replace(INSTALLED, "/bin/true")
            (tmp_path / path.name.replace("@.", "@8081.")).write_text(text)
            parser = configparser.ConfigParser(interpolation=None, strict=False)
            parser.read_string(text)
            assert {"Unit", "Service"} <= set(parser.sections()) or path.suffix == ".timer"
    if shutil.which("systemd-analyze"):
        done = subprocess.run(
            ["systemd-analyze", "verify", *sorted(tmp_path.iterdir())], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


# --- nginx ---


def directives() -> dict[str, list[str]]:
    """Every directive of the sample, by its first word."""
    text = re.sub(r"#.*", "", (DEPLOY / "nginx.conf").read_text(encoding="utf-8"))
    assert text.count("{") == text.count("}") > 0
    found: dict[str, list[str]] = defaultdict(list)
    for statement in re.split(r"[;{}]", text):
        name, _, value = " ".join(statement.split()).partition(" ")
        found[name].append(value)
    return found


def seconds(value: str) -> int:
    return int(value.removesuffix("s"))


def test_the_proxy_lets_through_what_the_ledger_takes() -> None:
    found = directives()
    (size,) = found["client_max_body_size"]
    assert int(size.removesuffix("m")) * 1024**2 >= FILE_BYTES + STATEMENT_BYTES + MULTIPART_OVERHEAD_BYTES
    assert found["proxy_request_buffering"] == found["proxy_buffering"] == ["off"]
    assert all(seconds(found[name][0]) > PATIENCE_SECONDS for name in ("client_body_timeout", "proxy_read_timeout"))
    assert found["proxy_next_upstream"] == ["off"]  # what may have been done is repeated with its key, or not at all


def test_the_proxy_speaks_tls_and_says_who_called() -> None:
    found = directives()
    assert found["ssl_protocols"] == ["TLSv1.2 TLSv1.3"]
    assert all("443" not in each or "ssl" in each for each in found["listen"])
    headers = dict(each.split(" ", 1) for each in found["proxy_set_header"])
    assert headers["X-Forwarded-For"] == "$remote_addr"  # a client's own is replaced, not appended to
    assert {"X-Forwarded-Proto", "X-Forwarded-Host", "Host"} <= headers.keys()
    assert "~ ^/(metrics|readyz)$" in found["location"] and found["deny"] == ["all"]


def test_nginx_reads_the_sample(tmp_path: Path) -> None:
    """Where nginx and openssl are there: in a configuration of its own, which serves nobody."""
    if not (shutil.which("nginx") and shutil.which("openssl")):
        return
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=ledger.example", "-keyout"]
    subprocess.run([*make, tmp_path / "key.pem", "-out", tmp_path / "fullchain.pem"], check=True, capture_output=True)
    site = (DEPLOY / "nginx.conf").read_text(encoding="utf-8").replace("/etc/ssl/ledger.example", str(tmp_path))
    (tmp_path / "site.conf").write_text(site)
    temporary = "".join(
        f"{kind}_temp_path {tmp_path / kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = (
        f"pid {tmp_path / 'pid'};events {{}} http {{ access_log off; {temporary} include {tmp_path / 'site.conf'}; }}"
    )
    (tmp_path / "nginx.conf").write_text(whole)
    test = ["nginx", "-t", "-q", "-p", tmp_path, "-c", tmp_path / "nginx.conf"]
    done = subprocess.run(test, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# --- compose ---


def read_yaml(text: str) -> dict[str, object]:
    """The part of YAML that the sample keeps to: mappings, lists of quoted words, scalars and flow values of JSON."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert "\t" not in text
    value, rest = _block(lines, 0)
    assert rest == [] and isinstance(value, dict)
    return value


def _block(lines: list[str], indent: int) -> tuple[object, list[str]]:
    mapping: dict[str, object] = {}
    items: list[object] = []
    while lines and (deep := len(lines[0]) - len(lines[0].lstrip())) >= indent:
        line, lines = lines[0].strip(), lines[1:]
        assert deep == indent, line
        if line.startswith("- "):
            items.append(json.loads(line[2:]))
            continue
        match = re.fullmatch(r"([a-zA-Z_]+):(?: (.+))?", line)
        assert match and match[1] not in mapping, line
        if match[2] is None:
            mapping[match[1]], lines = _block(lines, indent + 2)
        else:
            mapping[match[1]] = json.loads(match[2]) if match[2][0] in '["{' else match[2]
    assert not (mapping and items)
    return mapping or items, lines


def test_the_containers_run_what_exists_on_a_database_that_keeps_what_it_says() -> None:
    services = read_yaml((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert isinstance(services, dict)
    served = check_command(services["ledger"]["command"])
    assert (served["data"], served["behind_proxy"]) == (Path("/data"), 1)
    (made,) = services["init"]["command"]
    words = shlex.split(made.partition("exec evidence-ledger ")[2])
    assert check_command(words)["kept"] == Path("/kept")
    assert {"fsync=on", "synchronous_commit=on", "full_page_writes=on"} <= set(services["database"]["command"])
    assert services["ledger"]["ports"] == ["127.0.0.1:8080:8080"]  # TLS stands in front
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for volume in services["ledger"]["volumes"]:
        assert re.search(rf"--owner=ledger .*{volume.partition(':')[2]}\b", image)  # else it would be root's


# --- the image ---


def test_the_image_installs_the_lock_of_the_extra_that_was_asked_for() -> None:
    """What is copied is let through, and the name that the shell makes is a lock's."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    let_through = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    (name,) = re.findall(r'-r "(requirements\$\{[^"]*)"', dockerfile)
    for extra, lock in (("", "requirements.lock"), ("s3", "requirements-s3.lock")):
        shell = subprocess.run(
            ["sh", "-c", f'printf %s "{name}"'], env={"EXTRA": extra}, capture_output=True, text=True, check=True
        )
        assert shell.stdout == lock and (ROOT / lock).is_file()
        assert f"!{lock}" in let_through and f" {lock} " in dockerfile

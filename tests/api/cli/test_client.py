"""The client's other commands against a real server."""

from __future__ import annotations

import json
import os
import stat
import threading
import zipfile
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from api.cli.output import printable
from tests.api.cli.running import ServedLedger, fail, run, succeed


@pytest.fixture
def number(party: Mapping[str, str], case: str, work: Path) -> str:
    """The number of an anchored file, `photo.jpg`."""
    (work / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0 a photograph of " + os.urandom(16))
    return succeed("anchor", "photo.jpg", "--case", case, "--out", work / "receipts", env=party, cwd=work)


def test_a_case_is_opened_listed_and_shown(party: Mapping[str, str]) -> None:
    case = succeed("case", "open", "Ә. қарсы Б., 2026", env=party)
    assert len(case) == 32
    assert case in succeed("case", "list", env=party).splitlines()
    lines = [line.split("\t") for line in succeed("case", "show", case, env=party).splitlines()]
    assert ["case", case] in lines
    assert ["title", "Ә. қарсы Б., 2026"] in lines
    assert ["member", "aigul", "party", "party"] in lines
    assert [line[3] for line in lines if line[0] == "entry"] == ["case.opened"]


def test_json_of_cases_is_the_body(party: Mapping[str, str]) -> None:
    opened = json.loads(succeed("case", "open", "title", "--json", env=party))
    assert opened["title"] == "title"
    shown = json.loads(succeed("case", "show", opened["case"], "--json", env=party))
    assert shown == opened
    listed = json.loads(succeed("case", "list", "--json", env=party))
    assert opened in listed["items"]
    assert listed["next"] is None


def test_more_cases_than_a_page_are_all_listed(served: ServedLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    from api.cli.client import paging
    from api.cli.client.service import Service

    access = served.access(served.token("many"))
    opened = [succeed("case", "open", f"case {n}", env=access) for n in range(5)]
    monkeypatch.setattr(paging, "PAGE_ITEMS", 2)
    with Service(access["EVIDENCE_LEDGER_SERVER"], access["EVIDENCE_LEDGER_TOKEN"]) as service:
        assert [each["case"] for each in paging.all_pages(service, "/cases")["items"]] == opened


def test_a_member_is_added_and_sees_the_case(served: ServedLedger, party: Mapping[str, str], case: str) -> None:
    other = served.access(served.token(f"other-{case[:8]}"))
    fail(1, "case", "show", case, env=other)
    assert succeed("case", "add-member", case, f"other-{case[:8]}", "--role", "opposing", env=party) == ""
    assert f"member\tother-{case[:8]}\topposing\topposing" in succeed("case", "show", case, env=other)
    assert "409" in fail(1, "case", "add-member", case, f"other-{case[:8]}", "--role", "party", env=party)


def test_a_receipt_comes_with_its_exact_bytes(party: Mapping[str, str], number: str, work: Path) -> None:
    done = run("receipt", number, env=party)
    assert done.returncode == 0
    assert not done.stdout.endswith("\n")
    kept = json.loads((work / "receipts" / f"{number}.receipt.json").read_bytes())
    assert json.loads(done.stdout)["leaf"] == kept["leaf"]
    assert json.loads(done.stdout)["secret"] == kept["secret"]
    (work / "here").mkdir()
    assert succeed("receipt", number, "--out", work / "here", env=party) == str(
        work / "here" / f"{number}.receipt.json"
    )


@pytest.mark.parametrize(("options", "with_file"), [([], True), (["--without-file"], False)])
def test_a_bundle_comes_with_or_without_the_file(
    options: list[str], with_file: bool, party: Mapping[str, str], number: str, work: Path
) -> None:
    target = work / "deep" / "folder" / "photo.evidence.zip"
    assert succeed("bundle", number, "-o", target, *options, env=party) == str(target)
    with zipfile.ZipFile(target) as bundle:
        inside = [name for name in bundle.namelist() if name.startswith("evidence/")]
        assert len(inside) == with_file
        if with_file:
            assert bundle.read(inside[0]) == (work / "photo.jpg").read_bytes()
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_a_bundle_lands_here_under_its_number(party: Mapping[str, str], number: str, work: Path) -> None:
    assert succeed("bundle", number, env=party, cwd=work) == f"{number}.evidence.zip"
    assert zipfile.is_zipfile(work / f"{number}.evidence.zip")


def test_a_failed_download_leaves_what_was_there(party: Mapping[str, str], work: Path) -> None:
    (work / "b.zip").write_bytes(b"before")
    assert "404" in fail(1, "bundle", "EL-9999999999-51", "-o", "b.zip", env=party, cwd=work)
    assert (work / "b.zip").read_bytes() == b"before"
    assert [path.name for path in work.iterdir()] == ["b.zip"]


def test_a_symbolic_link_is_written_through(party: Mapping[str, str], number: str, work: Path) -> None:
    (work / "link.zip").symlink_to(work / "real.zip")
    succeed("bundle", number, "-o", "link.zip", env=party, cwd=work)
    assert (work / "link.zip").is_symlink()
    assert zipfile.is_zipfile(work / "real.zip")


def test_a_device_is_written_to_and_never_replaced(party: Mapping[str, str], number: str) -> None:
    succeed("bundle", number, "-o", "/dev/null", env=party)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_whole_case_becomes_a_bundle(party: Mapping[str, str], case: str, number: str, work: Path) -> None:
    assert succeed("case", "bundle", case, "-o", "case.zip", env=party, cwd=work) == "case.zip"
    with zipfile.ZipFile(work / "case.zip") as bundle:
        assert json.loads(bundle.read("bundle.json"))["case"] == case


def test_a_file_is_found_by_its_bytes_alone(party: Mapping[str, str], number: str, work: Path) -> None:
    (work / "photo.jpg").rename(work / "-renamed")
    assert succeed("lookup", "--", "-renamed", env=party, cwd=work) == number
    body = json.loads(succeed("lookup", "--json", "--", "-renamed", env=party, cwd=work))
    assert [each["number"] for each in body["items"]] == [number]
    (work / "other").write_bytes(b"never anchored" + os.urandom(8))
    done = run("lookup", "other", env=party, cwd=work)
    assert (done.returncode, done.stdout) == (0, "")
    assert "no entry" in done.stderr


def test_somebody_elses_entry_is_not_found(served: ServedLedger, number: str, work: Path) -> None:
    stranger = served.access(served.token(f"stranger-{number[3:13]}"))
    assert succeed("lookup", work / "photo.jpg", env=stranger) == ""
    for words in (["receipt", number], ["bundle", number]):
        assert "404" in fail(1, *words, env=stranger, cwd=work)


@pytest.mark.parametrize("status", [200, 301, 404, 500])
def test_a_server_that_is_no_ledger_is_told(status: int) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(b"<h1>Welcome to another server</h1>")

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, args=(0.05,), daemon=True).start()
        address = f"http://127.0.0.1:{other.server_address[1]}"
        text = fail(1, "case", "list", "--server", address, "--token", "elt_x")
        other.shutdown()
    assert "is this an evidence ledger?" in text


def test_what_others_wrote_cannot_rewrite_the_terminal() -> None:
    assert printable("a\x1b[2J\x9b\u202eb\u2028c\udcff\td\n", keep="") == (
        "a\\x1b[2J\\x9b\\u202eb\\u2028c\\udcff\\td\\n"
    )
    assert printable("Әй, Б.\n") == "Әй, Б.\n"


def test_tokens_end_at_once(served: ServedLedger) -> None:
    access = served.access(served.token("short"))
    second = succeed("token", "new", "short", "--label", "laptop", "--data", served.data)
    listed = [line.split("\t") for line in succeed("token", "list", "short", "--data", served.data).splitlines()]
    assert [line[4] for line in listed] == ["first", "laptop"]
    assert second not in str(listed)
    assert succeed("token", "revoke", listed[0][0], "--data", served.data) == ""
    assert "401" in fail(1, "case", "list", env=access)
    succeed("case", "list", env=served.access(second))
    succeed("user", "disable", "short", "--data", served.data)
    assert "short\tparty\tdisabled" in succeed("user", "list", "--data", served.data)
    assert "401" in fail(1, "case", "list", env=served.access(second))
    assert "disabled" in fail(1, "token", "new", "short", "--data", served.data)

"""What watches the server is told: the list of metrics is the true one, and who is not ready says why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ledger.entry.canonical_json import serialise
from ledger.errors import UnavailableError
from ledger.keys.key_folder import ED25519_FILE
from ledger.upkeep import condition
from ledger.upkeep.backup_folder import LAST_BACKUP
from tests.api.service import Service, running_service
from tests.conftest import ROOT
from tests.postgres import PostgresServer


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running_service(tmp_path_factory.mktemp("health") / "data") as service:
        service.add("alice")
        yield service


def families(service: Service) -> dict[str, dict[str, float]]:
    """By the metric's name, as the list writes it: by its labels' values, the value, or the count of a histogram."""
    answer = service.call(None, "GET", "/metrics")
    assert answer.status_code == 200
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(answer.get_data(as_text=True)):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        if not name.endswith("_created"):  # beside each counter and histogram, the time of its start
            values = (each for each in family.samples if each.name in (name, f"{name}_count"))
            found[name] = {" ".join(each.labels.values()): each.value for each in values}
    return found


def listed() -> set[str]:
    """The names in the list of docs/metrics.md."""
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8").partition("## Worth an alarm")[0]
    rows = (line for line in text.splitlines() if line.startswith("| `"))
    return {name for row in rows for name in re.findall(r"`([a-z0-9_]+)`", row.split("|")[1])}


def test_the_list_of_metrics_is_the_true_one(service: Service) -> None:
    assert families(service).keys() == listed()


def test_figures_grow_with_what_is_done(service: Service) -> None:
    before = families(service)
    case = service.open_case("alice")
    assert service.anchor("alice", case, b"twelve bytes", key="k").status_code == 201
    assert (
        service.anchor("alice", case, b"twelve bytes", key="k").status_code == 200
    )  # answered before: not stored again
    assert service.anchor("alice", case, b"other bytes!", key="k").status_code == 409
    assert service.call(None, "GET", "/api/v1/cases").status_code == 401
    after = families(service)

    def grown(name: str, labels: str = "") -> float:
        return after[name].get(labels, 0.0) - before[name].get(labels, 0.0)

    assert grown("evidence_ledger_size") == grown("evidence_ledger_published_size") == 2
    assert grown("evidence_ledger_stored_bytes_total") == len(b"twelve bytes")
    for name in ("batch_entries", "commit_seconds", "sign_seconds", "seal_seconds"):
        assert grown(f"evidence_ledger_{name}") >= 2
    refused = "evidence_http_refused_total"
    assert (grown(refused, "conflict"), grown(refused, "unauthenticated")) == (1, 1)
    assert grown("evidence_http_requests_total", "POST /api/v1/cases/<case>/evidence 409") == 1
    assert after["evidence_ledger_ready"] == {"": 1.0} and after["evidence_ledger_waiting"] == {"": 0.0}
    assert after["evidence_ledger_backup_age_seconds"] == {}
    assert set(after["evidence_ledger_free_bytes"]) == {"data", "blobs", "kept", "database"}


def test_the_last_backup_is_known(service: Service) -> None:
    said = service.settings.data / LAST_BACKUP
    said.write_bytes(serialise({"made": "2026-11-21T09:15:02.123Z", "size": 1}) + b"\n")
    assert families(service)["evidence_ledger_backup_age_seconds"][""] > 0
    for junk in (b"", b"{}", b'{"made":1,"size":1}', b'{"made":"yesterday","size":1}', b"\xff"):
        said.write_bytes(junk)
        assert families(service)["evidence_ledger_backup_age_seconds"] == {}
    said.unlink()


def why_not(service: Service) -> str:
    answer = service.call(None, "GET", "/readyz")
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    body = answer.get_json()
    assert body["detail"] == "not ready: " + "; ".join(body["missing"])
    assert families(service)["evidence_ledger_ready"] == {"": 0.0}
    return str(body["detail"])


def test_a_ready_process_says_so(service: Service) -> None:
    assert service.call(None, "GET", "/readyz").get_json() == {"status": "ready"}


def test_a_full_disk_is_told_before_it_is_full(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(condition, "FREE_BYTES_MIN", 1 << 62)
    assert "the disk of blobs is full" in why_not(service)


def test_keys_that_the_next_start_would_miss_are_told(service: Service) -> None:
    key = service.settings.data / "keys" / ED25519_FILE
    key.rename(key.with_suffix(".away"))
    try:
        assert f"the key {ED25519_FILE} cannot be read" in why_not(service)
    finally:
        key.with_suffix(".away").rename(key)


def test_a_writer_that_stands_still_says_why(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.ledger._sequencer, "_trouble", UnavailableError("commit the batch: not confirmed"))
    assert "the writer is recovering: commit the batch: not confirmed" in why_not(service)


def test_a_database_that_is_gone_is_told_and_the_other_figures_stay(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    name = postgres_server.create_database()
    with running_service(tmp_path / "data", {"database": postgres_server.url(name)}) as service:
        postgres_server.drop_database(name)
        assert "read the head: the database failed" in why_not(service)
        found = families(service)
        assert found["evidence_ledger_size"] == {} and "data" in found["evidence_ledger_free_bytes"]
        assert service.call(None, "GET", "/healthz").status_code == 200

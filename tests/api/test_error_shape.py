"""One shape for every error, on every operation there is; and who may call what without a token."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from flask import Flask

from api.app import RESOURCES, create_app, operations
from api.openapi.operation import Operation
from api.public.description import make_description
from api.settings import HttpSettings
from api.wire.problem import KINDS, kind_of
from ledger import errors
from tests.api.described import check_problem
from tests.api.service import Service, running_service

EVERY = operations((*RESOURCES, make_description(RESOURCES)))
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def address(operation: Operation) -> str:
    """The operation's path with something in each place."""
    number = "EL-0000000123-20"
    things = {"number": number, "demand": number, "challenge": number, "standing": number, "user": "bekova"}
    return operation.path.format(case="0" * 32, level="0", index="000", name="development", **things)


@pytest.mark.parametrize("operation", EVERY, ids=lambda operation: f"{operation.method} {operation.path}")
def test_every_operation_answers_errors_in_one_shape(service: Service, operation: Operation) -> None:
    """The client of these tests checks each answer's shape, media type and description (tests.api.described)."""
    path = address(operation)
    other = {each.method for each in EVERY if each.path == operation.path}
    for method in METHODS:
        if method not in other:
            answer = service.call(None, method, path)
            assert answer.status_code == 405
            assert set(answer.headers["Allow"].split(", ")) - {"HEAD"} == other
    for junk in ("\x00", "%", "%ff", "%c0%af", "%e2%80%ae", "?a=%ff", "?" + "a" * 2000):
        assert service.call(None, operation.method, path + junk).status_code in (200, 400, 401, 404, 415)
    if operation.is_public:
        return
    service.add("nobody-special")
    for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer a b"}, {"Authorization": "Bearer \xff"}):
        refused = service.call(None, operation.method, path, headers=headers)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert service.call("nobody-special", operation.method, path).status_code in (200, 400, 404, 415)


def test_only_these_answer_without_a_token(service: Service) -> None:
    assert {operation.path for operation in EVERY if operation.is_public} == {
        "/checkpoint", "/tile/{level}/{index}", "/tile/entries/{index}", "/trust/policy", "/trust/log.vkey",
        "/trust/tsa-operator/{name}.pem", "/trust.zip", "/timestamp", "/healthz", "/readyz", "/metrics",
        "/openapi.json", "/docs",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.MalformedError("x", "body"), 400),
        (errors.LimitError("x", "body", 1, 2), 413),
        (errors.NotFoundError("x"), 404),
        (errors.ForbiddenError("x"), 403),
        (errors.ConflictError("x"), 409),
        (errors.ErasedError("x", None, "EL-0000000123-20"), 410),
        (errors.UnavailableError("x", None, 7), 503),
        (errors.TooOftenError("x", None, 7), 429),
        (errors.ProofError("secret detail"), 500),
        (errors.SignatureError("secret detail"), 500),
        (errors.CorruptError("secret detail"), 500),
        (errors.RolledBackError("secret detail"), 500),
        (errors.ConfigError("secret detail"), 500),
        (errors.LedgerError("secret detail"), 500),
        (ZeroDivisionError("secret detail"), 500),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_whatever_is_raised_becomes_a_problem(
    service: Service, error: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    app = failing_app(service, error)
    with caplog.at_level(logging.CRITICAL + 1):
        answer = app.test_client().get("/fail")
    document = json.loads(app.test_client().get("/openapi.json").get_data())
    assert answer.status_code == status
    check_problem(document, answer)
    assert "secret" not in answer.get_data(as_text=True)
    if status in (429, 503):
        assert answer.headers["Retry-After"] == "7"


def test_the_log_says_where_it_failed_and_not_on_what(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """Drivers and parsers quote the values they fail on: an opening must not reach a log through them."""
    for error in (ValueError("secret value"), errors.CorruptError("the tile differs")):
        caplog.clear()
        try:
            raise KeyError("secret key")
        except KeyError as cause:
            error.__cause__ = cause
        failing_app(service, error).test_client().get("/fail")
        assert "secret" not in caplog.text
        assert type(error).__name__ in caplog.text and "KeyError at test_error_shape.py:" in caplog.text


def failing_app(service: Service, error: Exception) -> Flask:
    """The application with an address whose view raises `error`."""
    app = create_app(service.ledger, service.accounts, HttpSettings.of(service.settings))

    def fail() -> None:
        raise error

    app.add_url_rule("/fail", view_func=fail)
    return app


def test_every_error_of_the_ledger_has_a_kind() -> None:
    """A new error in the tree must be given its status here, or be one that no request can cause."""
    ours = {errors.ProofError, errors.SignatureError, errors.CorruptError, errors.RolledBackError, errors.ConfigError}
    for error in errors.LedgerError.__subclasses__():
        if error.__module__ == errors.__name__:
            assert (kind_of(error("x")).status == 500) is (error in ours), error


def test_the_kinds_are_distinct_and_documented(service: Service) -> None:
    page = service.get(None, "/docs").get_data(as_text=True)
    assert len({kind.status for kind in KINDS}) == len({kind.slug for kind in KINDS}) == len(KINDS)
    for kind in KINDS:
        assert f'id="{kind.slug}"' in page


def test_a_ledger_that_takes_nothing_says_when_to_come_back(tmp_path: Path) -> None:
    """The pool's own refusal, out of the real ledger: closed to writers, it is unavailable, not broken."""
    with running_service(tmp_path) as service:
        case = service.open_case(service.add("alice"))
        service.ledger._sequencer.close()
        before = service.stored()
        for answer in (
            service.anchor("alice", case, b"x"),
            service.post("alice", "/api/v1/cases", json={"title": "x"}),
        ):
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) >= 1
        assert service.stored().rows == before.rows
        assert service.get("alice", f"/api/v1/cases/{case}").status_code == 200

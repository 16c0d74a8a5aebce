"""The WSGI application: the routes, who may call them, and what every answer carries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from api.auth.accounts import AccountStore
from api.auth.bearer import authenticate
from api.openapi.operation import Operation, Resource
from api.public.description import make_description
from api.public.health import HEALTH
from api.public.log import LOG
from api.public.trust import TRUST
from api.settings import HttpSettings
from api.v1.cases import CASES
from api.v1.challenges import CHALLENGES
from api.v1.custody import CUSTODY
from api.v1.demands import DEMANDS
from api.v1.evidence import EVIDENCE
from api.v1.receipts import RECEIPTS
from api.v1.reminders import REMINDERS
from api.v1.standing import STANDING
from api.wire import problem, request_log
from api.wire.body import drain
from api.wire.headers import add_security_headers
from api.wire.metrics import Metrics
from api.wire.services import Services
from ledger.errors import MalformedError

if TYPE_CHECKING:
    from ledger.assembly import Ledger

RESOURCES: tuple[Resource, ...] = (
    CASES, EVIDENCE, RECEIPTS, DEMANDS, REMINDERS, CHALLENGES, STANDING, CUSTODY, LOG, TRUST, HEALTH,
)  # fmt: skip


_Call = TypeVar("_Call")


class _App(Flask):
    """Flask looks five times a request whether what it calls is a coroutine; here nothing is."""

    def ensure_sync(self, func: _Call) -> _Call:  # Flask's own name
        return func


def create_app(ledger: Ledger, accounts: AccountStore, settings: HttpSettings) -> Flask:
    """The application over an open ledger. It owns neither the ledger nor the accounts: who opened them closes them."""
    app = _App("api", static_folder=None, template_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    # A redirect to a "cleaner" address would take a token to an address that nobody asked for.
    app.url_map.merge_slashes = False
    services = Services(ledger, accounts, settings, Metrics(ledger.figures))
    request_log.install(app, services.metrics)
    problem.install(app)
    app.before_request(_check_host)
    for operation in operations((*RESOURCES, make_description(RESOURCES))):
        app.add_url_rule(
            operation.rule,
            endpoint=operation.handler.__name__,
            view_func=_view(operation, services),
            methods=[operation.method],
        )

    def finish(response: Response) -> Response:
        if response.status_code >= 400 and request.method not in ("GET", "HEAD"):
            drain(request)
        add_security_headers(response, is_https=settings.is_https)
        return response

    app.after_request(finish)
    if settings.behind_proxy:
        hops = settings.behind_proxy
        # mypy: Flask documents that wsgi_app is wrapped so.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


def operations(resources: Sequence[Resource]) -> list[Operation]:
    """All operations of these resources, in order."""
    return [operation for resource in resources for operation in resource.operations]


def _view(operation: Operation, services: Services):  # type: ignore[no-untyped-def]
    if operation.is_public:
        return lambda **path: operation.handler(services, **path)
    return lambda **path: operation.handler(services, authenticate(request, services.accounts), **path)


def _check_host() -> None:
    """Werkzeug gives an empty host for one that is not there or has characters that no host has."""
    if not request.host:
        raise MalformedError("read the request: expected a valid Host", "host")

"""The description is the truth: every route is in it, nothing else is, and it holds together by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from api.app import RESOURCES
from tests.api.described import check_value
from tests.api.service import Service

FLASK_PARAMETER = re.compile(r"<(?:[a-z]+:)?(\w+)>")


def document(service: Service) -> dict[str, Any]:
    return json.loads(service.get(None, "/openapi.json").get_data())  # type: ignore[no-any-return]  # it is JSON


def test_every_route_is_described_and_every_description_is_a_route(service: Service) -> None:
    routed = {
        (FLASK_PARAMETER.sub(r"{\1}", rule.rule), method)
        for rule in service.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD"}
    }
    described = {(path, method.upper()) for path, methods in document(service)["paths"].items() for method in methods}
    assert described == routed


def test_every_call_of_the_contract_that_is_built_is_there(service: Service) -> None:
    paths = document(service)["paths"]
    for path, method in (
        ("/api/v1/cases", "post"), ("/api/v1/cases", "get"), ("/api/v1/cases/{case}", "get"),
        ("/api/v1/cases/{case}/members", "post"), ("/api/v1/cases/{case}/evidence", "post"),
        ("/api/v1/cases/{case}/evidence:batch", "post"), ("/api/v1/cases/{case}/timeline", "get"),
        ("/api/v1/cases/{case}/bundle", "get"), ("/api/v1/evidence/{number}", "get"),
        ("/api/v1/evidence/{number}/file", "get"), ("/api/v1/evidence/{number}/receipt", "get"),
        ("/api/v1/evidence/{number}/bundle", "get"), ("/api/v1/lookups", "post"),
        ("/api/v1/evidence/{number}/demands", "post"), ("/api/v1/evidence/{number}/standing", "post"),
        ("/api/v1/demands/{demand}", "get"), ("/api/v1/demands/{demand}/disclosure", "post"),
        ("/api/v1/demands/{demand}/refusal", "post"), ("/api/v1/demands/{demand}/ruling", "post"),
    ):  # fmt: skip
        assert method in paths[path]


def test_the_document_holds_together(service: Service) -> None:
    whole = document(service)
    assert whole["openapi"] == "3.1.0"
    ids = [operation["operationId"] for methods in whole["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))
    for reference in references(whole):
        assert reference.startswith("#/components/schemas/")
        assert reference.rpartition("/")[2] in whole["components"]["schemas"]
    for path, methods in whole["paths"].items():
        for operation in methods.values():
            assert operation["summary"] and operation["description"], path
            named = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
            assert named == set(re.findall(r"{(\w+)}", path)), path
            assert bool(operation["security"]) is path.startswith("/api/v1/"), path
            body = operation.get("requestBody", {"content": {}})["content"]
            for content in body.values():
                if "example" in content:
                    check_value(whole, content["schema"], content["example"], path)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            if name == "$ref":
                yield member
            else:
                yield from references(member)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


class Page(HTMLParser):
    """What the page refers to, and whether its tags close."""

    VOID = frozenset({"meta", "br", "hr", "link", "img", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: set[str] = set()
        self.ids: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on") and name != "style", f"{tag} {name}: the policy forbids it"
            if name in ("href", "src"):
                self.links.add(value or "")
            if name == "id":
                self.ids.append(value or "")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_needs_nothing_from_elsewhere_and_names_every_route(service: Service) -> None:
    answer = service.get(None, "/docs")
    text = answer.get_data(as_text=True)
    page = Page()
    page.feed(text)
    assert page.open == []
    assert not page.tags & {"script", "link", "img", "iframe"}
    assert all(link.startswith(("#", "/")) for link in page.links)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    for resource in RESOURCES:
        for operation in resource.operations:
            assert operation.path in text
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "style-src 'sha256-" in policy

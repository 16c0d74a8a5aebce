"""The OpenAPI document as one HTML page: no script, nothing from elsewhere, one style sheet named by its digest."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from api.wire.problem import KINDS

_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 3rem; } h3 { margin-top: 2rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { overflow-x: auto; border: 1px solid; border-radius: 4px; padding: .75rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: start; vertical-align: top; }
th, td { padding: .25rem .5rem; border-bottom: 1px solid; } .method { font-weight: 700; } .scroll { overflow-x: auto; }
"""
_DIGEST: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")

POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page's Content-Security-Policy."""


def render_page(document: Mapping[str, Any]) -> str:
    """The whole page."""
    info = document["info"]
    return "".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{escape(info['title'])}: HTTP API</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n",
            f"<h1>{escape(info['title'])}: HTTP API</h1>\n<p>{escape(info['description'])}</p>\n",
            '<p>For programs: <a href="/openapi.json">openapi.json</a>. Calls under <code>/api/v1</code> carry ',
            "<code>Authorization: Bearer TOKEN</code>.</p>\n",
            *_operations(document),
            *_problems(),
            *_schemas(document["components"]["schemas"]),
            "</main>\n</body>\n</html>\n",
        )
    )


def _operations(document: Mapping[str, Any]) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"<h2>{escape(tag['name'])}</h2>\n"
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if tag["name"] in operation["tags"]:
                    yield from _operation(path, method, operation)


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f'<h3 id="{escape(operation["operationId"])}">{escape(operation["summary"])}</h3>\n'
    yield f'<p><code><span class="method">{method.upper()}</span> {escape(path)}</code>'
    yield "" if operation["security"] else " (public)"
    yield f"</p>\n<p>{escape(operation['description'])}</p>\n"
    if operation["parameters"]:
        yield from _table(
            ("parameter", "in", "meaning"), [(p["name"], p["in"], p["description"]) for p in operation["parameters"]]
        )
    if "requestBody" in operation:
        yield f"<p>Body: {_content(operation['requestBody']['content'])}</p>\n"
    rows = [
        (status, answer["description"], _content(answer.get("content", {})))
        for status, answer in sorted(operation["responses"].items())
    ]
    yield '<div class="scroll"><table>\n<tr><th>status</th><th>meaning</th><th>body</th></tr>\n'
    for status, meaning, content in rows:
        yield f"<tr><td>{status}</td><td>{escape(meaning)}</td><td>{content}</td></tr>\n"
    yield "</table></div>\n"


def _content(content: Mapping[str, Any]) -> str:
    shown = []
    for media_type, described in content.items():
        name = described["schema"].get("$ref", "").rpartition("/")[2]
        link = f' <a href="#schema-{escape(name)}">{escape(name)}</a>' if name else ""
        shown.append(f"<code>{escape(media_type)}</code>{link}")
    return ", ".join(shown)


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    yield '<div class="scroll"><table>\n<tr>' + "".join(f"<th>{escape(head)}</th>" for head in heads) + "</tr>\n"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n"
    yield "</table></div>\n"


def _problems() -> Iterator[str]:
    yield "<h2>problems</h2>\n"
    for kind in KINDS:
        yield f'<h3 id="{kind.slug}">{kind.status} {escape(kind.title)}</h3>\n<p>{escape(kind.meaning)}</p>\n'


def _schemas(schemas: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>bodies</h2>\n"
    for name, schema in schemas.items():
        text = json.dumps(schema, ensure_ascii=False, indent=2)
        yield f'<h3 id="schema-{escape(name)}">{escape(name)}</h3>\n<pre>{escape(text)}</pre>\n'

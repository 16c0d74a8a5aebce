"""Bad input, case by case: the right status, a problem that says what and where, and nothing stored.

The picture taken before and after holds every table of the log, the checkpoint and the files of the blob store.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from werkzeug.test import TestResponse

from tests.api.service import FORM_TYPE, Part, Service, form, hash_only

DATA = b"the evidence"
TOO_DEEP = "[" * 12 + "]" * 12


@dataclass(frozen=True)
class Case:
    """What is sent, and what must come back: how the problem's `where` begins, and what its detail says."""

    name: str
    status: int
    send: Callable[[Service, str], TestResponse]
    where: str | None
    says: str = ""


def said(raw: bytes | str, data: bytes | None = DATA, name: str = "a.pdf") -> Callable[[Service, str], TestResponse]:
    """A file with this statement."""
    exact = raw if isinstance(raw, bytes) else raw.encode("utf-8", "surrogatepass")
    return lambda service, case: service.anchor("alice", case, data, raw_statement=exact, name=name)


def digests(**other: object) -> Callable[[Service, str], TestResponse]:
    """A statement without a file."""
    return lambda service, case: service.anchor("alice", case, None, {**hash_only(DATA), **other})


def body(raw: bytes, content_type: str = FORM_TYPE, **headers: str) -> Callable[[Service, str], TestResponse]:
    """Any body to the address where evidence is anchored."""
    return lambda service, case: service.post(
        "alice",
        f"/api/v1/cases/{case}/evidence",
        input_stream=io.BytesIO(raw),
        content_length=len(raw),
        content_type=content_type,
        headers=headers,
    )


def batch(*lines: bytes, content_type: str = "application/x-ndjson") -> Callable[[Service, str], TestResponse]:
    return lambda service, case: service.post(
        "alice", f"/api/v1/cases/{case}/evidence:batch", data=b"\n".join(lines), content_type=content_type
    )


def post(path: str, raw: bytes, content_type: str = "application/json") -> Callable[[Service, str], TestResponse]:
    return lambda service, case: service.post("alice", path.format(case=case), data=raw, content_type=content_type)


def as_user(who: str | None, case_id: str | None = None) -> Callable[[Service, str], TestResponse]:
    return lambda service, case: service.anchor(who, case_id or case, DATA)


GOOD_LINE = json.dumps(hash_only(DATA)).encode()
STATEMENT = Part("statement", b"{}")
FILE = Part("file", DATA, "a.pdf")
FIELDS_257 = json.dumps({"metadata": {f"f{at}": at for at in range(257)}})

WHO = [
    Case("no token", 401, as_user(None), "authorization", "Bearer"),
    Case(
        "unknown token",
        401,
        lambda s, c: s.post(
            None,
            f"/api/v1/cases/{c}/evidence",
            data=form([FILE, STATEMENT]),
            content_type=FORM_TYPE,
            headers={"Authorization": "Bearer elt_" + "A" * 43},
        ),
        "authorization",
        "not a token",
    ),
    Case(
        "another scheme",
        401,
        lambda s, c: s.get(None, "/api/v1/cases", headers={"Authorization": "Basic YTpi"}),
        "authorization",
        "Bearer",
    ),
    Case("a stranger's token", 404, as_user("zhanna"), None, "no such case"),
    Case("an unknown case", 404, as_user("alice", "0" * 32), None, "no such case"),
    Case("a case that is no case", 404, as_user("alice", "..%2f..%2fetc"), None, ""),
    Case("a case with a NUL", 404, as_user("alice", "%00" * 32), None, "no such case"),
    Case("a case with broken utf-8", 404, as_user("alice", "%ff" * 32), None, "no such case"),
    Case("a court may not anchor", 403, as_user("sot"), None, "anchor"),
]

STATEMENTS = [
    Case("not json", 400, said("metadata: author"), "statement", "parse json"),
    Case("empty", 400, said(""), "statement", "parse json"),
    Case("two texts", 400, said("{}{}"), "statement", "parse json"),
    Case("a byte order mark", 400, said("\ufeff{}"), "statement", "parse json"),
    Case("doubled keys", 400, said('{"metadata":{"a":1,"a":2}}'), "statement", "stands twice"),
    Case("doubled keys by escape", 400, said('{"metadata":{"a":1,"\\u0061":2}}'), "statement", "stands twice"),
    Case("NaN", 400, said('{"metadata":{"a":NaN}}'), "statement", "integer"),
    Case("Infinity", 400, said('{"metadata":{"a":-Infinity}}'), "statement", "integer"),
    Case("a fraction", 400, said('{"metadata":{"a":1.5}}'), "statement", "integer"),
    Case("an exponent", 400, said('{"metadata":{"a":1e3}}'), "statement", "integer"),
    Case("a huge integer", 400, said('{"metadata":{"a":9007199254740993}}'), "statement", "2^53"),
    Case("an absurd integer", 400, said('{"metadata":{"a":' + "9" * 5000 + "}}"), "statement", "2^53"),
    Case("deep nesting", 400, said('{"metadata":{"a":' + TOO_DEEP + "}}"), "statement", "nesting"),
    Case(
        "nesting that would exhaust a stack",
        400,
        said('{"metadata":{"a":' + "[" * 100_000 + "}}"),
        "statement",
        "nesting",
    ),
    Case("bad utf-8", 400, said(b'{"metadata":{"a":"\xff\xfe"}}'), "statement", "utf-8"),
    Case("an overlong encoding", 400, said(b'{"metadata":{"a":"\xc0\xaf"}}'), "statement", "utf-8"),
    Case("a lone surrogate by escape", 400, said('{"metadata":{"a":"\\ud800"}}'), "statement", "surrogate"),
    Case("a lone surrogate in bytes", 400, said('{"metadata":{"a":"\ud800"}}'), "statement", "utf-8"),
    Case("not an object", 422, said("[]"), "statement", "object"),
    Case("an unknown member", 422, said('{"metadta":{}}'), "statement.metadta", "unknown member"),
    Case("a signature", 422, said('{"signature":{}}'), "statement.signature", "signature"),
    Case("metadata that is a list", 422, said('{"metadata":[]}'), "statement.metadata", "object"),
    Case("too many fields", 422, said(FIELDS_257), "statement", "256"),
    Case("a field's name in capitals", 422, said('{"metadata":{"Author":"a"}}'), "statement.metadata.Author", "name"),
    Case("a field's name as a path", 422, said('{"metadata":{"../a":"a"}}'), "statement.metadata.../a", "name"),
    Case(
        "a field's name too long", 422, said(json.dumps({"metadata": {"a" * 200: 1}})), "statement.metadata.aaa", "128"
    ),
    Case(
        "a value too large", 413, said(json.dumps({"metadata": {"a": "x" * 70_000}})), "statement.metadata.a", "65536"
    ),
    Case("a statement too large", 413, said(b'{"metadata":{}}' + b" " * (256 * 1024)), "statement", "262144"),
    Case("an unknown policy", 422, said('{"policy":{"declared.a":"secret"}}'), "statement.policy", ""),
]

DIGESTS = [
    Case("a wrong digest", 422, said(json.dumps({"sha256": "0" * 64})), "statement.sha256", "sha256"),
    Case("a wrong sha512", 422, said(json.dumps({"sha512": "0" * 128})), "statement.sha512", "sha512"),
    Case("a wrong size", 422, said(json.dumps({"size": len(DATA) + 1})), "statement.size", "size"),
    Case("another name", 422, said(json.dumps({"name": "b.pdf"})), "statement.name", "name"),
    Case(
        "an upper-case digest",
        422,
        said(json.dumps({"sha256": hashlib.sha256(DATA).hexdigest().upper()})),
        "statement.sha256",
        "lower-case",
    ),
    Case("a short digest", 422, digests(sha256="00"), "statement.sha256", "64"),
    Case("a digest that is a number", 422, digests(sha256=0), "statement.sha256", "string"),
    Case("a negative size", 422, digests(size=-1), "statement.size", ""),
    Case("a size that is true", 422, digests(size=True), "statement.size", ""),
    Case("no file and no digests", 422, said("{}", None), "statement", "sha256"),
    Case("no file and one digest only", 422, said(json.dumps({"sha256": "0" * 64}), None), "statement", "sha512"),
]

NAMES = [
    Case(f"a file named {name!r}", 422, said("{}", name=name), "file.name", "")
    for name in (
        "../../etc/passwd",
        "/etc/passwd",
        "a/b",
        "C:x",
        "..",
        ".",
        "a\x01b",
        " a",
        "a\u202egpj.exe",
        "я" * 128,
    )
] + [
    Case("a windows path", 422, said("{}", name="C:\\\\a\\\\b.txt"), "file.name", "path"),
    Case("a name with a line break by percent", 422, said("{}", name="a%0d%0ab"), "file.name", ""),
    Case("no name", 422, said("{}", name=""), "file.name", ""),
    Case("a path in a statement", 422, digests(name="../a"), "statement.name", "path"),
    Case("a name that is no utf-8", 400, body(form([STATEMENT, Part("file", DATA, "a\udcff.pdf")])), "multipart", ""),
]

FORMS = [
    Case("not a form", 415, body(b"{}", "application/json"), "content-type", "multipart/form-data"),
    Case("no content type", 415, body(form([STATEMENT, FILE]), ""), "content-type", "multipart/form-data"),
    Case("compressed", 415, body(form([STATEMENT, FILE]), **{"Content-Encoding": "gzip"}), "content-encoding", ""),
    Case("no boundary", 400, body(form([STATEMENT, FILE]), "multipart/form-data"), "content-type", "boundary"),
    Case(
        "a boundary too long", 400, body(b"", f"multipart/form-data; boundary={'x' * 71}"), "content-type", "boundary"
    ),
    Case(
        "another boundary",
        400,
        body(form([STATEMENT, FILE]), "multipart/form-data; boundary=other"),
        "multipart",
        "begin",
    ),
    Case("an empty body", 400, body(b""), "multipart", "begin"),
    Case("cut off in the file", 400, body(form([STATEMENT, FILE])[:-60]), "multipart", "cut off"),
    Case("no closing boundary", 400, body(form([STATEMENT, FILE], closed=False)), "multipart", "cut off"),
    Case("cut off in a part's head", 400, body(form([STATEMENT, FILE])[:40]), "multipart", "cut off"),
    Case("no statement", 400, body(form([FILE])), "multipart", "statement"),
    Case("an unknown part", 400, body(form([STATEMENT, FILE, Part("note", b"x")])), "multipart.note", "unknown part"),
    Case("two files", 400, body(form([STATEMENT, FILE, FILE])), "file", "stands twice"),
    Case("two statements", 400, body(form([STATEMENT, STATEMENT, FILE])), "statement", "stands twice"),
    Case(
        "a part without a name", 400, body(form([STATEMENT, FILE]).replace(b'name="file"; ', b"")), "multipart", "name"
    ),
    Case(
        "a part without a disposition",
        400,
        body(form([STATEMENT, FILE]).replace(b"Content-Disposition", b"X-Other")),
        "multipart",
        "",
    ),
    Case("bytes before the form", 400, body(b"hidden\r\n" + form([STATEMENT, FILE])), "multipart", "begin"),
    Case("bytes after the form", 400, body(form([STATEMENT, FILE]) + b"hidden"), "multipart", "after"),
    Case(
        "base64 in a part",
        400,
        body(form([STATEMENT, Part("file", b"YQ==", "a", "Content-Transfer-Encoding: base64\r\n")])),
        "file",
        "Content-Transfer-Encoding",
    ),
    Case(
        "a part's head without end", 400, body(f"--{FORM_TYPE[30:]}\r\nA: ".encode() + b"x" * 600_000), "multipart", ""
    ),
    Case(
        "an empty idempotency key",
        400,
        body(form([STATEMENT, FILE]), **{"Idempotency-Key": ""}),
        "Idempotency-Key",
        "64",
    ),
    Case(
        "a key too long", 400, body(form([STATEMENT, FILE]), **{"Idempotency-Key": "k" * 65}), "Idempotency-Key", "64"
    ),
    Case(
        "a key with a blank",
        400,
        body(form([STATEMENT, FILE]), **{"Idempotency-Key": "a b"}),
        "Idempotency-Key",
        "ASCII",
    ),
    Case(
        "an unknown query",
        400,
        lambda s, c: s.post(
            "alice", f"/api/v1/cases/{c}/evidence?dry=1", data=form([STATEMENT, FILE]), content_type=FORM_TYPE
        ),
        "query.dry",
        "unknown",
    ),
]

BATCHES = [
    Case("a batch of nothing", 400, batch(b""), "body", "line"),
    Case("a batch with a bad line", 422, batch(GOOD_LINE, b"{", GOOD_LINE), "line 2", "parse json"),
    Case("a batch with a doubled key", 422, batch(GOOD_LINE, GOOD_LINE, b'{"name":"a","name":"b"}'), "line 3", "twice"),
    Case("a batch with an empty line", 422, batch(GOOD_LINE, b"", GOOD_LINE), "line 2", ""),
    Case("a batch with a digest missing", 422, batch(GOOD_LINE, b'{"name":"a"}'), "line 2", "sha256"),
    Case("a batch with an unknown member", 422, batch(b'{"x":1}', GOOD_LINE), "line 1.x", "unknown"),
    Case("a batch with a line too large", 422, batch(b'{"name":"' + b"a" * 300_000 + b'"}'), "line 1", "262144"),
    Case("a batch of too many lines", 413, batch(*[b"{}"] * 10_001), "body", "10000"),
    Case("a batch as json", 415, batch(GOOD_LINE, content_type="application/json"), "content-type", "x-ndjson"),
]

BODIES = [
    Case("a case that is no json", 400, post("/api/v1/cases", b"title=x"), "body", "parse json"),
    Case(
        "a case as a form",
        415,
        post("/api/v1/cases", b"title=x", "application/x-www-form-urlencoded"),
        "content-type",
        "application/json",
    ),
    Case("a case without a title", 422, post("/api/v1/cases", b"{}"), "body.title", "missing"),
    Case("a case with an empty title", 422, post("/api/v1/cases", b'{"title":" "}'), "title", ""),
    Case("a title with a line break", 422, post("/api/v1/cases", b'{"title":"a\\nb"}'), "title", ""),
    Case("a title that is a number", 422, post("/api/v1/cases", b'{"title":1}'), "body.title", "string"),
    Case("a title twice", 400, post("/api/v1/cases", b'{"title":"a","title":"b"}'), "body", "twice"),
    Case("a lone surrogate in a title", 400, post("/api/v1/cases", b'{"title":"\\ud800"}'), "body", "surrogate"),
    Case(
        "an unknown member of a case", 422, post("/api/v1/cases", b'{"title":"a","court":"b"}'), "body.court", "unknown"
    ),
    Case("a case that is a list", 422, post("/api/v1/cases", b"[]"), "body", "object"),
    Case("a deep case", 400, post("/api/v1/cases", b'{"title":' + b"[" * 5000), "body", "nesting"),
    Case("a body too large", 413, post("/api/v1/cases", b'{"title":"' + b"a" * 300_000 + b'"}'), "body", "262144"),
    Case(
        "a member nobody knows",
        422,
        post("/api/v1/cases/{case}/members", b'{"user":"nobody","role":"opposing"}'),
        "user",
        "no account",
    ),
    Case(
        "a member twice",
        409,
        post("/api/v1/cases/{case}/members", b'{"user":"alice","role":"opposing"}'),
        "user",
        "already",
    ),
    Case(
        "a role nobody has", 422, post("/api/v1/cases/{case}/members", b'{"user":"zhanna","role":"judge"}'), "role", ""
    ),
    Case(
        "an office without its account",
        403,
        post("/api/v1/cases/{case}/members", b'{"user":"zhanna","role":"clerk"}'),
        "role",
        "",
    ),
    Case(
        "a member of a stranger's case",
        404,
        lambda s, c: s.admit("zhanna", c, "nobody", "opposing"),
        None,
        "no such case",
    ),
    Case(
        "a look-up in capitals",
        422,
        post("/api/v1/lookups", b'{"sha256":"' + b"A" * 64 + b'"}'),
        "body.sha256",
        "lower-case",
    ),
    Case("a look-up of half a digest", 422, post("/api/v1/lookups", b'{"sha256":"ab"}'), "body.sha256", "64"),
    Case(
        "a timestamp request of another type",
        415,
        post("/timestamp", b"x", "text/plain"),
        "content-type",
        "timestamp-query",
    ),
    Case(
        "a timestamp request too large",
        413,
        post("/timestamp", b"x" * 20_000, "application/timestamp-query"),
        "body",
        "16384",
    ),
]

QUERIES = [
    Case(f"a list with {query}", 400, lambda s, c, q=query: s.get("alice", f"/api/v1/cases?{q}"), where, "")  # type: ignore[misc]
    for query, where in (
        ("limit=0", "query.limit"),
        ("limit=501", "query.limit"),
        ("limit=+5", "query.limit"),
        ("limit=1_0", "query.limit"),
        ("limit=%D9%A3", "query.limit"),
        ("limit=1&limit=2", "query.limit"),
        ("offset=3", "query.offset"),
        ("cursor=zzzz", "query.cursor"),
        ("cursor=", "query.cursor"),
        ("cursor=" + "A" * 5000, "query.cursor"),
        ("cursor=dGltZWxpbmU6MQ", "query.cursor"),
        ("cursor=Y2FzZXM6LTE", "query.cursor"),
    )
] + [
    Case(
        "an evidence number mistyped",
        404,
        lambda s, c: s.get("alice", "/api/v1/evidence/EL-0000000001-00"),
        "number",
        "check",
    ),
    Case("an evidence number that is none", 404, lambda s, c: s.get("alice", "/api/v1/evidence/1"), "number", "form"),
    Case(
        "an entry that is no evidence", 404, lambda s, c: s.get("alice", "/api/v1/evidence/EL-0000000001-95"), None, ""
    ),
    Case(
        "a bundle with file=1",
        400,
        lambda s, c: s.get("alice", "/api/v1/evidence/EL-0000000001-95/bundle?file=1"),
        "query.file",
        "true",
    ),
    Case(
        "a case's bundle with file=no",
        400,
        lambda s, c: s.get("alice", f"/api/v1/cases/{c}/bundle?file=no"),
        "query.file",
        "true",
    ),
    Case("an address that is not there", 404, lambda s, c: s.get("alice", "/api/v1/nothing"), "path", "address"),
    Case("an address with a slash too many", 404, lambda s, c: s.get("alice", "//api/v1/cases"), "path", "address"),
    Case("another method", 405, lambda s, c: s.call("alice", "DELETE", f"/api/v1/cases/{c}"), "method", "Allow"),
    Case("options", 405, lambda s, c: s.call("alice", "OPTIONS", "/api/v1/cases"), "method", "Allow"),
    Case(
        "a host that is none",
        400,
        lambda s, c: s.get("alice", "/api/v1/cases", headers={"Host": "a b"}),
        "host",
        "Host",
    ),
    Case("a tile that is not there", 404, lambda s, c: s.get(None, "/tile/0/999"), None, ""),
    Case("a tile's path in another spelling", 404, lambda s, c: s.get(None, "/tile/00/000"), None, "tile"),
    Case("a partial tile of full width", 404, lambda s, c: s.get(None, "/tile/0/000.p/256"), None, ""),
    Case("a path out of the tiles", 404, lambda s, c: s.get(None, "/tile/0/../../trust/policy"), None, ""),
    Case(
        "a certificate out of its folder",
        404,
        lambda s, c: s.get(None, "/trust/tsa-operator/..%2fpolicy.pem"),
        None,
        "",
    ),
]

ALL = [*WHO, *STATEMENTS, *DIGESTS, *NAMES, *FORMS, *BATCHES, *BODIES, *QUERIES]


@pytest.fixture(scope="module")
def case(service: Service) -> str:
    """A case of alice's, with a court; zhanna is a stranger."""
    for name, role in (("alice", "party"), ("zhanna", "party"), ("sot", "court")):
        service.add(name, role)
    opened = service.open_case("alice")
    assert service.admit("alice", opened, "sot", "court").status_code == 201
    return opened


@pytest.mark.parametrize("bad", ALL, ids=lambda bad: bad.name)
def test_bad_input_is_refused_and_stores_nothing(service: Service, case: str, bad: Case) -> None:
    before = service.stored()
    answer = bad.send(service, case)
    problem = json.loads(answer.get_data())
    assert answer.status_code == bad.status, problem
    if bad.where is None:
        assert problem["where"] is None or bad.status == 404, problem
    else:
        assert problem["where"] is not None and problem["where"].startswith(bad.where), problem
    assert bad.says in problem["detail"], problem
    assert service.stored() == before


def test_what_the_table_refuses_is_taken_once_it_is_right(service: Service, case: str) -> None:
    """The table's own control: without it everything could be refused for some other reason."""
    assert body(form([STATEMENT, FILE]))(service, case).status_code == 201
    assert body(form([FILE, STATEMENT]))(service, case).status_code == 201
    assert body(form([FILE, STATEMENT]), **{"Idempotency-Key": "!~" * 32})(service, case).status_code == 201
    assert digests()(service, case).status_code == 201
    assert batch(GOOD_LINE, GOOD_LINE)(service, case).status_code == 201
    fine = {"metadata": {f"f{at}": at for at in range(256)}}
    assert said(json.dumps(fine))(service, case).status_code == 201
    assert said(json.dumps({"metadata": {"a": [[[[[[[1]]]]]]]}}))(service, case).status_code == 201
    assert said('{"metadata":{"a":9007199254740991}}')(service, case).status_code == 201
    assert said(json.dumps(hash_only(DATA, "a.pdf")))(service, case).status_code == 201


def test_a_file_over_the_limit_is_refused_before_and_while_it_is_received(service: Service, case: str) -> None:
    object.__setattr__(service.ledger.limits, "file_bytes", 1000)
    try:
        before = service.stored()
        for data in (b"x" * 1001, b"x" * 2_000_000):
            answer = service.anchor("alice", case, data)
            assert answer.status_code == 413
            problem = json.loads(answer.get_data())
            assert (problem["where"], problem["limit"]) == ("file", 1000)
        assert service.stored() == before
        assert service.anchor("alice", case, b"x" * 1000).status_code == 201
    finally:
        object.__setattr__(service.ledger.limits, "file_bytes", 10 * 1024**3)

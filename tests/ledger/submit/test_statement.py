"""Statements: every bad input has its class (400, 413, 422) and its place, and every good one its fields."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.entry.names import check_name
from ledger.errors import LedgerError, LimitError, MalformedError
from ledger.submit.errors import UnacceptableError
from ledger.submit.limits import Limits
from ledger.submit.statement import Statement, parse_statement

SHA256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
SHA512 = "ab" * 64
LIMITS = Limits()


def parse(members: object) -> Statement:
    return parse_statement(json.dumps(members, ensure_ascii=False).encode(), LIMITS)


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def test_a_whole_statement_is_read() -> None:
    statement = parse(
        {
            "metadata": {"author": "А. Серікова", "chat.title": "Жұмыс", "pages": 3, "signed": True, "none": None},
            "requisites": {"address": "https://example.kz/?a=1", "steps": ["open", "scroll"]},
            "policy": {"extracted.*": "sealed", "declared.author": "open"},
            "name": "шарт «қазан».pdf",
            "size": 5,
            "sha256": SHA256,
            "sha512": SHA512,
        }
    )
    assert statement.fields() == {
        "declared.author": "А. Серікова",
        "declared.chat.title": "Жұмыс",
        "declared.pages": 3,
        "declared.signed": True,
        "declared.none": None,
        "requisite.address": "https://example.kz/?a=1",
        "requisite.steps": ["open", "scroll"],
    }
    assert statement.policy == {"extracted.*": "sealed", "declared.author": "open"}
    assert (statement.name, statement.size) == ("шарт «қазан».pdf", 5)
    assert (statement.sha256, statement.sha512) == (bytes.fromhex(SHA256), bytes.fromhex(SHA512))


def test_an_empty_statement_is_a_statement() -> None:
    assert parse({}) == Statement()
    assert Statement().fields() == {}


def test_a_nested_object_stays_one_field() -> None:
    """What is secret by its mere presence goes into an object-valued field: it must not be spread over names."""
    assert parse({"metadata": {"chat": {"Мәдина": "x"}}}).fields() == {"declared.chat": {"Мәдина": "x"}}


MALFORMED = {
    "empty": b"",
    "not json": b"author=me",
    "cut off": b'{"metadata":{',
    "two texts": b"{}{}",
    "duplicate keys": b'{"metadata":{"author":"a","author":"b"}}',
    "duplicate members": b'{"name":"a.pdf","name":"b.pdf"}',
    "a key doubled by an escape": b'{"metadata":{"author":"a","\\u0061uthor":"b"}}',
    "NaN": b'{"metadata":{"a":NaN}}',
    "Infinity": b'{"metadata":{"a":-Infinity}}',
    "fraction": b'{"metadata":{"a":1.5}}',
    "exponent": b'{"size":1e3}',
    "bad utf-8": b'{"metadata":{"a":"\xff"}}',
    "overlong utf-8": b'{"metadata":{"a":"\xc0\xaf"}}',
    "a surrogate in utf-8": b'{"metadata":{"a":"\xed\xa0\x80"}}',
    "lone surrogate": b'{"metadata":{"a":"\\ud800"}}',
    "lone surrogate in a key": b'{"metadata":{"a":{"\\udfff":1}}}',
    "huge integer": b'{"metadata":{"a":' + b"9" * 5000 + b"}}",
    "integer of 2^53": b'{"metadata":{"a":9007199254740992}}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "utf-16": "{}".encode("utf-16"),
    "control character": b'{"metadata":{"a":"\x00"}}',
    "trailing comma": b'{"name":"a",}',
    "single quotes": b"{'name':'a'}",
    "value nested 9 deep": b'{"metadata":{"a":' + nested(9).encode() + b"}}",
    "nested 100,000 deep": nested(100_000).encode(),
}


@pytest.mark.parametrize("fault", MALFORMED)
def test_what_is_not_our_json_is_malformed(fault: str) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_statement(MALFORMED[fault], LIMITS, where="line 17")
    assert caught.value.where is not None
    assert caught.value.where.startswith("line 17")


@pytest.mark.parametrize(
    "good",
    [
        b' {"metadata" : {"a" : 9007199254740991} } \n',
        b'{"metadata":{"a":-9007199254740991}}',
        b'{"metadata":{"a":"\\ud83d\\ude00 \\u0000"}}',
        b'{"metadata":{"a":' + nested(8).encode() + b"}}",
        b'{"requisites":{"a":' + nested(8).encode() + b"}}",
    ],
)
def test_what_stands_just_inside_the_borders_is_accepted(good: bytes) -> None:
    assert len(parse_statement(good, LIMITS).fields()) == 1


UNACCEPTABLE = {
    "a list": ([], "statement"),
    "a string": ("x", "statement"),
    "null": (None, "statement"),
    "unknown member": ({"title": "x"}, "statement.title"),
    "a member in capitals": ({"Metadata": {}}, "statement.Metadata"),
    "signature": ({"signature": {}}, "statement.signature"),
    "metadata no object": ({"metadata": []}, "statement.metadata"),
    "metadata null": ({"metadata": None}, "statement.metadata"),
    "requisites no object": ({"requisites": "x"}, "statement.requisites"),
    "policy no object": ({"policy": "open"}, "statement.policy"),
    "key in capitals": ({"metadata": {"Author": 1}}, "statement.metadata.Author"),
    "key with a blank": ({"metadata": {"the author": 1}}, "statement.metadata.the author"),
    "key not ASCII": ({"metadata": {"автор": 1}}, "statement.metadata.автор"),
    "empty key": ({"metadata": {"": 1}}, "statement.metadata."),
    "key with an empty part": ({"metadata": {"a..b": 1}}, "statement.metadata.a..b"),
    "key ending in a line feed": ({"metadata": {"a\n": 1}}, "statement.metadata.a\\n"),
    "key that climbs": ({"metadata": {"../a": 1}}, "statement.metadata.../a"),
    "key too long": ({"requisites": {"a" * 119: 1}}, "statement.requisites." + "a" * 119),
    "name no string": ({"name": 5}, "statement.name"),
    "name null": ({"name": None}, "statement.name"),
    "name a path": ({"name": "../../etc/passwd"}, "statement.name"),
    "size negative": ({"size": -1}, "statement.size"),
    "size a string": ({"size": "5"}, "statement.size"),
    "size true": ({"size": True}, "statement.size"),
    "sha256 short": ({"sha256": SHA256[:-2]}, "statement.sha256"),
    "sha256 long": ({"sha256": SHA256 + "00"}, "statement.sha256"),
    "sha256 of sha512's length": ({"sha256": SHA512}, "statement.sha256"),
    "sha256 empty": ({"sha256": ""}, "statement.sha256"),
    "sha256 no hex": ({"sha256": "g" * 64}, "statement.sha256"),
    "sha256 with other digits": ({"sha256": "٠" * 64}, "statement.sha256"),
    "sha256 with a line feed": ({"sha256": SHA256[:-1] + "\n"}, "statement.sha256"),
    "sha256 no string": ({"sha256": 7}, "statement.sha256"),
    "sha512 short": ({"sha512": SHA256}, "statement.sha512"),
    "policy of a stranger": ({"policy": {"declared.a": "public"}}, "statement.policy.declared.a"),
    "policy true": ({"policy": {"declared.a": True}}, "statement.policy.declared.a"),
}


@pytest.mark.parametrize("fault", UNACCEPTABLE)
def test_what_is_no_statement_is_unacceptable_and_says_where(fault: str) -> None:
    members, where = UNACCEPTABLE[fault]
    with pytest.raises(UnacceptableError) as caught:
        parse(members)
    assert caught.value.where == where


@pytest.mark.parametrize("member", ["unknown", "metadata", "policy"])
def test_an_error_does_not_repeat_a_hostile_key(member: str) -> None:
    key = "я\x1b[2J\n" * 3_000
    with pytest.raises(UnacceptableError) as caught:
        parse({key: 1} if member == "unknown" else {member: {key: 1}})
    assert len(str(caught.value)) < 1_000
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("member", ["sha256", "sha512"])
@pytest.mark.parametrize("change", [str.upper, lambda digest: digest[:-2] + "aF"])
def test_an_upper_case_digest_is_refused_with_the_reason(member: str, change: object) -> None:
    digest = {"sha256": SHA256, "sha512": SHA512}[member]
    assert callable(change)
    with pytest.raises(UnacceptableError, match="expected lower-case hex, got upper case"):
        parse({member: change(digest)})


def test_a_signature_has_a_message_of_its_own() -> None:
    with pytest.raises(UnacceptableError, match="signatures are not accepted yet"):
        parse({"signature": "MII…"})


def test_256_fields_in_both_together_are_accepted_and_257_are_not() -> None:
    metadata = {f"m{number}": number for number in range(200)}
    requisites = {f"r{number}": number for number in range(56)}
    assert len(parse({"metadata": metadata, "requisites": requisites}).fields()) == 256
    with pytest.raises(UnacceptableError, match=r"at most 256 fields .* got 257"):
        parse({"metadata": metadata, "requisites": requisites | {"one_more": 1}})


def test_256_kib_are_accepted_and_one_byte_more_is_too_large() -> None:
    text = b'{"metadata":{"a":1}}'
    padded = text + b" " * (256 * 1024 - len(text))
    assert parse_statement(padded, LIMITS).fields() == {"declared.a": 1}
    with pytest.raises(LimitError) as caught:
        parse_statement(padded + b" ", LIMITS)
    assert (caught.value.limit, caught.value.got) == (262_144, 262_145)


@pytest.mark.parametrize("member", ["metadata", "requisites"])
def test_a_value_of_64_kib_is_accepted_and_one_byte_more_is_too_large(member: str) -> None:
    fits = "x" * (64 * 1024 - 2)  # its quotes count
    assert list(parse({member: {"a": fits}}).fields().values()) == [fits]
    with pytest.raises(LimitError) as caught:
        parse({member: {"a": fits + "x"}})
    assert caught.value.where == f"statement.{member}.a"
    with pytest.raises(LimitError):
        parse({member: {"a": ["x" * 40_000, "x" * 40_000]}})


def test_a_value_is_measured_in_canonical_bytes() -> None:
    """Escapes and blanks of the client's spelling do not count, bytes of UTF-8 do."""
    spelled = b'{"metadata":{"a":"' + b"\\u0061" * 40_000 + b'"}}'
    assert parse_statement(spelled, LIMITS).fields() == {"declared.a": "a" * 40_000}
    with pytest.raises(LimitError):
        parse({"metadata": {"a": "я" * 32_768}})


def test_a_policy_that_is_too_long_for_one_value_is_too_large() -> None:
    policy = {f"declared.{'a' * 100}{number}": "on-demand" for number in range(700)}
    with pytest.raises(LimitError) as caught:
        parse({"policy": policy})
    assert caught.value.where == "statement.policy"


def test_the_longest_name_fits_and_names_are_measured_with_their_namespace() -> None:
    for member, namespace in (("metadata", "declared."), ("requisites", "requisite.")):
        longest = "a" * (128 - len(namespace))
        assert list(parse({member: {longest: 1}}).fields()) == [namespace + longest]
        with pytest.raises(UnacceptableError, match="at most 128 bytes, got 129"):
            parse({member: {longest + "a": 1}})


def test_other_limits_may_be_set() -> None:
    limits = Limits(statement_bytes=50, statement_fields=1, value_bytes=10)
    assert parse_statement(b'{"metadata":{"a":1}}', limits).fields() == {"declared.a": 1}
    with pytest.raises(UnacceptableError):
        parse_statement(b'{"metadata":{"a":1,"b":2}}', limits)
    with pytest.raises(LimitError):
        parse_statement(b'{"metadata":{"a":"123456789"}}', limits)
    with pytest.raises(LimitError):
        parse_statement(b" " * 51, limits)


def test_all_spellings_of_one_statement_have_one_canonical_text() -> None:
    one = b'{"metadata":{"b":"\\u0061","a":1},"size":5}'
    two = b' { "size":5 , "policy":{}, "requisites":{}, "metadata":{"a":1,"b":"a"} } '
    canonical = b'{"metadata":{"a":1,"b":"a"},"policy":{},"requisites":{},"size":5}'
    assert parse_statement(one, LIMITS).to_canonical() == canonical
    assert parse_statement(two, LIMITS).to_canonical() == canonical


@pytest.mark.parametrize(
    "other",
    [
        {"metadata": {"a": 2}},
        {"metadata": {"a": "1"}},
        {"metadata": {"a": True}},
        {"metadata": {"b": 1}},
        {"requisites": {"a": 1}},
        {"metadata": {"a": 1}, "requisites": {"a": 1}},
        {"metadata": {"a": 1}, "policy": {"declared.a": "open"}},
        {"metadata": {"a": 1}, "name": "x"},
        {"metadata": {"a": 1}, "size": 0},
        {"metadata": {"a": 1}, "sha256": SHA256},
        {"metadata": {"a": 1}, "sha512": SHA512},
    ],
)
def test_another_statement_has_another_canonical_text(other: object) -> None:
    assert parse(other).to_canonical() != parse({"metadata": {"a": 1}}).to_canonical()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.from_regex(r"[a-z][a-z0-9_]{0,8}(\.[a-z0-9_]{1,5}){0,2}", fullmatch=True)
STATEMENTS = st.fixed_dictionaries(
    {"metadata": st.dictionaries(KEYS, VALUES, max_size=5)},
    optional={
        "requisites": st.dictionaries(KEYS, VALUES, max_size=5),
        "policy": st.dictionaries(
            KEYS.map("declared.{}".format), st.sampled_from(["open", "on-demand", "sealed"]), max_size=3
        ),
        "name": st.from_regex(r"[a-zа-я]{1,10}\.pdf", fullmatch=True),
        "size": st.integers(0, 2**53 - 1),
        "sha256": st.binary(min_size=32, max_size=32).map(bytes.hex),
        "sha512": st.binary(min_size=64, max_size=64).map(bytes.hex),
    },
)


def test_texts_beyond_ascii_are_not_plain_however_they_are_written() -> None:
    for text, plain in (('{"name":"a.pdf"}', True), ('{"name":"\u044f.pdf"}', False), ('{"name":"\\u044f"}', False)):
        statement = parse_statement(text.encode(), LIMITS)
        assert statement.plain is plain


@given(STATEMENTS, st.booleans())
def test_the_canonical_text_is_the_same_statement_again(members: dict[str, object], escaped: bool) -> None:
    statement = parse_statement(json.dumps(members, ensure_ascii=escaped, indent=1).encode(), LIMITS)
    canonical = statement.to_canonical()
    assert canonical == replace(statement, plain=False).to_canonical()
    assert parse_statement(canonical, LIMITS) == statement
    assert parse_statement(canonical, LIMITS).to_canonical() == canonical
    for name in statement.fields():
        check_name(name)


@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,0123456789.eE+-\\untrflsa \n', max_size=200).map(str.encode))
def test_any_bytes_are_a_statement_or_an_error_of_ours(data: bytes) -> None:
    try:
        parse_statement(data, LIMITS)
    except LedgerError as error:
        assert error.where is not None

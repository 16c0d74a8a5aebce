"""Signed notes: C2SP's examples, one reading only, and limits on what a stranger can make us verify."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import LedgerError, LimitError, MalformedError, SignatureError
from ledger.note.keys import parse_vkey
from ledger.note.signed_note import NOTE_MAX, SIGNATURE_LINES_MAX, Signature, SignedNote, format_note, parse_note

TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.just("\n"), max_size=60).map(
    lambda text: text + "x\n"
)
KEY_NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"], exclude_characters="+"), min_size=1, max_size=9
)
SIGNATURES = st.builds(Signature, KEY_NAMES, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=80))
NOTES = st.builds(SignedNote, TEXTS, st.lists(SIGNATURES, min_size=1, max_size=5).map(tuple))

SIGNED = SignedNote("text\n", (Signature("a.example", b"\x00\x01\x02\x03", b"raw"),))
GOOD = "text\n\n— a.example AAECA3Jhdw==\n".encode()


@given(NOTES)
def test_notes_round_trip(note: SignedNote) -> None:
    assert parse_note(format_note(note)) == note


@given(NOTES, st.data())
def test_other_bytes_are_another_note_or_none(note: SignedNote, data: st.DataObject) -> None:
    good = format_note(note)
    at = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    bad[at] ^= 1 << data.draw(st.integers(0, 7))
    for changed in (bytes(bad), good[:at] + good[at + 1 :], good[:at] + b"\n" + good[at:], good[:at]):
        if changed == good:
            continue
        try:
            other = parse_note(changed)
        except LedgerError:
            continue
        assert other != note
        assert format_note(other) == changed


@pytest.mark.parametrize("name", ["signed-note-example", "c2sp-issue-99-checkpoint"])
def test_the_examples_of_c2sp(vectors: Path, name: str) -> None:
    folder = vectors / "c2sp-spec-examples"
    data = (folder / f"{name}.note").read_bytes()
    key = parse_vkey((folder / f"{name}.vkey").read_text().strip())
    note = parse_note(data)
    assert format_note(note) == data
    (line,) = note.signatures
    assert (line.name, line.key_id) == (key.name, key.key_id)
    key.verify(note.text.encode(), line.raw)
    with pytest.raises(SignatureError):
        key.verify(note.text.encode() + b"\n", line.raw)
    with pytest.raises(SignatureError):
        key.verify(note.text.encode()[:-1], line.raw)


def test_the_text_may_hold_empty_lines_and_signature_lines() -> None:
    text = "one\n\n— a.example AAECA3Jhdw==\n\ntwo\n"
    note = SignedNote(text, SIGNED.signatures)
    assert parse_note(format_note(note)) == note


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "\n\n", "text\n", "text\n\n", "text— a.example AAECA3Jhdw==\n", "\n\n— a.example AAECA3Jhdw==\n",
        "text\n\n— a.example AAECA3Jhdw==", "text\n\n— a.example AAECA3Jhdw==\n\n",
        "text\n\n— a.example AAECA3Jhdw==\nmore\n",
        "text\n\n- a.example AAECA3Jhdw==\n", "text\n\n—a.example AAECA3Jhdw==\n",
        "text\n\n—  a.example AAECA3Jhdw==\n",
        "text\n\n— a.example  AAECA3Jhdw==\n", "text\n\n— a.example AAECA3Jhdw== \n", "text\n\n— a.example\n",
        "text\n\n— a.example AAECA3Jhdw\n", "text\n\n— a.example AAECA3Jhdx==\n", "text\n\n— a.example AAECAw==\n",
        "text\n\n— a.example AAEC\n", "text\n\n— a+example AAECA3Jhdw==\n", "text\n\n— a\u00a0example AAECA3Jhdw==\n",
        "text\n\n— a\u3000example AAECA3Jhdw==\n", "text\r\n\r\n— a.example AAECA3Jhdw==\r\n",
        "te\txt\n\n— a.example AAECA3Jhdw==\n",
        "te\x00xt\n\n— a.example AAECA3Jhdw==\n", "text\n\n— a.exa\x1fmple AAECA3Jhdw==\n",
        "text\n \n— a.example AAECA3Jhdw==\n",
    ],
)  # fmt: skip
def test_another_form_is_no_note(text: str) -> None:
    assert parse_note(GOOD) == SIGNED
    with pytest.raises(MalformedError):
        parse_note(text.encode())


@pytest.mark.parametrize(
    "data", [b"\xff" + GOOD, GOOD.replace(b"text", b"te\xc3t"), "text\n\n— a AAECA3Jhdw==\n".encode("utf-16")]
)
def test_bytes_that_are_not_utf8_are_no_note(data: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_note(data)


def test_at_most_100_lines_and_1_mib() -> None:
    many = SignedNote("text\n", SIGNED.signatures * SIGNATURE_LINES_MAX)
    assert parse_note(format_note(many)) == many
    with pytest.raises(LimitError):
        format_note(SignedNote("text\n", (*many.signatures, *SIGNED.signatures)))
    with pytest.raises(LimitError) as caught:
        parse_note(format_note(many) + "— a.example AAECA3Jhdw==\n".encode())
    assert (caught.value.limit, caught.value.got) == (100, 101)
    with pytest.raises(LimitError):
        parse_note(b"x" * NOTE_MAX + GOOD)


@pytest.mark.parametrize(
    "note",
    [
        SignedNote("", SIGNED.signatures), SignedNote("\n", SIGNED.signatures), SignedNote("text", SIGNED.signatures),
        SignedNote("te\rxt\n", SIGNED.signatures), SignedNote("text\n", ()), SignedNote("text\n", (Signature("",
        bytes(4), b"x"),)),
        SignedNote("text\n", (Signature("a b", bytes(4), b"x"),)), SignedNote("text\n", (Signature("a\n", bytes(4),
        b"x"),)),
        SignedNote("text\n", (Signature("a", bytes(3), b"x"),)), SignedNote("text\n", (Signature("a", bytes(4), b""),)),
    ],
)  # fmt: skip
def test_a_note_that_no_reader_takes_is_not_written(note: SignedNote) -> None:
    with pytest.raises(MalformedError):
        format_note(note)


def test_a_line_of_a_key_that_nobody_knows_is_kept() -> None:
    raw = bytes(range(256)) * 20
    line = f"— {'n' * 300} {b64encode(b'abcd' + raw).decode()}\n".encode()
    assert parse_note(GOOD + line).signatures[1] == Signature("n" * 300, b"abcd", raw)


def test_no_space_of_any_script_stands_in_a_key_name() -> None:
    taken = []
    for char in map(chr, range(0x3100)):
        try:
            format_note(SignedNote("text\n", (Signature(f"a{char}b", bytes(4), b"x"),)))
        except MalformedError:
            continue
        taken.append(char)
    refused = {chr(n) for n in range(0x3100)} - set(taken)
    assert refused == {c for c in map(chr, range(0x3100)) if c.isspace() or c == "+" or (c < " ")}

"""Telegram's machine-readable export: one chat (`result.json`), or all of an account."""

from __future__ import annotations

import json
from typing import Any, Final

from ledger.extract.errors import ExtractError
from ledger.extract.findings import Findings
from ledger.extract.participants import Participants
from ledger.extract.source import Source
from ledger.extract.times import iso_time, since_1970
from ledger.extract.values import listing, text

EXPORT_BYTES: Final = 64 * 1024 * 1024
"""Bytes of an export that is parsed, some hundred thousand messages: Python's values take several times as much."""

_MEDIA: Final = ("photo", "file", "media_type")
_NOT_INCLUDED: Final = "(File not included"


def read_telegram(source: Source, findings: Findings) -> None:
    """Fill a chat's names. Times are UTC where there is `date_unixtime`, else the exporter's clock without zone."""
    try:
        found = json.loads(source.whole(EXPORT_BYTES).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ExtractError("not json") from error
    if not isinstance(found, dict):
        raise ExtractError("no export")
    findings.put("application", "Telegram")
    inside = found.get("chats")
    several = inside.get("list") if isinstance(inside, dict) else None
    if isinstance(several, list):
        chats = [each for each in several if isinstance(each, dict)]
        findings.put("chats", listing(_brief(each) for each in chats))
        _Count(findings).read([message for each in chats for message in _messages(each)])
        return
    for name, member in (("chat_name", "name"), ("chat_kind", "type"), ("chat_id", "id")):
        findings.put(name, _text(found.get(member)))
    _Count(findings).read(_messages(found))


def _text(value: Any) -> str | None:
    return text(str(value), 300) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _messages(chat: dict[str, Any]) -> list[dict[str, Any]]:
    messages = chat.get("messages")
    return [each for each in messages if isinstance(each, dict)] if isinstance(messages, list) else []


def _brief(chat: dict[str, Any]) -> dict[str, object]:
    return {"name": _text(chat.get("name")), "kind": _text(chat.get("type")), "id": _text(chat.get("id")),
            "messages": len(_messages(chat))}  # fmt: skip


class _Count:
    """One pass over the messages."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._people = Participants()
        self._counts = dict.fromkeys(("service", "media", "missing", "edited", "forwarded", "disorder"), 0)
        self._times: list[str] = []
        self._numbers: list[int] = []
        self._files: list[str] = []

    def read(self, messages: list[dict[str, Any]]) -> None:
        """Count, and fill."""
        before = ""
        for message in messages:
            moment = _moment(message) or ""
            self._counts["disorder"] += bool(moment and before and moment < before)
            before = moment or before
            self._times += [moment] if moment else []
            number = message.get("id")
            self._numbers += [number] if isinstance(number, int) and not isinstance(number, bool) else []
            if message.get("type") == "service":
                self._counts["service"] += 1
            else:
                self._take(message, moment or None)
        self._fill()

    def _take(self, message: dict[str, Any], moment: str | None) -> None:
        self._people.wrote(_text(message.get("from")) or "", _text(message.get("from_id")), moment)
        counts = self._counts
        media = [message.get(name) for name in _MEDIA if message.get(name)]
        counts["media"] += bool(media)
        counts["missing"] += any(str(each).startswith(_NOT_INCLUDED) for each in media)
        counts["edited"] += "edited" in message
        counts["forwarded"] += "forwarded_from" in message
        for each in (message.get("photo"), message.get("file")):
            if isinstance(each, str) and not each.startswith(_NOT_INCLUDED):
                self._files.append(text(each, 300))

    def _fill(self) -> None:
        findings, counts = self._findings, self._counts
        findings.put("created_at", min(self._times, default=None))
        findings.put("modified_at", max(self._times, default=None))
        findings.put("participants", self._people.listing())
        findings.put("messages", self._people.messages)
        findings.put("service_messages", counts["service"])
        findings.put("media_messages", counts["media"])
        findings.put("media_missing", counts["missing"])
        findings.put("edited_messages", counts["edited"])
        findings.put("forwarded_messages", counts["forwarded"])
        findings.put("out_of_order", counts["disorder"])
        findings.put("first_id", min(self._numbers, default=None))
        findings.put("last_id", max(self._numbers, default=None))
        findings.put("attachments", listing(self._files))


def _moment(message: dict[str, Any]) -> str | None:
    seconds = message.get("date_unixtime")
    if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit() and len(seconds) <= 12:
        return since_1970(int(seconds))
    moment = message.get("date")
    return iso_time(moment) if isinstance(moment, str) else None

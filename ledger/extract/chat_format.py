"""Exports of chats: WhatsApp's text, Telegram's JSON. Who took part, over which time, how many messages."""

from __future__ import annotations

import re
from typing import Final

from ledger.extract.fields import Field, names_of
from ledger.extract.findings import Findings
from ledger.extract.source import Source

MEDIA_TYPES: Final[tuple[str, ...]] = ()  # found by what stands in a text (see `formats.format_of`)
VERSION: Final = 1
LIBRARIES: Final[tuple[str, ...]] = ()
FIELDS: Final = (
    Field("created_at", "time of the first message", "the export"),
    Field("modified_at", "time of the last message", "the export"),
    Field("application", "the messenger", "form of the export"),
    Field("chat_name", "the other person, or the group", "Telegram name; WhatsApp: the file's name"),
    Field("chat_kind", "personal, group, channel …", "Telegram type"),
    Field("chat_id", "the messenger's identifier of the chat", "Telegram id"),
    Field("participants", "everybody who wrote: name, identifier, number of messages, first and last", "the export"),
    Field("messages", "number of messages by people", "the export"),
    Field("service_messages", "notes of the messenger itself: joined, called, encrypted", "the export"),
    Field("media_messages", "messages with a picture, recording or file", "the export"),
    Field("media_missing", "of these, without the file in the export", "the export"),
    Field("edited_messages", "messages marked as edited", "the export"),
    Field("deleted_messages", "messages marked as deleted", "the export"),
    Field("forwarded_messages", "messages forwarded from elsewhere", "Telegram"),
    Field("first_id", "identifier of the first message", "Telegram"),
    Field("last_id", "identifier of the last; gaps between may be deletions or other chats", "Telegram"),
    Field("out_of_order", "messages older than the one before: an export has none unless it was changed", "the export"),
    Field("date_order", "how dates are written: dmy, mdy, ymd, or ambiguous", "WhatsApp"),
    Field("first_as_written", "the first message's time as the export writes it", "WhatsApp"),
    Field("last_as_written", "the last message's time as the export writes it", "WhatsApp"),
    Field("attachments", "files that messages name", "the export"),
    Field("chats", "a whole account's export: every chat with its number of messages", "Telegram"),
)
NAMES: Final = names_of(FIELDS)

HEAD_BYTES: Final = 16 * 1024
"""Bytes at the beginning that tell a chat: the first message of WhatsApp, the first members of Telegram's object."""

_TELEGRAM: Final = re.compile(r'"(?:messages|chats)"\s*:')
_TELEGRAM_MARK: Final = re.compile(
    r'"(?:date_unixtime|personal_information)"\s*:|"type"\s*:\s*"(?:\w+_chat|\w+_group|\w+_supergroup|\w+_channel|saved_messages|bot_chat)"'
)


def recognises(source: Source) -> bool:
    """Whether a text or JSON file is an export of a chat, by its beginning."""
    from ledger.extract.whatsapp import starts_chat

    head = _head(source)
    return _is_telegram(head) or starts_chat(head)


def read(source: Source, findings: Findings) -> None:
    """Fill the format's names."""
    if _is_telegram(_head(source)):
        from ledger.extract.telegram import read_telegram

        read_telegram(source, findings)
    else:
        from ledger.extract.whatsapp import read_whatsapp

        read_whatsapp(source, findings)


def _head(source: Source) -> str:
    return source.at(0, HEAD_BYTES).decode("utf-8", "replace").removeprefix("\ufeff")


def _is_telegram(head: str) -> bool:
    return head.lstrip()[:1] == "{" and bool(_TELEGRAM.search(head)) and bool(_TELEGRAM_MARK.search(head))

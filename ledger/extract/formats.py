"""Which reader takes which media type, and which names each format has."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib import metadata
from types import ModuleType
from typing import Final

from ledger.extract import (
    archive_format,
    audio_format,
    chat_format,
    cms_format,
    compressed_format,
    heif_format,
    html_format,
    iso_media_format,
    jpeg_format,
    mail_format,
    mailbox_format,
    mhtml_format,
    odf_format,
    ole_format,
    ooxml_format,
    other_format,
    pdf_format,
    png_format,
    tar_format,
    text_format,
    tiff_format,
    wave_format,
    webp_format,
)
from ledger.extract.source import Source

_MODULES: Final[dict[str, ModuleType]] = {
    "archive": archive_format,
    "audio": audio_format,
    "chat": chat_format,
    "cms": cms_format,
    "compressed": compressed_format,
    "heif": heif_format,
    "html": html_format,
    "iso_media": iso_media_format,
    "jpeg": jpeg_format,
    "mail": mail_format,
    "mailbox": mailbox_format,
    "mhtml": mhtml_format,
    "odf": odf_format,
    "ole": ole_format,
    "ooxml": ooxml_format,
    "other": other_format,
    "pdf": pdf_format,
    "png": png_format,
    "tar": tar_format,
    "text": text_format,
    "tiff": tiff_format,
    "wave": wave_format,
    "webp": webp_format,
}


@dataclass(frozen=True, slots=True)
class Format:
    """One format: its name, its names (full, ascending), its reader's module."""

    name: str
    names: tuple[str, ...]
    module: ModuleType

    @property
    def extractor(self) -> str:
        """What `extracted.extractor` says."""
        return f"evidence-ledger/{self.name}"


FORMATS: Final = {name: Format(name, module.NAMES, module) for name, module in _MODULES.items()}
_BY_TYPE: Final = {media_type: FORMATS[name] for name, module in _MODULES.items() for media_type in module.MEDIA_TYPES}
_OTHER: Final = FORMATS["other"]


def format_by_type(media_type: str) -> Format:
    """The format of a media type, without a look at the file: what the parent falls back to."""
    return _BY_TYPE.get(media_type, _OTHER)


def format_of(source: Source) -> Format:
    """The format of a file. Chats are text or JSON whose first lines are a chat's."""
    found = format_by_type(source.media_type)
    if found.name == "text" and chat_format.recognises(source):
        return FORMATS["chat"]
    return found


def version_of(chosen: Format) -> str:
    """The reader's own version, that of Python, and those of the libraries it reads with."""
    libraries = [f"{name} {metadata.version(name)}" for name in chosen.module.LIBRARIES]
    return "; ".join([str(chosen.module.VERSION), f"python {platform.python_version()}", *libraries])

"""A demand as a letter: a page to print, sign and hand over."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from verifier.interface import Lodged
from verifier.sheet.all_words import language
from verifier.sheet.frame import bullets, name, page, section, value
from verifier.sheet.markup import Markup, join, tag

_BLANK = tag("span", Markup("&nbsp;"), class_="blank")


def letter_page(lodged: Lodged, demanded: str, fields: Sequence[str] | str, grounds: str, code: str) -> str:
    """The letter of a demand that was lodged, in the language `code`."""
    words = language(code).sheet
    text = words.letter
    blanks = [tag("p", f"{text[label]}: ", _BLANK) for label in ("to", "from")]
    case = value(lodged.case, words) if lodged.case else _BLANK
    if isinstance(fields, str):
        asked = bullets([words.all_names])
    else:
        asked = bullets(name(field) for field in fields) if fields else bullets([words.objects[demanded]])
    due = text["due"].format(time=lodged.due_at) if lodged.due_at else text["no_due"]
    command = " ".join(shlex.quote(word) for word in ("evidence-verify", "answer", lodged.demand))
    return page(
        code,
        text["title"],
        lodged.demand,
        *blanks,
        tag("p", f"{text['case']}: ", case),
        tag("p", text["about"].format(number=lodged.number)),
        asked,
        section(text["grounds"], tag("p", value(grounds, words))),
        tag("p", text["recorded"].format(demand=lodged.demand), " ", due),
        section(text["how"], bullets(text[key] for key in ("never", "opened", "closed", "later"))),
        tag("p", text["check"], Markup("<br>"), tag("code", f"{command} --server URL --token TOKEN --trust DIR")),
        tag("p", f"{text['date']}: ", _BLANK),
        tag("p", f"{text['signature']}: ", _BLANK),
        join(""),
    )

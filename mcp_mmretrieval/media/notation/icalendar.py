"""Calendars (iCalendar, RFC 5545) and address cards (vCard, RFC 6350): lines unfolded, values unescaped, no photos."""

from __future__ import annotations

import re

from mcp_mmretrieval.media.notation.dates import parse_date
from mcp_mmretrieval.media.notation.rendering import Rendering
from mcp_mmretrieval.media.notation.source_map import MapBuilder, substitute
from mcp_mmretrieval.media.notation.transfer import put_decoded
from mcp_mmretrieval.media.passages import Heading

_BEGINS = re.compile(r"\s*BEGIN:(?:VCALENDAR|VCARD)\b", re.IGNORECASE)
_FOLD = re.compile(r"(?:\r\n|\n|\r)[ \t]")
_ESCAPE = re.compile(r"\\[nN,;:\\]")
_QUOTED = re.compile(
    r"^[A-Za-z.-]+(?P<how>;(?=[^:\n]*?QUOTED-PRINTABLE)[^:\n]*+):(?P<value>(?:[^\n]*=\r?\n)*[^\n]*)",
    re.MULTILINE | re.IGNORECASE,
)
_CHARSET = re.compile(r"CHARSET=\"?([\w.:-]+)", re.IGNORECASE)
_BINARY = re.compile(
    r"^(?:PHOTO|LOGO|SOUND|KEY|ATTACH)\b[^:\n]*(?:ENCODING=B|;BASE64|:data:)[^\n]*(?:\n(?!BEGIN|END|[A-Z-]+[:;])[^\n]*)*",
    re.MULTILINE | re.IGNORECASE,
)
_ENTRY = re.compile(
    r"^BEGIN:(VEVENT|VTODO|VJOURNAL|VCARD)\b((?:(?!^BEGIN:\1\b).)*?)^END:\1", re.MULTILINE | re.DOTALL | re.IGNORECASE
)
_PARAMETERS = r"(?:;(?:\"[^\"\n]*\"|[^\":\n])*+)?"
"""Behind a property's name; a value in quotes may hold colons."""
_NAME = re.compile(rf"^(?:SUMMARY|FN){_PARAMETERS}:([^\r\n]*)", re.MULTILINE | re.IGNORECASE)
_CALENDAR_NAME = re.compile(rf"^X-WR-CALNAME{_PARAMETERS}:([^\r\n]*)", re.MULTILINE | re.IGNORECASE)
_START = re.compile(rf"^DTSTART{_PARAMETERS}:([^\r\n]*)", re.MULTILINE | re.IGNORECASE)


def is_calendar(source: str) -> bool:
    """Whether a text is a calendar or holds address cards."""
    return _BEGINS.match(source) is not None


def read_calendar(source: str) -> Rendering:
    """All entries; each stands under its summary or name. The first one's date is the calendar's."""
    quoted = MapBuilder(source)
    done = 0
    for found in _QUOTED.finditer(source):
        charset = _CHARSET.search(found["how"])
        quoted.keep(done, found.start("value"))
        put_decoded(
            quoted, source, *found.span("value"), transfer="quoted-printable", charset=charset[1] if charset else ""
        )
        done = found.end("value")
    quoted.keep(done, len(source))
    mapped = quoted.mapped()
    for pattern in (_FOLD, _BINARY, _ESCAPE):
        mapped = substitute(pattern, _read, mapped.text).over(mapped)
    entries = list(_ENTRY.finditer(mapped.text))
    headings = [
        Heading(entry.start(), entry.start(2), 1, name[1].strip()[:200])
        for entry in entries
        if (name := _NAME.search(mapped.text, *entry.span(2))) and name[1].strip()
    ]
    calendar = _CALENDAR_NAME.search(mapped.text)
    title = calendar[1].strip()[:200] if calendar else headings[0].title if len(entries) == 1 and headings else ""
    start = _START.search(mapped.text, *entries[0].span(2)) if entries else None
    return Rendering(mapped=mapped, headings=headings, title=title, dated=parse_date(start[1]) if start else None)


def _read(found: re.Match[str]) -> str:
    """What stands behind an escape; nothing for a fold and a photo."""
    if found[0][0] != "\\":
        return ""
    return "\n" if found[0][1] in "nN" else found[0][1]

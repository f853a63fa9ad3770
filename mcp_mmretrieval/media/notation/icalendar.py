"""Calendars (iCalendar, RFC 5545): what a person reads of each event and task, a line a property, times in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from mcp_mmretrieval.media.notation.content_lines import (
    ContentLine,
    content_lines,
    left_out,
    put_field,
    unfolded,
    without_escapes,
)
from mcp_mmretrieval.media.notation.dates import parse_date
from mcp_mmretrieval.media.notation.recurrence import (
    duration_in_words,
    moment_in_words,
    reminder_in_words,
    rule_in_words,
)
from mcp_mmretrieval.media.notation.rendering import Rendering
from mcp_mmretrieval.media.notation.source_map import MapBuilder
from mcp_mmretrieval.media.passages import Heading

_BEGINS = re.compile(r"\s*BEGIN:VCALENDAR\b", re.IGNORECASE)
_ENTRIES = frozenset(["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"])
_UNSEEN = frozenset(["VTIMEZONE", "STANDARD", "DAYLIGHT"])
_DEEPEST = 50
"""Open components in which the beginning of one that ends is looked for."""
_STATUS = {
    "ACCEPTED": "accepted",
    "DECLINED": "declined",
    "TENTATIVE": "tentative",
    "NEEDS-ACTION": "has not answered",
    "DELEGATED": "delegated",
}


def _as_written(line: ContentLine) -> str | None:
    """Nothing: the value is kept as it is, character for character."""
    return None


def _moments(line: ContentLine) -> str:
    zone = line.parameters.get("TZID", "")
    return "; ".join(moment_in_words(each.partition("/")[0], zone) for each in line.value.split(","))


def _person(line: ContentLine) -> str:
    name, address = line.parameters.get("CN", ""), re.sub(r"^mailto:", "", line.value, flags=re.IGNORECASE)
    who = f"{name} <{address}>" if name and address and name != address else name or address
    status = _STATUS.get(line.parameters.get("PARTSTAT", "").upper(), "")
    return f"{who} ({status})" if status else who


_READ: dict[str, tuple[str, Callable[[ContentLine], str | None]]] = {
    "SUMMARY": ("Summary", _as_written),
    "DESCRIPTION": ("Description", _as_written),
    "LOCATION": ("Location", _as_written),
    "COMMENT": ("Comment", _as_written),
    "CONTACT": ("Contact", _as_written),
    "CATEGORIES": ("Categories", _as_written),
    "RESOURCES": ("Resources", _as_written),
    "URL": ("Web page", _as_written),
    "CONFERENCE": ("Conference", _as_written),
    "ATTACH": ("Attachment", _as_written),
    "X-WR-CALNAME": ("Calendar", _as_written),
    "X-WR-CALDESC": ("Description", _as_written),
    "STATUS": ("Status", lambda line: line.value.lower().replace("-", " ")),
    "PERCENT-COMPLETE": ("Done", lambda line: f"{line.value} %"),
    "DTSTART": ("Starts", _moments),
    "DTEND": ("Ends", _moments),
    "DUE": ("Due", _moments),
    "COMPLETED": ("Completed", _moments),
    "RDATE": ("Also", _moments),
    "EXDATE": ("Except", _moments),
    "RECURRENCE-ID": ("Instead of", _moments),
    "DURATION": ("Lasts", lambda line: duration_in_words(line.value)),
    "TRIGGER": ("Reminder", lambda line: reminder_in_words(line.value)),
    "RRULE": ("Repeats", lambda line: rule_in_words(line.value)),
    "ORGANIZER": ("Organiser", _person),
    "ATTENDEE": ("Attendee", _person),
}
"""What a person reads, by property; all else is for machines."""


@dataclass(slots=True)
class _Entry:
    """A component that is open."""

    kind: str
    at: int
    name: str = ""
    start: str = ""


def is_calendar(source: str) -> bool:
    """Whether a text is a calendar."""
    return _BEGINS.match(source) is not None


def read_calendar(source: str) -> Rendering:
    """All entries; each stands under its summary. The first one's date is the calendar's."""
    lines, files = unfolded(source)
    calendar = _Calendar(MapBuilder(lines.text))
    for line in content_lines(lines.text):
        calendar.take(line)
    entries = sorted(calendar.closed, key=lambda entry: entry.at)
    headings = [Heading(entry.at, entry.at, 1, entry.name) for entry in entries if entry.name]
    title = headings[0].title if len(entries) == 1 and headings else ""
    return Rendering(
        mapped=calendar.out.mapped().over(lines),
        headings=headings,
        title=calendar.name or title,
        dated=parse_date(entries[0].start) if entries else None,
        notes=left_out(files),
        least_section=1,
    )


@dataclass(slots=True)
class _Calendar:
    """One reading of a calendar."""

    out: MapBuilder
    name: str = ""
    open: list[_Entry] = field(default_factory=list)
    closed: list[_Entry] = field(default_factory=list)

    def take(self, line: ContentLine) -> None:
        """The next line."""
        if line.name == "BEGIN":
            self._begin(line)
        elif line.name == "END":
            self._end(line.value.upper())
        elif line.name in _READ and line.value and not (self.open and self.open[-1].kind in _UNSEEN):
            self._name(line)
            label, words = _READ[line.name]
            put_field(self.out, line, label, words(line))

    def _begin(self, line: ContentLine) -> None:
        kind = line.value.upper()
        if kind in _ENTRIES and self.out.length:
            self.out.put("\n", line.at, line.at)
        self.open.append(_Entry(kind, self.out.length))

    def _end(self, kind: str) -> None:
        if any(entry.kind == kind for entry in self.open[-_DEEPEST:]):
            while (entry := self.open.pop()).kind != kind:
                pass
            self.closed += [entry] if kind in _ENTRIES else []

    def _name(self, line: ContentLine) -> None:
        """Keep what says which entry it is, and when."""
        said = " ".join(without_escapes(line.value).split())[:200]
        if line.name == "X-WR-CALNAME":
            self.name = said
        elif self.open and line.name == "SUMMARY":
            self.open[-1].name = said
        elif self.open and line.name == "DTSTART":
            self.open[-1].start = line.value

"""Dates as documents write them, for filters by date."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime

_YEAR_FIRST = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)(.*)", re.DOTALL)
_COMPACT = re.compile(r"\d{8}(?:T\d{6})?Z?")
datetime.strptime("2000", "%Y")  # imports what it needs now: a locked worker can import nothing more
_IN_WORDS = ("%d %B %Y", "%d. %B %Y", "%B %d, %Y", "%B %d %Y", "%d %b %Y", "%b %d, %Y")


def parse_date(written: object) -> float | None:
    """Seconds since 1970 of a date: ISO 8601 and its looser forms, RFC 5322 (mail), iCalendar, English words.

    Without a zone it is taken for UTC. None for what is no date, such as 3/4/25, which nobody can be sure of.
    """
    if isinstance(written, datetime):
        return _seconds(written)
    if isinstance(written, date):
        return _seconds(datetime(written.year, written.month, written.day))
    text = str(written).strip().strip("\"'")[:100]
    if found := _YEAR_FIRST.fullmatch(text):
        text = f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}{found[4]}"
        return _iso(text) if found[4] else _iso(text[:10])
    if _COMPACT.fullmatch(text):
        return _iso(text)
    for form in _IN_WORDS:
        try:
            return _seconds(datetime.strptime(text, form))
        except ValueError:
            continue
    try:
        return _seconds(parsedate_to_datetime(text))
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _iso(text: str) -> float | None:
    for candidate in (text, re.sub(r"[ T]?(\d{1,2}:\d{2}(?::\d{2})?).*", r"T\1", text), text[:10]):
        try:
            return _seconds(datetime.fromisoformat(candidate.replace(" ", "T", 1).replace(" ", "")))
        except (ValueError, OverflowError):
            continue
    return None


def _seconds(moment: datetime) -> float | None:
    if not 1 < moment.year < 9999:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

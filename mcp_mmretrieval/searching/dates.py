"""What a date means that an agent wrote: the moment at which the day, month, year or time begins."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import datetime, timedelta

from mcp_mmretrieval.errors import BadArgument

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAME = rf"(?P<name>{'|'.join(_MONTHS)})[a-z]*\.?"
_WRITTEN = re.compile(
    r"(?P<year>\d{4})(?:[-/.](?P<month>\d{1,2})(?:[-/.](?P<day>\d{1,2}))?)?"
    rf"|(?:(?P<day_before>\d{{1,2}})(?:st|nd|rd|th)?\.? )?{_MONTH_NAME}"
    r"(?: (?P<day_behind>\d{1,2})(?:st|nd|rd|th)?)?,? (?P<year_behind>\d{4})"
    r"|(?P<day_first>\d{1,2})\.\s?(?P<month_second>\d{1,2})\.\s?(?P<year_last>\d{4})"
)
_UNIT = r"(?P<unit>day|week|month|year)"
_PERIOD = re.compile(rf"(?P<which>this|current|last|past|previous) {_UNIT}")
_SINCE = re.compile(rf"(?:(?:last|past|previous) )?(?P<count>\d{{1,4}}|an?) {_UNIT}s?(?: ago)?")
_HOW = (
    "Write a day (2026-11-03), a month (2026-11), a year (2026), a time (2026-11-03T14:30), or today, yesterday, "
    "last week, last month, 10 days ago."
)


def date_seconds(argument: str, written: str | None, now: datetime | None = None) -> float | None:
    """Seconds since 1970 of the beginning of what is written; None for nothing. Local time where no zone is said.

    ISO 8601, parts of it (`2026-11`), dates by the name of the month, and plain relative ones (`last month`: its
    first day). Raises BadArgument, with the argument's name.
    """
    if not written or not written.strip():
        return None
    plain = " ".join(written.lower().split())
    try:
        found = _relative(plain, now or datetime.now()) or _named(plain) or _iso(written.strip())
        return found.timestamp()
    except (ValueError, OverflowError) as error:
        raise BadArgument(f"{argument}: {written!r} is no date that can be understood. {_HOW}") from error


def _iso(written: str) -> datetime:
    return datetime.fromisoformat(written)


def _named(plain: str) -> datetime | None:
    match = _WRITTEN.fullmatch(plain)
    if match is None:
        return None
    year = match["year"] or match["year_behind"] or match["year_last"]
    month = match["month"] or match["month_second"] or (_MONTHS.index(match["name"]) + 1 if match["name"] else 1)
    day = match["day"] or match["day_before"] or match["day_behind"] or match["day_first"] or 1
    return datetime(int(year), int(month), int(day))


def _relative(plain: str, now: datetime) -> datetime | None:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if plain == "now":
        return now
    if plain in ("today", "yesterday", "tomorrow"):
        return today + timedelta({"yesterday": -1, "tomorrow": 1}.get(plain, 0))
    if match := _PERIOD.fullmatch(plain):
        begin = _beginning(match["unit"], today)
        return begin if match["which"] in ("this", "current") else _back(begin, match["unit"], 1)
    if match := _SINCE.fullmatch(plain):
        count = int(match["count"]) if match["count"].isdigit() else 1
        return _back(today, match["unit"], count)
    return None


def _beginning(unit: str, today: datetime) -> datetime:
    if unit == "week":
        return today - timedelta(today.weekday())
    if unit == "day":
        return today
    return today.replace(day=1, month=1 if unit == "year" else today.month)


def _back(day: datetime, unit: str, count: int) -> datetime:
    """So many units earlier; the last of a month where that month is shorter."""
    if unit in ("day", "week"):
        return day - timedelta(count * (7 if unit == "week" else 1))
    year, month = divmod(day.year * 12 + day.month - 1 - count * (12 if unit == "year" else 1), 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, monthrange(year, month + 1)[1]))

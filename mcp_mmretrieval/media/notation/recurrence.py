"""Times of calendars in words (RFC 5545): moments, durations, rules of recurrence."""

from __future__ import annotations

import re
from datetime import datetime

_MOMENT = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:T(\d{2}):?(\d{2})(?::?\d{2})?(Z)?)?")
_DURATION = re.compile(r"([+-]?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.IGNORECASE)
_UNITS = ("week", "day", "hour", "minute", "second")
_DAYS = {"MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday", "FR": "Friday", "SA": "Saturday"} | {
    "SU": "Sunday"
}
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_MONTHS = [
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
]
_FREQUENCIES = {"YEARLY": "year", "MONTHLY": "month", "WEEKLY": "week", "DAILY": "day", "HOURLY": "hour"} | {
    "MINUTELY": "minute",
    "SECONDLY": "second",
}


def moment_in_words(value: str, zone: str = "") -> str:
    """`Saturday, 2026-03-14 09:00 (Europe/Berlin)`; as it is written where it is no moment."""
    found = _MOMENT.fullmatch(value.strip())
    if found is None:
        return value
    year, month, day, hour, minute, utc = found.groups()
    try:
        weekday = list(_DAYS.values())[datetime(int(year), int(month), int(day)).weekday()]
    except ValueError:
        return value
    clock = f" {hour}:{minute}" if hour else ""
    where = " UTC" if utc else f" ({zone})" if zone and hour else ""
    return f"{weekday}, {year}-{month}-{day}{clock}{where}"


def duration_in_words(value: str) -> str:
    """`1 hour 30 minutes`; as it is written where it is no duration. Its sign is left out."""
    found = _DURATION.fullmatch(value.strip())
    if found is None:
        return value
    counts = zip(found.groups()[1:], _UNITS, strict=True)
    said = [f"{int(count)} {unit}{'' if int(count) == 1 else 's'}" for count, unit in counts if count and int(count)]
    return " ".join(said) or "no time"


def reminder_in_words(value: str) -> str:
    """`15 minutes before`, `1 hour after`, `at the time`, or a moment."""
    if not _DURATION.fullmatch(value.strip()):
        return moment_in_words(value)
    said = duration_in_words(value)
    if said == "no time":
        return "at the time"
    return f"{said} {'before' if value.strip().startswith('-') else 'after'}"


def rule_in_words(value: str) -> str:
    """`every 2 weeks on Monday and Friday, until Thursday, 2026-12-31`; as it is written where it is no rule."""
    rule = dict(piece.upper().split("=", 1) for piece in value.split(";") if "=" in piece)
    unit = _FREQUENCIES.get(rule.get("FREQ", ""))
    if unit is None:
        return value
    interval = rule.get("INTERVAL", "1")
    said = f"every {unit}" if interval == "1" else f"every {interval} {unit}s"
    if days := [_day_in_words(found[1], found[2]) for found in _DAY.finditer(rule.get("BYDAY", ""))]:
        said += f" on {_joined(days)}"
    if numbers := re.findall(r"[+-]?\d{1,2}", rule.get("BYMONTHDAY", "")):
        said += f" on {_joined([_date_in_words(int(number)) for number in numbers])}"
    months = [int(number) for number in rule.get("BYMONTH", "").split(",") if number.isdecimal()]
    if months := [month for month in months if 1 <= month <= 12]:
        said += f" in {_joined([_MONTHS[month - 1] for month in months])}"
    if count := rule.get("COUNT"):
        said += ", once" if count == "1" else f", {count} times"
    if until := rule.get("UNTIL"):
        said += f", until {moment_in_words(until)}"
    return said


def _day_in_words(which: str | None, day: str) -> str:
    if not which:
        return _DAYS[day]
    number = int(which)
    if number < 0:
        return f"the last {_DAYS[day]}" if number == -1 else f"the last {_DAYS[day]} but {-number - 1}"
    ends = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number not in (11, 12, 13) else 0, "th")
    return f"the {number}{ends} {_DAYS[day]}"


def _date_in_words(number: int) -> str:
    if number >= 0:
        return f"day {number}"
    return "the last day" if number == -1 else f"the last day but {-number - 1}"


def _joined(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))

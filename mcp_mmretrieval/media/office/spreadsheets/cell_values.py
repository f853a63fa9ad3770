"""The values of cells as a person sees them: dates as ISO 8601 has them, numbers without what nobody sees. Pure."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import NamedTuple, TypeAlias

CellValue: TypeAlias = "str | int | float | bool | date | datetime | time | timedelta"

_BUILT_IN = {9: "0%", 10: "0.00%"} | dict.fromkeys((5, 6, 42), "$#,##0") | dict.fromkeys((7, 8, 44), "$#,##0.00")
"""Formats with a unit that have a number and no code in the file (ECMA-376, part 1, 18.8.30)."""
_MAX_CODE = 300
_QUOTED = re.compile(r'"([^"]*)"|\\(.)|[_*].|\[\$([^\]-]*)[^\]]*\]|\[[^\]]*\]')
_UNIT = re.compile(r"[$€£¥₹₽₩₺₴₪฿]|CHF|EUR|USD|GBP|kr\.?|zł|Kč")
_DIGITS = re.compile(r"[0#?][0#?,]*(?:\.(?P<decimals>[0#?]+))?")


class NumberFormat(NamedTuple):
    """How a number is written, where its unit belongs to it."""

    decimals: int
    percent: bool = False
    unit: str = ""
    """The sign of a currency."""
    unit_first: bool = False


def number_format(number: int, code: str = "") -> NumberFormat | None:
    """What a number format says, by its number or code; None for one without a unit: the value itself says it all."""
    positive = (code or _BUILT_IN.get(number, "")).split(";")[0][:_MAX_CODE]
    shown = _QUOTED.sub(lambda found: found[1] or found[2] or found[3] or "", positive)
    digits, unit = _DIGITS.search(shown), _UNIT.search(shown)
    if digits is None:
        return None
    decimals = len(digits["decimals"] or "")
    if "%" in _QUOTED.sub("", positive):
        return NumberFormat(decimals, percent=True)
    return NumberFormat(decimals, unit=unit[0], unit_first=unit.start() < digits.start()) if unit else None


def format_shown(shown: str) -> NumberFormat | None:
    """The format in which a number was written, such as `12.50 €`; None where it has no unit."""
    digits = re.search(r"\d(?:[\d.,\s]*\d)?", shown)
    if digits is None:
        return None
    decimals = len(re.search(r"(?:[.,](\d+))?\Z", digits[0])[1] or "")  # type: ignore[index]  # it always matches
    if "%" in shown:
        return NumberFormat(decimals, percent=True)
    before, after = shown[: digits.start()].strip(" -("), shown[digits.end() :].strip(" )")
    return NumberFormat(decimals, unit=before or after, unit_first=bool(before)) if before or after else None


def cell_text(value: CellValue, form: NumberFormat | None = None) -> str:
    """One line for a cell."""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes" if not value.second else "seconds").removesuffix(" 00:00")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat("minutes" if not value.second else "seconds")
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else "")
    return _number(value, form)


def _number(value: float, form: NumberFormat | None) -> str:
    if form is None:
        return str(int(value)) if value == value // 1 and abs(value) < 1e15 else f"{value:.15g}"
    if form.percent:
        return f"{100 * value:.{form.decimals}f}%"
    sign, amount = "-" if value < 0 else "", f"{abs(value):.{form.decimals}f}"
    return f"{sign}{form.unit}{amount}" if form.unit_first else f"{sign}{amount} {form.unit}"

"""In which order a person reads what is placed on a slide: row by row, each from left to right. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple, TypeVar

_Thing = TypeVar("_Thing")
_LENGTH = re.compile(r"(-?[\d.]+)(cm|mm|in|pt|pc|pi|px|)")
_UNITS = {"": 1, "cm": 360_000, "mm": 36_000, "in": 914_400, "pt": 12_700, "pc": 152_400, "pi": 152_400, "px": 9_525}
"""English Metric Units, in which Office counts."""


class PlacedBox(NamedTuple):
    """Where a thing lies, in any unit; x grows to the right, y down."""

    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0


def row_by_row(placed: Iterable[tuple[PlacedBox, _Thing]]) -> list[_Thing]:
    """The things row by row: in a row lie those whose tops are within half the height of the lower of the two."""
    rows: list[list[tuple[PlacedBox, _Thing]]] = []
    for box, thing in sorted(placed, key=lambda one: one[0].y):
        if rows and box.y - rows[-1][0][0].y < min(box.height, rows[-1][0][0].height) / 2:
            rows[-1].append((box, thing))
        else:
            rows.append([(box, thing)])
    return [thing for row in rows for _, thing in sorted(row, key=lambda one: one[0].x)]


def length(written: str | None) -> float:
    """A length such as `360000` or `1cm`, in English Metric Units; 0 for what is none."""
    found = _LENGTH.fullmatch(written or "")
    try:
        return float(found[1]) * _UNITS[found[2]] if found else 0.0
    except ValueError:
        return 0.0

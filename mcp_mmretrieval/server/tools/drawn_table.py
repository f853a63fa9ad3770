"""Rows as a picture of a table: the names of the columns above, numbers to the right, what is cut marked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from mcp_mmretrieval.server.tools.lettering import shortened, wrapped, written

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

SIDE_PIXELS = 1_024
"""Pixels of the longer side of a table that stands alone: more are not sent."""
_SIZES = (22, 19, 17, 15, 14)
"""Sizes of letters that are tried, the smallest one being still read well."""
_LINES = 3
"""Lines of a cell, at most."""
_PAD = 6
_LEADING = 5
_NARROWEST = 70
"""Pixels of a column, at least; what then finds no room is left out and counted."""
_LONGEST_WORD = 24
"""Letters; more stand together where a script has no spaces."""
_MOST_CHARACTERS = 800
"""Of a cell: more than its lines can show."""
_PAPER, _HEAD, _GRID, _INK, _SAID = "#ffffff", "#e4e7ea", "#b9c0c7", "#1b1f23", "#3b444c"
_NUMBER = re.compile(r"[(+\-\u2212]?\s*[^\w\s]?\s*\d[\d.,'\u2019\u00a0\u202f ]*\s*(?:%|‰|[^\w\s]|[A-Z]{3})?\)?")
"""A number with its sign, currency or per cent."""


@dataclass(frozen=True, slots=True)
class _Layout:
    size: int
    widths: Sequence[int]
    """Pixels of each column that is drawn."""
    lines: Sequence[Sequence[Sequence[str]]]
    """Of each row that is drawn, of each cell, its lines."""
    heights: Sequence[int]


def table_picture(rows: Sequence[Sequence[str]]) -> Picture:
    """The table alone, no larger than it needs."""
    return np.asarray(draw_table(rows, (SIDE_PIXELS, SIDE_PIXELS), grown=False))


def draw_table(rows: Sequence[Sequence[str]], size: tuple[int, int], *, grown: bool = True) -> Image.Image:
    """The rows, the first of which names the columns, as large as they fit. `grown`: the picture has all of `size`."""
    columns = max(map(len, rows))
    padded = [[_shown(cell) for cell in [*row, *[""] * (columns - len(row))]] for row in rows]
    layout = next((found for each in _SIZES[:-1] if (found := _layout(padded, each, size, whole=True))), None)
    layout = layout or _layout(padded, _SIZES[-1], size, whole=False)
    assert layout is not None
    foot = _foot(len(rows) - len(layout.heights), columns - len(layout.widths))
    wide, high = sum(layout.widths) + 1, sum(layout.heights) + 1
    needed = (wide, high + (_row_height(layout.size, 1) if foot else 0))
    picture = Image.new("RGB", size if grown else (min(size[0], max(needed[0], 420)), min(size[1], needed[1])), _PAPER)
    pen = ImageDraw.Draw(picture)
    numeric = [_is_numeric([row[column] for row in padded[1:]]) for column in range(len(layout.widths))]
    top = 0
    for number, (row, height) in enumerate(zip(layout.lines, layout.heights, strict=True)):
        left = 0
        for cell, width, right in zip(row, layout.widths, numeric, strict=True):
            box = (left, top, left + width, top + height)
            pen.rectangle(box, fill=_HEAD if number == 0 else _PAPER, outline=_GRID)
            _write(pen, cell, box, layout.size, to_the_right=right)
            left += width
        top += height
    if foot:
        font, said = written(foot, layout.size)
        pen.text((_PAD, top + _PAD), said, fill=_SAID, font=font)
    return picture


def _layout(rows: Sequence[Sequence[str]], size: int, room: tuple[int, int], *, whole: bool) -> _Layout | None:
    """How the rows fit into so many pixels; None where they do not and are wanted whole."""
    wanted = [max(_NARROWEST, *(_width(row[column], size) for row in rows)) for column in range(len(rows[0]))]
    widths = _shares(wanted, room[0] - 1)
    if whole and (len(widths) < len(wanted) or _breaks_words(rows, widths, size)):
        return None
    lines = [[_lines(cell, width, size) for cell, width in zip(row, widths, strict=False)] for row in rows]
    if whole and any(len(cell) > _LINES for row in lines for cell in row):
        return None
    lines = [[_cut(cell, width, size) for cell, width in zip(row, widths, strict=True)] for row in lines]
    heights = [_row_height(size, max(1, *map(len, row))) for row in lines]
    if sum(heights) < room[1] and len(widths) == len(wanted):
        return _Layout(size, widths, lines, heights)
    if whole:
        return None
    left, kept = room[1] - 1 - _row_height(size, 1), 0
    while kept < len(heights) and (heights[kept] <= left or not kept):
        left -= heights[kept]
        kept += 1
    return _Layout(size, widths, lines[:kept], heights[:kept])


def _shown(cell: str) -> str:
    return " ".join(cell.split())[:_MOST_CHARACTERS]


def _shares(wanted: Sequence[int], room: int) -> list[int]:
    """Pixels of each column: what it wants, or an equal share of what those leave that want less.

    Columns that have no room at all are left out.
    """
    wanted = wanted[: max(1, room // _NARROWEST)]
    fair = room
    for count, width in zip(range(len(wanted), 0, -1), sorted(wanted), strict=True):
        fair = room // count
        if width > fair:
            break
        room -= width
    return [min(width, fair) for width in wanted]


def _breaks_words(rows: Sequence[Sequence[str]], widths: Sequence[int], size: int) -> bool:
    """Whether a word is wider than its column; what is longer than words are breaks anywhere."""
    for column, width in enumerate(widths):
        words = (word for row in rows for word in row[column].split() if len(word) <= _LONGEST_WORD)
        if _width(max(words, key=len, default=""), size) > width:
            return True
    return False


def _width(text: str, size: int) -> int:
    font, shown = written(text, size)
    return round(font.getlength(shown)) + 2 * _PAD + 1


def _row_height(size: int, lines: int) -> int:
    return lines * (size + _LEADING) + 2 * _PAD


def _lines(cell: str, width: int, size: int) -> list[str]:
    font, shown = written(cell, size)
    return wrapped(shown, font, width - 2 * _PAD)


def _cut(lines: Sequence[str], width: int, size: int) -> list[str]:
    """As many lines as a cell has, the last one marked where some are left out."""
    if len(lines) <= _LINES:
        return list(lines)
    font, _ = written(lines[_LINES - 1], size)
    return [*lines[: _LINES - 1], shortened(lines[_LINES - 1], font, width - 2 * _PAD)]


def _write(
    pen: ImageDraw.ImageDraw, lines: Sequence[str], box: tuple[int, int, int, int], size: int, *, to_the_right: bool
) -> None:
    left, top, right, _ = box
    for row, line in enumerate(lines):
        font, shown = written(line, size)
        end = to_the_right or _is_right_to_left(line)
        at = (right - _PAD if end else left + _PAD, top + _PAD + row * (size + _LEADING))
        pen.text(at, shown, fill=_INK, font=font, anchor="ra" if end else "la")


def _is_numeric(cells: Sequence[str]) -> bool:
    """Whether most of a column's cells that hold something are numbers."""
    held = [cell for cell in cells if cell.strip()]
    return 2 * sum(_NUMBER.fullmatch(cell.strip()) is not None for cell in held) > len(held)


def _is_right_to_left(text: str) -> bool:
    first = next((unicodedata.bidirectional(letter) for letter in text if letter.isalpha()), "")
    return first in ("R", "AL")


def _foot(rows: int, columns: int) -> str:
    counted = ((rows, "row"), (columns, "column"))
    more = [f"{count} more {what}" + ("s" if count > 1 else "") for count, what in counted if count]
    return f"and {' and '.join(more)}" if more else ""

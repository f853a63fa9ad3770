"""In which order pieces of text on a picture are read: lines from the top, a page of two columns column by column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

_UPRIGHT = 1.5
"""Height over width from which on a piece runs upwards."""
_COLUMN = 8
"""Pieces on either side that make columns; fewer are a legend, a short table, the two halves of a slide."""
_BROAD = 0.25
"""Share of the text's breadth that such pieces have; narrower ones are cells of a table, to be read row by row."""
_ACROSS = 0.2
"""Share of the pieces that may cross from column to column: titles, captions, footers."""

_HAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u3001\u3002]")
_MOSTLY_HAN = 0.6
"""Share of the signs that are Han or kana in lines that run down."""
_PAGE, _PAGE_LETTERS = 2, 30
"""Pieces and letters that make a page, whose side can be told; on its head half of them may be missed."""
_AGREED = 0.85
"""Share of the letters that stand the same way on a page."""


@dataclass(frozen=True, slots=True)
class TextBox:
    """Where a piece of text stands, in pixels from the left and from the top."""

    left: float
    top: float
    right: float
    bottom: float
    text: str
    flipped: bool = False
    """Whether it was turned by half a turn to be read: an upright piece runs upwards then, and else downwards."""

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def upright(self) -> bool:
        """Whether it runs upwards, as an axis label does, or downwards. A single letter does not tell."""
        return self.height > _UPRIGHT * self.width and len(self.text) > 1

    @property
    def wide(self) -> bool:
        """Whether it runs across, in writing that runs down."""
        return self.width > self.height and len(self.text) > 1

    def above(self, other: TextBox) -> bool:
        """Whether the two stand in one column, or the other way round."""
        return min(self.right, other.right) - max(self.left, other.left) > min(self.width, other.width) / 2

    def beside(self, other: TextBox) -> bool:
        """Whether the two stand on one line: they share most of the lower one's height."""
        shared = min(self.bottom, other.bottom) - max(self.top, other.top)
        return not self.upright and not other.upright and shared > min(self.height, other.height) / 2


def turn_of_page(boxes: Sequence[TextBox]) -> int:
    """Degrees, clockwise, by which a page that was scanned on its side or its head is to be turned.

    0 unless nearly all its words say so: a chart may have many labels that run upwards.
    """
    signs = {0: 0, 90: 0, 180: 0, 270: 0}
    for box in boxes:
        signs[(90 if box.flipped else 270) if box.upright else (180 if box.flipped else 0)] += len(box.text)
    turn = max(signs, key=signs.__getitem__)
    enough = len(boxes) >= _PAGE and sum(signs.values()) >= _PAGE_LETTERS
    told = enough and signs[turn] >= _AGREED * sum(signs.values())
    return turn if told else 0


def runs_down_in_han(boxes: Sequence[TextBox]) -> bool:
    """Whether most signs are Han or kana in pieces that run down: written so, or a page on its side."""
    letters = sum(len(box.text) for box in boxes)
    down = sum(len(_HAN.findall(box.text)) for box in boxes if box.upright and not box.flipped)
    return down > _MOSTLY_HAN * letters > 0


def columns_from_the_right(boxes: Sequence[TextBox]) -> list[str]:
    """The text of a page that is written from the top down. Pieces that run across stand above or below the columns."""
    down = [box for box in boxes if not box.wide]
    columns: list[list[TextBox]] = []
    for box in sorted(down, key=lambda box: -(box.left + box.right)):
        if columns and columns[-1][0].above(box):
            columns[-1].append(box)
        else:
            columns.append([box])
    lines = ["".join(box.text for box in sorted(column, key=lambda box: box.top)) for column in columns]
    top = min((box.top for box in down), default=0.0)
    across = [box for box in boxes if box.wide]
    above = [box for box in across if box.bottom <= top]
    return [*_by_rows(above), *lines, *_by_rows([box for box in across if box.bottom > top])]


def lines_in_reading_order(boxes: Sequence[TextBox]) -> list[str]:
    """The text by lines, in reading order. What stands side by side is one line; an upright piece is its own."""
    middle = _between_columns(boxes)
    if middle is None:
        return _by_rows(boxes)
    found: list[str] = []
    left: list[TextBox] = []
    right: list[TextBox] = []
    for box in _from_the_top(boxes):
        if box.left < middle < box.right:
            found += [*_by_rows(left), *_by_rows(right), box.text]
            left, right = [], []
        else:
            (left if box.right <= middle else right).append(box)
    return [*found, *_by_rows(left), *_by_rows(right)]


def _by_rows(boxes: Sequence[TextBox]) -> list[str]:
    rows: list[list[TextBox]] = []
    for box in _from_the_top(boxes):
        if rows and rows[-1][0].beside(box):
            rows[-1].append(box)
        else:
            rows.append([box])
    return [" ".join(box.text for box in sorted(row, key=lambda box: box.left)) for row in rows]


def _from_the_top(boxes: Sequence[TextBox]) -> list[TextBox]:
    return sorted(boxes, key=lambda box: box.top + box.bottom)


def _between_columns(boxes: Sequence[TextBox]) -> float | None:
    """Where, from the left, two columns of prose part; None where there are none."""
    if len(boxes) < 2 * _COLUMN:
        return None
    first, last = min(box.left for box in boxes), max(box.right for box in boxes)
    places = [first + (last - first) * share / 40 for share in range(12, 29)]
    middle = min(places, key=lambda place: sum(box.left < place < box.right for box in boxes))
    sides = [[box for box in boxes if box.right <= middle], [box for box in boxes if box.left >= middle]]
    across = len(boxes) - sum(map(len, sides))
    broad = all(len(side) >= _COLUMN and median(box.width for box in side) >= _BROAD * (last - first) for side in sides)
    return middle if broad and across <= _ACROSS * len(boxes) else None

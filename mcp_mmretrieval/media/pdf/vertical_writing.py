"""Chinese and Japanese that run down the page: columns from the right, each from its top."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

_CJK = "[\u3040-\u30ff\u3400-\u9fff]"
"""Compiled when it is first asked, as far ranges take milliseconds."""
_FEWEST = 4
"""Steps from letter to letter that run down, at least."""
_COLUMN = 0.75
"""Of a letter's height: how far apart letters of one column may stand, sideways."""
_BREAK = 1.5
"""Of a letter's height: a blank after which a column is another one, below."""
_UPRIGHT_NUMBER = 1.4
"""Of a letter's height: how broad letters side by side may be that take the room of one."""


class Letter(NamedTuple):
    """A letter, or several that stand as one, and its box; coordinates grow to the right and upwards."""

    text: str
    left: float
    bottom: float
    right: float
    top: float

    @property
    def x(self) -> float:
        """Its middle, sideways."""
        return (self.left + self.right) / 2

    @property
    def y(self) -> float:
        """Its middle, upwards."""
        return (self.bottom + self.top) / 2

    @property
    def height(self) -> float:
        """From bottom to top."""
        return self.top - self.bottom

    @property
    def seen(self) -> bool:
        """Whether it takes any room."""
        return self.right > self.left and self.top > self.bottom and not self.text.isspace()


def is_vertical(letters: Sequence[Letter]) -> bool:
    """Whether most steps from one Chinese or Japanese letter to the next run down the page."""
    down = along = 0
    for one, other in pairwise(letter for letter in letters if letter.seen):
        if re.match(_CJK, one.text) and re.match(_CJK, other.text):
            down += _below(one, other)
            along += _right_of(one, other)
    return down >= _FEWEST and down > 1.5 * along


def vertical_text(letters: Sequence[Letter]) -> str:
    """The columns, a line each, from the right; lines that run along the page, such as its head, before them."""
    size = median(letter.height for letter in letters if letter.seen)
    standing: list[Letter] = []
    lying: list[str] = []
    for run in _runs([letter for letter in letters if letter.seen]):
        text = "".join(letter.text for letter in run)
        if len(run) == 1 or run[-1].right - run[0].left <= _UPRIGHT_NUMBER * size:
            standing.append(Letter(text, run[0].left, run[0].bottom, run[-1].right, run[0].top))
        else:
            lying.append(text)
    return "\n".join([*lying, *_columns(standing)])


def _runs(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    """Letters that follow one another along the page."""
    run: list[Letter] = []
    for letter in letters:
        if run and not _right_of(run[-1], letter):
            yield run
            run = []
        run.append(letter)
    if run:
        yield run


def _columns(letters: Sequence[Letter]) -> Iterator[str]:
    for tier in _tiers(letters):
        columns: list[list[Letter]] = []
        for letter in sorted(tier, key=lambda letter: -letter.x):
            if columns and columns[-1][0].x - letter.x < _COLUMN * letter.height:
                columns[-1].append(letter)
            else:
                columns.append([letter])
        for column in columns:
            yield "".join(letter.text for letter in sorted(column, key=lambda letter: -letter.y))


def _tiers(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    """Bands of the page with nothing between them, from the top."""
    tier: list[Letter] = []
    for letter in sorted(letters, key=lambda letter: -letter.top):
        if tier and min(above.bottom for above in tier[-50:]) - letter.top > _BREAK * letter.height:
            yield tier
            tier = []
        tier.append(letter)
    if tier:
        yield tier


def _below(one: Letter, other: Letter) -> bool:
    return abs(one.x - other.x) < _COLUMN * one.height and 0.3 * one.height < one.y - other.y < 3 * one.height


def _right_of(one: Letter, other: Letter) -> bool:
    return abs(one.y - other.y) < 0.3 * one.height and -0.2 < (other.left - one.right) / one.height < 1

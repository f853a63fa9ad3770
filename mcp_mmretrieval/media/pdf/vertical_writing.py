"""Chinese and Japanese that run down the page: columns from the right, each from its top."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from mcp_mmretrieval.media.pdf.placed_text import PlacedText, gathered

CJK = "[\u3040-\u30ff\u3400-\u9fff]"
"""Pattern of a letter of Chinese or Japanese, which may be written downwards. Compiled when it is first asked, as far
ranges take milliseconds."""
_FEWEST = 4
"""Steps from letter to letter that run down, at least."""
_COLUMN = 0.75
"""Of a letter's height: how far apart letters of one column may stand, sideways."""
_BREAK = 1.5
"""Of a letter's height: a blank after which a column is another one, below."""
_UPRIGHT_NUMBER = 1.4
"""Of a letter's height: how broad letters side by side may be that take the room of one."""


class Letter(PlacedText):
    """A letter, or several that stand as one."""

    __slots__ = ()

    @property
    def x(self) -> float:
        """Its middle, sideways."""
        return (self.left + self.right) / 2

    @property
    def seen(self) -> bool:
        """Whether it takes any room."""
        return self.right > self.left and self.top > self.bottom and not self.text.isspace()


def is_vertical(letters: Sequence[Letter]) -> bool:
    """Whether most steps from one Chinese or Japanese letter to the next run down the page."""
    down = along = 0
    for one, other in pairwise(letter for letter in letters if letter.seen):
        if re.match(CJK, one.text) and re.match(CJK, other.text):
            down += _below(one, other)
            along += _right_of(one, other)
    return down >= _FEWEST and down > 1.5 * along


def vertical_text(letters: Sequence[Letter]) -> str:
    """The columns, a line each, from the right; lines that run along the page, such as its head, before them."""
    seen = [letter for letter in letters if letter.seen]
    size = median(letter.height for letter in seen)
    standing: list[Letter] = []
    lying: list[str] = []
    for run in gathered(seen, lambda run, letter: _right_of(run[-1], letter)):
        text = "".join(letter.text for letter in run)
        if len(run) == 1 or run[-1].right - run[0].left <= _UPRIGHT_NUMBER * size:
            standing.append(Letter(text, run[0].left, run[0].bottom, run[-1].right, run[0].top))
        else:
            lying.append(text)
    return "\n".join([*lying, *_columns(standing)])


def _columns(letters: Sequence[Letter]) -> Iterator[str]:
    from_the_top = sorted(letters, key=lambda letter: -letter.top)
    for tier in gathered(from_the_top, lambda tier, letter: not _apart(tier, letter)):
        from_the_right = sorted(tier, key=lambda letter: -letter.x)
        for column in gathered(from_the_right, _in_column):
            yield "".join(letter.text for letter in sorted(column, key=lambda letter: -letter.middle))


def _apart(tier: Sequence[Letter], letter: Letter) -> bool:
    """Whether nothing stands between a band of the page and a letter below it."""
    return min(above.bottom for above in tier[-50:]) - letter.top > _BREAK * letter.height


def _in_column(column: Sequence[Letter], letter: Letter) -> bool:
    return column[0].x - letter.x < _COLUMN * letter.height


def _below(one: Letter, other: Letter) -> bool:
    return abs(one.x - other.x) < _COLUMN * one.height and 0.3 * one.height < one.middle - other.middle < 3 * one.height


def _right_of(one: Letter, other: Letter) -> bool:
    return abs(one.middle - other.middle) < 0.3 * one.height and -0.2 < (other.left - one.right) / one.height < 1

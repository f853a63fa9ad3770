"""The order in which the lines of a page are read, from where they stand. Knows nothing of PDF.

A file may draw a table column by column, or two columns line by line; a person reads the rows of the one and the
columns of the other. What is in order already, and what cannot be told, stays as it was drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from mcp_mmretrieval.media.pdf.cleaning import LINE_END_HYPHEN
from mcp_mmretrieval.media.pdf.placed_text import PlacedText, gathered

_SAME_LINE = 0.4
"""Of a line's height: how far apart the middles of two pieces of one line may lie."""
_PAIRS = 2
"""Cells of two columns that stand on one line, at least."""
_CELL_WORDS = 4
"""Words of a cell of a table, at most, as a rule."""
_TORN_ROWS = 3
"""Rows of a table that were drawn in several goes, at least."""
_WORDY_ROWS = range(3, 16)
"""Rows with which columns of mere words count as a table: fewer are the lines of its head, more are an index."""
_ROOMY = 1.2
"""Of a line's height: how far apart such rows are at least; lines of one cell are closer."""
_COLUMN_LINES, _FURTHER_LINES = 4, 2
"""Lines of two columns side by side, at least: the first on a page, and those that go on below a figure."""
_COLUMN_WORDS = 4
"""Words of a line of a column, at least, as a rule."""
_NUMBER = re.compile(r"\W*(?:\d(?:\W*\d)*|n/?a)?\W*\w{0,3}\W*", re.IGNORECASE)


class Piece(PlacedText):
    """Words that stand together on one line."""

    __slots__ = ()

    def beside(self, other: Piece) -> bool:
        """Whether both stand on one line."""
        return abs(self.middle - other.middle) < _SAME_LINE * min(self.height, other.height)


Row = list[Piece]


def in_reading_order(pieces: Sequence[Piece]) -> str:
    """The text of pieces that come in the order in which they were drawn: lines, and blanks between cells."""
    return "\n".join(_lines(_rows(pieces)))


def _lines(rows: list[Row]) -> Iterator[str]:
    again = _next(rows, [at > 0 and rows[at][0].bottom > rows[at - 1][0].bottom for at in range(len(rows))])
    several = _next(rows, [len(row) > 1 for row in rows])
    wordy = _next(rows, [any(_words(piece) > _CELL_WORDS for piece in row) for row in rows])
    done = plain = tried = 0
    least = _COLUMN_LINES
    while done < len(rows):
        reordered: list[str] = []
        count = 0
        if several[done] == done:
            reordered, count = _columns(rows[done:], least)
            least = _FURTHER_LINES if count else least
        elif plain <= done < (begins := again[min(done + 1, len(rows) - 1)]) < several[done]:
            # another column begins before the next line of several pieces; most stand beside nothing
            if _pairs([row[0] for row in rows[done:begins]], [row[0] for row in rows[begins : several[done]]]) < _PAIRS:
                plain = begins
            else:
                reordered, count = _table(rows[done : several[done]])
        if not count and done >= tried:
            tried = wordy[done]
            reordered, count = _scattered(rows[done:tried])
        yield from reordered if count else [" ".join(piece.text for piece in rows[done])]
        done += count or 1


def _next(rows: list[Row], marked: list[bool]) -> list[int]:
    """For each row the number of the first marked one from it on, or how many rows there are."""
    found = [len(rows)] * len(rows)
    for at in reversed(range(len(rows))):
        found[at] = at if marked[at] else found[min(at + 1, len(rows) - 1)]
    return found


def _rows(pieces: Sequence[Piece]) -> list[Row]:
    """Pieces that follow one another on one line are one row."""
    return gathered(
        pieces, lambda row, piece: row[-1].beside(piece) and piece.left >= row[-1].right - 0.2 * piece.height
    )


# -- tables that were drawn column by column ---------------------------------------------------------------------------


def _table(rows: list[Row]) -> tuple[list[str], int]:
    """The rows of a table at the beginning of `rows`, whose columns come one after the other, and how many it took."""
    columns = _drawn_columns(rows)
    linked = 1
    while linked < len(columns) and _linked(columns[linked - 1], columns[linked]):
        linked += 1
    if linked < 2:
        return [], 0
    columns = columns[:linked]
    lowest = min(cell.bottom for column in columns[:-1] for cell in column)
    columns[-1] = [cell for cell in columns[-1] if cell.middle > lowest]  # then comes what stands below the table
    if not columns[-1] or not _tabular(columns):
        return [], 0
    cells = sorted((piece for column in columns for piece in column), key=lambda piece: -piece.middle)
    table = gathered(cells, lambda row, piece: row[0].beside(piece))
    lines = [" ".join(piece.text for piece in sorted(row, key=lambda piece: piece.left)) for row in table]
    return lines, len(cells)


def _drawn_columns(rows: list[Row]) -> list[Row]:
    """Pieces from the first row on that go down, and again from the top; up to a row of several pieces."""
    columns: list[Row] = []
    for row in rows:
        if len(row) > 1:
            break
        if not columns or row[0].bottom > columns[-1][-1].bottom:
            if len(columns) > 1 and not _linked(columns[-2], columns[-1]):
                break
            columns.append([])
        columns[-1].append(row[0])
    return columns


def _linked(left: Row, right: Row) -> bool:
    """Whether the second column's cells stand on the lines of the first one's."""
    return _pairs(left, right) >= max(_PAIRS, 0.6 * min(len(left), len(right)))


def _pairs(left: Row, right: Row) -> int:
    """Cells of the second column that stand on a line of the first one, beside its cell."""
    pairs, at = 0, 0
    for cell in right:
        while at < len(left) and left[at].middle > cell.middle and not left[at].beside(cell):
            at += 1
        if at < len(left) and left[at].beside(cell):
            pairs += cell.left >= left[at].right or cell.right <= left[at].left
            at += 1
    return pairs


def _tabular(columns: list[Row]) -> bool:
    """Whether these are columns of cells, not of running text, nor those of an index."""
    if any(median(_words(cell) for cell in column) > _CELL_WORDS for column in columns[1:]):
        return False
    if any(sum(bool(_NUMBER.fullmatch(cell.text)) for cell in column) >= 0.6 * len(column) for column in columns[1:]):
        return True
    counts = {len(column) for column in columns}
    steps = [above.middle - below.middle for above, below in pairwise(columns[1])]
    roomy = bool(steps) and min(steps) > _ROOMY * columns[1][0].height
    return roomy and len(columns) > 2 and len(counts) == 1 and counts.pop() in _WORDY_ROWS


def _scattered(rows: list[Row]) -> tuple[list[str], int]:
    """The rows of a table of numbers whose cells were drawn in some other order, and how many rows it took.

    Two tables side by side are none: of those, no cell was drawn alone.
    """
    drawn = gathered(sorted(rows, key=lambda row: -row[0].middle), lambda line, row: line[0][0].beside(row[0]))
    torn = sum(len(line) > 1 and any(len(row) == 1 for row in line) for line in drawn)
    if torn < max(_TORN_ROWS, 0.7 * len(drawn)):
        return [], 0
    table = [sorted((piece for row in line for piece in row), key=lambda piece: piece.left) for line in drawn]
    values = [piece for line in table for piece in line[1:]]
    if sum(bool(_NUMBER.fullmatch(value.text)) for value in values) < 0.6 * len(values):
        return [], 0
    if any(after.left < before.right for line in table for before, after in pairwise(line)):
        return [], 0
    return [" ".join(piece.text for piece in line) for line in table], len(rows)


# -- columns that were drawn line by line ------------------------------------------------------------------------------


def _columns(rows: list[Row], least: int = _COLUMN_LINES) -> tuple[list[str], int]:
    """The lines of columns at the beginning of `rows` that were drawn side by side, and how many rows they took."""
    gutter = _widest_gap(rows[0])
    if gutter is None:
        return [], 0
    left: list[Row] = []
    right: list[Row] = []
    both = count = 0
    for row in rows:
        narrowed = _narrowed(row, gutter)
        if narrowed is None or (count and row[0].top > rows[count - 1][0].top):
            break
        gutter = narrowed
        before = [piece for piece in row if piece.right <= gutter[0]]
        after = [piece for piece in row if piece.left >= gutter[1]]
        left += [before] if before else []
        right += [after] if after else []
        both += bool(before and after)
        count += 1
    if both < max(least, 0.6 * count) or not (_running(left) and _running(right)):
        return [], 0
    return [line for side in (left, right) for line in _lines([_hyphens_marked(row) for row in side])], count


def _widest_gap(row: Row) -> tuple[float, float] | None:
    gaps = [(before.right, after.left) for before, after in pairwise(row)]
    return max(gaps, key=lambda gap: gap[1] - gap[0], default=None)


def _narrowed(row: Row, gutter: tuple[float, float]) -> tuple[float, float] | None:
    """What of the white strip stays white beside this row; None where next to nothing does."""
    low, high = gutter
    centre = (low + high) / 2
    for piece in row:
        if piece.left < centre < piece.right:
            return None
        if piece.right <= centre:
            low = max(low, piece.right)
        else:
            high = min(high, piece.left)
    return (low, high) if high - low > 0.5 * row[0].height else None


def _running(side: list[Row]) -> bool:
    """Whether these lines are running text: one piece each, several words, more letters than numbers."""
    texts = [" ".join(piece.text for piece in row) for row in side]
    words = [word for text in texts for word in text.split()]
    plain = sum(len(row) == 1 for row in side) >= 0.8 * len(side)
    plain = plain or _columns_alike(side)
    lettered = sum(any(letter.isalpha() for letter in word) for word in words) >= 0.75 * len(words)
    return plain and lettered and _going_on(texts) and median(len(text.split()) for text in texts) >= _COLUMN_WORDS


def _going_on(lines: list[str]) -> bool:
    """Whether some lines begin amid a sentence: a list of names or titles has none that do."""
    cased = [line for line in lines if line[0].lower() != line[0].upper() and not line.isupper()]
    return sum(line[0].islower() for line in cased) >= 0.2 * len(cased)


def _columns_alike(side: list[Row]) -> bool:
    """Whether this side of the strip is again columns side by side."""
    return bool(_columns(side)[1] >= 0.8 * len(side))


def _hyphens_marked(row: Row) -> Row:
    """The row with a hyphen at its end marked as one, as PDFium marks those at the end of its own lines."""
    *rest, last = row
    if len(last.text) > 1 and last.text[-1] in "-\u2010" and last.text[-2].isalpha():
        return [*rest, Piece(last.text[:-1] + LINE_END_HYPHEN, last.left, last.bottom, last.right, last.top)]
    return row


def _words(piece: Piece) -> int:
    return len(piece.text.split())

"""Tables of separated values (CSV, TSV): one line a row, and the row that names the columns.

Excel writes `sep=;` first, banks write an account's number and a date, and cells in quotes hold line ends.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence

from mcp_mmretrieval.media.notation.rendering import Rendering
from mcp_mmretrieval.media.notation.source_map import MappedText, substitute
from mcp_mmretrieval.media.passages import ENDS_IN_ROWS, Block, Heading

_LOOKED_AT = 30_000
"""Characters in which the header is looked for."""
_ROWS = 60
_SEPARATOR_LINE = re.compile(r"\A\ufeff?\"?sep=(?P<mark>[^\r\n\"]|\\t)\"?[ \t]*(?:\r\n|\n|\r)", re.IGNORECASE)
_NOTATION = re.compile(
    _SEPARATOR_LINE.pattern
    + r"|(?:(?<=[,;\t|\r\n])|(?<![\s\S]))\"[^\"]*+(?:\"\"[^\"]*+){0,500}+\"(?=[,;\t|\r\n]|\Z)|\r(?!\n)",
    re.IGNORECASE,
)
_FILLED_LINE = re.compile(r"^[^\n]*\S[^\n]*", re.MULTILINE)
_LINE_END = re.compile(r"\r\n|\r|\n")
_MAX_HEADING = 400
_NUMBER = re.compile(r"[-+(]?[$€£]?\s?\d[\d.,' %\u00a0:/-]*(?:[eE][-+]?\d+)?[%)€$]?")


def read_table(source: str) -> Rendering:
    """A table; each of its passages begins with the row of names and stands under it, where there is one."""
    mapped = substitute(_NOTATION, _row, source) if "\r" in source or '"' in source else _without_mark(source)
    mark = _SEPARATOR_LINE.match(source)
    at, end = _header(mapped.text, mark["mark"].replace("\\t", "\t") if mark else "")
    if not end:
        return Rendering(mapped=mapped, ends=ENDS_IN_ROWS)
    heading = Heading(at, at, 1, mapped.text[at:end].strip()[:_MAX_HEADING])
    return Rendering(mapped=mapped, headings=[heading], blocks=[Block(at, len(mapped.text), end)], ends=ENDS_IN_ROWS)


def _without_mark(source: str) -> MappedText:
    return substitute(_SEPARATOR_LINE, lambda _: "", source)


def _row(found: re.Match[str]) -> str:
    if found["mark"]:
        return ""
    return "\n" if found[0] == "\r" else _LINE_END.sub(" ", found[0])


def _header(text: str, separator: str) -> tuple[int, int]:
    """Where the line stands that names the columns; two zeros where there is none."""
    found = list(_FILLED_LINE.finditer(text, 0, _LOOKED_AT))
    found = [line for line in found if line.end() < _LOOKED_AT][:_ROWS] or found[:1]
    if not found:
        return 0, 0
    lines = [line[0] for line in found]
    separator = separator or _separator(lines)
    number = names_row([next(csv.reader([line], delimiter=separator), []) for line in lines])
    return (0, 0) if number is None else found[number].span()


def names_row(rows: Sequence[Sequence[str]], *, sure: bool = False) -> int | None:
    """Which of the first rows of a table names the columns: the first that is as wide as most and as full as names are.

    `sure`: only where numbers below it show that it is no row as the others.
    """
    rows = rows[:_ROWS]
    widths = Counter(len(row) for row in rows if len(row) > 1)
    width = widths.most_common(1)[0][0] if widths else 1
    for number, row in enumerate(rows):
        filled = [at for at, cell in enumerate(row, 1) if cell.strip()]
        if len(row) >= width and len(filled) * 2 > width and filled[-1] * 4 >= width * 3:
            return None if _is_data(row, rows[number + 1 :], unsure=sure) else number
    return None


def _separator(lines: list[str]) -> str:
    """The mark that stands equally often in most lines."""

    def regular(mark: str) -> tuple[int, int]:
        counts = Counter(line.count(mark) for line in lines if mark in line)
        number, lines_with = counts.most_common(1)[0] if counts else (0, 0)
        return lines_with, number

    return max(",;\t|", key=regular)


def _is_data(row: Sequence[str], rows: Sequence[Sequence[str]], *, unsure: bool) -> bool:
    """Whether a header is a row as the others: with numbers where they have numbers. Years may be names.

    `unsure`: what is said where no column has numbers.
    """
    alike = [other for other in rows if len(other) == len(row)][:20]
    numbers = [all(_NUMBER.fullmatch(other[at].strip()) for other in alike) for at in range(len(row))] if alike else []
    if not any(numbers):
        return unsure
    names = [cell for cell, number in zip(row, numbers, strict=True) if number]
    years = sum(bool(re.fullmatch(r"(?:19|20)\d\d", cell.strip())) for cell in names)
    return all(_NUMBER.fullmatch(cell.strip()) for cell in names) and not (years == len(names) and years > 1)

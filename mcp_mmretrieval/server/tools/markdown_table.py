"""Rows of a sheet and separated values as a Markdown table (GitHub Flavored Markdown), which models read best. Pure."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from mcp_mmretrieval.media.structure import CELL_SEPARATOR

if TYPE_CHECKING:
    from mcp_mmretrieval.answers import Look

_SEPARATED = {".csv", ".tsv", ".tab", ".psv"}
_MARKS = ",;\t|"


def as_markdown_table(look: Look, text: str) -> str:
    """The text of a place, as a table where it is rows of a sheet or of separated values; else as it is."""
    rows = table_rows(look, text)
    return _table(rows) if rows else text


def table_rows(look: Look, text: str) -> list[list[str]]:
    """The cells of rows of a sheet or of separated values, the first row the names of the columns; none of a text."""
    if text and look.segment.place.top is not None:
        return [line.split(CELL_SEPARATOR) for line in text.split("\n")]
    if PurePath(_name(look)).suffix.lower() not in _SEPARATED:
        return []
    lines = [line for line in [look.segment.heading, *text.split("\n")] if line.strip()]
    mark = max(_MARKS, key=lambda mark: _regular(lines, mark))
    if not _regular(lines, mark):
        return []
    rows = [next(csv.reader([line], delimiter=mark), []) for line in lines]
    named = bool(look.segment.heading) and rows[0] in rows[1:]
    return rows[1:] if named else rows


def _regular(lines: Sequence[str], mark: str) -> int:
    """How many lines have a mark as often as the first one."""
    often = lines[0].count(mark) if lines else 0
    return sum(line.count(mark) == often for line in lines) if often else 0


def _name(look: Look) -> str:
    """What the file is called, or the one within it."""
    kind, _, name = look.segment.place.part.rpartition("&")[2].partition("=")
    return unquote(name) if kind == "member" else "" if kind else look.path


def _table(rows: Sequence[Sequence[str]]) -> str:
    """The first row names the columns, which Markdown has no table without."""
    width = max(map(len, rows), default=0)
    lines = ["|" + "|".join(_cell(cell) for cell in [*row, *[""] * (width - len(row))]) + "|" for row in rows]
    return "\n".join([*lines[:1], "|" + "-|" * width, *lines[1:]])


def _cell(cell: str) -> str:
    return " ".join(cell.split()).replace("|", "\\|")

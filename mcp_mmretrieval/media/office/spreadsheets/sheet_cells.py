"""What the XML of a sheet in XLSX says of its cells beside their values (ECMA-376, part 1, 18.3), by a quick look.

A sheet has millions of cells, so it is not parsed: its bytes are searched, as all programs write them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mcp_mmretrieval.media.office.spreadsheets.cell_values import NumberFormat, number_format
from mcp_mmretrieval.media.office.xml_parts import Element

_CELL = re.compile(rb"<(?:\w+:)?c\s([^<>]*)>")
_ROW = re.compile(rb"<(?:\w+:)?row\s[^<>]*?\br=\"(\d+)\"")
_PLACE = re.compile(rb"\br=\"([A-Z]{1,3})(\d{1,7})\"")
_STYLE = re.compile(rb"\bs=\"(\d{1,6})\"")
_MARGIN_TEXT = re.compile(rb"<(?:\w+:)?(?:odd|even|first)(?:Header|Footer)>([^<]+)<")
_MARGIN_CODE = re.compile(r"&(?:\"[^\"]{0,200}\"|K[0-9A-Fa-f]{6}|\d+|[A-Za-z]|(?P<itself>&))")
_COLUMN = re.compile(rb"<(?:\w+:)?c\s[^<>]*?\br=\"([A-Z]{1,3})\d")
_FEW_ROWS = 1_000
"""A sheet with no more is never too large, however wide."""


class CellPlace(NamedTuple):
    """Row and column of a cell, from 0."""

    row: int
    column: int


def formats_of(styles: Element) -> Mapping[int, NumberFormat]:
    """The formats with a unit, by the style of a cell that has them."""
    codes = {each.get("numFmtId"): each.get("formatCode", "") for each in styles.iter("{*}numFmt")}
    found = {}
    for style, each in enumerate(styles.iterfind("{*}cellXfs/{*}xf")):
        id = each.get("numFmtId", "0")
        form = number_format(int(id) if id.isdecimal() else 0, codes.get(id, ""))
        if form:
            found[style] = form
    return found


def cell_formats(sheet: bytes, formats: Mapping[int, NumberFormat]) -> Mapping[CellPlace, NumberFormat]:
    """The cells of a sheet with such a format."""
    if not formats:
        return {}
    found = {}
    for cell in _CELL.finditer(sheet):
        style = _STYLE.search(cell[1])
        form = formats.get(int(style[1])) if style else None
        if form and (place := _PLACE.search(cell[1])):
            found[CellPlace(int(place[2]) - 1, _column(place[1].decode()))] = form
    return found


def cells_spanned(sheet: bytes) -> int:
    """How many cells the rectangle has from the first cell to the last: what reading it takes in memory."""
    rows = max((int(row[1]) for row in _ROW.finditer(sheet)), default=0)
    if rows <= _FEW_ROWS:
        return 0
    return rows * max((_column(letters.decode()) + 1 for letters in set(_COLUMN.findall(sheet))), default=0)


def margin_texts(sheet: bytes) -> Iterator[str]:
    """The headers and footers of the printed sheet, without their codes for page numbers and fonts."""
    for found in dict.fromkeys(_MARGIN_TEXT.findall(sheet, sheet.rfind(b"sheetData>") + 1)):
        text = " ".join(
            _MARGIN_CODE.sub(
                lambda code: code["itself"] or " ", html.unescape(found.decode("utf-8", "replace"))
            ).split()
        )
        if text:
            yield text


def _column(letters: str) -> int:
    """The number of a column, from 0: `A` is 0, `AA` is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def cell_name(place: CellPlace) -> str:
    """How a sheet calls a cell: `B7`."""
    letters, column = "", place.column + 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{place.row + 1}"

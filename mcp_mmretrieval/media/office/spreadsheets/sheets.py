"""Spreadsheets: XLSX, XLSM, XLSB, XLS (by the values that Excel last saved), ODS, FODS. No formula and no macro runs.

The rows of each sheet are cut into passages, each under the row that names the columns. What else stands on a sheet
(comments, text boxes, charts, pictures) comes after its rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    SheetMetadata,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.compound import CompoundStep, RowsPart
from mcp_mmretrieval.media.failures import failure_of
from mcp_mmretrieval.media.notation.table import names_row
from mcp_mmretrieval.media.office.ole import OLE_MAGIC, stream_names
from mcp_mmretrieval.media.office.open_document.flat import as_package
from mcp_mmretrieval.media.office.open_document.odf import check_readable, is_odf_of
from mcp_mmretrieval.media.office.packages import is_package_of
from mcp_mmretrieval.media.office.spreadsheets.cell_values import cell_text
from mcp_mmretrieval.media.office.spreadsheets.ods_extras import OdsExtras
from mcp_mmretrieval.media.office.spreadsheets.sheet_cells import CellPlace
from mcp_mmretrieval.media.office.spreadsheets.sheet_extras import SheetExtras
from mcp_mmretrieval.media.office.spreadsheets.xls_extras import WORKBOOK_STREAMS, XlsExtras
from mcp_mmretrieval.media.office.spreadsheets.xlsx_extras import XlsxExtras
from mcp_mmretrieval.media.office.xml_parts import Package
from mcp_mmretrieval.media.passages import MAX_PASSAGE_CHARACTERS
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.media.structure import CELL_SEPARATOR
from mcp_mmretrieval.media.zipped import is_zip
from mcp_mmretrieval.types import DocumentMetadata, part_name

MAX_ROWS = 200_000
"""Rows of one sheet that are read."""
MAX_CELLS = 20_000_000
"""Cells of the rectangle that a sheet's values span: they are in memory at once."""
_MAX_HEADER = 400
_LOOKED_AT = 60
"""Rows in which the names of the columns are looked for."""


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    """From 1, as the sheet shows it."""
    cells: Sequence[str]
    text: str


@dataclass(slots=True)
class _Table:
    """Rows under one row of names."""

    header: str = ""
    names_at: int = 0
    """The number of the row of names; 0 where there is none."""
    rows: list[_Row] = field(default_factory=list)


def recognises(source: Source) -> bool:
    """Whether it holds sheets, of any age."""
    source.file.seek(0)
    if source.file.read(len(OLE_MAGIC)) == OLE_MAGIC:
        return _is_xls(source)
    if is_package_of(source.file, "spreadsheetml", "ms-excel"):
        return True
    return is_odf_of(source.file, "spreadsheet")


def parts(source: Source, limits: Limits) -> Iterator[CompoundStep]:
    """The rows of each sheet, then what else stands on it."""
    source = as_package(source)
    extras = _extras_of(source)
    workbook = _opened(source)
    yield extras.properties()
    left = limits.characters
    for sheet in workbook.sheets_metadata:
        part = part_name("sheet", sheet.name)
        try:
            for step in _rows(workbook, sheet, extras, left):
                if isinstance(step, RowsPart):
                    left -= len(step.text)
                yield step
            yield from extras.on(sheet.name, part)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, the other sheets go on
            yield DocumentMetadata(note=f"Not all of sheet {sheet.name} was read: {failure_of(error)}.")
    hidden = [sheet.name for sheet in workbook.sheets_metadata if sheet.visible != SheetVisibleEnum.Visible]
    if hidden:
        yield DocumentMetadata(note=f"Hidden sheets, which were read as well: {', '.join(hidden)}.")
    yield from extras.notes()


def _is_xls(source: Source) -> bool:
    try:
        return not stream_names(source.file).isdisjoint(WORKBOOK_STREAMS)
    except UnreadableMedia:
        return False


def _extras_of(source: Source) -> SheetExtras:
    if not is_zip(source.file):
        workbook = XlsExtras(source.file)
        if workbook.is_encrypted:
            raise UnreadableMedia(
                "encrypted", f"{source.name}: it wants a password. Save it without one, then add it again."
            )
        return workbook
    package = Package(source.file)
    if is_odf_of(source.file, "spreadsheet"):
        check_readable(package, source.name)
        return OdsExtras(package)
    return XlsxExtras(package)


def _opened(source: Source) -> CalamineWorkbook:
    source.file.seek(0)
    try:
        return CalamineWorkbook.from_filelike(source.file)
    except CalamineError as error:
        raise UnreadableMedia("corrupt", f"{source.name}: the workbook is damaged") from error


def _rows(workbook: CalamineWorkbook, sheet: SheetMetadata, extras: SheetExtras, most: int) -> Iterator[CompoundStep]:
    """Passages of a sheet's rows. `most`: characters that are read of it."""
    if sheet.typ != SheetTypeEnum.WorkSheet:
        return
    spanned = extras.cells_spanned(sheet.name)
    if spanned > MAX_CELLS:
        raise UnreadableMedia("too_large", f"its values are strewn over {spanned:,} cells")
    cells = workbook.get_sheet_by_name(sheet.name)
    rows: list[_Row] = []
    formats = extras.formats(sheet.name)
    top, left = cells.start or (0, 0)
    for at, values in enumerate(cells.iter_rows()):
        if at - top >= MAX_ROWS or most < 0:
            read = f"{at:,} of {top + cells.height:,}"
            yield DocumentMetadata(note=f"Of sheet {sheet.name} only the first {read} rows were read, for its size.")
            break
        if formats:
            places = (CellPlace(at, left + column) for column in range(len(values)))
            texts = [cell_text(value, formats.get(place)) for value, place in zip(values, places, strict=True)]
        else:
            texts = [cell_text(value) for value in values]
        while texts and not texts[-1]:
            texts.pop()
        if texts:
            rows.append(_Row(at + 1, texts, CELL_SEPARATOR.join(texts)))
            most -= len(rows[-1].text)
    for table in _tables(rows):
        yield from _cut(table, part_name("sheet", sheet.name), sheet.name)


def _tables(rows: Sequence[_Row]) -> Iterator[_Table]:
    """The tables of a sheet: another one begins behind an empty row where a row of names and numbers follows."""
    if not rows:
        return
    begins = [at for at in range(len(rows)) if at == 0 or rows[at].number > rows[at - 1].number + 1]
    table = _Table()
    for at, end in zip(begins, [*begins[1:], len(rows)], strict=True):
        names = names_row([row.cells for row in rows[at : min(end, at + _LOOKED_AT)]], sure=at > 0)
        if names is not None:
            if table.rows:
                yield table
            table = _Table(_shortened(rows[at + names].text), rows[at + names].number)
        table.rows.extend(rows[at:end])
    yield table


def _cut(table: _Table, part: str, heading: str) -> Iterator[RowsPart]:
    """Passages of as many rows as fit, under the row of names where that is not among them or still to come."""
    begun: list[_Row] = []
    length = 0
    for row in table.rows:
        if begun and length + len(row.text) > MAX_PASSAGE_CHARACTERS:
            yield _passage(begun, table, part, heading)
            begun = []
        if not begun:
            length = len(table.header) + 1 if row.number > table.names_at else 0
        begun.append(row)
        length += len(row.text) + 1
    if begun:
        yield _passage(begun, table, part, heading)


def _passage(rows: Sequence[_Row], table: _Table, part: str, heading: str) -> RowsPart:
    return RowsPart(
        part=part,
        top=rows[0].number,
        bottom=rows[-1].number,
        header=table.header if rows[0].number > table.names_at else "",
        text="\n".join(row.text for row in rows),
        heading=heading,
    )


def _shortened(header: str) -> str:
    """The row of names, cut between two of them where it is too long to be repeated."""
    if len(header) <= _MAX_HEADER:
        return header
    return header[: max(header.rfind(CELL_SEPARATOR, 0, _MAX_HEADER), 0)] or header[:_MAX_HEADER]

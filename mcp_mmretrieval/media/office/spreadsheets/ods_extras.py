"""What the XML of an ODS says beside the values of its cells (ODF 1.3, part 3, 9): comments, drawings, charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mcp_mmretrieval.media.compound import CompoundStep, TextPart
from mcp_mmretrieval.media.office.inner_files import InnerFiles
from mcp_mmretrieval.media.office.open_document.odf import attribute, macro_notes, odf_comment, odf_paragraphs
from mcp_mmretrieval.media.office.open_document.odf_drawings import OdfDrawings
from mcp_mmretrieval.media.office.packages import properties_in
from mcp_mmretrieval.media.office.spreadsheets.cell_values import NumberFormat, format_shown
from mcp_mmretrieval.media.office.spreadsheets.sheet_cells import CellPlace, cell_name
from mcp_mmretrieval.media.office.spreadsheets.sheet_extras import SheetExtras
from mcp_mmretrieval.media.office.xml_parts import Element, Package, local_name
from mcp_mmretrieval.types import DocumentMetadata

_CELLS = frozenset(["table-cell", "covered-table-cell"])
_WITH_UNIT = frozenset(["percentage", "currency"])
_SHAPES = ("custom-shape", "rect", "ellipse", "caption", "line", "connector", "polygon", "path", "frame")
_MOST_DIGITS = 9


class OdsExtras(SheetExtras):
    """Of a spreadsheet of OpenDocument."""

    def __init__(self, package: Package) -> None:
        """Raises UnreadableMedia: what is not well-formed must not go on to calamine, which may read it without end."""
        super().__init__()
        self._package = package
        self._files = InnerFiles(package, self.unread)
        tables = package.xml("content.xml").iterfind(".//{*}spreadsheet/{*}table")
        self._tables = {attribute(table, "name"): table for table in tables}

    def properties(self) -> DocumentMetadata:
        """See `SheetExtras`."""
        return properties_in(self._package, "meta.xml")

    def formats(self, sheet: str) -> Mapping[CellPlace, NumberFormat]:
        """See `SheetExtras`."""
        shown = (
            (place, format_shown(" ".join(odf_paragraphs(cell))))
            for place, cell in _cells(self._tables.get(sheet))
            if attribute(cell, "value-type") in _WITH_UNIT
        )
        return {place: form for place, form in shown if form}

    def on(self, sheet: str, part: str) -> Iterator[CompoundStep]:
        """See `SheetExtras`."""
        table = self._tables.get(sheet)
        if table is None:
            return
        drawings = OdfDrawings(self._package, self.unread, f"sheet {sheet}")
        for place, cell in _cells(table):
            for comment in cell.iterfind("{*}annotation"):
                drawings.builder.paragraph(f"Comment on {cell_name(place)}: {odf_comment(comment)}")
        for shape in table.iter(*(f"{{*}}{name}" for name in _SHAPES)):
            drawings.add(shape)
        yield TextPart(text=drawings.builder.built(), part=part, heading=sheet)
        yield from self._files.pictures(drawings.pictures, part, sheet)
        yield from self._files.embedded(drawings.objects, part, sheet)

    def notes(self) -> Iterator[DocumentMetadata]:
        """See `SheetExtras`."""
        yield from macro_notes(self._package)
        yield from super().notes()


def _cells(table: Element | None) -> Iterator[tuple[CellPlace, Element]]:
    """The cells of a table with their places; of equal cells beside each other the first."""
    row_number = 0
    for row in () if table is None else table.iter("{*}table-row"):
        column = 0
        for cell in row:
            if local_name(cell) in _CELLS:
                yield CellPlace(row_number, column), cell
                column += _times(cell, "number-columns-repeated")
        row_number += _times(row, "number-rows-repeated")


def _times(element: Element, name: str) -> int:
    count = attribute(element, name)
    return int(count) if count.isdecimal() and len(count) < _MOST_DIGITS else 1

"""What stands on sheets beside the values of their cells: what `sheets` asks, whatever the format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mcp_mmretrieval.media.compound import CompoundStep
from mcp_mmretrieval.media.office.spreadsheets.cell_values import NumberFormat
from mcp_mmretrieval.media.office.spreadsheets.sheet_cells import CellPlace
from mcp_mmretrieval.media.office.unread import UnreadParts
from mcp_mmretrieval.types import DocumentMetadata


class SheetExtras:
    """Of a workbook of which nothing more is known."""

    def __init__(self) -> None:
        self.unread = UnreadParts()

    def properties(self) -> DocumentMetadata:
        """Title, keywords and date."""
        return DocumentMetadata()

    def cells_spanned(self, sheet: str) -> int:
        """How many cells the rectangle has that holds all values of a sheet; 0 where it is small or not known."""
        return 0

    def formats(self, sheet: str) -> Mapping[CellPlace, NumberFormat]:
        """The formats of cells whose numbers have a unit, by row and column, from 0."""
        return {}

    def on(self, sheet: str, part: str) -> Iterator[CompoundStep]:
        """The words beside the cells of a sheet, and the files on it. Raises UnreadableMedia."""
        yield from ()

    def notes(self) -> Iterator[DocumentMetadata]:
        """What was left out."""
        yield from self.unread.notes()

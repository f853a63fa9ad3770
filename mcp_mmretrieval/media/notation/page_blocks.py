"""What of an HTML page stays whole: tables with names of columns or rows, items of lists, `pre`. By its tags, in order.

Places count characters of the text that is read of the page.
"""

from __future__ import annotations

from dataclasses import dataclass

from mcp_mmretrieval.media.passages import MAX_BLOCK_CHARACTERS, MAX_PASSAGE_CHARACTERS, Block, outermost
from mcp_mmretrieval.media.structure import CELL_SEPARATOR

_LISTS = frozenset(["ul", "ol", "dl"])
_ITEMS = frozenset(["li", "dt", "dd"])
_ROWS = frozenset(["tr", "thead", "tbody"])
PAGE_BLOCK_TAGS = frozenset(["pre", "table", *_ROWS, *_LISTS, *_ITEMS])
"""The elements that `PageBlocks.tag` has to be told of."""


@dataclass(slots=True)
class _Table:
    at: int
    named: bool = False
    """Whether cells of it name columns or rows: one without any may only arrange what stands on a page."""
    header_end: int = 0
    filled: bool = False
    """Whether a row was there that does not name the columns."""
    in_head: bool = False
    cells: int = 0
    """Cells of the row so far."""
    names: int = 0
    """How many of them are names."""


class PageBlocks:
    """Follows the tags of a page. Missing and superfluous ones cost a block at most."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._tables: list[_Table] = []
        self._lists: list[int | None] = []
        """Where the item begins that is read now, for each list that is."""
        self._code: int | None = None
        self.verbatim: list[tuple[int, int]] = []
        """Where blanks and line ends mean something, in order."""

    @property
    def in_row(self) -> bool:
        """Whether a cell is read of a table whose rows are lines."""
        return bool(self._tables) and self._tables[-1].named and self._tables[-1].cells > 0

    def tag(self, name: str, closes: bool, at: int) -> None:
        """A tag of one of `PAGE_BLOCK_TAGS`."""
        if name == "pre":
            self._pre(closes, at)
        elif name == "table":
            self._table(closes, at)
        elif name in _ROWS:
            self._row(name, closes, at)
        elif name in _LISTS:
            self._list(closes, at)
        elif self._lists:
            self._end_item(at)
            self._lists[-1] = None if closes else at

    def cell(self, *, names: bool) -> str:
        """A cell begins; what keeps it apart from the one before it."""
        if not self._tables:
            return " "
        table = self._tables[-1]
        table.named |= names
        table.names += names
        table.cells += 1
        return CELL_SEPARATOR if table.named and table.cells > 1 else " "

    def finished(self, at: int) -> list[Block]:
        """The blocks, none in another one. `at`: the end of the page."""
        while self._lists:
            self._list(True, at)
        while self._tables:
            self._table(True, at)
        return outermost(self._blocks)

    def _pre(self, closes: bool, at: int) -> None:
        if self._code is not None and at > self._code:
            self._blocks.append(Block(self._code, at))
            self.verbatim.append((self._code, at))
        self._code = None if closes else at

    def _table(self, closes: bool, at: int) -> None:
        if not closes:
            self._tables.append(_Table(at))
        elif self._tables:
            self._row("tr", True, at)
            table = self._tables.pop()
            header_end = table.header_end if table.filled else 0
            if table.named and (header_end or at - table.at <= MAX_BLOCK_CHARACTERS):
                self._blocks.append(Block(table.at, at, header_end))

    def _row(self, name: str, closes: bool, at: int) -> None:
        """A row ends here, if one was read."""
        if not self._tables:
            return
        table = self._tables[-1]
        if table.cells and not table.filled and (table.in_head or table.names == table.cells):
            table.header_end, table.named = at, True
        elif table.cells:
            table.filled = True
        table.cells = table.names = 0
        if name == "thead":
            table.in_head = not closes

    def _list(self, closes: bool, at: int) -> None:
        if not closes:
            self._lists.append(None)
        elif self._lists:
            self._end_item(at)
            self._lists.pop()

    def _end_item(self, at: int) -> None:
        begun = self._lists[-1]
        if begun is not None and at - begun <= MAX_PASSAGE_CHARACTERS:
            self._blocks.append(Block(begun, at))

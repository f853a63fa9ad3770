"""Text of an RTF document that goes on by itself: its paragraphs, its tables, and what follows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mcp_mmretrieval.media.office.blocks import DocumentBlock, Paragraph, Table, flat_text

_SURROGATE = re.compile("[\\ud800-\\udfff]")


@dataclass(slots=True)
class RtfFlow:
    """The body, a header, a note."""

    blocks: list[DocumentBlock] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    cell: list[DocumentBlock] = field(default_factory=list)
    row: list[list[DocumentBlock]] = field(default_factory=list)
    table: Table = field(default_factory=Table)
    heads: int = 0
    after: list[DocumentBlock] = field(default_factory=list)
    """What follows the paragraph."""

    def end_paragraph(self, *, in_table: bool, level: int, item: bool) -> str:
        """The paragraph ends, a heading if `level` is not 0. The words of a heading; empty for all else."""
        text, self.text = joined_pieces(self.text), []
        blocks, title = self.cell if in_table else self.blocks, ""
        if text.strip():
            if not in_table:
                self.end_table()
            if level:
                title = " ".join(text.split())
                blocks.append(Paragraph(text, max(1, level)))
            else:
                blocks.append(Paragraph(text, kind="item" if item else "plain"))
        blocks += self.after
        self.after = []
        return title

    def end_cell(self) -> None:
        """The cell ends, its last paragraph before it."""
        self.row.append(self.cell)
        self.cell = []

    def end_row(self) -> None:
        """The row ends."""
        if self.row:
            self.table.rows.append(self.row)
            self.row = []

    def head(self) -> None:
        """The row that comes names the columns."""
        if self.heads == len(self.table.rows):
            self.heads += 1

    def end_table(self) -> None:
        """The table ends, if there is one."""
        if self.row or self.cell:
            self.end_cell()
            self.table.rows.append(self.row)
            self.row = []
        if self.table.rows:
            rows, heads = len(self.table.rows), self.heads
            self.table.header_rows = heads if 0 < heads < rows else int(rows > 1)
            self.blocks.append(self.table)
            self.table, self.heads = Table(), 0

    def follow(self, mark: str, blocks: list[DocumentBlock]) -> None:
        """What stands aside comes after the paragraph, behind its mark."""
        if text := flat_text(blocks).strip():
            self.after.append(Paragraph(f"{mark} {text}", kind="item"))


def joined_pieces(pieces: list[str]) -> str:
    """Text of several pieces; letters that came as two surrogates are one."""
    text = "".join(pieces)
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def distinct_margins(margins: list[list[DocumentBlock]]) -> Iterator[DocumentBlock]:
    """What stands in them, each once."""
    told: set[str] = set()
    for blocks in margins:
        text = flat_text(blocks)
        if text not in told:
            told.add(text)
            yield from blocks

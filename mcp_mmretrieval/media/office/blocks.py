"""What a text document is made of, in reading order, and how it becomes text with its structure. Pure.

A reader gives paragraphs and tables. `write_blocks` knows what is a table and what only looks like one: a table that
lays out a page holds headings, other tables or long texts, or has but one column. Its cells are read one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from mcp_mmretrieval.media.passages import MAX_PASSAGE_CHARACTERS
from mcp_mmretrieval.media.structure import TextBuilder

ParagraphKind = Literal["plain", "item", "code"]
"""A paragraph; a line of a list, a note or a comment; a line of a program."""


@dataclass(slots=True)
class Paragraph:
    """Some text. Line ends in it are breaks."""

    text: str
    level: int = 0
    """Of a heading, from 1; 0 of other text."""
    kind: ParagraphKind = "plain"


@dataclass(slots=True)
class Table:
    """Rows of cells. A cell that goes over several columns or rows is followed by empty ones."""

    rows: list[list[list[DocumentBlock]]] = field(default_factory=list)
    header_rows: int = 1
    """How many of the first rows name the columns."""


DocumentBlock: TypeAlias = "Paragraph | Table"


def write_blocks(blocks: Iterable[DocumentBlock], builder: TextBuilder, most: int) -> bool:
    """Write them, up to about `most` characters of text. Whether that was all of them."""
    code: list[str] = []
    for block in blocks:
        if builder.length > most:
            return False
        if isinstance(block, Paragraph) and block.kind == "code":
            code.append(block.text)
            continue
        _end_code(code, builder)
        if isinstance(block, Table):
            _write_table(block, builder, most)
        elif block.level:
            builder.heading(block.text, block.level)
        elif block.kind == "item":
            builder.line(block.text)
        else:
            builder.paragraph(block.text)
    _end_code(code, builder)
    return True


def flat_text(blocks: Iterable[DocumentBlock]) -> str:
    """All of it on one line, as a cell of a table has it."""
    return " ".join(filter(None, map(_flat, blocks)))


def _flat(block: DocumentBlock) -> str:
    if isinstance(block, Paragraph):
        return block.text
    return "; ".join(filter(None, (", ".join(filter(None, map(flat_text, row))) for row in block.rows)))


def _end_code(code: list[str], builder: TextBuilder) -> None:
    if code:
        builder.code("\n".join(code))
        code.clear()


def _write_table(table: Table, builder: TextBuilder, most: int) -> None:
    if _is_layout(table):
        write_blocks(_all_cells(table), builder, most)
    else:
        builder.table((list(map(flat_text, row)) for row in table.rows), table.header_rows)


def _all_cells(table: Table) -> Iterator[DocumentBlock]:
    return (block for row in table.rows for cell in row for block in cell)


def _is_layout(table: Table) -> bool:
    """Whether it is no table of values but places texts on a page."""
    if all(len(row) <= 1 for row in table.rows):
        return True
    return any(_is_page(cell) for row in table.rows for cell in row)


def _is_page(cell: Sequence[DocumentBlock]) -> bool:
    headings = any(isinstance(block, Paragraph) and block.level for block in cell)
    return headings or sum(map(_length, cell)) > MAX_PASSAGE_CHARACTERS


def _length(block: DocumentBlock) -> int:
    if isinstance(block, Paragraph):
        return len(block.text)
    return sum(_length(inner) for row in block.rows for cell in row for inner in cell)

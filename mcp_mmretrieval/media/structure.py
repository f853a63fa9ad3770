"""Text with its structure, as the readers of documents give it: headings, paragraphs, tables, code. Pure.

`TextBuilder` puts it together from front to back. Its text is what passages are cut from and what a place counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mcp_mmretrieval.media.passages import (
    ENDS_IN_PROSE,
    MAX_PASSAGE_CHARACTERS,
    Block,
    CitedPassage,
    Heading,
    Passage,
    cut_passages,
)

_BLANKS = re.compile(r"[^\S\n]+")
_MAX_TITLE = 200
CELL_SEPARATOR = " | "
"""Between the cells of a table's row."""


@dataclass(frozen=True, slots=True)
class StructuredText:
    """A text, and where its headings and blocks stand in it."""

    text: str
    headings: Sequence[Heading] = ()
    blocks: Sequence[Block] = ()

    def passages(self) -> Iterator[Passage]:
        """It, cut where it allows."""
        return cut_passages(self.text, self.headings, ENDS_IN_PROSE, self.blocks)

    def cited(self) -> Iterator[CitedPassage]:
        """The same passages as they are cited."""
        for passage in self.passages():
            yield CitedPassage(passage.first, passage.last, passage.shown(self.text), passage.heading)

    def shown(self, first: int | None, last: int | None) -> str:
        """What stands in a range of it, by default all of it; of a passage also the names of its columns."""
        if first is None:
            return self.text
        found = next((passage for passage in self.passages() if (passage.first, passage.last) == (first, last)), None)
        return found.shown(self.text) if found else self.text[first:last]


class TextBuilder:
    """Makes a structured text. What is empty leaves no trace."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._headings: list[Heading] = []
        self._blocks: list[Block] = []
        self.length = 0
        """Characters so far."""

    def heading(self, title: str, level: int) -> None:
        """A heading; level 1 is the highest."""
        title = " ".join(title.split())
        if title:
            at = self._gap("\n\n")
            self._put(title)
            self._headings.append(Heading(at, self.length, level, title[:_MAX_TITLE]))

    def paragraph(self, text: str) -> None:
        """A paragraph, with blank lines around it."""
        self._add(text, "\n\n")

    def line(self, text: str) -> None:
        """A line of its own, which stays whole where it can: an item of a list, a field of a form."""
        self._add(text, "\n", whole=True)

    def code(self, text: str) -> None:
        """A block whose blanks and line ends stay as they are, and which stays whole where it can."""
        text = text.strip("\n")
        if text.strip():
            at = self._gap("\n\n")
            self._put(text)
            self._blocks.append(Block(at, self.length))

    def table(self, rows: Iterable[Sequence[str]], header_rows: int = 1) -> None:
        """A table, a line a row; the first `header_rows` name the columns, and belong to each passage of it."""
        at, header_end = self._gap("\n\n"), 0
        for number, row in enumerate(rows):
            cells = [" ".join(cell.split()) for cell in row]
            if any(cells):
                self._put("\n" if self.length > at else "")
                self._put(CELL_SEPARATOR.join(cells).rstrip(" |"))
            if number + 1 == header_rows:
                header_end = self.length
        if self.length > at:
            self._blocks.append(Block(at, self.length, header_end))

    def built(self) -> StructuredText:
        """What was put together."""
        return StructuredText("".join(self._pieces), self._headings, self._blocks)

    def _add(self, text: str, gap: str, *, whole: bool = False) -> None:
        text = "\n".join(_BLANKS.sub(" ", line).strip() for line in text.splitlines()).strip("\n")
        if text:
            at = self._gap(gap)
            self._put(text)
            if whole and len(text) <= MAX_PASSAGE_CHARACTERS:
                self._blocks.append(Block(at, self.length))

    def _gap(self, gap: str) -> int:
        """Keep a distance from what stands before; where what comes next begins."""
        if self.length:
            self._put(gap)
        return self.length

    def _put(self, text: str) -> None:
        self._pieces.append(text)
        self.length += len(text)

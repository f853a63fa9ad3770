"""Text whose places count the characters of the file it was read from: plain texts, mails, notebooks, chapters.

A place counts code points of the decoded source, from 0, without its byte order mark and with its line ends as they
are. A passage's text is what is read of that slice of the source: of prose the slice itself, of a notation what stands
behind its marks (see `notation`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import markup
from mcp_mmretrieval.media.charset import decode_text
from mcp_mmretrieval.media.notation.rendering import Rendering
from mcp_mmretrieval.media.passages import CitedPassage, cut_passages
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.types import DocumentMetadata


@dataclass(frozen=True, slots=True)
class DecodedSource:
    """The characters of a file."""

    text: str
    cut: bool
    """Whether the file goes on beyond the limit."""

    def metadata(self, read: Rendering, limits: Limits) -> Iterator[DocumentMetadata]:
        """What its rendering knows of the whole document, and what was left out."""
        yield DocumentMetadata(title=read.title, dated=read.dated, keywords=read.keywords)
        for note in read.notes:
            yield DocumentMetadata(note=note)
        if self.cut:
            yield DocumentMetadata(
                note=f"Only the first {limits.characters:,} characters were read, which is the limit."
            )


@dataclass(frozen=True, slots=True)
class SourceText:
    """What a source says, passage by passage."""

    read: Rendering
    length: int
    """Characters of the source."""
    name: str
    """What the source is called, for what goes wrong."""

    def cited(self) -> Iterator[CitedPassage]:
        """Its passages in order; together they hold every word."""
        read = self.read
        for passage in cut_passages(read.mapped.text, read.headings, read.ends, least_section=read.least_section):
            first, last = read.mapped.source_of(passage.first, passage.last)
            yield CitedPassage(first, last, self._between(first, last), passage.heading)

    def shown(self, first: int | None, last: int | None) -> str:
        """What is read of a range of the source, by default of all of it. Raises UnreadableMedia beyond the end."""
        first, last = first or 0, self.length if last is None else last
        if not 0 <= first <= last <= self.length:
            reason = f"{self.name}: has {self.length:,} characters, no range {first:,} to {last:,}."
            raise UnreadableMedia("corrupt", reason)
        return self._between(first, last)

    def _between(self, first: int, last: int) -> str:
        mapped = self.read.mapped
        text = mapped.text[slice(*mapped.range_of(first, last))]
        return markup.tidy_blanks(text) if self.read.loose else text


def decode_source(source: Source, limits: Limits) -> DecodedSource:
    """The characters of a file, as many as are read of one."""
    source.file.seek(0)
    text = decode_text(source.file.read(4 * limits.characters + 4))
    cut = len(text) > limits.characters or bool(source.file.read(1))
    return DecodedSource(text[: limits.characters], cut)

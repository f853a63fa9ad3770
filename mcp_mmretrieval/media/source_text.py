"""Text whose places count the characters of the file it was read from: plain texts, mails, notebooks, chapters.

A place counts code points of the decoded source, from 0, without its byte order mark and with its line ends as they
are. A passage's text is what is read of that slice of the source: of prose the slice itself, of a notation what stands
behind its marks (see `notation`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import markup
from mcp_mmretrieval.media.charset import decode_text
from mcp_mmretrieval.media.notation.rendering import Rendering
from mcp_mmretrieval.media.passages import CitedPassage, Passage, cut_passages, header_over
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
        for passage in cut_passages(read.mapped.text, read.headings, read.ends, read.blocks, read.least_section):
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
        """What is read of a range of the source, under the names of the columns where it goes on with a table."""
        read = self.read
        begin, end = read.mapped.range_of(first, last)
        header = header_over(read.blocks, begin)
        if not read.loose:
            return Passage(begin, end, "", header).shown(read.mapped.text)
        names = markup.tidy_blanks(read.mapped.text[slice(*header)]) if header else ""
        return "\n".join(filter(None, (names, _tidied(read, begin, end))))


def _tidied(read: Rendering, begin: int, end: int) -> str:
    """A range of a text in which blanks mean nothing but where they do."""
    text, pieces = read.mapped.text, []
    for at, over in read.verbatim[bisect_right(read.verbatim, begin, key=itemgetter(1)) :]:
        if at >= end:
            break
        at, over = max(begin, at), min(end, over)
        pieces += [markup.tidy_blanks(text[begin:at]), text[at:over].strip("\n")]
        begin = over
    pieces.append(markup.tidy_blanks(text[begin:end]))
    return "\n\n".join(filter(None, pieces))


def decode_source(source: Source, limits: Limits) -> DecodedSource:
    """The characters of a file, as many as are read of one."""
    source.file.seek(0)
    text = decode_text(source.file.read(4 * limits.characters + 4))
    cut = len(text) > limits.characters or bool(source.file.read(1))
    return DecodedSource(text[: limits.characters], cut)

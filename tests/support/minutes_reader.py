"""A second reader of text, of a format that nobody has: minutes in rot13. Run as a script: a parser worker that has it.

The plain reader of text would take such a file too, so it stands before that one.
"""

import codecs
from collections.abc import Iterator
from itertools import islice

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media import MediaReader, worker
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.types import DocumentMetadata, Place, Segment, SplitPart

MINUTES = MediaReader("tests.support.minutes_reader", "text", "minutes")
MARK = b"MINUTES\n"


def minutes(*points: str) -> bytes:
    """A file of that format, a point a line."""
    return MARK + codecs.encode("\n".join(points), "rot13").encode()


def recognises(source: Source) -> bool:
    return source.file.read(len(MARK)) == MARK


def split(source: Source, limits: Limits, start: int = 0) -> Iterator[SplitPart | DocumentMetadata]:
    yield DocumentMetadata(title="The minutes")
    at = 0
    parts = []
    for point in _read(source).splitlines(keepends=True):
        place = Place(first=at, last=at + len(point))
        parts.append(Segment(document=source.document, modality="text", place=place, text=point.strip()))
        at += len(point)
    yield from (SplitPart(segment=part) for part in islice(parts, start, None))


def load(source: Source, segment: Segment, limits: Limits) -> str:
    return _read(source)[segment.place.first : segment.place.last].strip()


def _read(source: Source) -> str:
    source.file.seek(len(MARK))
    return codecs.decode(source.file.read().decode(), "rot13")


if __name__ == "__main__":
    media.READERS = (MINUTES, *media.READERS)
    worker.main()

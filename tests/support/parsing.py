"""What tests ask of a pool of parser workers: files by their content, parts by their text."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.types import Content, Place, Segment, SplitPart

DOCUMENT = "ab" * 32
PLACE = Segment(document=DOCUMENT, modality="video", place=Place(start=1.0, end=3.05), frames=(1.25,), text="ü\nx")
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux confines a process so far")


@contextmanager
def opened(data: bytes | str) -> Iterator[int]:
    """The descriptor of a file with this content."""
    with tempfile.TemporaryFile() as file:
        file.write(data.encode() if isinstance(data, str) else data)
        file.flush()
        yield file.fileno()


def split(pool: Workers, data: bytes | str, start: int = 0, *sidecars: bytes) -> tuple[list[str], str]:
    """The texts or places of all parts, and all notes."""
    texts, notes = [], []
    with opened(data) as fd:
        for step in pool.split(fd, name="name", document=DOCUMENT, start=start):
            if isinstance(step, SplitPart):
                texts.append(step.segment.text or step.segment.place.fragment)
            else:
                notes.append(step.note)
    return texts, " ".join(filter(None, notes))


def load(pool: Workers, data: bytes | str, segment: Segment = PLACE, side: int | None = None) -> Content:
    with opened(data) as fd:
        return pool.load(fd, segment, name="name", side=side)


def failure(pool: Workers, data: bytes | str) -> UnreadableMedia:
    with pytest.raises(UnreadableMedia) as found:
        split(pool, data)
    assert split(pool, "the next file\nworks") == (["the next file", "works"], "")
    return found.value

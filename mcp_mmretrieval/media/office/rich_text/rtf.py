"""Rich Text Format (specification 1.9.1), as WordPad, TextEdit and Word write it.

Objects of other programs are never opened. striprtf is not used: it drops notes, comments, headers, boxes and pictures.
"""

from __future__ import annotations

from collections.abc import Iterator

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.compound import CompoundStep, TextPart
from mcp_mmretrieval.media.office.blocks import write_blocks
from mcp_mmretrieval.media.office.rich_text.rtf_text import RtfReader
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.media.structure import TextBuilder
from mcp_mmretrieval.types import DocumentMetadata

MAX_DOCUMENT_BYTES = 300_000_000
"""Bytes of the largest document: pictures in it are written in hex."""

_MAGIC = b"{\\rtf"


def recognises(source: Source) -> bool:
    """Whether it begins as such a document does."""
    source.file.seek(0)
    return source.file.read(len(_MAGIC)) == _MAGIC


def parts(source: Source, limits: Limits) -> Iterator[CompoundStep]:
    """The text, then its pictures."""
    if source.file.seek(0, 2) > MAX_DOCUMENT_BYTES:
        raise UnreadableMedia("too_large", f"{source.name}: more than {MAX_DOCUMENT_BYTES / 1e6:,.0f} MB of RTF.")
    source.file.seek(0)
    reader = RtfReader()
    reader.read(source.file.read().decode("latin-1"))
    builder = TextBuilder()
    whole = write_blocks(reader.blocks(), builder, limits.characters)
    yield reader.about()
    yield TextPart(text=builder.built())
    yield from reader.gathered.steps()
    if reader.objects:
        count = "1 object" if reader.objects == 1 else f"{reader.objects:,} objects"
        yield DocumentMetadata(note=f"{count} of other programs in it: not opened; what is shown of them was read.")
    if not whole:
        yield DocumentMetadata(note=f"Only its first {limits.characters:,} characters or so were read.")

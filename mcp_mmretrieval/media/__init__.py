"""Files become places, and places become what a model looks at.

`split` streams once through a file and says which places it has; `load` decodes one of them. Both run in a worker
process that holds nothing but open files (see `workers`), so that one bad file costs a worker and never the server.

To add a kind of media:

1. Write one module here with the three functions of `MediaModule`, or with the two of `CompoundModule` for files
   that hold several things. It imports its decoder, with all that the
   decoder would import later, when it is itself imported: a locked worker can import nothing more. It opens nothing by
   name.
2. Add one line to `READERS`, before any reader that would also claim such files. Several readers may yield the same
   modality.
3. Add `tests/media/test_<module>.py`, with files that are made by the test.

A new modality is a name and a row in the table of `types`.

Importing this package costs nothing: the decoders are imported when the first file is read.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeGuard, cast

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.compound import CompoundModule, load_part, split_parts
from mcp_mmretrieval.types import DocumentMetadata, Modality, Segment, SplitPart, SplitStep

if TYPE_CHECKING:
    from mcp_mmretrieval.config.limits import Limits
    from mcp_mmretrieval.media.source import Source
    from mcp_mmretrieval.types import Content


class MediaModule(Protocol):
    """What the module of a reader offers. Functions of the module, not methods of an object."""

    def recognises(self, source: Source) -> bool:
        """Whether this reader reads the bytes. The name is a hint at most: suffixes lie."""

    def split(self, source: Source, limits: Limits, start: int = 0) -> Iterator[SplitPart | DocumentMetadata]:
        """The places of a file, in order, from the part with ordinal `start` (from 0) on.

        Part n is the same, whatever `start` is: a file whose worker died is taken up again after the part that killed
        it. A part carries content only where that still has to be read by OCR or speech recognition. Raises
        UnreadableMedia for a file that is no use at all; `DocumentMetadata.note` says what is left out of a usable one.
        """

    def load(self, source: Source, segment: Segment, limits: Limits) -> Content:
        """Decode one place. Raises UnreadableMedia where there is no such place, or it cannot be decoded."""


class MediaModuleWithFigures(MediaModule, Protocol):
    """A reader whose places may hold pictures with words of their own, such as charts in a report."""

    def figures(self, source: Source, limits: Limits, start: int = 0) -> Iterator[SplitPart]:
        """A part for each part of `split`, from the number `start` on: its pictures on one sheet, or no content."""


@dataclass(frozen=True, slots=True)
class MediaReader:
    """A module that reads files, and what its files become."""

    module: str
    """Name of the module, relative to this package; it is imported when the first file is read."""
    modality: Modality
    """What each of its documents is."""
    formats: str
    """What it reads, as an error tells a person."""


_RECORDINGS = "sound and film in the usual formats"
_OFFICE = "files of Office, OpenDocument and RTF"
_TEXTS = "text, mail, notebooks, calendars and contacts"

READERS: tuple[MediaReader, ...] = (
    MediaReader(".pdf.reader", "page", "PDF"),
    MediaReader(".image", "image", "pictures in the usual formats"),
    MediaReader(".mail.mbox", "text", _TEXTS),
    MediaReader(".mail.eml", "text", _TEXTS),
    MediaReader(".mail.msg", "text", _TEXTS),
    MediaReader(".video", "video", _RECORDINGS),
    MediaReader(".audio", "audio", _RECORDINGS),
    MediaReader(".office.word.docx", "text", _OFFICE),
    MediaReader(".office.open_document.odt", "text", _OFFICE),
    MediaReader(".office.rich_text.rtf", "text", _OFFICE),
    MediaReader(".office.slides.pptx", "text", _OFFICE),
    MediaReader(".office.open_document.odp", "text", _OFFICE),
    MediaReader(".office.spreadsheets.sheets", "text", _OFFICE),
    MediaReader(".notebook", "text", _TEXTS),
    MediaReader(".text", "text", _TEXTS),
    MediaReader(".epub", "text", "EPUB"),
    MediaReader(".office.legacy", "text", _OFFICE),  # tells of those that cannot be read what to do
    MediaReader(".archive", "text", "ZIP archives"),
)
"""In the order in which they are asked: the first that recognises a file's bytes reads it."""

_HEAD = 4096
_STRANGERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x1f\x8b", "gzip-compressed data"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"BZh", "bzip2-compressed data"),
    (0, b"\xfd7zXZ", "xz-compressed data"),
    (0, b"\x28\xb5\x2f\xfd", "zstd-compressed data"),
    (257, b"ustar", "a tar archive"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
    (0, b"\xcf\xfa\xed\xfe", "a program"),
    (0, b"\xca\xfe\xba\xbe", "a program"),
    (0, b"SQLite format 3\0", "an SQLite database"),
    (0, b"8BPS", "a Photoshop picture"),
    (0, b"%!PS", "PostScript"),
    (0, b"\xc5\xd0\xd3\xc6", "PostScript"),
    (0, b"\0\0\x01\0", "an icon"),
    (0, b"wOFF", "a font"),
    (0, b"wOF2", "a font"),
    (0, b"OTTO", "a font"),
    (0, b"\0\x01\0\0\0", "a font"),
)
"""Offset, bytes found there, and what such a file is: kinds that are often met and cannot be read."""


_LEFT_OUT = re.compile(r"(?i)\b(?:not read|left out)\b")
"""In a note that says why of a file nothing was read."""


def split(source: Source, limits: Limits, start: int = 0, after: str = "") -> Iterator[SplitStep]:
    """The places of a file, in order, from the part with ordinal `start` (from 0) on; its modality comes first.

    Of a file that holds several, `after` names the part behind which to begin instead: `start` means nothing then.
    Raises UnreadableMedia: `empty`, `too_large`, `unsupported_type`, `nothing_to_read`, or what the reader found wrong.
    """
    _check_size(source, limits)
    reader = _reader_of(source)
    yield DocumentMetadata(modality=reader.modality)
    module, skipped = reader_module(reader), 0
    steps: Iterator[SplitStep]
    if is_compound(module):
        steps, skipped = split_parts(module.parts(source, limits), source, limits, split, after), 0 if after else start
    else:
        steps = cast(MediaModule, module).split(source, limits, start)
    parts, why = 0, ""
    for step in steps:
        parts += isinstance(step, SplitPart)
        if not why and isinstance(step, DocumentMetadata) and _LEFT_OUT.search(step.note):
            why = step.note.removeprefix("Not read: ")
        if parts > skipped or not isinstance(step, SplitPart):
            yield step
    if not parts and not start and not after:
        raise UnreadableMedia("nothing_to_read", f"{source.name}: {why or 'holds nothing that could be read.'}")


def figures(source: Source, limits: Limits, start: int = 0) -> Iterator[SplitPart | DocumentMetadata]:
    """The places of a file once more, in the order and number of `split`, each with the pictures that stand in it.

    A place without any has no content. Nothing where the reader knows no pictures inside of places. Raises as `split`.
    """
    _check_size(source, limits)
    module = reader_module(_reader_of(source))
    if hasattr(module, "figures"):
        yield from cast(MediaModuleWithFigures, module).figures(source, limits, start)


def load(source: Source, segment: Segment, limits: Limits) -> Content:
    """What a model looks at: the decoded content of one place. Raises UnreadableMedia as `split` does."""
    _check_size(source, limits)
    module = reader_module(_reader_of(source))
    if is_compound(module):
        return load_part(module.parts(source, limits), source, segment, limits, load)
    return cast(MediaModule, module).load(source, segment, limits)


def reader_module(reader: MediaReader) -> MediaModule | CompoundModule:
    """The module of a reader, imported if it has not been."""
    # the decoders are heavy and parse hostile bytes: the server process never imports them
    return cast("MediaModule | CompoundModule", importlib.import_module(reader.module, __name__))


def is_compound(module: MediaModule | CompoundModule) -> TypeGuard[CompoundModule]:
    """Whether a reader gives the parts of files that hold several things."""
    return hasattr(module, "parts")


def _check_size(source: Source, limits: Limits) -> None:
    size = source.file.seek(0, 2)
    if size == 0:
        raise UnreadableMedia("empty", f"{source.name}: the file is empty.")
    if size > limits.file_bytes:
        have, most = size / 1e6, limits.file_bytes / 1e6
        raise UnreadableMedia("too_large", f"{source.name}: {have:,.0f} MB, more than the limit of {most:,.0f} MB.")


def _reader_of(source: Source) -> MediaReader:
    for reader in READERS:
        source.file.seek(0)
        if reader_module(reader).recognises(source):
            source.file.seek(0)
            return reader
    readable = "; ".join(dict.fromkeys(reader.formats for reader in READERS))
    reason = f"{source.name}: this is {_guess(source)}, which cannot be read. Can be read: {readable}."
    raise UnreadableMedia("unsupported_type", reason)


def _guess(source: Source) -> str:
    source.file.seek(0)
    head = source.file.read(_HEAD)
    return next((what for at, magic, what in _STRANGERS if head.startswith(magic, at)), "of an unknown type")

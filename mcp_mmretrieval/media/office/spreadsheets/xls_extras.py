"""What stands beside the cells of an XLS: its properties, the words of its comments, text boxes and charts (MS-XLS)."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

import olefile  # type: ignore[import-untyped]

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.compound import CompoundStep, TextPart
from mcp_mmretrieval.media.notation.dates import parse_date
from mcp_mmretrieval.media.office.spreadsheets.sheet_extras import SheetExtras
from mcp_mmretrieval.media.office.unread import MACROS_NOT_RUN
from mcp_mmretrieval.media.structure import TextBuilder
from mcp_mmretrieval.types import DocumentMetadata

WORKBOOK_STREAMS = ("Workbook", "Book")
"""How the stream is called that has the cells: from Excel 97 on, and before."""
_MAX_WORDS = 2_000
"""Characters kept of each property."""
_UNICODE = (1200, 65001, -535)
_TEXT_OBJECT, _CONTINUE, _SERIES_TEXT = 0x01B6, 0x003C, 0x100D
_BOUND_SHEET, _DRAWING_GROUP, _MACROS, _FILE_PASS = 0x0085, 0x00EB, 0x00D3, 0x002F
_MOST_CONTINUED = 20
_PICTURES = (b"\x89PNG\r\n", b"\xff\xd8\xff")


class _Record(NamedTuple):
    kind: int
    at: int
    """Bytes before it in the stream."""
    data: bytes


class XlsExtras(SheetExtras):
    """Of a workbook in the format of before 2007."""

    def __init__(self, file: BinaryIO) -> None:
        """Raises UnreadableMedia."""
        super().__init__()
        file.seek(0)
        try:
            with olefile.OleFileIO(file) as ole:
                name = next(name for name in WORKBOOK_STREAMS if ole.exists(name))
                self._records = list(_records(ole.openstream(name).read()))
                self._properties = _properties(ole)
        except (OSError, ValueError, IndexError, struct.error) as error:
            raise UnreadableMedia("corrupt", "the workbook is damaged") from error
        self.is_encrypted = any(record.kind == _FILE_PASS for record in self._records)
        """Whether all but the records' heads wants a password."""
        sheets = [_bound_sheet(record.data) for record in self._records if record.kind == _BOUND_SHEET]
        self._begins = sorted(sheets)

    def properties(self) -> DocumentMetadata:
        """See `SheetExtras`."""
        return self._properties

    def on(self, sheet: str, part: str) -> Iterator[CompoundStep]:
        """See `SheetExtras`."""
        builder = TextBuilder()
        for at, text in _texts(self._records):
            before = bisect_right(self._begins, at, key=lambda begin: begin[0]) - 1
            if before >= 0 and self._begins[before][1] == sheet:
                builder.paragraph(text)
        yield TextPart(text=builder.built(), part=part, heading=sheet)

    def notes(self) -> Iterator[DocumentMetadata]:
        """See `SheetExtras`."""
        kinds = {record.kind for record in self._records}
        if _MACROS in kinds:
            yield MACROS_NOT_RUN
        drawings = b"".join(record.data for record in self._records if record.kind in (_DRAWING_GROUP, _CONTINUE))
        if _DRAWING_GROUP in kinds and any(mark in drawings for mark in _PICTURES):
            yield DocumentMetadata(note="Its pictures were not read: save it as XLSX to have them read.")
        yield from super().notes()


def _records(stream: bytes) -> Iterator[_Record]:
    """The records that hold words or drawings: cells are left to others."""
    at = 0
    wanted = {_TEXT_OBJECT, _CONTINUE, _SERIES_TEXT, _BOUND_SHEET, _DRAWING_GROUP, _MACROS, _FILE_PASS}
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        if kind in wanted:
            yield _Record(kind, at, stream[at + 4 : at + 4 + size])
        at += 4 + size


def _bound_sheet(data: bytes) -> tuple[int, str]:
    """Where a sheet begins, and its name."""
    (begin,) = struct.unpack_from("<I", data.ljust(8, b"\0"))
    return begin, _characters(data[7:])[: data[6] if len(data) > 6 else 0]


def _texts(records: Sequence[_Record]) -> Iterator[tuple[int, str]]:
    """The words of comments, text boxes and charts' titles, and where they stand."""
    for number, record in enumerate(records):
        if record.kind == _SERIES_TEXT and len(record.data) > 3:
            yield record.at, _characters(record.data[3:])[: record.data[2]]
        elif record.kind == _TEXT_OBJECT and len(record.data) >= 12:
            (wanted,) = struct.unpack_from("<H", record.data, 10)
            text = ""
            for following in records[number + 1 : number + 1 + _MOST_CONTINUED]:
                if following.kind != _CONTINUE or len(text) >= wanted:
                    break
                text += _characters(following.data)
            yield record.at, text[:wanted]


def _characters(data: bytes) -> str:
    """A string of BIFF8 behind its length: a byte that says how wide its characters are, then these."""
    return data[1:].decode("utf-16-le" if data[:1] == b"\1" else "latin-1", "replace")


def _properties(ole: olefile.OleFileIO) -> DocumentMetadata:
    """What a document of older Office says of itself (MS-OLEPS). Raises what olefile does."""
    said = ole.get_metadata()
    codec = f"cp{said.codepage}" if said.codepage and said.codepage not in _UNICODE else "utf-8"
    texts = [_decoded(text, codec) for text in (said.title, said.author, said.subject, said.keywords, said.comments)]
    dates = (parse_date(date) for date in (said.create_time, said.last_saved_time) if date)
    return DocumentMetadata(
        title=texts[0][:200],
        keywords="\n".join(dict.fromkeys(filter(None, texts[1:]))),
        dated=next((moment for moment in dates if moment is not None), None),
    )


def _decoded(text: bytes | None, codec: str) -> str:
    try:
        decoded = (text or b"").decode(codec, "replace")
    except LookupError:
        decoded = (text or b"").decode("cp1252", "replace")
    return " ".join(decoded.split())[:_MAX_WORDS]

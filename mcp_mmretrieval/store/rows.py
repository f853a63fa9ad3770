"""Between the catalog's columns and its records."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Any

from mcp_mmretrieval.store.records import Document, File, JobRow, Listed, Space, Stored
from mcp_mmretrieval.types import Place, Segment

FILES = "files f JOIN documents d ON d.key = f.document"
FILE = "f.path, d.id, f.size, f.mtime_ns, f.added_at"
DOCUMENT = (
    "d.id, d.modality, d.reading, d.title, d.bytes, d.pages, d.seconds, d.notes, d.inline, d.read_at"  # of documents d
)
SEGMENTS = "segments s JOIN documents d ON d.key = s.document JOIN texts t ON t.segment = s.key"
SEGMENT = 's.key, s.ordinal, d.id, s.modality, t.text, t.heading, t.frames, s.page, s.start, s."end", s.first, s.last'
SPACE = "id, identity, dim, half, active, made_by, retired"
JOB = "id, key, asked, state, outcome, attempts, reading, started, ended"

Row = tuple[Any, ...]


def clean(text: str) -> str:
    """Without what UTF-8 cannot hold: the lone surrogates of file names that are no UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def cleaned(segment: Segment) -> Segment:
    """As it can be stored."""
    return replace(segment, heading=clean(segment.heading), text=clean(segment.text))


def file(row: Row) -> File:
    """From the columns `FILE`."""
    path, document, size, mtime_ns, added_at = row
    return File(path=os.fsdecode(path), document=document, size=size, mtime_ns=mtime_ns, added_at=added_at)


def document(row: Row) -> Document:
    """From the columns `DOCUMENT`."""
    id, modality, reading, title, size, pages, seconds, notes, inline, read_at = row[:10]
    return Document(
        id=id,
        modality=modality,
        reading=reading,
        title=title,
        bytes=size,
        pages=pages,
        seconds=seconds,
        notes=tuple(json.loads(notes)),
        inline=bool(inline),
        read_at=read_at,
    )


def of_document(document: Document) -> Row:
    """Id to notes, in the order of the columns `DOCUMENT`."""
    notes = json.dumps([clean(note) for note in document.notes])
    what = (document.id, document.modality, document.reading, clean(document.title))
    return (*what, document.bytes, document.pages, document.seconds, notes)


def listed(row: Row, files: tuple[File, ...]) -> Listed:
    """From the columns `DOCUMENT`, the number of segments, and whether it is embedded."""
    return Listed(document=document(row), files=files, segments=row[10], embedded=bool(row[11]))


def stored(row: Row) -> Stored:
    """From the columns `SEGMENT`."""
    key, ordinal, document, modality, text, heading, frames, *place = row
    segment = Segment(
        document=document,
        modality=modality,
        place=_place(place),
        text=text,
        heading=heading,
        frames=tuple(json.loads(frames)) if frames else (),
    )
    return Stored(key=key, ordinal=ordinal, segment=segment)


def of_place(place: Place) -> Row:
    """Page, start, end, first, last."""
    return (place.page, place.start, place.end, place.first, place.last)


def _place(values: list[Any]) -> Place:
    page, start, end, first, last = values
    return Place(page=page, start=start, end=end, first=first, last=last)


def packed(segment: Segment) -> str:
    """A segment as JSON, without its document."""
    place = of_place(segment.place)
    return json.dumps([segment.modality, segment.text, segment.heading, segment.frames, place])


def unpacked(document: str, payload: str) -> Segment:
    """What `packed` made."""
    modality, text, heading, frames, place = json.loads(payload)
    return Segment(
        document=document, modality=modality, place=_place(place), text=text, heading=heading, frames=tuple(frames)
    )


def space(row: Row) -> Space:
    """From the columns `SPACE`."""
    id, identity, dim, half, active, made_by, retired = row
    return Space(
        id=id,
        identity=identity,
        dim=dim,
        half=bool(half),
        active=bool(active),
        made_by=made_by,
        retired=bool(retired),
    )


def job(row: Row) -> JobRow:
    """From the columns `JOB`."""
    id, key, asked, state, outcome, attempts, reading, started, ended = row
    return JobRow(
        id=id,
        key=key,
        asked=asked,
        state=state,
        outcome=outcome,
        attempts=attempts,
        reading=os.fsdecode(reading),
        started=started,
        ended=ended,
    )

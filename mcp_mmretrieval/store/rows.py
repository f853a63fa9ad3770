"""From the catalog's columns to its records and back."""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mcp_mmretrieval.store.records import Document, File, JobRow, ListedDocument, Space, StoredSegment
from mcp_mmretrieval.types import Place, Segment

FILE_TABLES = "files f JOIN documents d ON d.key = f.document"
FILE_COLUMNS = "f.path, d.id, f.size, f.mtime_ns, f.added_at, f.sidecars, f.device"
DOCUMENT_COLUMNS = (
    "d.id, d.modality, d.reading, d.title, d.bytes, d.pages, d.seconds, d.notes, "
    "d.dated, d.keywords, d.inline, d.read_at"  # of documents d
)
PLACE_COLUMNS = 's.page, s.start, s."end", s.first, s.last, s.part, s.top, s.bottom'  # of segments s
SEGMENT_TABLES = "segments s JOIN documents d ON d.key = s.document JOIN texts t ON t.segment = s.key"
SEGMENT_COLUMNS = (
    f"s.key, s.ordinal, d.id, s.modality, t.text, t.heading, t.frames, t.label, t.times, t.turn, t.fingerprint, "
    f"{PLACE_COLUMNS}"
)
SPACE_COLUMNS = "id, identity, dim, half, active, made_by, retired"
JOB_COLUMNS = "id, key, asked, state, outcome, attempts, reading, started, ended"

SqlRow = tuple[Any, ...]


def without_surrogates(text: str) -> str:
    """The text without what UTF-8 cannot hold: the lone surrogates of file names that are no UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def storable_segment(segment: Segment) -> Segment:
    """The segment as it can be stored, without lone surrogates."""
    heading, text, label = map(without_surrogates, (segment.heading, segment.text, segment.label))
    return replace(segment, heading=heading, text=text, label=label)


def file_from_row(row: SqlRow) -> File:
    """From the columns `FILE_COLUMNS`."""
    path, document, size, mtime_ns, added_at, sidecars, device = row
    return File(
        path=os.fsdecode(path),
        document=document,
        size=size,
        mtime_ns=mtime_ns,
        added_at=added_at,
        sidecars=sidecars,
        device=device,
    )


def document_from_row(row: SqlRow) -> Document:
    """From the columns `DOCUMENT_COLUMNS`."""
    id, modality, reading, title, size, pages, seconds, notes, dated, keywords, inline, read_at = row[:12]
    return Document(
        id=id,
        modality=modality,
        reading=reading,
        title=title,
        bytes=size,
        pages=pages,
        seconds=seconds,
        notes=tuple(json.loads(notes)),
        dated=dated,
        keywords=keywords,
        inline=bool(inline),
        read_at=read_at,
    )


def row_from_document(document: Document) -> SqlRow:
    """Id to keywords, in the order of the columns `DOCUMENT_COLUMNS`."""
    notes = json.dumps([without_surrogates(note) for note in document.notes])
    what = (document.id, document.modality, document.reading, without_surrogates(document.title))
    more = (document.dated, without_surrogates(document.keywords))
    return (*what, document.bytes, document.pages, document.seconds, notes, *more)


def listed_from_row(row: SqlRow, files: tuple[File, ...]) -> ListedDocument:
    """From the columns `DOCUMENT_COLUMNS`, the number of segments, and whether it is embedded."""
    return ListedDocument(document=document_from_row(row), files=files, segments=row[12], embedded=bool(row[13]))


def segment_from_row(row: SqlRow) -> StoredSegment:
    """From the columns `SEGMENT_COLUMNS`."""
    key, ordinal, document, modality, text, heading, frames, label, times, turn, fingerprint, *place = row
    segment = Segment(
        document=document,
        modality=modality,
        place=place_from_row(place),
        text=text,
        heading=heading,
        frames=tuple(json.loads(frames)) if frames else (),
        label=label,
        times=_times(json.loads(times)) if times else (),
        turn=turn,
        fingerprint=fingerprint,
    )
    return StoredSegment(key=key, ordinal=ordinal, segment=segment)


def row_from_place(place: Place) -> SqlRow:
    """In the order of the columns `PLACE_COLUMNS`."""
    where = (place.page, place.start, place.end, place.first, place.last)
    return (*where, place.part, place.top, place.bottom)


def _times(values: list[list[float]]) -> tuple[tuple[float, float], ...]:
    return tuple((start, end) for start, end in values)


def place_from_row(values: Sequence[Any]) -> Place:
    """From the columns `PLACE_COLUMNS`; what an older release kept as JSON ends before the part."""
    page, start, end, first, last, part, top, bottom = (*values, "", None, None)[:8]
    return Place(part=part, page=page, start=start, end=end, first=first, last=last, top=top, bottom=bottom)


def segment_to_json(segment: Segment) -> str:
    """A segment as JSON, without its document."""
    place = row_from_place(segment.place)
    what = (segment.text, segment.heading, segment.frames, segment.label, segment.times, segment.turn)
    return json.dumps([segment.modality, *what, place, b64encode(segment.fingerprint).decode()])


def segment_from_json(document: str, payload: str) -> Segment:
    """The segment that `segment_to_json` made JSON of."""
    # what an older release kept ends before the fingerprint
    modality, text, heading, frames, label, times, turn, place, fingerprint = (*json.loads(payload), "")[:9]
    return Segment(
        document=document,
        modality=modality,
        place=place_from_row(place),
        text=text,
        heading=heading,
        frames=tuple(frames),
        label=label,
        times=_times(times),
        turn=turn,
        fingerprint=b64decode(fingerprint),
    )


def space_from_row(row: SqlRow) -> Space:
    """From the columns `SPACE_COLUMNS`."""
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


def job_from_row(row: SqlRow) -> JobRow:
    """From the columns `JOB_COLUMNS`."""
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

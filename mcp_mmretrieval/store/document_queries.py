"""Documents, their files and their segments as they are held, by a condition in SQL.

Each function works within the transaction of its caller.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from mcp_mmretrieval.store import rows
from mcp_mmretrieval.store.database import json_list
from mcp_mmretrieval.store.records import Document, File, HeldPlace, StoredSegment
from mcp_mmretrieval.store.scope import Clause
from mcp_mmretrieval.types import Place


def stored_documents(db: sqlite3.Connection, ids: Collection[str]) -> dict[str, Document]:
    """Documents by their whole ids; unknown ones are left out."""
    sql = f"SELECT {rows.DOCUMENT_COLUMNS} FROM documents d WHERE d.id IN (SELECT value FROM json_each(?))"
    found = [rows.document_from_row(each) for each in db.execute(sql, (json_list(ids),))]
    return {document.id: document for document in found}


def stored_files(db: sqlite3.Connection, condition: Clause, *, limit: int = -1) -> list[File]:
    """Files `f` of documents `d` that meet a condition, by path; the first `limit` where one is given."""
    sql = f"SELECT {rows.FILE_COLUMNS} FROM {rows.FILE_TABLES} WHERE {condition.sql} ORDER BY f.path LIMIT ?"
    return [rows.file_from_row(each) for each in db.execute(sql, (*condition.values, limit))]


def files_by_document(db: sqlite3.Connection, documents: Collection[str], within: Clause) -> dict[str, list[File]]:
    """The files `f` of each document that meet a condition, by path; a document without one is left out."""
    found: dict[str, list[File]] = {}
    for file in stored_files(db, Clause("d.id IN (SELECT value FROM json_each(?))", (json_list(documents),)) & within):
        found.setdefault(file.document, []).append(file)
    return found


def stored_segments(db: sqlite3.Connection, condition: Clause) -> list[StoredSegment]:
    """Segments `s` of documents `d` that meet a condition, in order."""
    sql = (
        f"SELECT {rows.SEGMENT_COLUMNS} FROM {rows.SEGMENT_TABLES} WHERE {condition.sql} ORDER BY s.document, s.ordinal"
    )
    return [rows.segment_from_row(each) for each in db.execute(sql, condition.values)]


def held_places(db: sqlite3.Connection, keys: Collection[int]) -> dict[int, HeldPlace]:
    """Where the segments are that are still held, by their keys."""
    sql = (
        f"SELECT s.key, s.document, d.id, s.modality, {rows.PLACE_COLUMNS} FROM json_each(?) j "
        "CROSS JOIN segments s ON s.key = j.value CROSS JOIN documents d ON d.key = s.document"
    )
    found = db.execute(sql, (json_list(keys),))
    return {
        key: HeldPlace(id, modality, rows.place_from_row(place), number) for key, number, id, modality, *place in found
    }


def segments_overlapping(db: sqlite3.Connection, prefix: str, place: Place) -> list[StoredSegment]:
    """Segments of the documents whose id begins with `prefix` that overlap a place, in order."""
    found = stored_segments(db, Clause("d.id >= ? AND d.id < ?", (prefix, prefix + "g")) & _near(place))
    return [stored for stored in found if stored.segment.place.overlaps(place)]


def _near(place: Place) -> Clause:
    """A condition that holds for all segments that overlap a place, and for few others."""
    if place.page is not None:
        return Clause("(s.page = ? OR s.page IS NULL)", (place.page,))
    if place.part and not place.part.startswith("slide="):  # a PDF's page may be meant
        within = f"{place.part}&"
        above = "s.part > '' AND substr(?, 1, length(s.part) + 1) = s.part || '&'"
        return Clause(f"(s.part = ? OR substr(s.part, 1, ?) = ? OR {above})", (place.part, len(within), within, within))
    return Clause()

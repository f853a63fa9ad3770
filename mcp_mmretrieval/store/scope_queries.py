"""Questions about all that lies within a scope: what it holds, how much, under which names, with which vectors.

Each function works within the transaction of its caller.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator

from mcp_mmretrieval.answers import ListOrder
from mcp_mmretrieval.store import rows
from mcp_mmretrieval.store.database import json_list, scalar
from mcp_mmretrieval.store.document_queries import files_by_document
from mcp_mmretrieval.store.records import ListedDocument, ScopeCounts
from mcp_mmretrieval.store.scope import Clause, ResolvedScope, Scope, resolve_scope
from mcp_mmretrieval.types import Modality, VectorKind


def vectors_within(
    db: sqlite3.Connection, reach: ResolvedScope, space: int, kind: VectorKind, after: int
) -> Iterator[tuple[bytes, bytes]]:
    """Places and vectors of all rows whose document may hold segments of a scope; some perhaps twice."""
    # Two ways through the table. Without a limit, or for the few rows after `after`, it is read in its own order, and
    # each row is checked. A limited scope begins with its documents instead, which are few as a rule, and fetches the
    # rows of each: the time then grows with the scope and not with the library.
    if after or not (reach.limited or reach.filters.modality):
        held = reach.holds("v.document")
        sql = (
            f"SELECT v.places, v.vectors FROM vectors v WHERE v.space = ? AND v.kind = ? AND v.id > ? {held.and_where}"
        )
        return db.execute(sql, (space, kind, after, *held.values))
    modality = reach.modality("modality")
    documents = Clause(f"SELECT document FROM segments {modality.where}", modality.values)
    if reach.limited:
        documents = reach.documents()
    sql = (
        f"SELECT v.places, v.vectors FROM (SELECT DISTINCT document FROM ({documents.sql})) r "
        "CROSS JOIN vectors v ON v.document = r.document AND v.space = ? AND v.kind = ?"
    )
    return db.execute(sql, (*documents.values, space, kind))


def keys_within(db: sqlite3.Connection, reach: ResolvedScope) -> list[int]:
    """The keys of all segments of a scope; some perhaps twice."""
    source, condition = _segments_within(reach)
    sql = f"SELECT s.key FROM {source.sql} {condition.where}"
    return [key for (key,) in db.execute(sql, (*source.values, *condition.values))]


def visible_within(db: sqlite3.Connection, reach: ResolvedScope, keys: Collection[int]) -> set[int]:
    """Those of the segments that are held and within."""
    held = reach.holds("s.document") & reach.modality("s.modality")
    sql = f"SELECT s.key FROM json_each(?) j CROSS JOIN segments s ON s.key = j.value {held.where}"
    return {key for (key,) in db.execute(sql, (json_list(keys), *held.values))}


def extent_within(db: sqlite3.Connection, reach: ResolvedScope, most: int) -> tuple[int, int]:
    """How many segments there are within, counted to `most` + 1, and about how many in all."""
    source, condition = _segments_within(reach)
    sql = f"SELECT count(*) FROM (SELECT 1 FROM {source.sql} {condition.where} LIMIT ?)"
    allowed = scalar(db, sql, *source.values, *condition.values, most + 1)
    return int(allowed), int(scalar(db, "SELECT coalesce(max(key), 0) FROM segments"))


def paths_within(db: sqlite3.Connection, reach: ResolvedScope) -> list[str]:
    """All paths, in order."""
    within = reach.files()
    sql = f"SELECT f.path FROM files f {within.where} ORDER BY f.path"
    return [os.fsdecode(path) for (path,) in db.execute(sql, within.values)]


def names_within(db: sqlite3.Connection, reach: ResolvedScope) -> dict[str, tuple[str, str]]:
    """Title and first path of each document, by id; an inline text has an empty path."""
    within, first = _documents_within(reach), _first_path(reach)
    sql = f"SELECT d.id, d.title, {first.sql} FROM documents d {within.where}"
    found = db.execute(sql, (*first.values, *within.values))
    return {id: (title, os.fsdecode(path or b"")) for id, title, path in found}


def listing_within(
    db: sqlite3.Connection, reach: ResolvedScope, space: int | None, order: ListOrder, limit: int, offset: int
) -> tuple[list[ListedDocument], int]:
    """See `Catalog.listing`."""
    within, first = _documents_within(reach), _first_path(reach)
    embedded = "EXISTS (SELECT 1 FROM embedded WHERE document = d.key AND space = ?)"
    changed = "(SELECT f.mtime_ns / 1e9 FROM files f WHERE f.path = first)"
    newest = f"coalesce(d.dated, {changed}, d.read_at) DESC, " if order == "date" else ""
    sql = (
        f"SELECT {rows.DOCUMENT_COLUMNS}, d.segments, {embedded}, {first.sql} AS first "
        f"FROM documents d {within.where} "
        f"ORDER BY {newest}first IS NULL, first, d.title, d.key LIMIT ? OFFSET ?"
    )
    found = db.execute(sql, (space, *first.values, *within.values, limit, offset)).fetchall()
    paths = files_by_document(db, [each[0] for each in found], reach.files())
    total = scalar(db, f"SELECT count(*) FROM documents d {within.where}", *within.values)
    return [rows.listed_from_row(each, tuple(paths.get(each[0], ()))) for each in found], total


def modalities_within(db: sqlite3.Connection, reach: ResolvedScope) -> dict[Modality, int]:
    """How many documents there are of each modality."""
    within = _documents_within(reach)
    sql = f"SELECT d.modality, count(*) FROM documents d {within.where} GROUP BY d.modality ORDER BY d.modality"
    return dict(db.execute(sql, within.values).fetchall())


def counts_within(db: sqlite3.Connection, scope: Scope, space: int | None) -> ScopeCounts:
    """See `Catalog.counts`."""
    reach = resolve_scope(db, scope)
    documents, segments = _counted(db, reach)
    _, rooted = _counted(db, resolve_scope(db, scope.rooted))
    pending = _pending(db, reach, space) if space is not None else documents
    return ScopeCounts(documents=documents, segments=segments, excluded=rooted - segments, pending=pending)


def _counted(db: sqlite3.Connection, reach: ResolvedScope) -> tuple[int, int]:
    """Documents that have a segment within a scope, and its segments."""
    held = reach.holds("d.key")
    if not reach.filters.modality:
        found = db.execute(f"SELECT count(*), total(d.segments) FROM documents d {held.where}", held.values).fetchone()
    else:
        condition = reach.modality("s.modality") & held
        sql = (
            "SELECT count(DISTINCT s.document), count(*) FROM segments s JOIN documents d ON d.key = s.document "
            f"WHERE {condition.sql}"
        )
        found = db.execute(sql, condition.values).fetchone()
    return int(found[0]), int(found[1])


def _pending(db: sqlite3.Connection, reach: ResolvedScope, space: int) -> int:
    held = reach.holds("d.key")
    if not held:
        sql = "SELECT (SELECT count(*) FROM documents) - (SELECT count(*) FROM embedded WHERE space = ?)"
        return int(scalar(db, sql, space))
    sql = (
        "SELECT count(*) FROM documents d WHERE NOT EXISTS "
        f"(SELECT 1 FROM embedded WHERE document = d.key AND space = ?) {held.and_where}"
    )
    return int(scalar(db, sql, space, *held.values))


def _documents_within(reach: ResolvedScope) -> Clause:
    """A condition on documents `d`."""
    return reach.holds("d.key") & reach.modality("d.modality")


def _segments_within(reach: ResolvedScope) -> tuple[Clause, Clause]:
    """Where segments `s` of a scope come from (some perhaps twice), and on which condition."""
    condition = reach.modality("s.modality")
    if not reach.limited:
        return Clause("segments s"), condition
    documents = reach.documents()
    return Clause(f"({documents.sql}) r CROSS JOIN segments s ON s.document = r.document", documents.values), condition


def _first_path(reach: ResolvedScope) -> Clause:
    """The first path of a document `d` that a scope may see, as a column; NULL where there is none."""
    files = reach.files()
    return Clause(f"(SELECT min(f.path) FROM files f WHERE f.document = d.key {files.and_where})", files.values)

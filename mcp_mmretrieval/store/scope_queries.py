"""Questions about all that lies within a scope: what it holds, how much, under which names, with which vectors.

Each function works within the transaction of its caller.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator

from mcp_mmretrieval.store import totals
from mcp_mmretrieval.store.database import json_list, scalar
from mcp_mmretrieval.store.scope import Clause, ResolvedScope
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


def paths_within(db: sqlite3.Connection, reach: ResolvedScope) -> list[str]:
    """All paths, in order."""
    within = reach.files()
    sql = f"SELECT f.path FROM files f {within.where} ORDER BY f.path"
    return [os.fsdecode(path) for (path,) in db.execute(sql, within.values)]


def names_within(db: sqlite3.Connection, reach: ResolvedScope) -> dict[str, tuple[str, str]]:
    """Title and first path of each document, by id; an inline text has an empty path."""
    files, of_kind = reach.files(), reach.modality("d.modality")
    first = f"(SELECT min(f.path) FROM files f WHERE f.document = d.key {files.and_where})"
    documents = _distinct(reach) if reach.limited else Clause("documents d")
    sql = f"SELECT d.id, d.title, {first} FROM {documents.sql} {of_kind.where}"
    found = db.execute(sql, (*files.values, *documents.values, *of_kind.values))
    return {id: (title, os.fsdecode(path or b"")) for id, title, path in found}


def totals_within(db: sqlite3.Connection, reach: ResolvedScope) -> dict[Modality, tuple[int, int]]:
    """By modality of documents, how many lie within a scope, whatever its own modality, and their segments."""
    if not reach.limited:
        return totals.held_by_modality(db)
    documents = _distinct(reach)
    sql = f"SELECT d.modality, count(*), total(d.segments) FROM {documents.sql} GROUP BY d.modality ORDER BY d.modality"
    found = db.execute(sql, documents.values)
    return {modality: (count, int(segments)) for modality, count, segments in found}


def of_modality_within(db: sqlite3.Connection, reach: ResolvedScope) -> tuple[int, int]:
    """Documents that have a segment of a scope's modality, and these segments."""
    wanted = reach.filters.modality
    if not reach.limited and len(wanted) == 1:
        return totals.held_of_modality(db, wanted[0])
    segments = Clause("segments s INDEXED BY segments_by_modality")  # all that is asked of them stands in the index
    if reach.limited:
        documents = _distinct(reach)
        segments = Clause(f"{documents.sql} CROSS JOIN {segments.sql} ON s.document = d.key", documents.values)
    of_kind = reach.modality("s.modality")
    sql = f"SELECT count(DISTINCT s.document), count(*) FROM {segments.sql} {of_kind.where}"
    found = db.execute(sql, (*segments.values, *of_kind.values)).fetchone()
    return int(found[0]), int(found[1])


def pending_within(db: sqlite3.Connection, reach: ResolvedScope, space: int) -> int:
    """How many documents are not embedded in a space, whatever their modality."""
    if not reach.limited:
        return totals.held_documents(db)[0] - totals.embedded_documents(db, space)
    held = reach.holds("p.document")
    return int(scalar(db, f"SELECT count(*) FROM pending p WHERE p.space = ? {held.and_where}", space, *held.values))


def _distinct(reach: ResolvedScope) -> Clause:
    """The documents `d` of a limited scope, each once, as a source of rows; of all modalities."""
    documents = reach.documents()
    each = f"(SELECT DISTINCT document FROM ({documents.sql}))"
    return Clause(f"{each} r CROSS JOIN documents d ON d.key = r.document", documents.values)


def _segments_within(reach: ResolvedScope) -> tuple[Clause, Clause]:
    """Where segments `s` of a scope come from (some perhaps twice), and on which condition."""
    condition = reach.modality("s.modality")
    if not reach.limited:
        return Clause("segments s"), condition
    documents = reach.documents()
    return Clause(f"({documents.sql}) r CROSS JOIN segments s ON s.document = r.document", documents.values), condition

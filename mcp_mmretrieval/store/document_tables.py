"""Rows of documents, their segments and their paths, written and deleted; their words with them.

Each function works within the transaction of its caller.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from mcp_mmretrieval.store import rows, word_tables
from mcp_mmretrieval.store.database import json_list, scalar
from mcp_mmretrieval.store.document_queries import stored_segments
from mcp_mmretrieval.store.records import Change, Document, File
from mcp_mmretrieval.store.scope import Clause
from mcp_mmretrieval.types import Segment


def write_document(db: sqlite3.Connection, document: Document) -> int:
    """Insert or renew a document, without its segments. Its key."""
    sql = (
        "INSERT INTO documents(id, modality, reading, title, bytes, pages, seconds, notes, dated, keywords, "
        "inline, segments, read_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?) "
        "ON CONFLICT(id) DO UPDATE SET modality = excluded.modality, reading = excluded.reading, "
        "title = excluded.title, bytes = excluded.bytes, pages = excluded.pages, "
        "seconds = excluded.seconds, notes = excluded.notes, dated = excluded.dated, keywords = excluded.keywords, "
        "read_at = excluded.read_at RETURNING key"
    )
    return int(scalar(db, sql, *rows.row_from_document(document), time.time()))


def write_content(
    db: sqlite3.Connection,
    key: int,
    segments: Sequence[Segment],
    words: Iterable[word_tables.SegmentWords],
    *,
    language: str,
    figures: Collection[str],
) -> None:
    """Segments of a document with the words of each, in place of those that it has. `figures`: see `mark_figures`."""
    document = scalar(db, "SELECT id FROM documents WHERE key = ?", key)
    keys = _write_segments(db, key, document, segments)
    word_tables.write_words(db, key, zip(keys, words, strict=True), language)
    mark_figures(db, key, figures)


def _write_segments(db: sqlite3.Connection, key: int, document: str, segments: Sequence[Segment]) -> list[int]:
    """Segments of a document in place of those that it has, without their words. Their keys."""
    # The table `wholes` keeps no text of its own (FTS5's contentless form), so it can forget a document only when it is
    # told, word for word, what it was given. So its row goes first, while the old words are still there to say it.
    # Rows of `words` and `pairs` are deleted by triggers.
    word_tables.forget_whole(db, key)
    for table in ("segments", "vectors", "embedded", "attempts"):
        db.execute(f"DELETE FROM {table} WHERE document = ?", (key,))
    keys: list[int] = []
    for ordinal, segment in enumerate(segments):
        if segment.document != document:
            raise ValueError(f"A segment of {segment.document} among those of {document}.")
        sql = (
            'INSERT INTO segments(document, ordinal, modality, page, start, "end", first, last, part, top, bottom) '
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING key"
        )
        at = int(scalar(db, sql, key, ordinal, segment.modality, *rows.row_from_place(segment.place)))
        frames, times = (json.dumps(values) if values else None for values in (segment.frames, segment.times))
        what = (at, segment.heading, segment.text, frames, segment.label, times, segment.turn, segment.fingerprint)
        columns = "segment, heading, text, frames, label, times, turn, fingerprint"
        db.execute(f"INSERT INTO texts({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", what)
        keys.append(at)
    db.execute("UPDATE documents SET segments = ? WHERE key = ?", (len(segments), key))
    return keys


def renew_fingerprints(db: sqlite3.Connection, key: int, segments: Sequence[Segment]) -> None:
    """Those of a document whose segments stay as they are: an older release made none."""
    sql = (
        "UPDATE texts SET fingerprint = ?1 WHERE fingerprint != ?1 "
        "AND segment = (SELECT key FROM segments WHERE document = ?2 AND ordinal = ?3)"
    )
    made = [(one.fingerprint, key, ordinal) for ordinal, one in enumerate(segments) if one.fingerprint]
    db.executemany(sql, made)


def mark_figures(db: sqlite3.Connection, key: int, figures: Collection[str]) -> None:
    """Note in which segments of a document pictures stand that are still to be read."""
    if not figures:
        return
    found = [stored.key for stored in stored_segments(db, Clause("d.key = ?", (key,))) if stored.segment.id in figures]
    db.executemany("INSERT INTO unread_figures(segment) VALUES (?)", [(segment,) for segment in found])


def append_text(db: sqlite3.Connection, key: int, text: str) -> None:
    """Lines at the end of a segment's text, in all tables of words."""
    (stored,) = stored_segments(db, Clause("s.key = ?", (key,)))
    added = "\n".join(part for part in (stored.segment.text, text) if part)
    document, language = db.execute(
        "SELECT d.key, d.language FROM segments s JOIN documents d ON d.key = s.document WHERE s.key = ?", (key,)
    ).fetchone()
    word_tables.forget_words(db, document, key)
    db.execute("UPDATE texts SET text = ? WHERE segment = ?", (added, key))
    words = word_tables.segment_words(replace(stored.segment, text=added), language)
    word_tables.write_words(db, document, [(key, words)], language)


def point_path(db: sqlite3.Connection, file: File, key: int) -> int | None:
    """Let a path point at a document. The key that it pointed at before, whose document goes with its last path."""
    path = os.fsencode(file.path)
    before = scalar(db, "SELECT document FROM files WHERE path = ?", path)
    db.execute(
        "INSERT INTO files(path, document, size, mtime_ns, added_at, sidecars, device) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT(path) DO UPDATE SET document = excluded.document, size = excluded.size, "
        "mtime_ns = excluded.mtime_ns, sidecars = excluded.sidecars, device = excluded.device",
        (path, key, file.size, file.mtime_ns, time.time(), file.sidecars, file.device),
    )
    db.execute("DELETE FROM vanished_files WHERE path = ?", (path,))
    if before != key:
        word_tables.write_path(db, key, path)
    if before not in (None, key):
        drop_orphans(db, {before})
    return before  # type: ignore[no-any-return]


def keep_inline_text(db: sqlite3.Connection, key: int, text: str) -> int | None:
    """Keep an inline text with its document. The key if it was kept already."""
    before = scalar(db, "SELECT document FROM inline_texts WHERE document = ?", key)
    db.execute(
        "INSERT OR REPLACE INTO inline_texts VALUES (?, ?)", (key, rows.without_surrogates(text).encode("utf-8"))
    )
    db.execute("UPDATE documents SET inline = 1 WHERE key = ?", (key,))
    return before  # type: ignore[no-any-return]


def linked_change(before: int | None, key: int) -> Change:
    """What happened where a held document got a path that pointed at `before`."""
    if before is None:
        return "attached"
    return "unchanged" if before == key else "replaced"


def drop_orphans(db: sqlite3.Connection, keys: Collection[int]) -> tuple[int, int]:
    """Delete those of the documents that have no path left and no inline text. How many documents and segments."""
    sql = (
        "DELETE FROM documents WHERE key IN (SELECT value FROM json_each(?)) AND NOT inline "
        "AND NOT EXISTS (SELECT 1 FROM files WHERE document = key) RETURNING segments"
    )
    gone = db.execute(sql, (json_list(keys),)).fetchall()
    return len(gone), sum(segments for (segments,) in gone)

"""What vanished from its folder: out of what is found and counted, and kept for a while, to be brought back.

A part of the catalog, in the same file and with the same promises. A document is moved out of the tables that searches
read, and not marked in them: so no question, index or total has to know of it. Its words are made anew when it comes
back; what was costly (OCR, speech, vectors) is kept.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Collection, Mapping

from mcp_mmretrieval.store import document_tables, rows, word_tables
from mcp_mmretrieval.store.database import Database, json_list, scalar
from mcp_mmretrieval.store.document_queries import stored_documents, stored_segments
from mcp_mmretrieval.store.records import Document, File, KeptFile, RemovalCounts
from mcp_mmretrieval.store.scope import Clause, path_ranges

VANISHED_DAYS = 30
"""Days for which what vanished is kept."""

_COLUMNS = "path, document, size, mtime_ns, sidecars, vanished_at"


class VanishedFiles:
    """The part of a catalog that concerns what vanished."""

    _database: Database

    def vanish(self, paths: Collection[str]) -> RemovalCounts:
        """Take paths out that lie there no more, and documents with their last one. All of it is kept for a while."""
        now = time.time()
        with self._database.writing() as db:
            _purge(db, now)
            files, keys = 0, dict[int, None]()
            for path in set(paths):
                gone = "DELETE FROM files WHERE path = ? RETURNING document, size, mtime_ns, sidecars"
                for key, *state in db.execute(gone, (os.fsencode(path),)).fetchall():
                    id = scalar(db, "SELECT id FROM documents WHERE key = ?", key)
                    what = (os.fsencode(path), id, *state, now)
                    db.execute(f"INSERT OR REPLACE INTO vanished_files({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", what)
                    files += 1
                    keys[key] = None
            for key in keys:
                _keep(db, key)
            documents, segments = document_tables.drop_orphans(db, keys)
            return RemovalCounts(files=files, documents=documents, segments=segments)

    def purge_vanished(self) -> None:
        """Forget for good what vanished more than `VANISHED_DAYS` ago."""
        with self._database.reading() as db:  # as a rule there is nothing, and a full disk may be no time to write
            if not scalar(db, "SELECT count(*) FROM vanished_files WHERE vanished_at < ?", _oldest(time.time())):
                return
        with self._database.writing("bookkeeping") as db:
            _purge(db, time.time())

    def kept_files(self, under: str = "/") -> list[KeptFile]:
        """What vanished at a path or below it and can be brought back, by path."""
        with self._database.reading() as db:
            found: list[KeptFile] = []
            for bounds in path_ranges(under):
                sql = (
                    f"SELECT {_COLUMNS} FROM vanished_files WHERE path >= ? AND path < ? AND (document IN "
                    "(SELECT id FROM documents) OR document IN (SELECT id FROM vanished_documents)) ORDER BY path"
                )
                found += [_kept(each) for each in db.execute(sql, bounds)]
            return found

    def kept_document(self, id: str) -> Document | None:
        """A document that is kept since its last path vanished."""
        with self._database.reading() as db:
            facts = scalar(db, "SELECT facts FROM vanished_documents WHERE id = ?", id)
            return _document(json.loads(facts)) if facts else None

    def bring_back(self, kept: KeptFile) -> bool:
        """Let a path that vanished be found again, as it was; whether it was still kept.

        Where it lies now is not known, so that adding its folder again does not take it out until it was seen there.
        """
        file = kept.file
        with self._database.writing() as db:
            sql = "SELECT count(*) FROM vanished_files WHERE path = ? AND document = ?"
            if not scalar(db, sql, os.fsencode(file.path), file.document):
                return False
            key = scalar(db, "SELECT max(key) FROM documents WHERE id = ?", file.document)
            if key is None and (key := take_back(db, file.document)) is None:
                return False
            document_tables.point_path(db, file, key)
            return True


# Within the transaction of a caller.


def take_back(db: sqlite3.Connection, id: str) -> int | None:
    """Put a document that vanished back among those that are held, without a path. Its key; None if it is not kept."""
    found = db.execute("SELECT facts, embedded FROM vanished_documents WHERE id = ?", (id,)).fetchone()
    if found is None:
        return None
    facts, spaces = map(json.loads, found)
    document, language = _document(facts), facts[-1]
    key = document_tables.write_document(db, document)
    kept = db.execute("SELECT payload, figures FROM vanished_segments WHERE document = ? ORDER BY ordinal", (id,))
    segments, figures = [], []
    for payload, unread in kept:
        segments.append(rows.segment_from_json(id, payload))
        figures += [segments[-1].id] * unread
    words = (word_tables.segment_words(segment, language) for segment in segments)
    document_tables.write_content(db, key, segments, words, language=language, figures=figures)
    word_tables.write_title(db, key, document.title, document.keywords)
    db.execute(
        "INSERT INTO embedded SELECT ?, id FROM spaces WHERE id IN (SELECT value FROM json_each(?))",
        (key, json_list(spaces)),
    )
    names = dict(db.execute("SELECT ordinal, key FROM segments WHERE document = ?", (key,)).fetchall())
    sql = "SELECT space, kind, count, places, vectors FROM vanished_vectors WHERE document = ? ORDER BY id"
    for space, kind, count, places, vectors in db.execute(sql, (id,)).fetchall():
        what = (key, space, kind, count, _renamed(places, names), vectors)
        db.execute("INSERT INTO vectors(document, space, kind, count, places, vectors) VALUES (?, ?, ?, ?, ?, ?)", what)
    db.execute("DELETE FROM vanished_documents WHERE id = ?", (id,))
    return key


def forget(db: sqlite3.Connection, paths: Collection[str]) -> None:
    """Forget for good what is kept of paths."""
    db.executemany("DELETE FROM vanished_files WHERE path = ?", [(os.fsencode(path),) for path in paths])
    _drop_unnamed(db)


def _purge(db: sqlite3.Connection, now: float) -> None:
    db.execute("DELETE FROM vanished_files WHERE vanished_at < ?", (_oldest(now),))
    _drop_unnamed(db)


def _oldest(now: float) -> float:
    return now - VANISHED_DAYS * 86_400


def _drop_unnamed(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM vanished_documents WHERE id NOT IN (SELECT document FROM vanished_files)")


def _keep(db: sqlite3.Connection, key: int) -> None:
    """Copy a document that is about to go, unless a path or an inline text holds it."""
    sql = "SELECT id, language FROM documents WHERE key = ? AND NOT inline AND key NOT IN (SELECT document FROM files)"
    found = db.execute(sql, (key,)).fetchone()
    if found is None:
        return
    id, language = found
    document = stored_documents(db, [id])[id]
    spaces = [space for (space,) in db.execute("SELECT space FROM embedded WHERE document = ?", (key,))]
    facts = json.dumps([*rows.row_from_document(document), language])
    db.execute(
        "INSERT INTO vanished_documents(id, reading, facts, embedded) VALUES (?, ?, ?, ?)",
        (id, document.reading, facts, json_list(spaces)),
    )
    segments = stored_segments(db, Clause("d.key = ?", (key,)))
    unread = {
        segment
        for (segment,) in db.execute(
            "SELECT segment FROM unread_figures WHERE segment IN (SELECT key FROM segments WHERE document = ?)", (key,)
        )
    }
    db.executemany(
        "INSERT INTO vanished_segments(document, ordinal, payload, figures) VALUES (?, ?, ?, ?)",
        [(id, one.ordinal, rows.segment_to_json(one.segment), one.key in unread) for one in segments],
    )
    names = {one.key: one.ordinal for one in segments}
    sql = "SELECT space, kind, count, places, vectors FROM vectors WHERE document = ? ORDER BY id"
    for space, kind, count, places, vectors in db.execute(sql, (key,)).fetchall():
        what = (id, space, kind, count, _renamed(places, names), vectors)
        columns = "document, space, kind, count, places, vectors"
        db.execute(f"INSERT INTO vanished_vectors({columns}) VALUES (?, ?, ?, ?, ?, ?)", what)


def _renamed(places: bytes, names: Mapping[int, int]) -> bytes:
    from mcp_mmretrieval.store import vectors  # numpy, which the handshake must not wait for

    return vectors.renamed_places(places, names)


def _document(facts: list[object]) -> Document:
    return rows.document_from_row((*facts[:10], False, 0.0))


def _kept(row: rows.SqlRow) -> KeptFile:
    path, document, size, mtime_ns, sidecars, vanished_at = row
    file = File(path=os.fsdecode(path), document=document, size=size, mtime_ns=mtime_ns, sidecars=sidecars)
    return KeptFile(file=file, vanished_at=vanished_at)

"""What the library holds: files, documents, segments, words, vectors, jobs, in one SQLite file.

Thread-safe. Each method is one transaction: what it commits is on disk when it returns, and readers see all of it or
nothing. A full or failing disk raises LibraryUnavailable; reads go on.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mcp_mmretrieval.answers import ListOrder
from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.store import rows, word_tables
from mcp_mmretrieval.store.database import json_list, scalar
from mcp_mmretrieval.store.fulltext import QueryTerms
from mcp_mmretrieval.store.records import (
    Change,
    Document,
    File,
    JobRow,
    ListedDocument,
    RemovalCounts,
    ScopeCounts,
    StoredSegment,
    TermShares,
)
from mcp_mmretrieval.store.scope import Clause, ResolvedScope, Scope, at_or_below, resolve_scope
from mcp_mmretrieval.store.soundalike import sound_terms
from mcp_mmretrieval.store.spaces import Spaces, canonical_identity, is_half
from mcp_mmretrieval.store.stems import language_of
from mcp_mmretrieval.store.term_shares import absent_words, fewest_places, term_shares
from mcp_mmretrieval.store.word_search import (
    WordPlan,
    matching_documents,
    matching_segments,
    plan_words,
    sounding_segments,
)
from mcp_mmretrieval.types import Identity, Modality, Place, Segment, VectorKind

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors

CatalogResultT = TypeVar("CatalogResultT")

STAGED_DAYS = 14
"""Days for which the segments of an unfinished file are kept."""

JOB_DAYS = 90
"""Days for which the outcome of a job is kept."""

MAX_FIGURE_ATTEMPTS = 3
"""How often reading the pictures of a place is begun that never comes to an end."""


class Catalog(Spaces):
    """The database of one library."""

    def __init__(self, path: Path, on_commit: Callable[[], None] = lambda: None) -> None:
        """Open or make `catalog.db`. Raises LibraryUnavailable for a damaged or newer one, which stays as it is.

        `on_commit` is called after each commit, in the thread that committed.
        """
        super().__init__(path, on_commit)
        self._known: dict[object, tuple[int, Any]] = {}
        self._read_with: dict[int, Identity] = {}

    @property
    def path(self) -> Path:
        """The database's file."""
        return self._database.path

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._database.close()

    def check(self) -> list[str]:
        """What is wrong with the file, in SQLite's words; empty if nothing is. Reads everything."""
        try:
            with self._database.writing() as db:
                found = [line for (line,) in db.execute("PRAGMA integrity_check")]
                found += [
                    f"{table}: row {key} has no parent" for table, key, *_ in db.execute("PRAGMA foreign_key_check")
                ]
                for table in ("words", "pairs", "names", "sounds"):
                    db.execute(f"INSERT INTO {table}({table}, rank) VALUES ('integrity-check', 1)")
        except LibraryUnavailable as error:
            return [str(error)]
        return [line for line in found if line != "ok"]

    # -- identities -----------------------------------------------------------------------------------------------

    def reading(self, identity: Identity) -> int:
        """The id of a way to read (splitter, OCR, speech), made where it is new."""
        name = canonical_identity(identity)
        ask = "SELECT id FROM readings WHERE identity = ?"
        with self._database.reading() as db:  # asked for each file: nobody should wait for a writer, or be woken
            if (held := scalar(db, ask, name)) is not None:
                return int(held)
        with self._database.writing() as db:
            db.execute("INSERT INTO readings(identity) VALUES (?) ON CONFLICT DO NOTHING", (name,))
            return int(scalar(db, ask, name))

    def read_with(self, reading: int) -> Identity:
        """The way to read that has this id: see `reading`. Raises ValueError for an unknown one."""
        if reading not in self._read_with:  # asked for each file, and never changed
            with self._database.reading() as db:
                name = scalar(db, "SELECT max(identity) FROM readings WHERE id = ?", reading)
            if name is None:
                raise ValueError(f"There is no reading {reading}.")
            self._read_with[reading] = json.loads(name)
        return self._read_with[reading]

    # -- files and documents --------------------------------------------------------------------------------------

    def file(self, path: str) -> File | None:
        """What was added from a path."""
        with self._database.reading() as db:
            found = db.execute(
                f"SELECT {rows.FILE_COLUMNS} FROM {rows.FILE_TABLES} WHERE f.path = ?", (os.fsencode(path),)
            ).fetchone()
            return rows.file_from_row(found) if found else None

    def files_under(self, folder: str) -> list[File]:
        """The file at `folder` or those below it, by path."""
        below = at_or_below(folder)
        with self._database.reading() as db:
            sql = f"SELECT {rows.FILE_COLUMNS} FROM {rows.FILE_TABLES} WHERE {below.sql} ORDER BY f.path"
            return [rows.file_from_row(each) for each in db.execute(sql, below.values)]

    def paths(self, scope: Scope) -> list[str]:
        """All paths within a scope's folders, in order. Reads them all: for what nothing was found by."""
        with self._database.reading() as db:
            within = resolve_scope(db, scope.rooted).files()
            sql = f"SELECT f.path FROM files f {within.where} ORDER BY f.path"
            return [os.fsdecode(path) for (path,) in db.execute(sql, within.values)]

    def titled(self, title: str, scope: Scope) -> list[str]:
        """Whole ids of the documents within a scope that bear a title, whatever the case of its ASCII letters."""
        with self._database.reading() as db:
            within = Clause("d.title = ? COLLATE NOCASE", (title,)) & resolve_scope(db, scope).holds("d.key")
            sql = f"SELECT d.id FROM documents d {within.where} ORDER BY d.key"
            return [id for (id,) in db.execute(sql, within.values)]

    def files_of(self, documents: Collection[str]) -> dict[str, list[File]]:
        """The files of each document, by path; a document without one is left out."""
        with self._database.reading() as db:
            return _files_of(db, documents, Clause())

    def files_of_one(self, document: str) -> list[File]:
        """The files of one document, by path; empty where it has none or is not held."""
        return self.files_of([document]).get(document, [])

    def document(self, id: str) -> Document | None:
        """A held document by its whole id."""
        return self.documents([id]).get(id)

    def documents(self, ids: Collection[str]) -> dict[str, Document]:
        """Held documents by their whole ids; unknown ones are left out."""
        with self._database.reading() as db:
            sql = f"SELECT {rows.DOCUMENT_COLUMNS} FROM documents d WHERE d.id IN (SELECT value FROM json_each(?))"
            found = [rows.document_from_row(each) for each in db.execute(sql, (json_list(ids),))]
            return {document.id: document for document in found}

    def size(self, ids: Collection[str]) -> int:
        """How many segments these documents have together."""
        with self._database.reading() as db:
            sql = "SELECT total(segments) FROM documents WHERE id IN (SELECT value FROM json_each(?))"
            return int(scalar(db, sql, json_list(ids)))

    def documents_starting(self, prefix: str) -> list[str]:
        """Whole ids that begin with these hex digits."""
        with self._database.reading() as db:
            sql = "SELECT id FROM documents WHERE id >= ? AND id < ? ORDER BY id"
            return [id for (id,) in db.execute(sql, (prefix, prefix + "g"))]

    def commit_read(
        self,
        document: Document,
        segments: Iterable[Segment],
        *,
        file: File | None = None,
        text: str | None = None,
        figures: Collection[str] = (),
    ) -> Change:
        """Commit what was read of one file or of inline `text` (exactly one of the two).

        In one transaction: the document and its segments with their words (a held one keeps those it has, and their
        vectors, if they are the same; else loses them), the path, the removal of what the path pointed at before (if
        that was its last path), the end of its staging. Each segment's `document` is `document.id`. `figures`: ids of
        segments with pictures that are read later, see `unread_figures`.
        """
        if (file is None) == (text is None):
            raise ValueError("Either a file or a text.")
        new = [rows.storable_segment(segment) for segment in segments]
        language = language_of([segment.text for segment in new])
        with self._database.writing() as db:
            held = scalar(db, "SELECT key FROM documents WHERE id = ?", document.id)
            key = _write_document(db, document)
            same = held is not None and new == [stored.segment for stored in _stored(db, Clause("d.key = ?", (key,)))]
            if not same:
                texts = _write_segments(db, key, document.id, new)
                word_tables.write_words(db, key, texts, language)
                _mark_figures(db, key, figures)
            word_tables.write_title(db, key, *map(rows.without_surrogates, (document.title, document.keywords)))
            db.execute("DELETE FROM staged WHERE document = ?", (document.id,))
            before = _point(db, file, key) if file is not None else _keep_text(db, key, text or "")
            if held is None:
                return "added" if before is None else "replaced"
            return _linked(before, key) if same else "reread"

    def attach(self, file: File, *, gone: Collection[str] = ()) -> Change | None:
        """One more path for a held document; `gone` are paths of it that vanished (makes it `moved`).

        What the path pointed at before goes if this was its last path (`replaced`). None: the document is not held.
        """
        with self._database.writing() as db:
            key = scalar(db, "SELECT max(key) FROM documents WHERE id = ?", file.document)
            if key is None:
                return None
            before = _point(db, file, key)
            moved = 0
            for path in set(gone) - {file.path}:
                sql = "DELETE FROM files WHERE path = ? AND document = ?"
                moved += db.execute(sql, (os.fsencode(path), key)).rowcount
            return "moved" if moved and before is None else _linked(before, key)

    def remove_files(self, paths: Collection[str]) -> RemovalCounts:
        """Forget paths; documents go with their last one. Unknown paths count nothing."""
        with self._database.writing() as db:
            files, keys = 0, set()
            for path in set(paths):
                for (key,) in db.execute("DELETE FROM files WHERE path = ? RETURNING document", (os.fsencode(path),)):
                    files += 1
                    keys.add(key)
            documents, segments = _drop_orphans(db, keys)
            return RemovalCounts(files=files, documents=documents, segments=segments)

    def remove_texts(self, ids: Collection[str]) -> RemovalCounts:
        """Forget what was given as text; a document goes with it unless a file says the same. Others count nothing."""
        with self._database.writing() as db:
            sql = (
                "UPDATE documents SET inline = 0 WHERE inline AND id IN (SELECT value FROM json_each(?)) RETURNING key"
            )
            keys = [key for (key,) in db.execute(sql, (json_list(ids),)).fetchall()]
            db.execute(
                "DELETE FROM inline_texts WHERE document IN (SELECT value FROM json_each(?))", (json_list(keys),)
            )
            documents, segments = _drop_orphans(db, keys)
            return RemovalCounts(files=0, documents=documents, segments=segments)

    # -- pictures inside of pages ---------------------------------------------------------------------------------

    def unread_figures(self, *, skip: Collection[str] = ()) -> dict[int, StoredSegment]:
        """The segments of one document, not of `skip`, in which pictures wait to be read; empty where none do.

        What was begun `MAX_FIGURE_ATTEMPTS` times and never came to an end is left alone.
        """
        waiting = f"SELECT segment FROM unread_figures WHERE attempts < {MAX_FIGURE_ATTEMPTS}"
        with self._database.reading() as db:
            sql = (
                f"SELECT s.document FROM segments s JOIN documents d ON d.key = s.document WHERE s.key IN ({waiting}) "
                "AND d.id NOT IN (SELECT value FROM json_each(?)) ORDER BY s.key LIMIT 1"
            )
            key = scalar(db, sql, json_list(skip))
            wanted = Clause(f"s.document = ? AND s.key IN ({waiting})", (key,))
            return {stored.key: stored for stored in _stored(db, wanted)} if key is not None else {}

    def begin_figures(self, key: int) -> None:
        """Note that the pictures of a segment are about to be read: should that end the process, it is counted."""
        with self._database.writing() as db:
            db.execute("UPDATE unread_figures SET attempts = attempts + 1 WHERE segment = ?", (key,))

    def commit_figures(self, key: int, text: str) -> None:
        """Add what was read of the pictures of a segment, if it is still held. It keeps its key and its vectors."""
        with self._database.writing() as db:
            if db.execute("DELETE FROM unread_figures WHERE segment = ?", (key,)).rowcount and text:
                _add_text(db, key, rows.without_surrogates(text))

    def count_unread_figures(self, scope: Scope) -> int:
        """How many segments within a scope have pictures that are still to be read."""

        def count(db: sqlite3.Connection) -> int:
            held = resolve_scope(db, scope).holds("s.document")
            sql = (
                "SELECT count(*) FROM unread_figures u JOIN segments s ON s.key = u.segment "
                f"WHERE u.attempts < {MAX_FIGURE_ATTEMPTS} {held.and_where}"
            )
            return int(scalar(db, sql, *held.values))

        return self._remembered(("figures", scope), count)

    # -- staging --------------------------------------------------------------------------------------------------

    def stage(self, document: str, reading: int, ordinal: int, segments: Sequence[Segment]) -> None:
        """Keep segments `ordinal`, `ordinal + 1`, ... of a long file still being read. Searches do not see them."""
        now = time.time()
        with self._database.writing() as db:
            db.execute("DELETE FROM staged WHERE staged_at < ?", (now - STAGED_DAYS * 86_400,))
            db.executemany(
                "INSERT OR REPLACE INTO staged VALUES (?, ?, ?, ?, ?)",
                [(document, reading, at, rows.segment_to_json(each), now) for at, each in enumerate(segments, ordinal)],
            )

    def staged(self, document: str, reading: int) -> dict[int, Segment]:
        """The segments that `stage` keeps, by ordinal."""
        with self._database.reading() as db:
            sql = "SELECT ordinal, payload FROM staged WHERE document = ? AND reading = ? ORDER BY ordinal"
            return {at: rows.segment_from_json(document, each) for at, each in db.execute(sql, (document, reading))}

    # -- vectors --------------------------------------------------------------------------------------------------

    def exact(
        self, space: int, kind: VectorKind, vector: Vectors, scope: Scope, *, depth: int, after: int = 0
    ) -> list[tuple[int, float]]:
        """Segment keys with cosine similarity to `vector` (shape (dim,) or (1, dim), unit), best first.

        By comparing with each vector within the scope; the best part counts for a segment. `after`: only what was
        committed after this row.
        """
        from mcp_mmretrieval.store import vectors  # numpy, which the handshake must not wait for

        with self._database.reading() as db:
            reach = resolve_scope(db, scope)
            found = _vectors_within(db, reach, space, kind, after)
            wanted = _keys_within(db, reach) if reach.filters.modality else None
            return vectors.exact_nearest(found, vector, half=is_half(db, space), depth=depth, wanted=wanted)

    def visible(self, keys: Collection[int], scope: Scope) -> set[int]:
        """Those of the segments that are held and within the scope."""
        with self._database.reading() as db:
            reach = resolve_scope(db, scope)
            held = reach.holds("s.document") & reach.modality("s.modality")
            sql = f"SELECT s.key FROM json_each(?) j CROSS JOIN segments s ON s.key = j.value {held.where}"
            return {key for (key,) in db.execute(sql, (json.dumps(list(keys)), *held.values))}

    def extent(self, scope: Scope, most: int) -> tuple[int, int]:
        """How many segments a scope holds, counted to `most` + 1, and about how many there are in all."""
        return self._remembered(("extent", scope, most), lambda db: _extent(db, resolve_scope(db, scope), most))

    def whole(self, scope: Scope) -> bool:
        """Whether all that the library holds lies within a scope."""
        with self._database.reading() as db:
            return resolve_scope(db, scope).everything

    # -- segments -------------------------------------------------------------------------------------------------

    def segments(self, keys: Collection[int]) -> dict[int, StoredSegment]:
        """The segments that are still held, by their keys."""
        wanted = Clause("s.key IN (SELECT value FROM json_each(?))", (json.dumps(list(keys)),))
        with self._database.reading() as db:
            return {stored.key: stored for stored in _stored(db, wanted)}

    def segments_of(self, document: str) -> list[StoredSegment]:
        """All segments of one document, in order."""
        with self._database.reading() as db:
            return _stored(db, Clause("d.id = ?", (document,)))

    def around(self, key: int, *, reach: int = 1) -> list[StoredSegment]:
        """A segment and up to `reach` before and after it in its document, in order. Empty for an unknown key."""
        with self._database.reading() as db:
            found = db.execute("SELECT document, ordinal FROM segments WHERE key = ?", (key,)).fetchone()
            if not found:
                return []
            document, ordinal = found
            near = (document, ordinal - reach, ordinal + reach)
            return _stored(db, Clause("s.document = ? AND s.ordinal BETWEEN ? AND ?", near))

    def find(self, prefix: str, place: Place) -> list[StoredSegment]:
        """Segments of the documents whose id begins with `prefix` that overlap the place, in order."""
        with self._database.reading() as db:
            found = _stored(db, Clause("d.id >= ? AND d.id < ?", (prefix, prefix + "g")) & _near(place))
            return [stored for stored in found if stored.segment.place.overlaps(place)]

    # -- searching ------------------------------------------------------------------------------------------------

    def words(self, terms: QueryTerms, scope: Scope, *, depth: int) -> list[tuple[int, float]]:
        """Segment keys that hold any of the terms, best first, each with its bm25 as a share of the best possible.

        A document that is called so (title, keywords, names of files and folders that the scope may see) brings its
        first segment where no words do, and its words count for more. The measure is of the whole table, also where the
        scope allows only some of it, as FTS5's bm25 is.
        """
        plan = self._plan(terms)
        with self._database.reading() as db:
            return matching_segments(db, plan, terms, resolve_scope(db, scope), depth)

    def sounds(self, words: Sequence[str], scope: Scope, *, depth: int) -> list[tuple[int, float]]:
        """Keys of recordings and films whose words sound like these, best first, with shares as in `words`."""
        terms = sound_terms(words)
        with self._database.reading() as db:
            return sounding_segments(db, terms, resolve_scope(db, scope), depth) if terms else []

    def names(self, scope: Scope) -> dict[str, tuple[str, str]]:
        """Title and first path of each document within a scope, by id; kept until the next commit.

        An inline text has an empty path.
        """
        return self._remembered(("names", scope), lambda db: _names(db, resolve_scope(db, scope)))

    def context(self, terms: QueryTerms, keys: Collection[int]) -> dict[int, float]:
        """For each of the segments whose document holds the terms anywhere: the document's share of the best possible.

        Beyond the first `MAX_CONTEXT_DOCUMENTS` documents there is none.
        """
        plan = self._plan(terms)
        with self._database.reading() as db:
            return matching_documents(db, plan, keys)

    def term_shares(self, terms: QueryTerms, keys: Collection[int]) -> dict[int, TermShares]:
        """For each segment the share of the query's terms that it or its name holds, and that its document holds.

        Each term weighs by its rarity and counts once. Empty where the query has no terms.
        """
        plan = self._plan(terms)
        with self._database.reading() as db:
            return term_shares(db, plan, keys)

    def fewest_places(self, terms: QueryTerms) -> int:
        """How many places hold the rarest of the terms."""
        plan = self._plan(terms)
        with self._database.reading() as db:
            return fewest_places(db, plan)

    def absent_words(self, terms: QueryTerms, scope: Scope) -> list[str]:
        """The query's words that no place of a scope holds and no file there is called, in normal form."""
        plan = self._plan(terms)
        with self._database.reading() as db:
            return absent_words(db, plan, resolve_scope(db, scope))

    def _plan(self, terms: QueryTerms) -> WordPlan:
        return self._remembered(("words", terms), lambda db: plan_words(db, terms))

    def listing(
        self, scope: Scope, *, space: int | None = None, order: ListOrder = "path", limit: int = 50, offset: int = 0
    ) -> tuple[list[ListedDocument], int]:
        """A page of documents, and how many there are in all.

        By their first path (inline texts last, by title), or by date: their own, or else that of the first path, the
        newest first.
        """
        with self._database.reading() as db:
            reach = resolve_scope(db, scope)
            within, files = _documents_within(reach), reach.files()
            first = f"(SELECT min(f.path) FROM files f WHERE f.document = d.key {files.and_where})"
            embedded = "EXISTS (SELECT 1 FROM embedded WHERE document = d.key AND space = ?)"
            changed = "(SELECT f.mtime_ns / 1e9 FROM files f WHERE f.path = first)"
            newest = f"coalesce(d.dated, {changed}, d.read_at) DESC, " if order == "date" else ""
            sql = (
                f"SELECT {rows.DOCUMENT_COLUMNS}, d.segments, {embedded}, {first} AS first "
                f"FROM documents d {within.where} "
                f"ORDER BY {newest}first IS NULL, first, d.title, d.key LIMIT ? OFFSET ?"
            )
            found = db.execute(sql, (space, *files.values, *within.values, limit, offset)).fetchall()
            paths = _files_of(db, [each[0] for each in found], files)
            total = scalar(db, f"SELECT count(*) FROM documents d {within.where}", *within.values)
        return [rows.listed_from_row(each, tuple(paths.get(each[0], ()))) for each in found], total

    def modalities(self, scope: Scope) -> dict[Modality, int]:
        """How many documents of each modality lie within a scope."""
        with self._database.reading() as db:
            within = _documents_within(resolve_scope(db, scope))
            sql = f"SELECT d.modality, count(*) FROM documents d {within.where} GROUP BY d.modality ORDER BY d.modality"
            return dict(db.execute(sql, within.values).fetchall())

    def counts(self, scope: Scope, *, space: int | None = None) -> ScopeCounts:
        """How much a scope holds. Cheap enough for each search: remembered until the next commit.

        Pending are the documents without vectors in `space`; without a space, all of them.
        """

        def count(db: sqlite3.Connection) -> ScopeCounts:
            reach = resolve_scope(db, scope)
            documents, segments = _counted(db, reach)
            _, rooted = _counted(db, resolve_scope(db, scope.rooted))
            pending = _pending(db, reach, space) if space is not None else documents
            return ScopeCounts(documents=documents, segments=segments, excluded=rooted - segments, pending=pending)

        return self._remembered(("counts", scope, space), count)

    def active_counts(self, scope: Scope) -> ScopeCounts:
        """`counts` in the space that serves searches."""
        space = self.active_space()
        return self.counts(scope, space=space.id if space else None)

    def _remembered(self, key: object, ask: Callable[[sqlite3.Connection], CatalogResultT]) -> CatalogResultT:
        """What `ask` answers, kept under `key` until the next commit."""
        version = self._database.version
        known = self._known.get(key)
        if known and known[0] == version:
            return known[1]  # type: ignore[no-any-return]
        with self._database.reading() as db:
            answer = ask(db)
        if len(self._known) > 256:
            self._known.clear()
        self._known[key] = version, answer
        return answer

    # -- jobs -----------------------------------------------------------------------------------------------------

    def put_job(self, job: JobRow) -> None:
        """Insert or update. `started` is set once, `ended` when the state is no longer running."""
        now = time.time()
        ended = None if job.state == "running" else now
        what = (job.id, job.key, rows.without_surrogates(job.asked), job.state, rows.without_surrogates(job.outcome))
        with self._database.writing() as db:
            db.execute(
                f"INSERT INTO jobs({rows.JOB_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE "
                "SET asked = excluded.asked, state = excluded.state, outcome = excluded.outcome, "
                "attempts = excluded.attempts, reading = excluded.reading, ended = excluded.ended",
                (*what, job.attempts, os.fsencode(job.reading), now, ended),
            )
            db.execute("DELETE FROM jobs WHERE ended < ?", (now - JOB_DAYS * 86_400,))

    def job(self, id: str) -> JobRow | None:
        """A job of this or an earlier process."""
        with self._database.reading() as db:
            found = db.execute(f"SELECT {rows.JOB_COLUMNS} FROM jobs WHERE id = ?", (id,)).fetchone()
            return rows.job_from_row(found) if found else None

    def jobs(self, *, limit: int = 20) -> list[JobRow]:
        """The last jobs, newest first."""
        with self._database.reading() as db:
            sql = f"SELECT {rows.JOB_COLUMNS} FROM jobs ORDER BY started DESC, rowid DESC LIMIT ?"
            return [rows.job_from_row(each) for each in db.execute(sql, (limit,))]

    def running_jobs(self) -> list[JobRow]:
        """All jobs that have not ended, oldest first."""
        with self._database.reading() as db:
            sql = f"SELECT {rows.JOB_COLUMNS} FROM jobs WHERE state = 'running' ORDER BY started, rowid"
            return [rows.job_from_row(each) for each in db.execute(sql)]


# -- writing, within a transaction


def _write_document(db: sqlite3.Connection, document: Document) -> int:
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


def _write_segments(
    db: sqlite3.Connection, key: int, document: str, segments: Sequence[Segment]
) -> list[word_tables.HeadedText]:
    """Segments of a document in place of those that it has, without their words. What words are made of."""
    # The table `wholes` keeps no text of its own (FTS5's contentless form), so it can forget a document only when it is
    # told, word for word, what it was given. So its row goes first, while the old words are still there to say it.
    # Rows of `words` and `pairs` are deleted by triggers.
    word_tables.forget_whole(db, key)
    for table in ("segments", "vectors", "embedded", "attempts"):
        db.execute(f"DELETE FROM {table} WHERE document = ?", (key,))
    texts: list[word_tables.HeadedText] = []
    for ordinal, segment in enumerate(segments):
        if segment.document != document:
            raise ValueError(f"A segment of {segment.document} among those of {document}.")
        sql = (
            'INSERT INTO segments(document, ordinal, modality, page, start, "end", first, last) '
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING key"
        )
        at = int(scalar(db, sql, key, ordinal, segment.modality, *rows.row_from_place(segment.place)))
        frames, times = (json.dumps(values) if values else None for values in (segment.frames, segment.times))
        what = (at, segment.heading, segment.text, frames, segment.label, times, segment.turn)
        columns = "segment, heading, text, frames, label, times, turn"
        db.execute(f"INSERT INTO texts({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", what)
        texts.append(word_tables.headed(at, segment))
    db.execute("UPDATE documents SET segments = ? WHERE key = ?", (len(segments), key))
    return texts


def _mark_figures(db: sqlite3.Connection, key: int, figures: Collection[str]) -> None:
    """Note in which segments of a document pictures stand that are still to be read."""
    found = [stored.key for stored in _stored(db, Clause("d.key = ?", (key,))) if stored.segment.id in figures]
    db.executemany("INSERT INTO unread_figures(segment) VALUES (?)", [(segment,) for segment in found])


def _add_text(db: sqlite3.Connection, key: int, text: str) -> None:
    """Lines at the end of a segment's text, in all tables of words."""
    (stored,) = _stored(db, Clause("s.key = ?", (key,)))
    added = "\n".join(part for part in (stored.segment.text, text) if part)
    document, language = db.execute(
        "SELECT d.key, d.language FROM segments s JOIN documents d ON d.key = s.document WHERE s.key = ?", (key,)
    ).fetchone()
    word_tables.forget_words(db, document, key)
    db.execute("UPDATE texts SET text = ? WHERE segment = ?", (added, key))
    word_tables.write_words(db, document, [word_tables.headed(key, replace(stored.segment, text=added))], language)


def _point(db: sqlite3.Connection, file: File, key: int) -> int | None:
    """Let a path point at a document. The key that it pointed at before, whose document goes with its last path."""
    path = os.fsencode(file.path)
    before = scalar(db, "SELECT document FROM files WHERE path = ?", path)
    db.execute(
        "INSERT INTO files(path, document, size, mtime_ns, added_at, sidecars) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT(path) DO UPDATE SET document = excluded.document, size = excluded.size, "
        "mtime_ns = excluded.mtime_ns, sidecars = excluded.sidecars",
        (path, key, file.size, file.mtime_ns, time.time(), file.sidecars),
    )
    if before != key:
        word_tables.write_path(db, key, path)
    if before not in (None, key):
        _drop_orphans(db, {before})
    return before  # type: ignore[no-any-return]


def _keep_text(db: sqlite3.Connection, key: int, text: str) -> int | None:
    """Keep an inline text with its document. The key if it was kept already."""
    before = scalar(db, "SELECT document FROM inline_texts WHERE document = ?", key)
    db.execute(
        "INSERT OR REPLACE INTO inline_texts VALUES (?, ?)", (key, rows.without_surrogates(text).encode("utf-8"))
    )
    db.execute("UPDATE documents SET inline = 1 WHERE key = ?", (key,))
    return before  # type: ignore[no-any-return]


def _linked(before: int | None, key: int) -> Change:
    """What happened where a held document got a path that pointed at `before`."""
    if before is None:
        return "attached"
    return "unchanged" if before == key else "replaced"


def _drop_orphans(db: sqlite3.Connection, keys: Collection[int]) -> tuple[int, int]:
    """Delete those of the documents that have no path left and no inline text. How many documents and segments."""
    sql = (
        "DELETE FROM documents WHERE key IN (SELECT value FROM json_each(?)) AND NOT inline "
        "AND NOT EXISTS (SELECT 1 FROM files WHERE document = key) RETURNING segments"
    )
    gone = db.execute(sql, (json.dumps(list(keys)),)).fetchall()
    return len(gone), sum(segments for (segments,) in gone)


# -- reading, within a transaction


def _files_of(db: sqlite3.Connection, documents: Collection[str], within: Clause) -> dict[str, list[File]]:
    found: dict[str, list[File]] = {}
    sql = (
        f"SELECT {rows.FILE_COLUMNS} FROM {rows.FILE_TABLES} "
        f"WHERE d.id IN (SELECT value FROM json_each(?)) {within.and_where} ORDER BY f.path"
    )
    for each in db.execute(sql, (json_list(documents), *within.values)):
        file = rows.file_from_row(each)
        found.setdefault(file.document, []).append(file)
    return found


def _stored(db: sqlite3.Connection, condition: Clause) -> list[StoredSegment]:
    """Segments `s` of documents `d` that meet a condition, in order."""
    sql = (
        f"SELECT {rows.SEGMENT_COLUMNS} FROM {rows.SEGMENT_TABLES} WHERE {condition.sql} ORDER BY s.document, s.ordinal"
    )
    return [rows.segment_from_row(each) for each in db.execute(sql, condition.values)]


def _near(place: Place) -> Clause:
    """A condition that holds for all segments that overlap a place, and for few others."""
    if place.page is not None:
        return Clause("(s.page = ? OR s.page IS NULL)", (place.page,))
    return Clause()


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


def _vectors_within(
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


def _keys_within(db: sqlite3.Connection, reach: ResolvedScope) -> list[int]:
    """All segments of a scope."""
    source, condition = _segments_within(reach)
    sql = f"SELECT s.key FROM {source.sql} {condition.where}"
    return [key for (key,) in db.execute(sql, (*source.values, *condition.values))]


def _extent(db: sqlite3.Connection, reach: ResolvedScope, most: int) -> tuple[int, int]:
    source, condition = _segments_within(reach)
    sql = f"SELECT count(*) FROM (SELECT 1 FROM {source.sql} {condition.where} LIMIT ?)"
    allowed = scalar(db, sql, *source.values, *condition.values, most + 1)
    return int(allowed), int(scalar(db, "SELECT coalesce(max(key), 0) FROM segments"))


def _names(db: sqlite3.Connection, reach: ResolvedScope) -> dict[str, tuple[str, str]]:
    within, files = _documents_within(reach), reach.files()
    first = f"(SELECT min(f.path) FROM files f WHERE f.document = d.key {files.and_where})"
    sql = f"SELECT d.id, d.title, {first} FROM documents d {within.where}"
    found = db.execute(sql, (*files.values, *within.values))
    return {id: (title, os.fsdecode(path or b"")) for id, title, path in found}


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

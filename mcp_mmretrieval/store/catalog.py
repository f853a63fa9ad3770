"""What the library holds: files, documents, segments, words, vectors, jobs, in one SQLite file.

Thread-safe. Each method is one transaction: what it commits is on disk when it returns, and readers see all of it or
nothing. A full or failing disk raises LibraryUnavailable; reads go on.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_mmretrieval.concurrency.foreground import yield_to_foreground
from mcp_mmretrieval.store import document_tables, rows, scope_queries, vanished, word_tables
from mcp_mmretrieval.store.consistency import embed_unfilled_again, find_faults, mend_faults, unfilled_documents
from mcp_mmretrieval.store.counting import ScopeCounting
from mcp_mmretrieval.store.database import json_list, scalar
from mcp_mmretrieval.store.document_queries import (
    files_by_document,
    held_places,
    segments_overlapping,
    stored_documents,
    stored_files,
    stored_segments,
)
from mcp_mmretrieval.store.fulltext import QueryTerms
from mcp_mmretrieval.store.jobs import JobTable
from mcp_mmretrieval.store.records import (
    Change,
    Document,
    File,
    HeldPlace,
    RemovalCounts,
    StoredSegment,
    TermShares,
)
from mcp_mmretrieval.store.scope import Clause, Scope, path_ranges
from mcp_mmretrieval.store.soundalike import sound_terms
from mcp_mmretrieval.store.spaces import canonical_identity, is_half
from mcp_mmretrieval.store.stems import language_of
from mcp_mmretrieval.store.term_shares import absent_words, fewest_places, term_shares
from mcp_mmretrieval.store.tidying import tidy
from mcp_mmretrieval.store.vanished import VanishedFiles
from mcp_mmretrieval.store.word_plan import WordCounts, WordPlan, plan_words
from mcp_mmretrieval.store.word_search import (
    WordScope,
    listed_keys,
    matching_documents,
    matching_segments,
    sounding_segments,
)
from mcp_mmretrieval.store.write_ahead_log import stamp
from mcp_mmretrieval.types import Identity, Place, Segment, VectorKind

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors

STAGED_DAYS = 14
"""Days for which the segments of an unfinished file are kept."""

SEGMENTS_AT_ONCE = 50
"""Segments whose words are made between two looks whether somebody waits for an answer."""

FILES_AT_ONCE = 1_000
"""Files that are read in one transaction where many are asked for: a long one keeps SQLite's log from being cut."""

MAX_PLACES_REMEMBERED = 10_000
"""Places of segments that searches came to: some 3 MB."""

MAX_FIGURE_ATTEMPTS = 3
"""How often reading the pictures of a place is begun that never comes to an end."""


class Catalog(ScopeCounting, JobTable, VanishedFiles):
    """The database of one library."""

    def __init__(self, path: Path, on_commit: Callable[[], None] = lambda: None) -> None:
        """Open or make `catalog.db`. Raises LibraryUnavailable for a damaged or newer one, which stays as it is.

        `on_commit` is called after each commit but of bookkeeping, in the thread that committed.
        """
        super().__init__(path, on_commit)
        self._readings: dict[str, int] = {}
        self._read_with: dict[int, Identity] = {}

    @property
    def path(self) -> Path:
        """The database's file."""
        return self._database.path

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._database.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """What this thread asks meanwhile is answered by one state of the library, and sooner. Not for long.

        SQLite's log is not cut meanwhile. What the thread commits meanwhile it does not see.
        """
        with self._database.reading():
            yield

    def quick_check(self, stop: Callable[[], bool]) -> str:
        """What is wrong with the file, in words; empty where nothing is, or `stop` said so. Reads all of it."""
        return self._database.quick_check(stop)

    def stamp(self) -> None:
        """Mark the file as the one that what lies beside it belongs to: see `write_ahead_log`."""
        stamp(self._database)

    def tidy(self, go_on: Callable[[], bool] = lambda: True) -> bool:
        """Free the file of what was removed, step by step as long as `go_on`; whether that is done."""
        return tidy(self._database, go_on)

    def compact(self) -> bool:
        """Write a file of an earlier version anew, which could only grow; whether it was one."""
        return self._database.give_back_pages()

    def check(self) -> list[str]:
        """Where the catalog does not agree with itself; empty if it does. Reads everything."""
        return find_faults(self._database)

    def repair(self) -> list[str]:
        """Mend what `check` finds, as far as it can be made from the rest; what was done. Some faults may remain."""
        return mend_faults(self._database)

    def unfilled(self) -> int:
        """Documents that count as embedded in a space where they have no vector: as a rule, nothing gets one there."""
        return unfilled_documents(self._database)

    def embed_unfilled_again(self) -> int:
        """Let those documents wait for vectors once more; how many."""
        return embed_unfilled_again(self._database)

    # -- identities -----------------------------------------------------------------------------------------------

    def reading(self, identity: Identity) -> int:
        """The id of a way to read (splitter, OCR, speech), made where it is new."""
        name = canonical_identity(identity)
        if name not in self._readings:  # asked for each file, and never changed
            ask = "SELECT id FROM readings WHERE identity = ?"
            with self._database.reading() as db:  # as a rule it is known: nobody should wait for a writer, or be woken
                held = scalar(db, ask, name)
            if held is None:
                with self._database.writing("bookkeeping") as db:
                    db.execute("INSERT INTO readings(identity) VALUES (?) ON CONFLICT DO NOTHING", (name,))
                    held = scalar(db, ask, name)
            self._readings[name] = int(held)
        return self._readings[name]

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
            return next(iter(stored_files(db, Clause("f.path = ?", (os.fsencode(path),)))), None)

    def files_under(self, folder: str) -> Iterator[File]:
        """The file at `folder` or those below it, by path: some at a time, each as it is when its turn comes."""
        for low, high in path_ranges(folder):
            after = Clause("f.path >= ?", (low,))
            while True:
                with self._database.reading() as db:
                    found = stored_files(db, after & Clause("f.path < ?", (high,)), limit=FILES_AT_ONCE)
                yield from found
                if len(found) < FILES_AT_ONCE:
                    break
                after = Clause("f.path > ?", (os.fsencode(found[-1].path),))

    def holds_under(self, folder: str) -> bool:
        """Whether a file is held at `folder` or below it."""
        with self._database.reading() as db:
            sql = "SELECT 1 FROM files WHERE path >= ? AND path < ? LIMIT 1"
            return any(db.execute(sql, bounds).fetchone() for bounds in path_ranges(folder))

    def unheld(self, paths: Collection[str]) -> list[str]:
        """Those of the paths from which nothing was added."""
        with self._database.reading() as db:
            ask = "SELECT 1 FROM files WHERE path = ?"
            return [path for path in paths if not db.execute(ask, (os.fsencode(path),)).fetchone()]

    def paths(self, scope: Scope) -> list[str]:
        """All paths within a scope's folders, in order. Reads them all: for what nothing was found by."""
        with self._database.reading() as db:
            return scope_queries.paths_within(db, self._resolved(db, scope.rooted))

    def titled(self, title: str, scope: Scope) -> list[str]:
        """Whole ids of the documents within a scope that bear a title, whatever the case of its ASCII letters."""
        with self._database.reading() as db:
            titled = Clause("d.title = ? COLLATE NOCASE", (rows.without_surrogates(title),))
            within = titled & self._resolved(db, scope).holds("d.key")
            sql = f"SELECT d.id FROM documents d {within.where} ORDER BY d.key"
            return [id for (id,) in db.execute(sql, within.values)]

    def files_of(self, documents: Collection[str], scope: Scope | None = None) -> dict[str, list[File]]:
        """The files of each document, by path, in a scope's folders or in any; a document without one is left out."""
        with self._database.reading() as db:
            return files_by_document(db, documents, self._resolved(db, scope).files() if scope else Clause())

    def files_of_one(self, document: str) -> list[File]:
        """The files of one document, by path; empty where it has none or is not held."""
        return self.files_of([document]).get(document, [])

    def document(self, id: str) -> Document | None:
        """A held document by its whole id."""
        return self.documents([id]).get(id)

    def documents(self, ids: Collection[str]) -> dict[str, Document]:
        """Held documents by their whole ids; unknown ones are left out."""
        with self._database.reading() as db:
            return stored_documents(db, ids)

    def title_of(self, id: str) -> str:
        """Of a held document; empty for an unknown one."""
        with self._database.reading() as db:
            return scalar(db, "SELECT title FROM documents WHERE id = ?", id) or ""

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
        words = list[word_tables.SegmentWords]()
        for segment in new:  # before the transaction, in which others would wait
            words.append(word_tables.segment_words(segment, language))
            if len(words) % SEGMENTS_AT_ONCE == 0:
                yield_to_foreground()

        def write(db: sqlite3.Connection) -> Change:
            held = scalar(db, "SELECT key FROM documents WHERE id = ?", document.id)
            key = document_tables.write_document(db, document)
            same = held is not None and new == [
                each.segment for each in stored_segments(db, Clause("d.key = ?", (key,)))
            ]
            if same:
                document_tables.renew_fingerprints(db, key, new)
            else:
                document_tables.write_content(db, key, new, words, language=language, figures=figures)
            word_tables.write_title(db, key, *map(rows.without_surrogates, (document.title, document.keywords)))
            db.execute("DELETE FROM staged WHERE document = ?", (document.id,))
            db.execute("DELETE FROM vanished_documents WHERE id = ?", (document.id,))
            if file is not None:
                before = document_tables.point_path(db, file, key)
            else:
                before = document_tables.keep_inline_text(db, key, text or "")
            if held is None:
                return "added" if before is None else "replaced"
            return document_tables.linked_change(before, key) if same else "reread"

        return self._database.write_together(write)

    def attach(self, file: File, *, gone: Collection[str] = ()) -> Change | None:
        """One more path for a document that is held, or vanished and is kept; `gone` are paths of it that vanished.

        With one of these it is `moved`. What the path pointed at before goes if this was its last path (`replaced`).
        None: the document is neither.
        """
        with self._database.writing() as db:
            key = scalar(db, "SELECT max(key) FROM documents WHERE id = ?", file.document)
            if key is None:
                key = vanished.take_back(db, file.document)
            if key is None:
                return None
            before = document_tables.point_path(db, file, key)
            moved = 0
            for path in set(gone) - {file.path}:
                sql = "DELETE FROM files WHERE path = ? AND document = ?"
                moved += db.execute(sql, (os.fsencode(path), key)).rowcount
            return "moved" if moved and before is None else document_tables.linked_change(before, key)

    def remove_files(self, paths: Collection[str]) -> RemovalCounts:
        """Forget paths; documents go with their last one. Unknown paths count nothing.

        Of those that vanished before, what was kept goes too.
        """
        with self._database.writing() as db:
            files, keys = 0, set()
            for path in set(paths):
                for (key,) in db.execute("DELETE FROM files WHERE path = ? RETURNING document", (os.fsencode(path),)):
                    files += 1
                    keys.add(key)
            vanished.forget(db, paths)
            documents, segments = document_tables.drop_orphans(db, keys)
            return RemovalCounts(files=files, documents=documents, segments=segments)

    def see_on(self, devices: Mapping[str, int]) -> None:
        """Note the file systems on which held paths were seen, unchanged."""
        if not devices:
            return
        with self._database.writing("bookkeeping", durable=False) as db:
            sql = "UPDATE files SET device = ? WHERE path = ?"
            db.executemany(sql, [(device, os.fsencode(path)) for path, device in devices.items()])

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
            documents, segments = document_tables.drop_orphans(db, keys)
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
            return {stored.key: stored for stored in stored_segments(db, wanted)} if key is not None else {}

    def begin_figures(self, key: int) -> None:
        """Note that the pictures of a segment are about to be read: should that end the process, it is counted."""
        with self._database.writing() as db:
            db.execute("UPDATE unread_figures SET attempts = attempts + 1 WHERE segment = ?", (key,))

    def commit_figures(self, key: int, text: str) -> None:
        """Add what was read of the pictures of a segment, if it is still held. It keeps its key and its vectors."""
        with self._database.writing() as db:
            if db.execute("DELETE FROM unread_figures WHERE segment = ?", (key,)).rowcount and text:
                document_tables.append_text(db, key, rows.without_surrogates(text))

    def count_unread_figures(self, scope: Scope) -> int:
        """How many segments within a scope have pictures that are still to be read."""

        def count(db: sqlite3.Connection) -> int:
            held = self._resolved(db, scope).holds("s.document")
            sql = (
                "SELECT count(*) FROM unread_figures u CROSS JOIN segments s ON s.key = u.segment "
                f"WHERE u.attempts < {MAX_FIGURE_ATTEMPTS} {held.and_where}"
            )
            return int(scalar(db, sql, *held.values))

        return self._remembered(("figures", scope), count)

    # -- staging --------------------------------------------------------------------------------------------------

    def stage(self, document: str, reading: int, ordinal: int, segments: Sequence[Segment]) -> None:
        """Keep segments `ordinal`, `ordinal + 1`, ... of a long file still being read. Searches do not see them."""
        now = time.time()
        with self._database.writing("bookkeeping") as db:
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
            reach = self._resolved(db, scope)
            found = scope_queries.vectors_within(db, reach, space, kind, after)

            def within(keys: Sequence[int]) -> Collection[int]:
                # after a row come few vectors: they are looked up one by one, and not all keys of a modality read
                return scope_queries.visible_within(db, reach, keys) if after else scope_queries.keys_within(db, reach)

            wanted = within if reach.filters.modality else None
            return vectors.exact_nearest(found, vector, half=is_half(db, space), depth=depth, wanted=wanted)

    def visible(self, keys: Collection[int], scope: Scope) -> set[int]:
        """Those of the segments that are held and within the scope."""
        with self._database.reading() as db:
            return scope_queries.visible_within(db, self._resolved(db, scope), keys)

    def keys(self, scope: Scope) -> list[int]:
        """The keys of all segments within a scope; some perhaps twice."""
        with self._database.reading() as db:
            return scope_queries.keys_within(db, self._resolved(db, scope))

    # -- segments -------------------------------------------------------------------------------------------------

    def segments(self, keys: Collection[int]) -> dict[int, StoredSegment]:
        """The segments that are still held, by their keys."""
        wanted = Clause("s.key IN (SELECT value FROM json_each(?))", (json_list(keys),))
        with self._database.reading() as db:
            return {stored.key: stored for stored in stored_segments(db, wanted)}

    def places(self, keys: Collection[int]) -> dict[int, HeldPlace]:
        """Where the segments are that are still held, by their keys; remembered until the next commit."""
        known: dict[int, HeldPlace] = self._remembered("places", lambda _: {})
        held = {key: place for key in keys if (place := known.get(key))}
        if unknown := [key for key in keys if key not in held]:
            with self._database.reading() as db:
                found = held_places(db, unknown)
            if len(known) + len(found) > MAX_PLACES_REMEMBERED:
                known.clear()
            known.update(found)
            held |= found
        return held

    def segments_of(self, document: str) -> list[StoredSegment]:
        """All segments of one document, in order."""
        with self._database.reading() as db:
            return stored_segments(db, Clause("d.id = ?", (document,)))

    def segment_pages(self, document: str, *, at_once: int = 512) -> Iterator[list[StoredSegment]]:
        """The same, some at a time: those of a huge text are never in memory together."""
        first = 0
        while True:
            with self._database.reading() as db:
                some = (document, first, first + at_once - 1)
                page = stored_segments(db, Clause("d.id = ? AND s.ordinal BETWEEN ? AND ?", some))
            if not page:
                return
            yield page
            if len(page) < at_once:
                return
            first += at_once

    def around(self, key: int, *, reach: int = 1) -> list[StoredSegment]:
        """A segment and up to `reach` before and after it in its document, in order. Empty for an unknown key."""
        with self._database.reading() as db:
            found = db.execute("SELECT document, ordinal FROM segments WHERE key = ?", (key,)).fetchone()
            if not found:
                return []
            document, ordinal = found
            near = (document, ordinal - reach, ordinal + reach)
            return stored_segments(db, Clause("s.document = ? AND s.ordinal BETWEEN ? AND ?", near))

    def find(self, prefix: str, place: Place) -> list[StoredSegment]:
        """Segments of the documents whose id begins with `prefix` that overlap the place, in order."""
        with self._database.reading() as db:
            return segments_overlapping(db, prefix, place)

    # -- searching ------------------------------------------------------------------------------------------------

    def words(self, terms: QueryTerms, scope: Scope, *, depth: int) -> list[tuple[int, float]]:
        """Segment keys that hold any of the terms, best first, each with its bm25 as a share of the best possible.

        A document that is called so (title, keywords, names of files and folders that the scope may see) brings its
        first segment where no words do, and its words count for more. The measure is of the whole table, also where the
        scope allows only some of it, as FTS5's bm25 is.
        """
        plan, keys = self._plan(terms), self._listed(scope)
        with self._database.reading() as db:
            return matching_segments(db, plan, terms, WordScope(self._resolved(db, scope), keys), depth)

    def sounds(self, words: Sequence[str], scope: Scope, *, depth: int) -> list[tuple[int, float]]:
        """Keys of recordings and films whose words sound like these, best first, with shares as in `words`."""
        if not (terms := sound_terms(words)):
            return []
        keys = self._listed(scope)
        with self._database.reading() as db:
            return sounding_segments(db, self._word_counts(), terms, WordScope(self._resolved(db, scope), keys), depth)

    def names(self, scope: Scope) -> dict[str, tuple[str, str]]:
        """Title and first path of each document within a scope, by id; kept until the next commit.

        An inline text has an empty path.
        """
        return self._remembered(("names", scope), lambda db: scope_queries.names_within(db, self._resolved(db, scope)))

    def context(self, terms: QueryTerms, keys: Collection[int]) -> dict[int, float]:
        """By segment, where its document holds any of the terms, the document's share of the best possible."""
        plan = self._plan(terms)
        documents = {key: held.number for key, held in self.places(keys).items()}
        with self._database.reading() as db:
            return matching_documents(db, plan, documents)

    def term_shares(self, terms: QueryTerms, keys: Collection[int], scope: Scope) -> dict[int, TermShares]:
        """For each segment the share of the query's terms that it or its name holds, and that its document holds.

        Each term weighs by its rarity and counts once. Empty where the query has no terms.
        """
        plan = self._plan(terms)
        with self._database.reading() as db:
            return term_shares(db, plan, keys, self._resolved(db, scope))

    def fewest_places(self, terms: QueryTerms) -> int:
        """How many places hold the rarest of the terms."""
        return fewest_places(self._plan(terms))

    def absent_words(self, terms: QueryTerms, scope: Scope) -> list[str]:
        """The query's words that no place of a scope holds and no file there is called, in normal form."""
        plan = self._plan(terms)
        with self._database.reading() as db:
            return absent_words(db, plan, self._resolved(db, scope))

    def _listed(self, scope: Scope) -> Sequence[int] | None:
        return self._remembered(("keys", scope), lambda db: listed_keys(db, self._resolved(db, scope)))

    def _plan(self, terms: QueryTerms) -> WordPlan:
        return self._remembered(("words", terms), lambda db: plan_words(db, terms, self._word_counts()))

    def _word_counts(self) -> WordCounts:
        return self._remembered("counts of words", WordCounts)

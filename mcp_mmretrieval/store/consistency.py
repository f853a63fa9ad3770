"""Whether the catalog agrees with itself, and what of it can be made anew from the rest.

Documents, segments and their texts are what everything else is made from: of these only rows that belong to nothing
are removed. Words, totals and vectors are made again.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.store import totals, word_tables
from mcp_mmretrieval.store.database import Database, scalar

MAX_LINES = 20
"""Lines of SQLite's own words that are told."""
MAX_ROUNDS = 10
"""Times that rows without a parent are looked for: removing some may leave others without one."""

FTS_TABLES = ("words", "pairs", "names", "sounds")
"""The full-text tables that can compare their index with their rows."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that should be so."""

    find: Callable[[sqlite3.Connection], list[str]]
    """Where it is not so."""
    mend: Callable[[sqlite3.Connection], str] | None
    """Makes it so, and says what was done. None: nothing here can."""
    writes: bool = False
    """Whether `find` counts as writing for SQLite."""


def find_faults(database: Database) -> list[str]:
    """Where the catalog does not agree with itself; empty if it does. Reads everything."""
    return [fault for rule in RULES for fault in _found(database, rule)]


def mend_faults(database: Database) -> list[str]:
    """Mend what can be, and say what was done. What cannot is left as it is."""
    done = []
    for rule in RULES:
        if rule.mend is None or not _found(database, rule):
            continue
        try:
            with database.writing("contents") as db:
                done.append(rule.mend(db))
        except (sqlite3.Error, LibraryUnavailable) as error:
            done.append(f"could not be mended: {error}")
    return done


def unfilled_documents(database: Database) -> int:
    """Documents that count as embedded in a space where they have no vector: as a rule, nothing in them gets one."""
    with database.reading() as db:
        return int(scalar(db, f"SELECT count(DISTINCT document) FROM embedded e WHERE {_WITHOUT_VECTORS}"))


def embed_unfilled_again(database: Database) -> int:
    """Let those documents wait for vectors once more; how many."""
    with database.writing("contents") as db:
        sql = f"SELECT DISTINCT document FROM embedded e WHERE {_WITHOUT_VECTORS}"
        documents = [key for (key,) in db.execute(sql)]
        db.execute(f"DELETE FROM embedded AS e WHERE {_WITHOUT_VECTORS}")
        return len(documents)


_WITHOUT_VECTORS = "NOT EXISTS (SELECT 1 FROM vectors v WHERE v.document = e.document AND v.space = e.space)"


def _found(database: Database, rule: Rule) -> list[str]:
    try:
        with database.writing("bookkeeping") if rule.writes else database.reading() as db:
            return rule.find(db)
    except (sqlite3.Error, LibraryUnavailable) as error:
        return [str(error)]


# -- the file itself --------------------------------------------------------------------------------------------------


def _damage(db: sqlite3.Connection) -> list[str]:
    return [line for (line,) in db.execute(f"PRAGMA integrity_check({MAX_LINES})") if line != "ok"]


def _make_indexes_anew(db: sqlite3.Connection) -> str:
    db.execute("REINDEX")
    return "the indexes of the catalog's tables were made anew"


# -- rows that belong to nothing --------------------------------------------------------------------------------------


def _orphans(db: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Each table that refers to another, and which of its rows refer to nothing."""
    for table in [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()]:
        for _, _, parent, column, key, *_ in db.execute(f'PRAGMA foreign_key_list("{table}")').fetchall():
            there = f'SELECT 1 FROM "{parent}" p WHERE p."{key}" = "{table}"."{column}"'
            yield table, f'"{column}" IS NOT NULL AND NOT EXISTS ({there})'


def _rows_of_nothing(db: sqlite3.Connection) -> list[str]:
    found = Counter[str]()
    for table, lost in _orphans(db):
        found[table] += scalar(db, f'SELECT count(*) FROM "{table}" WHERE {lost}')
    return [f"{table}: {count:,} rows belong to nothing" for table, count in found.items() if count]


def _remove_rows_of_nothing(db: sqlite3.Connection) -> str:
    removed = 0
    for _ in range(MAX_ROUNDS):
        some = sum(db.execute(f'DELETE FROM "{table}" WHERE {lost}').rowcount for table, lost in _orphans(db))
        removed += some
        if not some:
            break
    return f"{removed:,} rows that belonged to nothing were removed"


# -- documents --------------------------------------------------------------------------------------------------------


def _documents_with_gaps(db: sqlite3.Connection) -> list[str]:
    sql = (
        "SELECT d.id, d.title, (SELECT min(path) FROM files WHERE document = d.key) FROM documents d WHERE d.segments "
        "<> (SELECT count(*) FROM segments s JOIN texts t ON t.segment = s.key WHERE s.document = d.key) LIMIT ?"
    )
    return [
        f"{os.fsdecode(path) if path else title} (document {id[:12]}) lacks places: remove it and add it again"
        for id, title, path in db.execute(sql, (MAX_LINES,))
    ]


# -- vectors ----------------------------------------------------------------------------------------------------------


def _bad_vectors(db: sqlite3.Connection) -> set[tuple[int, int]]:
    """Documents and spaces of rows of vectors that cannot be what was written."""
    lengths: dict[tuple[int, str], Counter[int]] = {}
    for space, kind, each, rows in db.execute(
        "SELECT space, kind, length(vectors) / max(count, 1), count(*) FROM vectors GROUP BY 1, 2, 3"
    ):
        lengths.setdefault((space, kind), Counter())[each] += rows
    usual = {lane: counted.most_common(1)[0][0] for lane, counted in lengths.items()}
    bad, of, segments = set[tuple[int, int]](), -1, frozenset[int]()
    sql = "SELECT document, space, kind, count, places, length(vectors) FROM vectors ORDER BY document"
    for document, space, kind, count, places, length in db.execute(sql):
        if document != of:
            keys = db.execute("SELECT key FROM segments WHERE document = ?", (document,))
            of, segments = document, frozenset(key for (key,) in keys)
        whole = count > 0 and len(places) == 16 * count and length == count * usual[space, kind]
        if not whole or not segments.issuperset(memoryview(places).cast("q")[::2].tolist()):
            bad.add((document, space))
    return bad


def _vectors_of_nothing(db: sqlite3.Connection) -> list[str]:
    bad = len({document for document, _ in _bad_vectors(db)})
    return [f"vectors: those of {bad:,} documents are damaged"] if bad else []


def _embed_again(db: sqlite3.Connection) -> str:
    bad = _bad_vectors(db)
    for lane in bad:
        db.execute("DELETE FROM vectors WHERE document = ? AND space = ?", lane)
        db.execute("DELETE FROM embedded WHERE document = ? AND space = ?", lane)
    return (
        f"the damaged vectors of {len({document for document, _ in bad}):,} documents were removed, and are made anew"
    )


# -- words ------------------------------------------------------------------------------------------------------------


def _wrong_words(db: sqlite3.Connection) -> list[str]:
    pairs = {
        "texts without words": "texts WHERE segment NOT IN (SELECT id FROM words_docsize)",
        "words without a text": "words_docsize WHERE id NOT IN (SELECT segment FROM texts)",
        "files without a name": "files WHERE path NOT IN (SELECT path FROM named WHERE path IS NOT NULL)",
    }
    return [
        f"words: {count:,} {what}"
        for what, rows in pairs.items()
        if (count := scalar(db, f"SELECT count(*) FROM {rows}"))
    ]


def _torn_words(table: str, db: sqlite3.Connection) -> list[str]:
    try:
        db.execute(f"INSERT INTO {table}({table}, rank) VALUES ('integrity-check', 1)")
    except sqlite3.DatabaseError as error:
        return [f"{table}: the full-text table is damaged ({error})"]
    return []


def _write_words_anew(db: sqlite3.Connection) -> str:
    word_tables.make_word_tables_anew(db)
    return "all words were written anew from the texts"


# -- totals -----------------------------------------------------------------------------------------------------------


def _count_anew(db: sqlite3.Connection) -> str:
    totals.count_anew(db)
    return "the totals were counted anew"


RULES = (
    Rule(_damage, _make_indexes_anew),
    Rule(_rows_of_nothing, _remove_rows_of_nothing),
    Rule(_documents_with_gaps, None),
    Rule(_vectors_of_nothing, _embed_again),
    Rule(_wrong_words, _write_words_anew),
    *(Rule(partial(_torn_words, table), _write_words_anew, writes=True) for table in FTS_TABLES),
    Rule(totals.wrong_totals, _count_anew),
)
"""In an order in which none is undone by those behind it."""

"""How much of a query stands at a place: which of its terms are held, and which are held nowhere."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Collection, Iterator, Sequence

from mcp_mmretrieval.store.database import json_list
from mcp_mmretrieval.store.records import TermShares
from mcp_mmretrieval.store.scope import ResolvedScope
from mcp_mmretrieval.store.word_plan import WordPlan
from mcp_mmretrieval.store.word_search import rows_among

OTHER_PLACES = 50
"""Places without any word of the query that rarity counts besides: in a library of one note no word is common."""

ROWS_WALKED = 200
"""Rows with a term that are walked through in the time of one look whether a certain row holds it."""
_WRITTEN = re.compile(r'"([^"]+)"')
"""A word in an FTS5 expression."""


def term_shares(
    db: sqlite3.Connection, plan: WordPlan, keys: Collection[int], reach: ResolvedScope
) -> dict[int, TermShares]:
    """For each segment the share of the query's terms that it or its name holds, and that its document holds.

    Of names those count that may be seen within `reach`.
    Each term weighs by its rarity, and counts once however often it stands there; unlike in bm25, terms that are
    rare in the language weigh something in a library of one note too. Empty where the query has no terms.
    """
    held, around = dict.fromkeys(keys, 0.0), dict.fromkeys(keys, 0.0)
    total = 0.0
    places = {table: plan.known.rows(db, table) for table in ("words", "pairs")}
    documents = _by_document(db, keys)
    names = _by_name(db, documents, reach)
    for table, term, count in _terms(plan):
        # inverse document frequency among the library's places and some more without the term
        weight = math.log((places[table] + OTHER_PLACES) / (count + 0.5))
        total += weight
        here = _holding(db, table, term, sorted(keys), count)
        near = set(here)
        if table == "words":
            called = plan.known.matches(db, "names", term, ROWS_WALKED * len(names) + 1) if names else 0
            for name in _holding(db, "names", term, sorted(names), called):
                here.update(documents[names[name]])
            near = here.copy()
            for document in _holding(db, "wholes", term, sorted(documents), count):
                near.update(documents[document])
        for key in here:
            held[key] += weight
        for key in near:
            around[key] += weight
    return {key: TermShares(held[key] / total, around[key] / total) for key in keys} if total else {}


def _holding(db: sqlite3.Connection, table: str, term: str, rows: Sequence[int], count: int) -> set[int]:
    """Which of some rows of a table hold a term; `count`: about how many of all rows do."""
    if not rows or not count:
        return set()
    if count <= ROWS_WALKED * len(rows):
        among = rows_among(table, rows)
        sql = f"SELECT rowid FROM {table} WHERE {table} MATCH ? {among.and_where}"
        return {row for (row,) in db.execute(sql, (term, *among.values))}
    sql = f"SELECT j.value FROM json_each(?) j CROSS JOIN {table} ON {table}.rowid = j.value WHERE {table} MATCH ?"
    return {row for (row,) in db.execute(sql, (json_list(rows), term))}


def _by_document(db: sqlite3.Connection, keys: Collection[int]) -> dict[int, list[int]]:
    """Those of some segments that are held, by the keys of their documents."""
    found: dict[int, list[int]] = {}
    sql = "SELECT s.document, s.key FROM json_each(?) j CROSS JOIN segments s ON s.key = j.value"
    for document, key in db.execute(sql, (json_list(keys),)):
        found.setdefault(document, []).append(key)
    return found


def _by_name(db: sqlite3.Connection, documents: Collection[int], reach: ResolvedScope) -> dict[int, int]:
    """The document of each title, and of each name of a file that may be seen within `reach`, by the name's row."""
    seen = reach.names()
    sql = f"SELECT n.id, n.document FROM json_each(?) j CROSS JOIN named n ON n.document = j.value {seen.where}"
    return dict(db.execute(sql, (json_list(documents), *seen.values)).fetchall())


def fewest_places(plan: WordPlan) -> int:
    """How many places hold the rarest of the terms."""
    return min((count for _, _, count in _terms(plan)), default=0)


def absent_words(db: sqlite3.Connection, plan: WordPlan, reach: ResolvedScope) -> list[str]:
    """The query's words that no place of a scope holds and no file there is called, in normal form."""
    missing = [term for table, term, _ in _terms(plan) if not _held_within(db, table, term, reach)]
    return list(dict.fromkeys(written[0] for term in missing if (written := _WRITTEN.findall(term))))


def _held_within(db: sqlite3.Connection, table: str, term: str, reach: ResolvedScope) -> bool:
    held = reach.holds("s.document") & reach.modality("s.modality")
    sql = (
        f"SELECT 1 FROM {table} CROSS JOIN segments s ON s.key = {table}.rowid "
        f"WHERE {table} MATCH ? {held.and_where} LIMIT 1"
    )
    if db.execute(sql, (term, *held.values)).fetchone():
        return True
    named = reach.names() & reach.holds("n.document")
    sql = f"SELECT 1 FROM names CROSS JOIN named n ON n.id = names.rowid WHERE names MATCH ? {named.and_where} LIMIT 1"
    return db.execute(sql, (term, *named.values)).fetchone() is not None


def _terms(plan: WordPlan) -> Iterator[tuple[str, str, int]]:
    """The table and the FTS5 expression of each term, and how many rows there hold it."""
    yield from (("words", term, count) for term, count in zip(plan.each, plan.counts, strict=True))
    yield from (("pairs", term, count) for term, count in zip(plan.each_pair, plan.pair_counts, strict=True))

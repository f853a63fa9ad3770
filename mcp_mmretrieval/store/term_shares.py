"""How much of a query stands at a place: which of its terms are held, and which are held nowhere."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Collection, Iterator

from mcp_mmretrieval.store.database import json_list
from mcp_mmretrieval.store.records import TermShares
from mcp_mmretrieval.store.scope import ResolvedScope
from mcp_mmretrieval.store.word_search import MAX_TERM_ROWS_COUNTED, WordPlan, count_matches, count_rows

OTHER_PLACES = 50
"""Places without any word of the query that rarity counts besides: in a library of one note no word is common."""

_HELD = {
    table: f"SELECT j.value FROM json_each(?) j CROSS JOIN {table} ON {table}.rowid = j.value WHERE {table} MATCH ?"
    for table in ("words", "pairs")
}
"""Which of some segments hold a term."""
_AROUND = (
    "SELECT s.key FROM json_each(?) j CROSS JOIN segments s ON s.key = j.value "
    "CROSS JOIN wholes ON wholes.rowid = s.document WHERE wholes MATCH ?"
)
"""Which of some segments stand in a document that holds a term."""
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
    given, total = json_list(keys), 0.0
    places = {table: count_rows(db, table) for table in _HELD}
    for table, term in _terms(plan):
        # inverse document frequency among the library's places and some more without the term
        weight = math.log((places[table] + OTHER_PLACES) / (count_matches(db, table, term) + 0.5))
        total += weight
        here = {key for (key,) in db.execute(_HELD[table], (given, term))}
        near = set(here)
        if table == "words":
            here.update(_called(db, given, term, reach))
            near = here.union(key for (key,) in db.execute(_AROUND, (given, term)))
        for key in here:
            held[key] += weight
        for key in near:
            around[key] += weight
    return {key: TermShares(held[key] / total, around[key] / total) for key in keys} if total else {}


def _called(db: sqlite3.Connection, keys: str, term: str, reach: ResolvedScope) -> set[int]:
    """Which of some segments (a JSON list) stand in a document whose title, or a file whose name, holds a term."""
    seen = reach.names()
    sql = (
        "SELECT s.key FROM json_each(?) j CROSS JOIN segments s ON s.key = j.value WHERE s.document IN "
        "(SELECT n.document FROM names CROSS JOIN named n ON n.id = names.rowid "
        f"WHERE names MATCH ? {seen.and_where} LIMIT {MAX_TERM_ROWS_COUNTED})"
    )
    return {key for (key,) in db.execute(sql, (keys, term, *seen.values))}


def fewest_places(db: sqlite3.Connection, plan: WordPlan) -> int:
    """How many places hold the rarest of the terms."""
    return min((count_matches(db, table, term) for table, term in _terms(plan)), default=0)


def absent_words(db: sqlite3.Connection, plan: WordPlan, reach: ResolvedScope) -> list[str]:
    """The query's words that no place of a scope holds and no file there is called, in normal form."""
    missing = [term for table, term in _terms(plan) if not _held_within(db, table, term, reach)]
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


def _terms(plan: WordPlan) -> Iterator[tuple[str, str]]:
    """The table and the FTS5 expression of each term."""
    yield from (("words", term) for term in plan.each)
    yield from (("pairs", term) for term in plan.each_pair)

"""What of a query is looked for in this library: its terms as FTS5 expressions, and how rare each is here."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import accumulate

from mcp_mmretrieval.store.bm25 import best_bm25, rarity
from mcp_mmretrieval.store.fulltext import MAX_QUERY_TERMS, QueryTerms

MAX_TERM_ROWS_COUNTED = 20_000
"""A term's rows are counted up to this number: only its logarithm matters."""
MAX_TERMS_WEIGHED = 2_000
"""Terms of a long query of which the rarest are chosen, and"""
MAX_ROWS_WEIGHED = 400
"""the rows up to which they are counted for that."""
MIN_SPLIT_ROWS = 5_000
"""Rows that hold any term from which on those with the most frequent term alone may be left out: 84 -> 37 ms of 300,000
segments."""

MAX_COUNTS_KEPT = 5_000
"""Expressions whose rows are known: people ask for the same words again and again."""

PHRASE = re.compile(r'(?:stems : )?"[^"]+"')
"""What bm25 counts by itself in an expression."""


class WordCounts:
    """What was counted in the tables of words since the contents changed last."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.languages = _languages(db)
        """Of the documents."""
        self._rows: dict[str, int] = {}
        self._matches: dict[tuple[str, str, int], int] = {}

    def rows(self, db: sqlite3.Connection, table: str) -> int:
        """How many rows a table has."""
        if table not in self._rows:  # walks through all of them
            self._rows[table] = int(db.execute(f"SELECT count(*) FROM {table}_docsize").fetchone()[0])
        return self._rows[table]

    def matches(self, db: sqlite3.Connection, table: str, match: str, most: int = MAX_TERM_ROWS_COUNTED) -> int:
        """As `count_matches`."""
        asked = (table, match, most)
        found = self._matches.get(asked)
        if found is None:
            if len(self._matches) >= MAX_COUNTS_KEPT:
                self._matches.clear()
            found = self._matches[asked] = count_matches(db, table, match, most)
        return found

    def rarities(
        self, db: sqlite3.Connection, table: str, each: Collection[str]
    ) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """How many rows of a table each expression matches, and how rare that is."""
        counts = tuple(self.matches(db, table, term) for term in each)
        return counts, tuple(rarity(count, self.rows(db, table)) for count in counts)


@dataclass(frozen=True, slots=True)
class FrequentTerm:
    """The most frequent term of a query."""

    expression: str
    rows: int
    """How many hold it, at least."""
    most: float
    """What it adds to a score at most."""
    others: tuple[str, ...]
    """Expressions of all others, the rarest first."""
    enough: tuple[int, ...]
    """How many rows hold the first, one of the first two, ... of these, at most; a frequent one is counted in part."""


@dataclass(frozen=True, slots=True)
class WordPlan:
    """What is looked for of a query, in a library as it is now."""

    known: WordCounts
    each: tuple[str, ...]
    """One expression a term, for tables of words."""
    counts: tuple[int, ...]
    """Rows of the table `words` that each matches: see `count_matches`."""
    rarities: tuple[float, ...]
    """Of these, there."""
    match: str
    frequent: FrequentTerm | None
    """Where the rows that hold it are many."""
    beside: tuple[str, ...]
    """One expression for each piece of the query that counts once more where it stands so in a text."""
    each_pair: tuple[str, ...]
    pair_counts: tuple[int, ...]
    pair_rarities: tuple[float, ...]
    best: float
    """The highest bm25 that a segment could have."""
    best_whole: float
    """The same of a whole document."""


def plan_words(db: sqlite3.Connection, terms: QueryTerms, known: WordCounts) -> WordPlan:
    """What to look for, by what the library holds: its languages, its numbers, and of a long query the rarest words."""
    languages = () if terms.english else known.languages
    replaced: set[int] = set()
    whole: list[str] = []
    for number in terms.joined:
        form = f'"{number.term.forms[0]}"'
        held = any(known.matches(db, table, form, 1) for table in ("words", "names"))
        if held and number.parts and not number.parts & replaced:
            replaced |= number.parts
            whole.append(number.term.expression())
    kept = {at: term.expression(languages) for at, term in enumerate(terms.terms) if at not in replaced}
    for at, expression in kept.items():
        other = terms.terms[at].respelt
        if other and not known.matches(db, "words", terms.terms[at].expression(), 1):
            kept[at] = f"({expression} OR {other})"
    kept = {at: kept[at] for at in _rarest(db, "words", kept, MAX_QUERY_TERMS - len(whole))}
    each = (*whole, *dict.fromkeys(kept.values()))
    pairs = dict(enumerate(terms.each_pair))
    each_pair = tuple(pairs[at] for at in _rarest(db, "pairs", pairs, MAX_QUERY_TERMS))
    counts, rarities = known.rarities(db, "words", each)
    pair_counts, pair_rarities = known.rarities(db, "pairs", each_pair)
    beside = terms.beside(set(kept))
    return WordPlan(
        known=known,
        each=each,
        counts=counts,
        rarities=rarities,
        match=" OR ".join([*each, *beside]),
        frequent=_frequent_term(db, each, counts, known),
        beside=beside,
        each_pair=each_pair,
        pair_counts=pair_counts,
        pair_rarities=pair_rarities,
        best=2.2 * (sum(rarities) + sum(pair_rarities)),
        best_whole=best_bm25((known.matches(db, "wholes", term) for term in each), known.rows(db, "wholes")),
    )


def _languages(db: sqlite3.Connection) -> list[str]:
    # from each to the next in the index, which has a row for each document
    sql = (
        "WITH RECURSIVE found(language) AS (SELECT min(language) FROM documents WHERE language > '' UNION ALL "
        "SELECT (SELECT min(language) FROM documents WHERE language > found.language) FROM found "
        "WHERE found.language IS NOT NULL) SELECT language FROM found WHERE language IS NOT NULL"
    )
    return [language for (language,) in db.execute(sql)]


def _rarest(db: sqlite3.Connection, table: str, expressions: dict[int, str], most: int) -> list[int]:
    """Which of the expressions to look for, in order: all, or those in the fewest rows, then those in none."""
    if len(expressions) <= most:
        return list(expressions)
    weighed = sorted(expressions, key=lambda at: -len(expressions[at]))[:MAX_TERMS_WEIGHED]
    found = {at: count_matches(db, table, expressions[at], MAX_ROWS_WEIGHED) for at in weighed}
    return sorted(sorted(weighed, key=lambda at: (not found[at], found[at]))[:most])


def count_matches(db: sqlite3.Connection, table: str, match: str, most: int = MAX_TERM_ROWS_COUNTED) -> int:
    """How many rows of a table of words an expression matches; of more than `most`, so many."""
    sql = f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {table} MATCH ? LIMIT ?)"  # one statement for all
    return int(db.execute(sql, (match, most)).fetchone()[0])


def _frequent_term(
    db: sqlite3.Connection, each: Sequence[str], counts: Sequence[int], known: WordCounts
) -> FrequentTerm | None:
    if len(each) < 2 or sum(counts) < MIN_SPLIT_ROWS:
        return None
    *others, (_, frequent) = sorted(zip(counts, each, strict=True))
    if counts.count(MAX_TERM_ROWS_COUNTED) > 1:  # the one whose first rows lie closest together
        frequent = min(
            (term for term, count in zip(each, counts, strict=True) if count == MAX_TERM_ROWS_COUNTED),
            key=lambda term: _last_of_first(db, term),
        )
        others = [(count, term) for count, term in sorted(zip(counts, each, strict=True)) if term != frequent]
    rows = known.rows(db, "words")
    held = [known.matches(db, "words", phrase, rows) for phrase in PHRASE.findall(frequent)]
    return FrequentTerm(
        expression=frequent,
        rows=max(held),
        most=best_bm25(held, rows),
        others=tuple(term for _, term in others),
        enough=tuple(accumulate(count for count, _ in others)),
    )


def _last_of_first(db: sqlite3.Connection, term: str) -> int:
    sql = f"SELECT max(rowid) FROM (SELECT rowid FROM words WHERE words MATCH ? LIMIT {MAX_ROWS_WEIGHED})"
    return int(db.execute(sql, (term,)).fetchone()[0])

"""Searching the tables of words: which segments, names and documents hold what is looked for, and how much of it."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mcp_mmretrieval.store.bm25 import rarity
from mcp_mmretrieval.store.database import json_list
from mcp_mmretrieval.store.fulltext import QueryTerms
from mcp_mmretrieval.store.scope import NEVER_CLAUSE, Clause, ResolvedScope
from mcp_mmretrieval.store.word_plan import MAX_TERM_ROWS_COUNTED, PHRASE, WordCounts, WordPlan

MAX_NAMES = 64
"""Files and titles whose names count in one search."""

MAX_NARROW_SEGMENTS = 3_000
"""Segments of a scope that has rarities of its own, at most: a long report, or a folder with a few."""
MAX_LISTED_SEGMENTS = 30_000
"""Segments of a scope that are looked up in a list of its keys: of more, each that holds a word is checked by itself.
At 20,000 the list takes 3 ms, and checking the 10,000 segments with a frequent word 15."""

HEADING_WEIGHT = 2.0
"""Weight of a word in the heading; a word in the text weighs 1."""
BESIDE_WEIGHT = 0.5
"""Weight of what stands beside the words: other forms of them, and in names and whole documents stems."""
STEM_WEIGHT = 1.0
"""Weight of a stem beside the words: as in English, whose forms are one in the tables."""
FOLDER_WEIGHT = 0.3
"""Weight of a word in the name of a folder; one in the name of the file or the title weighs 1."""
PATH_WEIGHT = 0.8
"""The same where folder and file together are called all that is asked for."""
NAME_WEIGHT = 0.5
"""What a name counts for that holds part of the query, as a share of what words in a segment lack of it; 0.3 and 0.7
gain less on pages, whose documents have titles."""
FULL_NAME_WEIGHT = 0.9
"""What one counts for that holds all of it: it was asked for by name."""
MIN_NAME_SHARE = 0.25
"""Of the query's words that a name has to hold to find a document alone."""
UNQUOTED_WEIGHT = 0.25
"""What the words of a query that asks for a phrase count for where the phrase is missing."""
MAX_PHRASE_ROWS = 1_000
"""Segments with a phrase that is asked for, at most."""

_WEIGHTS = {
    "words": f", {HEADING_WEIGHT}, 1.0, {BESIDE_WEIGHT}, {STEM_WEIGHT}",
    "pairs": "",
    "sounds": "",
    "wholes": f", 1.0, {BESIDE_WEIGHT}",
    "names": f", 1.0, {FOLDER_WEIGHT}, 1.0, {BESIDE_WEIGHT}",
}


def listed_keys(db: sqlite3.Connection, reach: ResolvedScope) -> Sequence[int] | None:
    """The segments of a limited scope, by key; None for more than `MAX_LISTED_SEGMENTS`."""
    if not reach.limited:
        return None
    documents, of_kind = reach.documents(), reach.modality("s.modality")
    sql = (
        f"SELECT s.key FROM (SELECT DISTINCT document FROM ({documents.sql})) r CROSS JOIN segments s "
        f"ON s.document = r.document {of_kind.where} LIMIT {MAX_LISTED_SEGMENTS + 1}"
    )
    keys = array("q", sorted(key for (key,) in db.execute(sql, (*documents.values, *of_kind.values))))  # is remembered
    return keys if len(keys) <= MAX_LISTED_SEGMENTS else None


@dataclass(frozen=True, slots=True)
class WordScope:
    """Where words are looked for."""

    reach: ResolvedScope
    keys: Sequence[int] | None = None
    """All segments of it, by key, where they are few: see `listed_keys`."""

    def holds(self, table: str) -> tuple[str, Clause]:
        """A source to join with rows of a table of words, and a condition, for those of the scope."""
        if self.keys is not None:
            return "", rows_among(table, self.keys)
        held = self.reach.holds("s.document") & self.reach.modality("s.modality")
        return ("" if self.reach.everything else f"CROSS JOIN segments s ON s.key = {table}.rowid"), held


def rows_among(table: str, keys: Sequence[int]) -> Clause:
    """A condition on rows of a table of words: one of these, in order. Each row that matches is looked up in them."""
    if not keys:
        return NEVER_CLAUSE
    # without the plus, FTS5 would search its index once for each key, which takes 40 us
    among = f"{table}.rowid BETWEEN ? AND ? AND +{table}.rowid IN (SELECT value FROM json_each(?))"
    return Clause(among, (keys[0], keys[-1], json_list(keys)))


# -- segments


def matching_segments(
    db: sqlite3.Connection, plan: WordPlan, terms: QueryTerms, scope: WordScope, depth: int
) -> list[tuple[int, float]]:
    """Segment keys that hold any of the terms, or whose document is called so, best first: see `Catalog.words`."""
    if scope.keys is not None and len(scope.keys) <= MAX_NARROW_SEGMENTS:
        scores = _narrow_scores(db, plan, scope, len(scope.keys))
    else:
        scores = {}
        pairs = " OR ".join(plan.each_pair)
        for found in (
            _best_words(db, plan, scope, depth) if plan.match else (),
            _matches(db, "pairs", pairs, scope, depth) if pairs else (),
        ):
            for key, score in found:
                scores[key] = scores.get(key, 0.0) + score
    if terms.quoted or terms.quoted_pairs:
        scores = _with_phrases(db, plan, terms, scope, scores)
    shares = {key: score / plan.best for key, score in scores.items()}
    _add_names(db, plan, scope.reach, shares)
    order = sorted(shares.items(), key=lambda item: (-item[1], item[0]))[:depth]
    return [(key, min(1.0, share)) for key, share in order]


def _best_words(db: sqlite3.Connection, plan: WordPlan, scope: WordScope, depth: int) -> list[tuple[int, float]]:
    """The best segments by words, as `_matches` finds them, without scoring what cannot be among them.

    MaxScore (Turtle & Flood 1995) for one term: `depth` segments score more by the rarest terms alone than the most
    frequent one can add, so none counts that holds only this one. FTS5 cannot be told that a term may be missing: rows
    with it and rows without it are asked for by themselves.
    """
    frequent = plan.frequent
    rare = next((at for at, rows in enumerate(frequent.enough) if rows >= depth), None) if frequent else None
    if frequent is None or rare is None or 2 * frequent.enough[rare] > frequent.rows:
        return _matches(db, "words", plan.match, scope, depth)
    first = _matches(db, "words", " OR ".join(frequent.others[: rare + 1]), scope, depth)
    if len(first) < depth or first[-1][1] <= frequent.most:
        return _matches(db, "words", plan.match, scope, depth)
    own = PHRASE.findall(frequent.expression)[0]
    lacking = [each for each in plan.beside if own not in PHRASE.findall(each)]
    found = [
        *_matches(db, "words", f"({_any([*frequent.others, *lacking])}) NOT {frequent.expression}", scope, depth),
        *_matches(db, "words", f"({_any([*frequent.others, *plan.beside])}) AND {frequent.expression}", scope, depth),
    ]
    return sorted(found, key=lambda one: (-one[1], one[0]))[:depth]


def _any(expressions: Sequence[str]) -> str:
    return " OR ".join(expressions)


def _narrow_scores(db: sqlite3.Connection, plan: WordPlan, scope: WordScope, segments: int) -> dict[int, float]:
    """Scores of the segments of a scope of few by how rare words are among these.

    Within one annual report the company's name, rare in the library, tells nothing. Each term counts by its rarity
    there, and for a segment by its bm25 as a share of the best segment's.
    """
    scores: dict[int, float] = {}
    total = 0.0
    pieces = [("words", each, 1) for each in plan.each] + [("words", each, 0) for each in plan.beside]
    for table, expression, asked in [*pieces, *(("pairs", each, 1) for each in plan.each_pair)]:
        found = _matches(db, table, expression, scope, segments)
        weight = rarity(len(found), segments)
        total += asked * weight
        for key, score in found:
            scores[key] = scores.get(key, 0.0) + weight * score / found[0][1]
    return {key: plan.best * score / total for key, score in scores.items()}


def _matches(db: sqlite3.Connection, table: str, match: str, scope: WordScope, depth: int) -> list[tuple[int, float]]:
    """The best of one table of words: segment keys and scores, more is better."""
    joined, held = scope.holds(table)
    sql = (
        f"SELECT {table}.rowid, -bm25({table}{_WEIGHTS[table]}) AS score FROM {table} {joined} "
        f"WHERE {table} MATCH ? {held.and_where} ORDER BY score DESC LIMIT ?"
    )
    return db.execute(sql, (match, *held.values, depth)).fetchall()


def _with_phrases(
    db: sqlite3.Connection, plan: WordPlan, terms: QueryTerms, scope: WordScope, scores: dict[int, float]
) -> dict[int, float]:
    """The scores where phrases are asked for: what has them all comes first, by far if they are most of the query."""
    holding: list[dict[int, float]] = []
    for table, phrases, any_of in (
        ("words", terms.quoted, plan.match),
        ("pairs", terms.quoted_pairs, " OR ".join(plan.each_pair)),
    ):
        for phrase in phrases:
            match = f"{phrase} AND ({any_of})" if any_of else phrase
            holding.append(dict(_matches(db, table, match, scope, MAX_PHRASE_ROWS)))
    found: dict[int, float] = {}
    for key in scores.keys() | set().union(*holding):
        score = min(plan.best, max(scores.get(key, 0.0), *(each.get(key, 0.0) for each in holding)))
        share = sum(key in each for each in holding) / len(holding)
        if not terms.phrase_asked:
            found[key] = score * (1.0 + share) / 2
        elif share == 1.0:
            found[key] = (score + plan.best) / 2
        else:
            found[key] = UNQUOTED_WEIGHT * score * (1.0 + share)
    return found


def sounding_segments(
    db: sqlite3.Connection, known: WordCounts, terms: Sequence[str], scope: WordScope, depth: int
) -> list[tuple[int, float]]:
    """Keys of recordings and films with words that sound like those asked for, best first: see `Catalog.sounds`."""
    found = _matches(db, "sounds", " OR ".join(terms), scope, depth)
    best = 2.2 * sum(known.rarities(db, "sounds", terms)[1]) if found else 1.0
    return [(key, min(1.0, score / best)) for key, score in found]


# -- names


def _add_names(db: sqlite3.Connection, plan: WordPlan, reach: ResolvedScope, shares: dict[int, float]) -> None:
    """Let the names of files and documents count: for what words found in them, and for the first place otherwise."""
    named = _named(db, plan, reach)
    if not named:
        return
    for key, document in _documents_of(db, shares).items():
        shares[key] += _name_evidence(named.get(document, 0.0)) * max(0.0, 1.0 - shares[key])
    of_kind = reach.modality("s.modality")
    sql = (
        "SELECT s.document, s.key, min(s.ordinal) FROM json_each(?) j CROSS JOIN segments s ON s.document = j.value "
        f"{of_kind.where} GROUP BY s.document"
    )
    for document, key, _ in db.execute(sql, (json_list(named), *of_kind.values)).fetchall():
        if named[document] >= MIN_NAME_SHARE:
            shares[key] = max(shares.get(key, 0.0), _name_evidence(named[document]))


def _name_evidence(share: float) -> float:
    return NAME_WEIGHT * share + (FULL_NAME_WEIGHT - NAME_WEIGHT) * share**4


def _named(db: sqlite3.Connection, plan: WordPlan, reach: ResolvedScope) -> dict[int, float]:
    """Documents whose names may be seen and hold words of the query: the share of it that they hold, by rarity."""
    held = reach.names() & reach.holds("n.document")
    sql = (
        "SELECT n.id, n.document FROM names CROSS JOIN named n ON n.id = names.rowid "
        f"WHERE names MATCH ? {held.and_where} ORDER BY bm25(names{_WEIGHTS['names']}) LIMIT {MAX_NAMES}"
    )
    terms = [*zip(plan.each, plan.rarities, strict=True), *zip(plan.each_pair, plan.pair_rarities, strict=True)]
    if not terms:
        return {}
    found = dict(db.execute(sql, (" OR ".join(term for term, _ in terms), *held.values)).fetchall())
    if not found:
        return {}
    total = sum(weight for _, weight in terms)
    called, foldered, missing = dict.fromkeys(found, 0.0), dict.fromkeys(found, 0.0), dict.fromkeys(found, 0)
    for term, weight in terms:
        holding = _holding(db, "{name pairs stems folders}", term) & called.keys()
        own = holding & _holding(db, "{name pairs stems}", term) if holding else holding
        for at in called:
            if at in own:
                called[at] += weight / total
            elif at in holding:
                foldered[at] += weight / total
            else:
                missing[at] += 1
    shares = {
        at: share + foldered[at] * (FOLDER_WEIGHT if missing[at] or not share else PATH_WEIGHT)
        for at, share in called.items()
    }
    best: dict[int, float] = {}
    for at, share in shares.items():
        best[found[at]] = max(share, best.get(found[at], 0.0))
    return best


def _holding(db: sqlite3.Connection, columns: str, term: str) -> set[int]:
    sql = f"SELECT rowid FROM names WHERE names MATCH ? LIMIT {MAX_TERM_ROWS_COUNTED}"
    return {at for (at,) in db.execute(sql, (f"{columns} : ({term})",))}


# -- documents


def matching_documents(db: sqlite3.Connection, plan: WordPlan, found: Mapping[int, int]) -> dict[int, float]:
    """By segment, the share of the terms that its document holds anywhere: see `Catalog.context`.

    `found`: the documents' keys by those of their segments.
    """
    if not plan.each:
        return {}
    among = rows_among("wholes", sorted(set(found.values())))
    sql = f"SELECT rowid, -bm25(wholes{_WEIGHTS['wholes']}) FROM wholes WHERE wholes MATCH ? {among.and_where}"
    scores = dict(db.execute(sql, (" OR ".join(plan.each), *among.values)).fetchall())
    return {key: min(1.0, scores[document] / plan.best_whole) for key, document in found.items() if document in scores}


def _documents_of(db: sqlite3.Connection, keys: Collection[int]) -> dict[int, int]:
    sql = "SELECT s.key, s.document FROM json_each(?) j CROSS JOIN segments s ON s.key = j.value"
    return dict(db.execute(sql, (json_list(keys),)).fetchall())

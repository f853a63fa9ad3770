"""What a match in full text is worth."""

import sqlite3

from mcp_mmretrieval.store.bm25 import best_bm25, rarity
from mcp_mmretrieval.store.fulltext import query_terms


def test_no_text_gets_more_than_the_best_score(table: sqlite3.Connection) -> None:
    match = query_terms("cancer deaths")
    count = "SELECT count(*) FROM words WHERE words MATCH ?"
    counts = [table.execute(count, (term,)).fetchone()[0] for term in match.each]
    (rows,) = table.execute("SELECT count(*) FROM words").fetchone()
    scores = table.execute("SELECT -bm25(words) FROM words WHERE words MATCH ?", (" OR ".join(match.each),)).fetchall()
    top = max(score for (score,) in scores)
    assert 0 < top <= best_bm25(counts, rows)


def test_a_rare_word_is_a_greater_part_of_the_best_score() -> None:
    assert best_bm25([1], 1000) > best_bm25([100], 1000) > best_bm25([900], 1000) > 0


def test_frequencies_that_outgrew_the_table_do_no_harm() -> None:
    assert best_bm25([12], 10) > 0
    assert best_bm25([], 10) == 0


def test_rarity_is_never_below_zero() -> None:
    assert rarity(1, 1000) > rarity(400, 1000) > rarity(1000, 1000) > 0

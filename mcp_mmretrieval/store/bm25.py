"""What a match in full text is worth: the rarity of a term, and the most that bm25 could give. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable


def rarity(found: int, rows: int) -> float:
    """FTS5's idf of a term that `found` of `rows` rows hold."""
    return max(math.log((rows - min(found, rows) + 0.5) / (found + 0.5)), 1e-6)


def best_bm25(frequencies: Iterable[int], rows: int) -> float:
    """What bm25 could give at most to a text that holds all terms: the measure for what a text did get.

    FTS5's bm25 (Robertson & Zaragoza 2009; k1 = 1.2) adds idf x tf x 2.2 / (tf + 1.2 x length) for each term, and no
    more than 2.2 idf. A word that no text holds counts too: a query half of whose words are unknown is half answered.
    `frequencies` are the rows that each of `QueryTerms.each` matches, of `rows` in the table.
    """
    return 2.2 * sum(rarity(found, rows) for found in frequencies)

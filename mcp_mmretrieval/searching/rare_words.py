"""Words that stand in few places: who asks for a name or a number alone means where it stands.

A vector model has no meaning for such a word, and yet some text is always the nearest to it. And bm25 gives a word less
the longer the passage is that holds it.
"""

from __future__ import annotations

from collections.abc import Iterable

from mcp_mmretrieval.searching.run import SearchRun
from mcp_mmretrieval.store import Catalog

FEW_WORDS = 2
"""Words of a query at most that ask for something: a longer one says what it means."""
FEW_PLACES = 3
"""Places that hold all of them at most: what stands in more is a word like others."""
RARE_WORDS_EVIDENCE = 0.5
"""What each of them counts for besides."""
_ALL = 0.999
"""Share of a query's words that is all of them."""


def places_of_rare_words(catalog: Catalog, run: SearchRun, found: Iterable[int]) -> dict[int, float]:
    """What the places count for besides that alone hold the words of the query of `run`, by key.

    Only where the embedder knows none of them: what it knows may be meant, and seen in a picture without words.
    `found`: those that the lane of words found, the best first.
    """
    if run.answering.state != "ready":
        return {}
    terms, written = run.query.terms, run.query.text.split()
    asked = written if len(written) == 1 else terms.words  # of XK-4711 the pieces are words
    if not 0 < len(asked) <= FEW_WORDS or terms.each_pair or catalog.fewest_places(terms) > FEW_PLACES:
        return {}
    if any(map(run.answering.embedder(0.0).has_word, asked)):
        return {}
    shares = catalog.term_shares(terms, list(found), run.scope)
    holding = [key for key, share in shares.items() if share.place >= _ALL]
    return dict.fromkeys(holding, RARE_WORDS_EVIDENCE) if len(holding) <= FEW_PLACES else {}

"""Words that stand in few places: who asks for a name or a number alone means where it stands.

A vector model has no meaning for such a word, and yet some text is always the nearest to it. And bm25 gives a word less
the longer the passage is that holds it.
"""

from __future__ import annotations

from collections.abc import Iterable

from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.searching.query import Query
from mcp_mmretrieval.searching.run import SearchRun
from mcp_mmretrieval.store import Catalog

MAX_RARE_WORDS = 2
"""Words of a query at most that ask for something: a longer one says what it means."""
FEW_PLACES = 3
"""Places that hold all of them at most: what stands in more is a word like others."""
RARE_WORDS_EVIDENCE = 0.5
"""What each of them counts for besides."""
_ALL = 0.999
"""Share of a query's words that is all of them."""


def untaught_words(query: Query, embedder: Embedder) -> tuple[str, ...]:
    """The words that a query asks for, where they are few and the embedder was taught none of them; else none.

    What it was taught may be meant otherwise, and be seen in a picture that says nothing.
    """
    written = query.text.split()
    asked = tuple(written) if len(written) == 1 else query.terms.words  # of XK-4711 the pieces are words
    if not 0 < len(asked) <= MAX_RARE_WORDS or query.terms.each_pair or any(map(embedder.has_word, asked)):
        return ()
    return asked


def places_of_rare_words(catalog: Catalog, run: SearchRun, found: Iterable[int]) -> dict[int, float]:
    """What the places count for besides that alone hold the rare words of the query of `run`, by key.

    `found`: those that the lane of words found, the best first.
    """
    terms = run.query.terms
    if not run.findings.rare_words or catalog.fewest_places(terms) > FEW_PLACES:
        return {}
    shares = catalog.term_shares(terms, list(found), run.scope)
    holding = [key for key, share in shares.items() if share.place >= _ALL]
    return dict.fromkeys(holding, RARE_WORDS_EVIDENCE) if len(holding) <= FEW_PLACES else {}

"""What a search asks for, as one object: its words are parsed once, and it is passed whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from mcp_mmretrieval.answers import MAX_QUERY_CHARACTERS, Filters
from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.searching.like import data_url_bytes
from mcp_mmretrieval.searching.pointers import Pointers, parse_pointers
from mcp_mmretrieval.searching.wording import line_items, without_instructions
from mcp_mmretrieval.store.fulltext import QueryTerms, query_terms
from mcp_mmretrieval.types import ALL_LANES, Lane

MAX_EXAMPLES = 8
"""Examples, and things to avoid, each: every one of them is read and compared."""


def refuse_long_query(text: str) -> None:
    """Raise BadArgument for words without end, which would take the whole time of a call."""
    if len(text) > MAX_QUERY_CHARACTERS:
        most = f"at most {MAX_QUERY_CHARACTERS:,} are taken"
        raise BadArgument(f"The query has {len(text):,} characters, and {most}: ask in fewer words.")


@dataclass(frozen=True, slots=True)
class _Words:
    """What a query says in words."""

    sought: str
    terms: QueryTerms
    pointers: Pointers


@lru_cache(maxsize=256)  # who waits for a turn to search has its words read before
def _read(text: str) -> _Words:
    pointers = parse_pointers(text)
    asked = without_instructions(pointers.rest)
    sought = f"{asked} {items}" if (items := line_items(asked)) else asked
    sought = sought if sought.strip(" .,;:!?") else text
    return _Words(sought, query_terms(sought), pointers)


def sought_in(text: str) -> str:
    """What a query in words looks for: see `Query.sought`."""
    return _read(text).sought


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Words, an example, or both, and what limits the search.

    Raises BadArgument where there is neither, and for words without end.
    """

    text: str = ""
    """In words; blank where nothing but the example is given."""
    like: tuple[str, ...] = ()
    """A path, id, citation or `data:` URL of each example."""
    avoid: tuple[str, ...] = ()
    """What to stay away from: such an example, or words."""
    limit: int = 8
    """Hits at most."""
    filters: Filters = Filters()
    rerank: bool | None = None
    """None leaves it to the profile."""
    deadline: float | None = None
    """Seconds for the whole search; None without one."""
    lanes: Sequence[Lane] = ALL_LANES
    """Where is looked."""
    sought: str = field(init=False)
    """What is looked for: the words without those that say where it stands and how to answer, with what a measure is
    computed from."""
    terms: QueryTerms = field(init=False)
    """What full text can find of it."""
    pointers: Pointers = field(init=False)
    """What of a document the words point at."""

    def __post_init__(self) -> None:
        if not self.has_words and not self.like:
            beside = " beside `avoid`, which says only what to stay away from" if self.avoid else ""
            raise BadArgument(
                f"Give a query in words, or `like`: a path, hit id, citation or `data:` URL; or both{beside}."
            )
        refuse_long_query(self.text)
        for name, given in (("like", self.like), ("avoid", self.avoid)):
            if len(given) > MAX_EXAMPLES:
                raise BadArgument(
                    f"{name}: {len(given)} are given, and at most {MAX_EXAMPLES} are compared with. "
                    "Give those that matter most."
                )
        for avoided in self.avoid:
            if data_url_bytes(avoided) is None:
                refuse_long_query(avoided)
        words = _read(self.text)
        object.__setattr__(self, "pointers", words.pointers)
        object.__setattr__(self, "sought", words.sought)
        object.__setattr__(self, "terms", words.terms)

    @property
    def has_words(self) -> bool:
        """Whether it asks in words."""
        return bool(self.text.strip())

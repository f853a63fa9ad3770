"""A query as one object: its words are parsed once, and asking for nothing is refused."""

import pytest

from mcp_mmretrieval.answers import MAX_QUERY_CHARACTERS
from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.searching.query import Query
from mcp_mmretrieval.store.fulltext import QueryTerms, query_terms
from mcp_mmretrieval.types import ALL_LANES


def test_the_words_are_parsed_when_the_query_is_made() -> None:
    query = Query(text="deaths from cancer")
    assert query.has_words
    assert query.terms == query_terms("deaths from cancer")
    assert query.terms.words == ("deaths", "cancer")


def test_an_example_needs_no_words() -> None:
    query = Query(text=" ", like=("red.png",))
    assert (query.has_words, query.terms) == (False, QueryTerms())


@pytest.mark.parametrize("text", ["", " \n"])
def test_neither_words_nor_an_example_is_refused(text: str) -> None:
    with pytest.raises(BadArgument, match="Give a query in words, or `like`"):
        Query(text=text)


def test_a_query_without_end_is_refused() -> None:
    assert Query(text="a" * MAX_QUERY_CHARACTERS).has_words
    with pytest.raises(BadArgument, match=r"8,001 characters, and at most 8,000 are taken: ask in fewer words"):
        Query(text="a" * (MAX_QUERY_CHARACTERS + 1))


def test_all_lanes_are_asked_unless_said() -> None:
    assert Query(text="red").lanes == ALL_LANES
    assert ALL_LANES[0] == "words"

"""A name or a number that few places hold is found there first; words that many hold, and long questions, are not."""

from pathlib import Path

import pytest

from mcp_mmretrieval.library import Library
from mcp_mmretrieval.searching import rare_words
from tests.support.calls import add
from tests.support.models import ColourEmbedder

FILLER = "The tide was late that day, and the crew waited on the quay for the boats to come in. " * 10


@pytest.fixture
def named(library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """One long passage that holds a name, and short ones that hold none."""
    monkeypatch.setattr(ColourEmbedder, "has_word", lambda _, word: word not in {"botekuz", "XK-4711"})
    (folder / "long.txt").write_text(f"{FILLER[:500]} botekuz, XK-4711 zebra {FILLER[:500]}", encoding="utf-8")
    for number in range(8):
        (folder / f"red {number}.txt").write_text(f"A red kite, number {number}.", encoding="utf-8")
    add(library)
    return library


def evidence(library: Library, query: str) -> dict[str, float]:
    return {hit.path.rpartition("/")[2]: hit.score for hit in library.search(query).hits}


@pytest.mark.parametrize("query", ["botekuz", "Who is botekuz?", "XK-4711"])
def test_the_place_that_alone_holds_a_name_comes_first_and_is_no_weak_hit(named: Library, query: str) -> None:
    first = named.search(query).hits[0]
    assert first.path.endswith("long.txt")
    assert first.match != "weak"


def test_it_counts_for_more_than_its_words_alone(named: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    with_it = evidence(named, "botekuz")["long.txt"]
    monkeypatch.setattr(rare_words, "FEW_PLACES", 0)
    assert with_it > evidence(named, "botekuz")["long.txt"] + 0.1


@pytest.mark.parametrize(
    "query",
    ["kite", "where was the crew that waited for botekuz on the quay", "botekuz kite", "zebra"],
    ids=["of many", "long", "half of it", "a word that the model knows"],
)
def test_what_many_hold_a_long_question_and_half_of_a_name_count_as_before(
    named: Library, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    counted = evidence(named, query)
    monkeypatch.setattr(rare_words, "RARE_WORDS_EVIDENCE", 0.0)
    assert counted == evidence(named, query)

"""How much of a query stands at a place, and which of its words stand nowhere."""

from __future__ import annotations

import pytest

from mcp_mmretrieval.answers import Filters
from mcp_mmretrieval.store import Catalog, Scope
from mcp_mmretrieval.store import term_shares as module
from mcp_mmretrieval.store.fulltext import query_terms
from mcp_mmretrieval.store.word_plan import WordCounts, plan_words
from tests.store.test_word_search import add
from tests.support.happenings import Happenings, rows_of

EVERYTHING = Scope()


@pytest.fixture
def reports(catalog: Catalog) -> Catalog:
    add(catalog, "boiler", "The pump of the boiler leaks.", "The boiler was serviced in May.")
    add(catalog, "garden", "A pump waters the garden.", path="/other/garden")
    return catalog


def shares(catalog: Catalog, query: str) -> list[tuple[float, float]]:
    """Of each segment, in order: what it holds and what its document holds."""
    keys = sorted(key for key, _ in catalog.words(query_terms("pump boiler may garden"), EVERYTHING, depth=9))
    found = catalog.term_shares(query_terms(query), keys, EVERYTHING)
    return [(round(found[key].place, 3), round(found[key].document, 3)) for key in keys]


def test_a_place_holds_its_words_and_its_document_holds_those_of_all_its_places(reports: Catalog) -> None:
    first, second, other = shares(reports, "leaks serviced")
    assert (first[1], second[1], other) == (1.0, 1.0, (0.0, 0.0))
    assert 0.0 < first[0] < 1.0


def test_a_rare_word_weighs_more_than_a_frequent_one(reports: Catalog) -> None:
    first, _, other = shares(reports, "pump leaks")
    assert first[0] == 1.0
    assert 0.0 < other[0] < 0.5


def test_a_name_holds_words_too(reports: Catalog) -> None:
    _, second, _ = shares(reports, "boiler serviced")
    assert second[0] == 1.0


def test_in_a_library_of_one_note_its_words_weigh_something(catalog: Catalog) -> None:
    add(catalog, "only", "The pump of the boiler leaks.")
    (key,) = (key for key, _ in catalog.words(query_terms("pump"), EVERYTHING, depth=9))
    half = catalog.term_shares(query_terms("pump zymurgy"), [key], EVERYTHING)[key].place
    assert 0.4 < half < 0.6
    assert catalog.term_shares(query_terms("?"), [key], EVERYTHING) == {}


def test_a_name_outside_of_a_scope_counts_for_nothing_within(reports: Catalog) -> None:
    add(reports, "boiler", "The pump of the boiler leaks.", "The boiler was serviced in May.", path="/other/secret")
    (key, *_) = (key for key, _ in reports.words(query_terms("leaks"), EVERYTHING, depth=9))
    query = query_terms("secret pump")
    assert reports.term_shares(query, [key], EVERYTHING)[key].place == 1.0
    assert reports.term_shares(query, [key], Scope(("/r",)))[key].place < 1.0
    assert reports.absent_words(query, EVERYTHING) == []
    assert reports.absent_words(query, Scope(("/r",))) == ["secret"]


def test_words_that_stand_nowhere_in_a_scope_are_named(reports: Catalog) -> None:
    query = query_terms("zymurgy garden pump")
    assert reports.absent_words(query, EVERYTHING) == ["zymurgy"]
    assert reports.absent_words(query, Scope(("/r",))) == ["zymurgy", "garden"]
    assert reports.absent_words(query, Scope(None, Filters(modality=("audio",)))) == ["zymurgy", "pump"]


def test_the_places_of_the_rarest_word_are_counted(reports: Catalog) -> None:
    assert reports.fewest_places(query_terms("pump boiler")) == 2
    assert reports.fewest_places(query_terms("pump serviced")) == 1


@pytest.mark.parametrize("walked", [0, 10**6])
def test_shares_are_those_of_looking_at_each_place_by_itself(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, walked: int
) -> None:
    monkeypatch.setattr(module, "ROWS_WALKED", walked)
    Happenings(catalog, 5).happen(120)
    documents = dict(rows_of(catalog, "SELECT key, document FROM segments"))
    keys = [key for key in documents if key % 4 == 0]
    scope = Scope(("/r",))
    for word in ("lighthouse", "keeper", "log", "f3", "one", "nowhere"):
        terms = query_terms(word)
        with catalog._database.reading() as db:
            plan = plan_words(db, terms, WordCounts(db))
            (term,) = plan.each
            match = "SELECT rowid FROM {0} WHERE {0} MATCH ?"
            held = {row for (row,) in db.execute(match.format("words"), (term,))}
            whole = {row for (row,) in db.execute(match.format("wholes"), (term,))}
            sql = (
                "SELECT n.document FROM named n LEFT JOIN files f ON f.path = n.path WHERE n.id IN "
                "(SELECT rowid FROM names WHERE names MATCH ?) AND (n.path IS NULL OR CAST(f.path AS TEXT) GLOB '/r/*')"
            )
            called = {row for (row,) in db.execute(sql, (term,))}
        for key, share in catalog.term_shares(terms, keys, scope).items():
            place = key in held or documents[key] in called
            assert (share.place, share.document) == (place, place or documents[key] in whole)

"""How much a scope holds is counted, and remembered until it changes."""

from mcp_mmretrieval.store import Catalog, Scope
from mcp_mmretrieval.store.fulltext import query_terms
from tests.support.rows import DIM, SPACE, embed, held, put

EVERYTHING = Scope()


def test_all_documents_are_pending_until_there_is_a_space_and_then_those_that_are_not_in_it(catalog: Catalog) -> None:
    for path in ("/r/a", "/r/b", "/s/c"):
        put(catalog, path)
    assert catalog.counts(EVERYTHING).pending == 3
    assert catalog.counts(Scope(("/r",))).pending == 2
    space = catalog.space(SPACE, dim=DIM)
    assert catalog.counts(EVERYTHING, space=space).pending == 3
    embed(catalog, space, held(catalog, "/r/a"))
    assert catalog.counts(EVERYTHING, space=space).pending == 2
    assert catalog.counts(Scope(("/r",)), space=space).pending == 1


def test_what_was_known_of_contents_that_have_changed_is_let_go_of(catalog: Catalog) -> None:
    put(catalog, "/r/a", ["a beacon"])
    for folder in ("/r", "/elsewhere"):
        catalog.names(Scope((folder,)))
        catalog.words(query_terms("beacon"), Scope((folder,)), depth=10)
    put(catalog, "/r/b", ["another beacon"])
    assert len(catalog.names(EVERYTHING)) == 2
    assert list(catalog._known) == [("names", EVERYTHING)]
    assert len(catalog.names(EVERYTHING)) == 2

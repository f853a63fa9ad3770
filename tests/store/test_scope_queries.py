"""What is counted, listed and compared within a scope."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mcp_mmretrieval.answers import Filters
from mcp_mmretrieval.store import Catalog, Scope, scope_queries
from tests.support.rows import DIM, SPACE, embed, held, pages, put, unit


def test_a_listing_by_date_begins_with_the_newest(tree: Catalog) -> None:
    document, file = tree.document(held(tree, "/r/one/b.wav")), tree.file("/r/one/b.wav")
    assert document is not None
    assert file is not None
    tree.commit_read(replace(document, dated=350.0), pages(document.id, ["a", "b"], modality="audio"), file=file)
    listed, _ = tree.listing(Scope(), order="date")
    titles = ["Note", "/s/d.png", "/r/one/b.wav", "/r/two/c.pdf", "/r/one/a.pdf"]
    assert [each.document.title for each in listed] == titles
    assert [each.document.title for each in tree.listing(Scope(), order="date", limit=2, offset=1)[0]] == titles[1:3]


def test_counts_follow_each_commit(tree: Catalog) -> None:
    before = tree.counts(Scope(), space=1)
    put(tree, "/r/new.pdf", ["x", "y"])
    after = tree.counts(Scope(), space=1)
    assert (after.documents - before.documents, after.segments - before.segments, after.pending) == (1, 2, 1)
    assert tree.counts(Scope(("/s",)), space=1).pending == 0
    assert tree.counts(Scope(("/r",)), space=1).pending == 1


def test_a_listing_is_paged_in_a_stable_order(tree: Catalog) -> None:
    whole, total = tree.listing(Scope())
    by_one = [tree.listing(Scope(), limit=1, offset=at)[0][0].document.id for at in range(total)]
    assert by_one == [each.document.id for each in whole]


def test_exact_search_agrees_with_arithmetic(catalog: Catalog) -> None:
    space = catalog.space(SPACE, dim=DIM)
    put(catalog, "/r/a", [f"{n}" for n in range(300)])
    vectors = embed(catalog, space, held(catalog, "/r/a"))
    query = unit(99, 1)
    similar = vectors @ query[0]
    expected = np.argsort(-similar)[:20]
    keys = [stored.key for stored in catalog.segments_of(held(catalog, "/r/a"))]
    ranked = catalog.exact(space, "text", query, Scope(), depth=20)
    assert [key for key, _ in ranked] == [keys[at] for at in expected]
    assert [score for _, score in ranked] == pytest.approx(similar[expected].tolist(), abs=1e-5)


def test_what_follows_a_row_is_narrowed_to_a_modality_without_reading_all_of_it(
    tree: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = Scope(filters=Filters(modality=("page",)))
    expected = {key for key, _ in tree.exact(1, "text", unit(7, 1), scope, depth=50)}
    monkeypatch.setattr(scope_queries, "keys_within", None)
    assert {key for key, _ in tree.exact(1, "text", unit(7, 1), scope, depth=50, after=-1)} == expected != set()
    assert tree.exact(1, "text", unit(7, 1), scope, depth=50, after=1_000) == []

"""Pages of a listing are the pages of one sorted list, however they are come to."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from mcp_mmretrieval.answers import ListOrder
from mcp_mmretrieval.store import Catalog, Scope, listing
from mcp_mmretrieval.types import Modality
from tests.support.happenings import SCOPES, Happenings, documents_within
from tests.support.rows import SPACE, fill, put

ORDERS: tuple[ListOrder, ...] = ("path", "date")


def sorted_ids(catalog: Catalog, scope: Scope, order: ListOrder) -> list[str]:
    """The whole listing, by its definition."""

    def rank(row: tuple[Any, ...]) -> tuple[Any, ...]:
        key, _, _, dated, title, read_at, _, path, mtime = row
        date = dated if dated is not None else read_at if path is None else mtime / 1e9
        return (-date if order == "date" else 0, path is None, path or b"", title.encode(), key)

    wanted = scope.filters.modality
    found = [row for row in documents_within(catalog, scope) if not wanted or row[2] in wanted]
    return [row[1] for row in sorted(found, key=rank)]


def page(catalog: Catalog, scope: Scope, order: ListOrder, limit: int, offset: int) -> list[str]:
    return [each.document.id for each in catalog.listing(scope, order=order, limit=limit, offset=offset)[0]]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", range(2))
def test_each_page_is_a_piece_of_the_whole(catalog: Catalog, seed: int, order: ListOrder) -> None:
    catalog.space(SPACE)
    happenings, random = Happenings(catalog, seed), Random(seed)
    for _ in range(2):
        happenings.happen(60)
        for scope in SCOPES:
            whole = sorted_ids(catalog, scope, order)
            assert catalog.listing(scope)[1] == len(whole)
            for limit, offset in [(50, 0), (3, 0), (3, 3), (3, 6), (3, max(0, len(whole) - 3)), (5, len(whole) + 1)]:
                assert page(catalog, scope, order, limit, offset) == whole[offset : offset + limit]
            limit, offset = random.randrange(1, 9), random.randrange(20)
            assert page(catalog, scope, order, limit, offset) == whole[offset : offset + limit]


@pytest.mark.parametrize("order", ORDERS)
def test_what_was_added_meanwhile_stands_in_its_place_on_the_next_page(catalog: Catalog, order: ListOrder) -> None:
    fill(catalog, 8)
    assert len(page(catalog, Scope(), order, 3, 0)) == 3
    put(catalog, "/r/a first one", mtime=99.0)
    assert page(catalog, Scope(), order, 3, 3) == sorted_ids(catalog, Scope(), order)[3:6]


def test_a_page_and_the_number_of_all_are_of_one_state(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(catalog, 3)
    modalities = catalog.modalities

    def modalities_before_a_commit(scope: Scope) -> dict[Modality, int]:
        found = modalities(scope)
        catalog.remove_files(["/r/f0", "/r/f1"])
        return found

    monkeypatch.setattr(catalog, "modalities", modalities_before_a_commit)
    found, held = catalog.listing(Scope())
    assert (len(found), held) == (3, 3)


def test_a_page_begins_where_the_last_one_ended(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(catalog, 30, each=1)
    walked: list[listing.OrderKey] = []
    real = listing._walk

    def walk(*given: Any, **named: Any) -> Any:
        for each in real(*given, **named):
            walked.append(each)
            yield each

    monkeypatch.setattr(listing, "_walk", walk)
    for order in ORDERS:
        for offset in range(0, 30, 5):
            walked.clear()
            assert len(page(catalog, Scope(), order, 5, offset)) == 5
            assert len(walked) == 5


def test_a_place_is_found_again_and_the_nearest_before_it() -> None:
    places = listing.Places()
    last = (0.0, False, b"/r/a", "", 1)
    assert places.before(7) == (0, None)
    for count in (10, 5, 10):
        places.remember(count, last)
    assert [places.before(count)[0] for count in (4, 5, 9, 10, 99)] == [0, 5, 5, 10, 10]
    assert len(places.ends) == 2

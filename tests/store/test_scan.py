"""Comparing with each vector of a copy finds what comparing with each vector of the catalog finds."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from mcp_mmretrieval.answers import Filters
from mcp_mmretrieval.store import Catalog, Scope, scan
from mcp_mmretrieval.store.scan import Scan
from mcp_mmretrieval.types import Modality
from tests.support.rows import DIM, SPACE, embed, fill, held, put, unit


@pytest.fixture(autouse=True)
def everything_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MAX_READ_VECTORS", 0)


def same(catalog: Catalog, scanned: Scan, space: int, scope: Scope, *, depth: int = 8, after: int = 0) -> None:
    """The best by the copy are the best by the vectors themselves."""
    for seed in range(1000, 1010):
        query = unit(seed, 1)
        found = scanned.nearest(space, "text", query, scope, depth=depth, after=after)
        exact = catalog.exact(space, "text", query, scope, depth=depth, after=after)
        assert [score for _, score in found] == pytest.approx([score for _, score in exact], abs=1e-4)
        assert len({key for key, _ in found} & {key for key, _ in exact}) >= 0.9 * len(exact)


def test_few_vectors_are_read_and_many_are_copied(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    space, _ = fill(catalog, 20)
    read = Mock(wraps=catalog.exact)
    monkeypatch.setattr(catalog, "exact", read)
    monkeypatch.setattr(scan, "MAX_READ_VECTORS", 99)
    Scan(catalog).nearest(space, "text", unit(0, 1), Scope(), depth=5)
    assert not read.called
    monkeypatch.setattr(scan, "MAX_READ_VECTORS", 100)
    Scan(catalog).nearest(space, "text", unit(0, 1), Scope(), depth=5)
    assert read.called


@pytest.mark.parametrize("listed", [0, 32_000])
def test_filters_hold_whether_keys_are_listed_or_looked_up(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, listed: int
) -> None:
    monkeypatch.setattr(scan, "MAX_LISTED_SCOPE", listed)
    space = catalog.space(SPACE, dim=DIM)
    kinds: tuple[Modality, ...] = ("page", "audio", "image")
    for number in range(120):
        path = f"/r/{number % 4}/{number}"
        put(catalog, path, ["a", "b", "c"], modality=kinds[number % 3], mtime=float(number))
        embed(catalog, space, held(catalog, path), seed=number, parts=2)
    scanned = Scan(catalog)
    for filters in (
        Filters(),
        Filters(under="/r/2"),
        Filters(modality=("audio",)),
        Filters(under="/r/1", modality=("image",), before=90.0),
        Filters(document=held(catalog, "/r/3/7")),
    ):
        same(catalog, scanned, space, Scope(("/r",), filters))
    assert scanned.nearest(space, "text", unit(0, 1), Scope(("/nowhere",)), depth=5) == []


def test_the_copy_keeps_up_with_what_is_added_and_removed(catalog: Catalog) -> None:
    space, _ = fill(catalog, 30)
    scanned = Scan(catalog)
    same(catalog, scanned, space, Scope())
    put(catalog, "/r/fresh", ["fresh"])
    vector = embed(catalog, space, held(catalog, "/r/fresh"), seed=77)
    key, score = scanned.nearest(space, "text", vector, Scope(), depth=3)[0]
    assert catalog.segments([key])[key].segment.text == "fresh"
    assert score == pytest.approx(1.0, abs=1e-4)
    catalog.remove_files(["/r/fresh", *(f"/r/f{number}" for number in range(25))])
    same(catalog, scanned, space, Scope(), depth=20)
    assert key not in dict(scanned.nearest(space, "text", vector, Scope(), depth=300))


def test_what_comes_after_a_row_is_found_alone(catalog: Catalog) -> None:
    space, _ = fill(catalog, 30)
    scanned = Scan(catalog)
    same(catalog, scanned, space, Scope())
    upto = scanned._copies[space, "text"].last_row
    assert scanned.nearest(space, "text", unit(0, 1), Scope(), depth=10, after=upto) == []
    fill(catalog, 3, root="/later")
    same(catalog, scanned, space, Scope(), after=upto)


def test_equal_vectors_stand_in_the_order_of_their_keys(catalog: Catalog) -> None:
    space = catalog.space(SPACE, dim=DIM)
    for number in range(4):
        put(catalog, f"/r/{number}", [f"page {number}"])
        embed(catalog, space, held(catalog, f"/r/{number}"), seed=1)
    found = [key for key, _ in Scan(catalog).nearest(space, "text", unit(1, 1), Scope(), depth=3)]
    assert found == sorted(found)


def test_too_many_vectors_are_read_as_before(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    space, _ = fill(catalog, 20)
    monkeypatch.setattr(scan, "MAX_COPIED_BYTES", 1)
    scanned = Scan(catalog)
    same(catalog, scanned, space, Scope())
    assert not scanned._copies


def test_copies_go_when_nobody_asks_or_most_of_them_is_gone(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    space, _ = fill(catalog, 20)
    scanned = Scan(catalog)
    same(catalog, scanned, space, Scope())
    scanned.tidy(idle=3600.0, held=100)
    assert len(scanned._copies[space, "text"]) == 100
    scanned.tidy(idle=0.0, held=100)
    assert not scanned._copies
    same(catalog, scanned, space, Scope())
    monkeypatch.setattr(scan, "COPY_BATCH_VECTORS", 10)
    scanned.tidy(idle=3600.0, held=40)
    assert not scanned._copies

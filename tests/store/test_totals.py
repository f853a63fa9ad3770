"""Totals that triggers keep are what counting anew gives, whatever happens."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_mmretrieval.store import Catalog
from mcp_mmretrieval.store.schema import TOTALS
from mcp_mmretrieval.store.totals import wrong_totals
from tests.support.happenings import SCOPES, Happenings, documents_within, rows_of
from tests.support.rows import SPACE, embed, fill, held, put


@pytest.mark.parametrize("seed", range(4))
def test_after_any_changes_they_are_what_counting_gives(catalog: Catalog, seed: int) -> None:
    happenings = Happenings(catalog, seed)
    catalog.space(SPACE)
    for _ in range(12):
        happenings.happen(15)
        with catalog._database.reading() as db:
            assert wrong_totals(db) == []
        assert rows_of(catalog, "SELECT count(*) FROM documents") != [(0,)]


@pytest.mark.parametrize("seed", range(3))
def test_what_a_scope_holds_is_what_its_documents_have(catalog: Catalog, seed: int) -> None:
    happenings = Happenings(catalog, seed)
    space = catalog.space(SPACE)
    for _ in range(2):
        happenings.happen(40)
        embedded = {key for (key,) in rows_of(catalog, "SELECT document FROM embedded WHERE space = ?", space)}
        segments = rows_of(catalog, "SELECT document, modality FROM segments")
        for scope in SCOPES:
            within = {key: modality for key, _, modality, *_ in documents_within(catalog, scope)}
            wanted = scope.filters.modality
            kept = [key for key, modality in segments if key in within and (not wanted or modality in wanted)]
            counts = catalog.counts(scope, space=space)
            assert counts.segments == len(kept)
            assert counts.documents == len(set(kept) if wanted else within)
            assert counts.pending == len(within.keys() - embedded)
            shown = [modality for modality in within.values() if not wanted or modality in wanted]
            assert catalog.modalities(scope) == {one: shown.count(one) for one in sorted(set(shown))}


@pytest.mark.parametrize("seed", range(3))
def test_what_lacks_vectors_comes_oldest_first_and_without_what_is_skipped(catalog: Catalog, seed: int) -> None:
    happenings = Happenings(catalog, seed)
    for _ in range(6):
        happenings.happen(20)
        for space in catalog.spaces():
            sql = (
                "SELECT id FROM documents WHERE key NOT IN (SELECT document FROM embedded WHERE space = ?) "
                "ORDER BY read_at, key"
            )
            waiting = [id for (id,) in rows_of(catalog, sql, space.id)]
            assert catalog.unembedded(space.id) == waiting
            assert catalog.unembedded(space.id, limit=2, skip=waiting[1:3]) == [waiting[0], *waiting[3:]][:2]


def test_what_the_index_lacks_is_counted_from_where_it_is(catalog: Catalog) -> None:
    space, _ = fill(catalog, 4, each=3)
    assert catalog.behind() == (12, 12)
    (half,) = rows_of(catalog, "SELECT id FROM vectors ORDER BY id LIMIT 1 OFFSET 1")
    catalog.follow(space, "text", half[0])
    assert catalog.behind() == (6, 12)
    catalog.remove_files(["/r/f0", "/r/f3"])
    assert catalog.behind() == (3 + 6, 6)


@pytest.mark.parametrize("table", TOTALS)
def test_a_check_tells_of_a_total_that_is_wrong(tmp_path: Path, table: str) -> None:
    catalog = Catalog(tmp_path / "other.db")
    space, _ = fill(catalog, 2)
    put(catalog, "/r/new")
    assert catalog.check() == []
    with catalog._database.writing() as db:
        db.execute(f"DELETE FROM {table}")
    assert len(catalog.check()) == 1
    assert table in catalog.check()[0]
    catalog.close()
    assert space


def test_a_space_that_is_dropped_leaves_nothing_waiting(catalog: Catalog) -> None:
    put(catalog, "/r/a")
    first, other = catalog.space(SPACE), catalog.space({"model": "other"})
    embed(catalog, other, held(catalog, "/r/a"))
    catalog.drop_space(other)
    assert rows_of(catalog, "SELECT space FROM pending") == [(first,)]
    assert catalog.embedded(other) == 0

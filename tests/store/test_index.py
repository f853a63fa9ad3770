from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from mcp_mmretrieval.answers import Filters
from mcp_mmretrieval.store import Scope, Store, VectorRows, index
from mcp_mmretrieval.types import Modality
from tests.support.rows import DIM, SPACE, agree, embed, fill, held, put, unit

PATIENCE = 60.0
"""Seconds after which a wait is a failure."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "library") as store:
        yield store


def ids_in_chroma(folder: Path) -> set[str]:
    """What a stranger finds in the closed index."""
    import chromadb

    client = chromadb.PersistentClient(str(folder))
    found = {id for collection in client.list_collections() for id in collection.get(include=[])["ids"]}
    client.close()  # type: ignore[attr-defined]  # of the class that it is
    return found


def test_the_index_answers_as_the_exact_scan_does(store: Store) -> None:
    space, vectors = fill(store.catalog, 60)
    assert store.index.wait(PATIENCE)
    agree(store, space, Scope())
    nearest = store.index.nearest(space, "text", vectors[17], Scope(), depth=1)
    assert nearest[0][1] == pytest.approx(1.0, abs=1e-5)
    status = store.index.status()
    assert (status.state, status.followed, status.total) == ("ready", 300, 300)


def test_filters_come_before_the_nearest(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "MAX_SCANNED_SEGMENTS", -1)  # so that the index has to answer, by depth
    space = store.catalog.space(SPACE, dim=DIM)
    kinds: tuple[Modality, ...] = ("page", "audio", "image")
    for number in range(120):
        path = f"/r/{number % 4}/{number}"
        put(store.catalog, path, ["a", "b", "c"], modality=kinds[number % 3], mtime=float(number))
        embed(store.catalog, space, held(store.catalog, path), seed=number, parts=2)
    assert store.index.wait(PATIENCE)
    for filters in (
        Filters(under="/r/2"),
        Filters(modality=("audio",)),
        Filters(after=60.0),
        Filters(under="/r/1", modality=("image",), before=90.0),
        Filters(document=held(store.catalog, "/r/3/7")),
    ):
        agree(store, space, Scope(("/r",), filters), depth=8)
    assert store.index.nearest(space, "text", unit(0, 1), Scope(("/nowhere",)), depth=5) == []


def test_what_was_just_committed_is_found_before_the_index_has_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, _ = fill(store.catalog, 40)
    assert store.index.wait(PATIENCE)
    monkeypatch.setattr(index, "UPSERT_DELAY_SECONDS", 3600.0)  # the follower rests from the next commit on
    put(store.catalog, "/r/fresh", ["fresh"])
    vectors = embed(store.catalog, space, held(store.catalog, "/r/fresh"), seed=77)
    key, score = store.index.nearest(space, "text", vectors, Scope(), depth=3)[0]
    assert store.catalog.segments([key])[key].segment.text == "fresh"
    assert score == pytest.approx(1.0, abs=1e-5)
    store.catalog.remove_files(["/r/fresh", "/r/f0"])
    keys = {key for key, _ in store.index.nearest(space, "text", vectors, Scope(), depth=300)}
    assert len(keys) == 39 * 5
    assert key not in keys


def test_a_library_that_has_grown_is_searched_by_the_index_though_comparing_was_better_before(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, _ = fill(store.catalog, 10)
    assert store.index.wait(PATIENCE)
    assert len(store.index.nearest(space, "text", unit(0, 1), Scope(), depth=100)) == 50
    fill(store.catalog, 60)
    assert store.index.wait(PATIENCE)
    asking = Mock(wraps=store.index._ask)
    monkeypatch.setattr(store.index, "_ask", asking)
    assert len(store.index.nearest(space, "text", unit(0, 1), Scope(), depth=100)) == 100
    assert asking.called


def test_removal_leaves_nothing_in_chroma(tmp_path: Path) -> None:
    with Store.open(tmp_path / "library") as store:
        fill(store.catalog, 10)
        put(store.catalog, "/r/f3", ["another content"])
        assert store.index.wait(PATIENCE)
        store.catalog.remove_files([file.path for file in store.catalog.files_under("/r") if file.path != "/r/f9"])
        assert store.index.wait(PATIENCE)
        kept = {f"{stored.key}.0" for stored in store.catalog.segments_of(held(store.catalog, "/r/f9"))}
    assert ids_in_chroma(tmp_path / "library" / "index") == kept


def test_two_spaces_never_mix_and_the_old_one_goes_after_the_swap(tmp_path: Path) -> None:
    with Store.open(tmp_path / "library") as store:
        old, vectors = fill(store.catalog, 20)
        new = store.catalog.space({"model": "wider"}, dim=3)
        for id in store.catalog.unembedded(new):
            keys = [stored.key for stored in store.catalog.segments_of(id)]
            rows = VectorRows(kind="text", segments=keys, parts=[0] * len(keys), vectors=unit(5, len(keys), 3))
            assert store.catalog.commit_embedded(id, new, [rows])
        assert store.index.wait(PATIENCE)
        agree(store, old, Scope())
        assert len(store.index.nearest(new, "text", unit(5, 1, 3), Scope(), depth=10)) == 10
        store.catalog.activate(new)
        store.catalog.drop_space(old)
        assert store.index.wait(PATIENCE)
        assert store.index.nearest(old, "text", vectors[0], Scope(), depth=10) == []
        assert len(store.index.nearest(new, "text", unit(5, 1, 3), Scope(), depth=10)) == 10
    assert len(ids_in_chroma(tmp_path / "library" / "index")) == 100


def test_kinds_of_vectors_have_their_own_lengths_and_lists(store: Store) -> None:
    space = store.catalog.space(SPACE, dim=DIM)
    put(store.catalog, "/r/a", ["a", "b"])
    id = held(store.catalog, "/r/a")
    keys = [stored.key for stored in store.catalog.segments_of(id)]
    text = VectorRows(kind="text", segments=keys, parts=[0, 0], vectors=unit(1, 2))
    picture = VectorRows(kind="picture", segments=keys[1:], parts=[0], vectors=unit(2, 1, 5))
    assert store.catalog.commit_embedded(id, space, [text, picture])
    assert store.index.wait(PATIENCE)
    assert [key for key, _ in store.index.nearest(space, "picture", unit(2, 1, 5), Scope(), depth=9)] == keys[1:]
    assert store.index.nearest(space, "sound", unit(2, 1, 5), Scope(), depth=9) == []


def test_an_index_lost_while_it_is_open_is_built_anew(store: Store) -> None:
    space, _ = fill(store.catalog, 20)
    assert store.index.wait(PATIENCE)
    shutil.rmtree(store.catalog.path.with_name("index"))
    put(store.catalog, "/r/later", ["later"])
    embed(store.catalog, space, held(store.catalog, "/r/later"), seed=1)
    agree(store, space, Scope())
    assert store.index.wait(PATIENCE)
    agree(store, space, Scope())
    assert (store.catalog.path.with_name("index") / "chroma.sqlite3").exists()

"""The index on a Chroma server: as one in a folder, and nothing lost or written twice whatever the server does."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from mcp_mmretrieval.config.index_address import IndexServer
from mcp_mmretrieval.errors import IndexUnavailable
from mcp_mmretrieval.store import IndexStatus, Scope, Store, VectorRows, index
from mcp_mmretrieval.store.backup import back_up, restore
from mcp_mmretrieval.store.fulltext import query_terms
from mcp_mmretrieval.store.server_index import ServerSession
from tests.support.chroma_server import ChromaFront, ChromaServer
from tests.support.rows import DIM, SPACE, agree, embed, fill, held, put, unit

PATIENCE = 60.0
KILLS = int(os.environ.get("TEST_CHROMA_KILLS", "5"))
"""Kills of the server while the index follows; a release run takes 30."""


@pytest.fixture(autouse=True)
def every_library_has_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "MAX_SCANNED_VECTORS", 0)
    monkeypatch.setattr(index, "UPSERT_DELAY_SECONDS", 0.0)
    monkeypatch.setattr(index, "MAX_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(index, "COMMIT_PAUSE_SECONDS", 0.02)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaServer]:
    """One server for many libraries."""
    server = ChromaServer(tmp_path_factory.mktemp("chroma") / "data")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ChromaServer]:
    """One that a test may kill."""
    server = ChromaServer(tmp_path / "data")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def front(server: ChromaServer) -> Iterator[ChromaFront]:
    front = ChromaFront(server.port)
    yield front
    front.close()


@pytest.fixture
def store(tmp_path: Path, front: ChromaFront) -> Iterator[Store]:
    with Store.open(tmp_path / "library", at(front)) as store:
        yield store


def at(place: ChromaServer | ChromaFront, **more: float) -> IndexServer:
    return IndexServer(origin=place.address, **more)  # type: ignore[arg-type]


def until(store: Store, hope: Callable[[IndexStatus], bool]) -> IndexStatus:
    """Wait for a status of the index."""
    end = time.monotonic() + PATIENCE
    while not hope(status := store.index.status()):
        assert time.monotonic() < end, status
        time.sleep(0.01)
    return status


def away(store: Store) -> str:
    """What is said once the server is away."""
    return until(store, lambda status: status.state == "away" and bool(status.note)).note


def ids_of(store: Store, server: ChromaServer) -> set[str]:
    """What a stranger finds on the server of this library."""
    return {id for name, ids in server.ids().items() if name.startswith(name_of(store)) for id in ids}


def name_of(store: Store) -> str:
    """What the names of the library's collections begin with."""
    claim = store.catalog.index_claim()
    assert claim is not None
    return claim.name


def ids_in_catalog(store: Store, space: int) -> set[str]:
    lanes = [kind for (each, kind) in store.catalog.lanes() if each == space]
    found = [store.catalog.next_vectors(space, kind, 0, limit=1 << 30)[1] for kind in lanes]
    return {f"{segment}.{part}" for places in found for segment, part in places.tolist()}


def asked_by_index(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on a search that compares with each vector fails."""

    def refuse(*_: object, after: int = 0, **__: object) -> list[tuple[int, float]]:
        assert after, "an exact scan of all"
        return []

    monkeypatch.setattr(store.index._scan, "nearest", refuse)


# -- as in a folder


def test_it_answers_as_the_exact_scan_does_and_as_the_index_in_a_folder_from_which_a_library_moves(
    tmp_path: Path, front: ChromaFront, server: ChromaServer
) -> None:
    hits, folder = [], tmp_path / "library" / "index"
    for place in (None, at(front)):
        with Store.open(tmp_path / "library", place) as store, pytest.MonkeyPatch.context() as patch:
            space, vectors = fill(store.catalog, 6, each=50)
            store.catalog.remove_files(["/r/f2"])
            assert store.index.wait(PATIENCE)
            agree(store, space, Scope())
            agree(store, space, Scope(("/r/f3", "/r/f4")))
            asked_by_index(store, patch)
            hits.append([store.index.nearest(space, "text", each, Scope(), depth=20) for each in vectors[::31]])
            status = store.index.status()
            assert (status.state, status.followed, status.total) == ("ready", 250, 250)
            assert folder.exists() is (place is None)
            if place is not None:
                assert ids_of(store, server) == ids_in_catalog(store, space)
    assert front.asked["query"]
    for one, other in zip(*hits, strict=True):
        assert [key for key, _ in one] == [key for key, _ in other]
        assert [score for _, score in one] == pytest.approx([score for _, score in other], abs=1e-5)


def test_it_is_told_where_the_index_is(store: Store, front: ChromaFront) -> None:
    fill(store.catalog, 3)
    assert store.index.wait(PATIENCE)
    assert store.index.status() == IndexStatus(
        state="ready", followed=15, total=15, server=front.address, note=store.index.status().note
    )


def test_libraries_share_a_server_and_what_is_removed_or_dropped_is_gone_from_it(
    store: Store, tmp_path: Path, front: ChromaFront, server: ChromaServer
) -> None:
    space, _ = fill(store.catalog, 6)
    with Store.open(tmp_path / "other", at(front)) as other:
        fill(other.catalog, 4)
        assert store.index.wait(PATIENCE)
        assert other.index.wait(PATIENCE)
        store.catalog.remove_files(["/r/f1"])
        new = store.catalog.space({"model": "wider"}, dim=3)
        for id in store.catalog.unembedded(new):
            keys = [stored.key for stored in store.catalog.segments_of(id)]
            rows = VectorRows(kind="text", segments=keys, parts=[0] * len(keys), vectors=unit(5, len(keys), 3))
            assert store.catalog.commit_embedded(id, new, [rows])
        store.catalog.activate(new)
        store.catalog.drop_space(space)
        assert store.index.wait(PATIENCE)
        assert ids_of(store, server) == ids_in_catalog(store, new)
        assert len(ids_of(store, server)) == 25
        assert ids_of(other, server) == ids_in_catalog(other, 1)
        agree(other, 1, Scope())


def test_a_library_that_became_small_leaves_nothing_on_the_server(
    store: Store, server: ChromaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store.catalog, 5)
    assert store.index.wait(PATIENCE)
    name = name_of(store)
    monkeypatch.setattr(index, "MAX_SCANNED_VECTORS", 32_000)
    store.index._wake.set()
    until(store, lambda status: status.state == "unneeded")
    assert not [each for each in server.ids() if each.startswith(name)]
    assert store.catalog.index_claim() is None


def test_what_a_server_takes_at_once_is_kept_to(store: Store, front: ChromaFront) -> None:
    caps = b'{"max_batch_size": 7}'
    front.rule = lambda _, path, __: (200, caps) if path.endswith("pre-flight-checks") else None
    space, _ = fill(store.catalog, 10)
    assert store.index.wait(PATIENCE)
    store.catalog.remove_files(["/r/f2", "/r/f3", "/r/f4"])
    assert store.index.wait(PATIENCE)
    assert front.largest == 7
    agree(store, space, Scope())


def test_a_server_that_gives_few_neighbours_answers_with_them_where_no_scan_can(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, vectors = fill(store.catalog, 20)
    assert store.index.wait(PATIENCE)
    monkeypatch.setattr(store.index._backend, "max_neighbours", 30)
    assert len(store.index.nearest(space, "text", vectors[0], Scope(), depth=50)) == 50  # by comparing with each
    store.index._looks.clear()
    monkeypatch.setattr(index, "MAX_SCANNED_WHILE_AWAY", 9)
    assert len(store.index.nearest(space, "text", vectors[0], Scope(), depth=50)) == 30


def test_a_slow_server_is_asked_no_deeper_once_the_seconds_of_a_search_are_over(
    tmp_path: Path, front: ChromaFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(tmp_path / "library", at(front, search_seconds=0.5)) as store:
        space, vectors = fill(store.catalog, 1)
        assert store.index.wait(PATIENCE)
        asked = front.asked["query"]
        front.rule = lambda _, path, __: time.sleep(0.2) if path.endswith("query") else None
        found = store.index.nearest(space, "text", vectors[0], Scope(), depth=10)  # more than there are: ever deeper
        assert 0 < len(found) < 10  # by comparing with each
        assert 0 < front.asked["query"] - asked <= 4
        store.index._looks.clear()
        monkeypatch.setattr(index, "MAX_SCANNED_WHILE_AWAY", 1)
        asked_by_index(store, monkeypatch)
        some = store.index.nearest(space, "text", vectors[0], Scope(), depth=10)
        assert [key for key, _ in some] == [key for key, _ in found]


# -- the server fails


def _has(count: int) -> Callable[[IndexStatus], bool]:
    return lambda status: status.followed >= count


def test_a_killed_server_costs_nothing_that_was_acknowledged_and_nothing_is_written_twice(
    tmp_path: Path, own_server: ChromaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "UPSERT_VECTORS", 40)
    front, chance = ChromaFront(own_server.port), random.Random(7)
    with Store.open(tmp_path / "library", at(front)) as store:
        space = store.catalog.space(SPACE, dim=DIM)
        for number in range(KILLS):
            for file in range(6):
                put(store.catalog, path := f"/r/{number}/{file}", [f"page {page}" for page in range(25)])
                vectors = embed(store.catalog, space, held(store.catalog, path), seed=100 * number + file)
            if number:
                own_server.start()
            until(store, _has(store.index.status().total - chance.randrange(20, 140)))
            own_server.kill()
            agree(store, space, Scope())
        assert store.catalog.words(query_terms("page"), Scope(), depth=5)
        own_server.start()
        assert store.index.wait(PATIENCE)
        assert store.index.status().followed == 150 * KILLS
        assert ids_of(store, own_server) == ids_in_catalog(store, space)
        assert set(front.upserted.values()) == {1}  # acknowledged once, each of them
        agree(store, space, Scope())
        exact = [store.index._scan.nearest(space, "text", each, Scope(), depth=10) for each in vectors]
        asked_by_index(store, monkeypatch)
        ours = [store.index.nearest(space, "text", each, Scope(), depth=10) for each in vectors]
        recalls = [len(dict(a).keys() & dict(b).keys()) / 10 for a, b in zip(ours, exact, strict=True)]
        assert np.mean(recalls) >= 0.98
    front.close()


def test_what_a_server_took_though_it_could_not_say_so_is_not_written_again(
    store: Store, front: ChromaFront, server: ChromaServer
) -> None:
    fill(store.catalog, 3)
    assert store.index.wait(PATIENCE)
    front.lose_next = "upsert"
    space, _ = fill(store.catalog, 3, root="/later")
    assert store.index.wait(PATIENCE)
    assert front.lose_next == ""
    assert ids_of(store, server) == ids_in_catalog(store, space)
    assert set(front.upserted.values()) == {1}


def test_an_emptied_server_gets_all_anew_under_another_name(
    tmp_path: Path, own_server: ChromaServer, caplog: pytest.LogCaptureFixture
) -> None:
    with Store.open(tmp_path / "library", at(own_server)) as store:
        space, _ = fill(store.catalog, 8)
        assert store.index.wait(PATIENCE)
        before = name_of(store)
        own_server.empty()
        put(store.catalog, "/r/later", ["later"])
        embed(store.catalog, space, held(store.catalog, "/r/later"), seed=1)
        agree(store, space, Scope())
        assert store.index.wait(PATIENCE)
        assert name_of(store) != before
        assert ids_of(store, own_server) == ids_in_catalog(store, space)
        assert f"The index is built anew: the collection {before}-1-text is gone" in caplog.text
        agree(store, space, Scope())


@pytest.mark.parametrize("harm", ["fewer", "other length", "others"])
def test_collections_that_are_not_as_the_catalog_says_are_made_anew(
    tmp_path: Path, server: ChromaServer, harm: str
) -> None:
    with Store.open(tmp_path / "library", at(server)) as store:
        space, _ = fill(store.catalog, 8)
        assert store.index.wait(PATIENCE)
        name = f"{name_of(store)}-1-text"
    collection, ids = server.ask("GET", f"/{name}"), list(server.ids()[name])
    if harm == "fewer":
        server.ask("POST", f"/{collection['id']}/delete", {"ids": ids[:1]})
    elif harm == "others":
        vectors = unit(99, len(ids)).tolist()
        server.ask("POST", f"/{collection['id']}/upsert", {"ids": ids, "embeddings": vectors})
    else:
        server.ask("DELETE", f"/{name}")
        collection = server.ask("POST", "", {"name": name, "metadata": collection["metadata"]})
        vectors = unit(1, len(ids), 3).tolist()
        server.ask("POST", f"/{collection['id']}/upsert", {"ids": ids, "embeddings": vectors})
    with Store.open(tmp_path / "library", at(server)) as store:
        assert store.index.wait(PATIENCE)
        assert name in store.index.status().note or harm == "others"
        assert store.index.status().note
        assert ids_of(store, server) == ids_in_catalog(store, space)
        agree(store, space, Scope())


def test_of_two_engines_with_one_catalog_each_ends_with_collections_of_its_own(
    tmp_path: Path, server: ChromaServer
) -> None:
    with Store.open(tmp_path / "library", at(server)) as store:
        fill(store.catalog, 4)
        assert store.index.wait(PATIENCE)
    shutil.copytree(tmp_path / "library", tmp_path / "copy")
    with Store.open(tmp_path / "library", at(server)) as one, Store.open(tmp_path / "copy", at(server)) as other:
        fill(one.catalog, 3, root="/one")
        fill(other.catalog, 2, root="/other")
        for store in (one, other):
            assert store.index.wait(PATIENCE)
            agree(store, 1, Scope())
        assert {len(ids_of(one, server)), len(ids_of(other, server))} == {35, 30}
        assert name_of(one) != name_of(other)


def test_an_old_copy_neither_goes_on_with_the_collections_nor_hinders_who_does(
    tmp_path: Path, server: ChromaServer
) -> None:
    with Store.open(tmp_path / "library", at(server)) as store:
        fill(store.catalog, 4)
        assert store.index.wait(PATIENCE)
    shutil.copytree(tmp_path / "library", tmp_path / "copy")
    names = list[str]()
    for folder in ("library", "copy", "library"):
        with Store.open(tmp_path / folder, at(server)) as store:
            fill(store.catalog, 1, root=f"/{len(names)}")
            assert store.index.wait(PATIENCE)
            assert ids_of(store, server) == ids_in_catalog(store, 1)
            names.append(name_of(store))
    assert names[0] == names[2] != names[1]


def test_an_engine_whose_collections_another_took_makes_its_own(store: Store, server: ChromaServer) -> None:
    space, _ = fill(store.catalog, 4)
    assert store.index.wait(PATIENCE)
    taken = f"{name_of(store)}-1-text"
    server.ask("PUT", f"/{server.ask('GET', f'/{taken}')['id']}", {"new_metadata": {"holder": "another"}})
    fill(store.catalog, 1, root="/later")
    assert store.index.wait(PATIENCE)
    assert taken in server.ids()  # it is the other's now
    assert not taken.startswith(name_of(store))
    assert ids_of(store, server) == ids_in_catalog(store, space)


def test_a_backup_does_not_go_on_with_the_collections_of_the_library(tmp_path: Path, server: ChromaServer) -> None:
    with Store.open(tmp_path / "library", at(server)) as store:
        space, _ = fill(store.catalog, 4)
        assert store.index.wait(PATIENCE)
        back_up(tmp_path / "library", tmp_path / "backup.db")
        fill(store.catalog, 4, root="/later")
        assert store.index.wait(PATIENCE)
    restore(tmp_path / "backup.db", tmp_path / "library")
    with Store.open(tmp_path / "library", at(server)) as store:
        assert store.catalog.index_claim() is None
        fill(store.catalog, 1, root="/other")
        assert store.index.wait(PATIENCE)
        assert ids_of(store, server) == ids_in_catalog(store, space)
        agree(store, space, Scope())


# -- the server is away


@pytest.mark.parametrize(
    ("status", "told"), [(401, "asks for a token"), (429, "says 429"), (503, "says 503"), (404, "has no /api/v2")]
)
def test_a_server_that_does_not_let_us_in_is_away_and_nothing_is_built_anew(
    store: Store, front: ChromaFront, status: int, told: str
) -> None:
    space, _ = fill(store.catalog, 4)
    assert store.index.wait(PATIENCE)
    claim = store.catalog.index_claim()
    front.rule = lambda *_: (status, b"")
    agree(store, space, Scope())
    fill(store.catalog, 2, root="/later")
    until(store, lambda status: status.state == "away" and told in status.note)
    agree(store, space, Scope())
    assert store.catalog.words(query_terms("page"), Scope(), depth=5)
    front.rule = lambda *_: None
    assert store.index.wait(PATIENCE)
    assert store.index.status().followed == 30
    assert store.index.status().note == ""
    assert store.catalog.index_claim() == claim
    agree(store, space, Scope())


def test_a_server_that_is_away_from_the_beginning_gets_all_later(tmp_path: Path, own_server: ChromaServer) -> None:
    own_server.kill()
    with Store.open(tmp_path / "library", at(own_server)) as store:
        space, _ = fill(store.catalog, 4)
        assert "nothing answers at" in away(store)
        agree(store, space, Scope())
        own_server.start()
        assert store.index.wait(PATIENCE)
        assert ids_of(store, own_server) == ids_in_catalog(store, space)


def test_one_search_waits_for_a_server_that_stands_still_and_no_other_does(
    tmp_path: Path, own_server: ChromaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(tmp_path / "library", at(own_server, search_seconds=0.3)) as store:
        space, _ = fill(store.catalog, 8)
        assert store.index.wait(PATIENCE)
        session = store.index._opened
        assert isinstance(session, ServerSession)
        asked = Mock(wraps=session._chroma.nearest)
        monkeypatch.setattr(session._chroma, "nearest", asked)
        own_server.stand_still()
        agree(store, space, Scope(), queries=20)
        assert asked.call_count == 1
        assert "did not answer within" in away(store)
        own_server.go_on()
        assert store.index.wait(PATIENCE)
        agree(store, space, Scope())


def test_a_server_that_is_slow_again_and_again_is_asked_less_and_less(
    store: Store, front: ChromaFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "MAX_PAUSE_SECONDS", 0.05)
    space, vectors = fill(store.catalog, 8)
    assert store.index.wait(PATIENCE)
    for failures in (1, 2, 3):
        front.rule = lambda _, path, __: (503, b"") if path.endswith("query") else None
        store.index.nearest(space, "text", vectors[0], Scope(), depth=3)
        away(store)
        front.rule = lambda *_: None
        until(store, lambda status: status.state == "ready")
        assert store.index._failures >= failures  # which the pause doubles with


def test_closing_does_not_wait_for_a_server_that_stands_still_and_nothing_is_lost(
    tmp_path: Path, own_server: ChromaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "SERVER_CLOSING_SECONDS", 0.2)
    with Store.open(tmp_path / "library", at(own_server)) as store:
        space, _ = fill(store.catalog, 4)
        assert store.index.wait(PATIENCE)
        own_server.stand_still()
        fill(store.catalog, 4, root="/later")
        session = store.index._opened
        assert isinstance(session, ServerSession)
        while not session._writing:
            time.sleep(0.001)
        began = time.monotonic()
    assert time.monotonic() < began + 30
    own_server.go_on()
    store.index._thread.join(PATIENCE)
    with Store.open(tmp_path / "library", at(own_server)) as store:
        assert store.index.wait(PATIENCE)
        assert ids_of(store, own_server) == ids_in_catalog(store, space)


def test_a_library_too_large_to_be_compared_with_says_that_its_index_is_away(
    store: Store, front: ChromaFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, vectors = fill(store.catalog, 20)
    assert store.index.wait(PATIENCE)
    monkeypatch.setattr(index, "MAX_SCANNED_WHILE_AWAY", 9)
    assert store.index.nearest(space, "text", vectors[0], Scope(), depth=3)
    front.rule = lambda *_: (503, b"")
    with pytest.raises(IndexUnavailable, match=r"more than 9 text vectors, too many to compare with each"):
        store.index.nearest(space, "text", vectors[0], Scope(), depth=3)
    away(store)
    with pytest.raises(IndexUnavailable, match="503"):
        store.index.nearest(space, "text", vectors[0], Scope(), depth=3)
    assert len(store.index.nearest(space, "text", vectors[0], Scope(("/r/f3",)), depth=9)) == 5


def test_what_a_server_acknowledged_and_does_not_show_is_compared_with_until_it_does(
    store: Store, front: ChromaFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, _ = fill(store.catalog, 8)
    assert store.index.wait(PATIENCE)
    front.rule = lambda _, path, __: (200, b'{"ids": []}') if path.endswith("/get") else None
    put(store.catalog, "/r/fresh", ["fresh"])
    vectors = embed(store.catalog, space, held(store.catalog, "/r/fresh"), seed=77)
    until(store, lambda _: bool(front.asked["get"] > 2))
    key, score = store.index.nearest(space, "text", vectors, Scope(), depth=3)[0]
    assert store.catalog.segments([key])[key].segment.text == "fresh"
    assert score == pytest.approx(1.0, abs=1e-5)
    assert store.index.status().followed < store.index.status().total
    front.rule = lambda *_: None
    assert store.index.wait(PATIENCE)

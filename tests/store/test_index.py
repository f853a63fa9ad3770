from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from mcp_mmretrieval.answers import Filters
from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.store import IndexStatus, Scope, Store, VectorRows, embedded_index, index, index_process
from mcp_mmretrieval.store.index_process import IndexProcess
from mcp_mmretrieval.types import Modality
from tests.support.rows import DIM, SPACE, agree, embed, fill, held, put, unit

PATIENCE = 60.0
"""Seconds after which a wait is a failure."""


@pytest.fixture(autouse=True)
def every_library_has_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "MAX_SCANNED_VECTORS", 0)
    monkeypatch.setattr(index, "UPSERT_DELAY_SECONDS", 0.0)


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


def test_filters_come_before_the_nearest(store: Store) -> None:
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


# -- the process


def process_of(store: Store) -> IndexProcess | None:
    """The process that has the index open."""
    opened = store.index._opened
    assert opened is None or isinstance(opened, IndexProcess)
    return opened


def folder(store: Store) -> Path:
    return store.catalog.path.with_name("index")


def settled(store: Store, state: str) -> None:
    """Wait until the index is in a state."""
    end = time.monotonic() + PATIENCE
    while store.index.status().state != state:
        assert time.monotonic() < end, store.index.status()
        time.sleep(0.01)


def children() -> set[str]:
    """Index processes that this one has started and that live."""
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    found = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    pids = [pid for each in found for pid in each.read_text().split()]
    return {pid for pid in pids if b"index_worker" in Path(f"/proc/{pid}/cmdline").read_bytes()}


def test_a_small_library_has_no_process_and_no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "MAX_SCANNED_VECTORS", 32_000)
    with Store.open(tmp_path / "library") as store:
        space, _ = fill(store.catalog, 30)
        assert store.index.wait(PATIENCE)
        agree(store, space, Scope())
        store.catalog.remove_files(["/r/f3", "/r/f4"])
        assert store.index.wait(PATIENCE)
        agree(store, space, Scope())
        assert store.index.status() == IndexStatus(state="unneeded", followed=0, total=140)
        assert children() == set()
        assert store.catalog.garbage() is None
        assert not folder(store).exists()


def test_a_library_gets_an_index_when_it_grows_and_loses_it_when_it_has_shrunk_much(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "MAX_SCANNED_VECTORS", 100)
    fill(store.catalog, 20)
    assert store.index.wait(PATIENCE)
    assert store.index.status().state == "unneeded"
    fill(store.catalog, 1, root="/more")
    assert store.index.wait(PATIENCE)
    assert store.index.status() == IndexStatus(state="ready", followed=105, total=105)
    assert len(children()) == 1
    store.catalog.remove_files([f"/r/f{number}" for number in range(5)])
    assert store.index.wait(PATIENCE)
    assert store.index.status() == IndexStatus(state="ready", followed=80, total=80)
    store.catalog.remove_files([f"/r/f{number}" for number in range(5, 7)])
    assert store.index.wait(PATIENCE)
    assert store.index.status() == IndexStatus(state="unneeded", followed=0, total=70)
    assert children() == set()
    assert not folder(store).exists()
    agree(store, 1, Scope())


def test_few_vectors_wait_for_more_and_many_do_not(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "UPSERT_DELAY_SECONDS", 3600.0)
    monkeypatch.setattr(index, "UPSERT_VECTORS", 100)
    monkeypatch.setattr(index, "COMMIT_PAUSE_SECONDS", 0.0)
    space, _ = fill(store.catalog, 21)
    end = time.monotonic() + PATIENCE
    while store.index.status().followed < 100:
        assert time.monotonic() < end
        time.sleep(0.01)
    fill(store.catalog, 2, root="/later")
    settled(store, "ready")
    status = store.index.status()
    assert status.followed < status.total == 115
    agree(store, space, Scope())


def test_an_index_that_lacks_too_much_is_not_asked(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    space, _ = fill(store.catalog, 20)
    assert store.index.wait(PATIENCE)
    process = process_of(store)
    assert process is not None
    asked = Mock(wraps=process.nearest)
    monkeypatch.setattr(process, "nearest", asked)
    monkeypatch.setattr(index, "UPSERT_DELAY_SECONDS", 3600.0)
    monkeypatch.setattr(index, "MAX_TAIL_VECTORS", 9)
    fill(store.catalog, 1, root="/near")
    agree(store, space, Scope())
    assert asked.called
    fill(store.catalog, 1, root="/far")
    end = time.monotonic() + PATIENCE
    while not store.index._far_behind:
        assert time.monotonic() < end
        time.sleep(0.01)
    asked.reset_mock()
    agree(store, space, Scope())
    assert not asked.called


def test_an_index_that_nobody_asks_rests_and_comes_back_with_the_next_question(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, _ = fill(store.catalog, 20)
    assert store.index.wait(PATIENCE)
    monkeypatch.setattr(index, "INDEX_IDLE_SECONDS", 0.0)
    store.index._wake.set()
    settled(store, "resting")
    assert children() == set()
    assert store.index.wait(PATIENCE)
    monkeypatch.setattr(index, "INDEX_IDLE_SECONDS", 3600.0)
    agree(store, space, Scope())  # by comparing with each
    settled(store, "ready")
    assert len(children()) == 1
    assert store.index.status().note == ""
    agree(store, space, Scope())


def test_an_index_closed_in_order_is_checked_by_a_sample_and_one_that_was_killed_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Mock(wraps=IndexProcess.open)
    monkeypatch.setattr(IndexProcess, "open", lambda self, *given, **named: opened(self, *given, **named))
    with Store.open(tmp_path / "library") as store:
        fill(store.catalog, 20)
        assert store.index.wait(PATIENCE)
        assert not (tmp_path / "library" / "index.closed").exists()
    assert (tmp_path / "library" / "index.closed").exists()
    with Store.open(tmp_path / "library") as store:
        assert store.index.wait(PATIENCE)
        assert not (tmp_path / "library" / "index.closed").exists()
        store.index._end()  # as a kill does
    with Store.open(tmp_path / "library") as store:
        assert store.index.wait(PATIENCE)
        assert store.index.status().note == ""
    assert [call.kwargs["sample"] for call in opened.mock_calls] == [True, False]


def test_a_process_that_is_killed_amid_questions_is_started_again_and_nothing_is_lost(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    space, _ = fill(store.catalog, 40)
    assert store.index.wait(PATIENCE)
    first = process_of(store)
    assert first is not None
    asking = threading.Thread(target=agree, args=(store, space, Scope()), kwargs={"queries": 100})
    asking.start()
    first._process.kill()
    asking.join()
    fill(store.catalog, 5, root="/later")
    assert store.index.wait(PATIENCE)
    agree(store, space, Scope())
    assert process_of(store) is not first
    assert store.index.status() == IndexStatus(state="ready", followed=225, total=225)
    assert "Searches compare with each vector, the index stopped: the index process ended with -9" in caplog.text
    assert "built anew" not in caplog.text


def test_a_process_that_is_killed_amid_an_upsert_is_started_again_and_nothing_is_lost(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, _ = fill(store.catalog, 20)
    assert store.index.wait(PATIENCE)
    process = process_of(store)
    assert process is not None
    process._process.send_signal(signal.SIGSTOP)  # so that the kill comes amid the upsert
    fill(store.catalog, 20, root="/later")
    while not process._writing:
        time.sleep(0.001)
    agree(store, space, Scope())
    process._process.kill()
    assert store.index.wait(PATIENCE)
    assert store.index.status().followed == 200
    agree(store, space, Scope())


def test_a_process_that_is_killed_whenever_it_checks_costs_a_new_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(tmp_path / "library") as store:
        space, _ = fill(store.catalog, 20)
        assert store.index.wait(PATIENCE)
    real = IndexProcess.open

    def killed(self: IndexProcess, *given: object, **named: object) -> str | None:
        self._process.send_signal(signal.SIGSTOP)
        threading.Timer(0.05, self._process.kill).start()
        return real(self, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(IndexProcess, "open", killed)
    with Store.open(tmp_path / "library") as store:
        assert store.index.wait(PATIENCE)
        assert store.index.status() == IndexStatus(
            state="ready", followed=100, total=100, note="the index process ended with -9"
        )
        agree(store, space, Scope())


def test_a_process_that_hangs_is_replaced_and_searches_do_not_wait_for_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_process, "HANG_SECONDS", 1.0)
    monkeypatch.setattr(index_process, "QUERY_SECONDS", 0.05)
    space, _ = fill(store.catalog, 20)
    assert store.index.wait(PATIENCE)
    process = process_of(store)
    assert process is not None
    process._process.send_signal(signal.SIGSTOP)
    agree(store, space, Scope())
    end = time.monotonic() + PATIENCE
    while process_of(store) in (process, None):
        assert time.monotonic() < end
        time.sleep(0.01)
    monkeypatch.setattr(index_process, "QUERY_SECONDS", 60.0)
    assert store.index.wait(PATIENCE)
    agree(store, space, Scope())


def test_closing_does_not_wait_for_a_process_that_hangs_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_process, "CLOSING_SECONDS", 0.2)
    with Store.open(tmp_path / "library") as store:
        space, _ = fill(store.catalog, 20)
        assert store.index.wait(PATIENCE)
        process = process_of(store)
        assert process is not None
        process._process.send_signal(signal.SIGSTOP)
        put(store.catalog, "/r/last")
        began = time.monotonic()
    assert time.monotonic() < began + index_process.HANG_SECONDS / 4
    assert not (tmp_path / "library" / "index.closed").exists()
    with Store.open(tmp_path / "library") as store:
        assert store.catalog.file("/r/last") is not None
        agree(store, space, Scope())


def test_an_index_whose_catalog_cannot_be_read_any_more_leaves_no_process(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store.catalog, 20)
    assert store.index.wait(PATIENCE)
    process = process_of(store)
    assert process is not None
    monkeypatch.setattr(store.catalog, "lanes", Mock(side_effect=LibraryUnavailable("a bad disk")))
    store.index.close()
    assert process._process.poll() is not None


def test_a_process_that_dies_again_and_again_has_a_damaged_index(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store.catalog, 20)
    assert store.index.wait(PATIENCE)
    for _ in range(embedded_index.MAX_INDEX_DEATHS):
        process = process_of(store)
        assert process is not None
        process._process.kill()
        process._process.wait()
        while process_of(store) is process:
            store.index.nearest(1, "text", unit(0, 1), Scope(), depth=5)
            time.sleep(0.01)
        assert store.index.wait(PATIENCE)
    assert store.index.status().note == "the index process ended with -9"
    assert store.index.status().followed == 100


def test_upserts_give_way_to_searches_a_rebuild_too(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    busy, looked = threading.Event(), threading.Semaphore(0)

    def is_busy() -> bool:
        looked.release()
        return busy.is_set()

    monkeypatch.setattr(index, "foreground_is_busy", is_busy)
    monkeypatch.setattr(index, "UPSERT_YIELD_SECONDS", 3600.0)
    busy.set()
    fill(store.catalog, 20)
    for _ in range(3):
        assert looked.acquire(timeout=PATIENCE)
    assert store.index.status() == IndexStatus(state="building", followed=0, total=100)
    busy.clear()
    assert store.index.wait(PATIENCE)
    busy.set()
    monkeypatch.setattr(index, "UPSERT_YIELD_SECONDS", 0.0)  # under any number of searches it goes on
    fill(store.catalog, 20, root="/later")
    assert store.index.wait(PATIENCE)


def test_an_index_that_became_a_link_is_made_anew_and_the_link_is_not_followed(tmp_path: Path) -> None:
    folder, moved = tmp_path / "library" / "index", tmp_path / "moved"
    with Store.open(tmp_path / "library") as store:
        fill(store.catalog, 10)
        assert store.index.wait(PATIENCE)
    folder.rename(moved)
    folder.symlink_to(moved)
    before = sorted((path.name, path.stat().st_mtime_ns) for path in moved.rglob("*"))
    with Store.open(tmp_path / "library") as store:
        assert store.index.wait(PATIENCE)
        assert store.index.status().state == "ready"
    assert not folder.is_symlink()
    assert sorted((path.name, path.stat().st_mtime_ns) for path in moved.rglob("*")) == before


def test_where_none_is_needed_what_lies_in_its_place_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "MAX_SCANNED_VECTORS", 32_000)
    library = tmp_path / "library"
    library.mkdir()
    (library / "index").symlink_to(tmp_path / "nothing")
    with Store.open(library) as store:
        assert store.index.wait(PATIENCE)
        assert store.index.status().state == "unneeded"
    assert not (library / "index").is_symlink()

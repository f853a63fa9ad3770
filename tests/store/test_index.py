from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from mcp_mmretrieval.answers import Filters
from mcp_mmretrieval.store import Document, File, Scope, Store, VectorRows, chroma, index
from mcp_mmretrieval.types import Modality
from tests.support.rows import DIM, READING, SPACE, embed, fill, held, pages, put, sha, unit

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


def agree(store: Store, space: int, scope: Scope, *, depth: int = 20, queries: int = 10) -> None:
    """The index answers as the exact scan does: nine in ten of the same segments, each with its own similarity."""
    same = 0
    for seed in range(1000, 1000 + queries):
        query = unit(seed, 1)
        indexed = store.index.nearest(space, "text", query, scope, depth=depth)
        exact = dict(store.catalog.exact(space, "text", query, scope, depth=10**6))
        best = sorted(exact.values(), reverse=True)[:depth]
        assert len(indexed) == len(best)
        assert [score for _, score in indexed] == sorted((score for _, score in indexed), reverse=True)
        for key, score in indexed:
            assert score == pytest.approx(exact[key], abs=1e-4)
        same += len({key for key, _ in indexed} & set(list(exact)[:depth]))
    assert same >= 0.9 * queries * len(best)


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


def test_equal_vectors_are_no_sign_of_damage(tmp_path: Path) -> None:
    with Store.open(tmp_path / "library") as store:
        space = store.catalog.space(SPACE, dim=DIM)
        id = sha("blank")
        document = Document(id=id, modality="page", reading=store.catalog.reading(READING))
        file = File(path="/r/blank", document=id, size=1, mtime_ns=0)
        store.catalog.commit_read(document, pages(id, [""] * 200), file=file)
        keys = [stored.key for stored in store.catalog.segments_of(id)]
        rows = VectorRows(kind="text", segments=keys, parts=[0] * 200, vectors=np.repeat(unit(0, 1), 200, axis=0))
        store.catalog.commit_embedded(id, space, [rows])
        assert store.index.wait(PATIENCE)
    with Store.open(tmp_path / "library") as store:
        assert store.index.wait(PATIENCE)
        assert store.index.status().note == ""


# -- damage


@pytest.fixture(scope="module")
def sound_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed library with 1,500 vectors, whose index Chroma has written to its files."""
    folder = tmp_path_factory.mktemp("sound") / "library"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chroma, "SYNC_THRESHOLD_VECTORS", 200)
        with Store.open(folder) as store:
            fill(store.catalog, 50, each=30)
            assert store.index.wait(PATIENCE)
    return folder


def one(folder: Path, name: str) -> Path:
    return next(folder.rglob(name))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[::7] = bytes(len(content[::7]))
    path.write_bytes(content)


def sparse(folder: Path) -> None:
    with one(folder, "link_lists.bin").open("r+b") as file:
        file.truncate(300 << 30)


def persist_code(folder: Path) -> None:
    """As an index that somebody hands over might: Chroma would build the function it names."""
    function = {"type": "known", "name": "sentence_transformer", "config": {"kwargs": {"trust_remote_code": True}}}
    with sqlite3.connect(folder / "chroma.sqlite3") as connection:
        config = json.dumps({"embedding_function": function})
        connection.execute("UPDATE collections SET config_json_str = ?, schema_str = NULL", (config,))
    connection.close()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "deleted": shutil.rmtree,
    "database deleted": lambda folder: (folder / "chroma.sqlite3").unlink(),
    "database garbage": lambda folder: (folder / "chroma.sqlite3").write_bytes(b"garbage" * 999),
    "database truncated": lambda folder: os.truncate(folder / "chroma.sqlite3", 8192),
    "vectors truncated": lambda folder: os.truncate(one(folder, "data_level0.bin"), 1000),
    "vectors overwritten": lambda folder: flip(one(folder, "data_level0.bin")),
    "links without end": sparse,
    "header zeroed": lambda folder: one(folder, "header.bin").write_bytes(bytes(100)),
    "code persisted": persist_code,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index_is_built_anew_and_answers_as_before(sound_library: Path, tmp_path: Path, damage: str) -> None:
    shutil.copytree(sound_library, tmp_path / "library")
    DAMAGES[damage](tmp_path / "library" / "index")
    with Store.open(tmp_path / "library") as store:
        query = unit(7, 1)
        before = store.index.nearest(1, "text", query, Scope(), depth=10)
        assert before == store.catalog.exact(1, "text", query, Scope(), depth=10)
        assert store.index.wait(PATIENCE)
        assert store.index.status().note
        assert store.index.status().followed == 1500
        agree(store, 1, Scope())


def test_a_sound_index_is_not_built_anew(sound_library: Path, tmp_path: Path) -> None:
    shutil.copytree(sound_library, tmp_path / "library")
    with Store.open(tmp_path / "library") as store:
        assert store.index.wait(PATIENCE)
        assert store.index.status().note == ""
        agree(store, 1, Scope())


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


def test_closing_does_not_wait_for_the_check(sound_library: Path, tmp_path: Path) -> None:
    shutil.copytree(sound_library, tmp_path / "library")
    store = Store.open(tmp_path / "library")
    store.close()
    store.close()
    with Store.open(tmp_path / "library") as again:
        assert again.index.wait(PATIENCE)

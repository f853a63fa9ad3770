"""Whether an index is sound is found out before it is used; one that is not is built anew."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mcp_mmretrieval.store import Catalog, Document, File, Scope, Store, VectorRows, chroma, index, index_soundness
from mcp_mmretrieval.store.chroma import Chroma
from mcp_mmretrieval.store.index_soundness import bounded, suspicious, unlike
from tests.support.rows import DIM, READING, SPACE, agree, fill, pages, sha, unit

PATIENCE = 60.0
"""Seconds after which a wait is a failure."""


@pytest.fixture(scope="module")
def sound_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed library with 1,500 vectors, whose index Chroma has written to its files."""
    folder = tmp_path_factory.mktemp("sound") / "library"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chroma, "SYNC_THRESHOLD_VECTORS", 200)
        patch.setattr(index, "MAX_SCANNED_VECTORS", 0)
        patch.setattr(index, "UPSERT_DELAY_SECONDS", 0.0)
        with Store.open(folder) as store:
            fill(store.catalog, 50, each=30)
            assert store.index.wait(PATIENCE)
    return folder


@pytest.fixture(autouse=True)
def every_library_has_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "MAX_SCANNED_VECTORS", 0)
    monkeypatch.setattr(index, "UPSERT_DELAY_SECONDS", 0.0)


def problem(library: Path, *, sample: bool = False) -> str | None:
    """What a check of a closed library says."""
    catalog = Catalog(library / "catalog.db")
    opened = Chroma(library / "index")
    try:
        return suspicious(library / "index") or unlike(opened, catalog, sample=sample)
    finally:
        opened.close()
        catalog.close()


def test_an_index_whose_vectors_are_those_of_the_catalog_has_no_problem(sound_library: Path, tmp_path: Path) -> None:
    shutil.copytree(sound_library, tmp_path / "library")
    assert problem(tmp_path / "library") is None
    assert problem(tmp_path / "library", sample=True) is None


def test_vectors_that_the_index_lacks_are_counted(sound_library: Path, tmp_path: Path) -> None:
    shutil.copytree(sound_library, tmp_path / "library")
    opened = Chroma(tmp_path / "library" / "index")
    opened.delete(1, "text", np.array([(1, 0), (2, 0), (3, 0)]))
    opened.close()
    assert problem(tmp_path / "library") == "3 of 1500 vectors are missing"


def test_a_vector_that_the_catalog_does_not_have_is_noticed(sound_library: Path, tmp_path: Path) -> None:
    shutil.copytree(sound_library, tmp_path / "library")
    opened = Chroma(tmp_path / "library" / "index")
    opened.upsert(1, "text", np.array([(1, 0)]), unit(4711, 1))
    opened.close()
    assert problem(tmp_path / "library") == "its vectors are not those of the catalog"


def test_a_sample_looks_at_the_beginning_and_the_end_and_not_at_everything(
    sound_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_soundness, "SAMPLED_VECTORS", 1)  # a row at each place: 30 vectors
    shutil.copytree(sound_library, tmp_path / "library")
    catalog = Catalog(tmp_path / "library" / "catalog.db")
    looked = [each for places, _ in index_soundness._sampled(catalog, 1, "text", 50) for each in places[:, 0].tolist()]
    catalog.close()
    assert len(looked) == len(set(looked)) == index_soundness.SAMPLED_BLOCKS * 30
    assert min(looked) == 1
    assert max(looked) > 1500 * 7 / 8


def test_a_sample_of_a_small_index_is_all_of_it(sound_library: Path, tmp_path: Path) -> None:
    shutil.copytree(sound_library, tmp_path / "library")
    opened = Chroma(tmp_path / "library" / "index")
    opened.delete(1, "text", np.array([(1500, 0)]))
    opened.close()
    assert problem(tmp_path / "library", sample=True) == "1 of 150 vectors are missing"


def test_the_bounds_of_a_check_end_with_it(sound_library: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_AS), resource.getrlimit(resource.RLIMIT_FSIZE)
    with bounded(sound_library / "index"):
        assert 0 < resource.getrlimit(resource.RLIMIT_AS)[0] < 32 << 30
        assert 0 < resource.getrlimit(resource.RLIMIT_FSIZE)[0] < 2 << 30
    assert (resource.getrlimit(resource.RLIMIT_AS), resource.getrlimit(resource.RLIMIT_FSIZE)) == before


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
        exact = store.catalog.exact(1, "text", query, Scope(), depth=10)
        assert [key for key, _ in before] == [key for key, _ in exact]
        assert [score for _, score in before] == pytest.approx([score for _, score in exact], abs=1e-4)
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


def test_closing_does_not_wait_for_the_check(sound_library: Path, tmp_path: Path) -> None:
    shutil.copytree(sound_library, tmp_path / "library")
    store = Store.open(tmp_path / "library")
    store.close()
    store.close()
    with Store.open(tmp_path / "library") as again:
        assert again.index.wait(PATIENCE)

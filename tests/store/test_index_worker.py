"""What the index process answers to each request, without the process."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mcp_mmretrieval.store import Catalog
from mcp_mmretrieval.store.index_worker import IndexWorker
from tests.support.rows import fill, unit

KEYS = np.array([(1, 0), (2, 3)])
SYNC = 1_000


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[IndexWorker]:
    """One with an empty index."""
    worker = IndexWorker()
    assert worker.answer({"id": 1, "do": "begin", "with": [str(tmp_path / "index"), SYNC]}, []) == ({"id": 1}, [])
    yield worker
    worker.leave()


def test_the_nearest_come_as_keys_and_similarities(worker: IndexWorker) -> None:
    vectors = unit(0, 2)
    assert worker.answer({"id": 2, "do": "upsert", "with": [1, "text"]}, [KEYS, vectors]) == ({"id": 2}, [])
    told, (keys, scores) = worker.answer({"id": 3, "do": "nearest", "with": [1, "text", 2]}, [vectors[1]])
    assert told == {"id": 3}
    assert keys.tolist()[0] == [2, 3]
    assert scores[0] == pytest.approx(1.0, abs=1e-5)


def test_what_is_wrong_is_an_answer(worker: IndexWorker) -> None:
    told, arrays = worker.answer({"id": 4, "do": "upsert", "with": [1, "text"]}, [KEYS, unit(0, 3)])
    assert told["error"]
    assert arrays == []
    told, _ = IndexWorker().answer({"id": 5, "do": "drop", "with": [1]}, [])
    assert told == {"id": 5, "error": "the index is not open"}


def test_a_closed_index_is_opened_and_what_its_files_show_is_told_before(worker: IndexWorker, tmp_path: Path) -> None:
    folder, catalog = tmp_path / "index", Catalog(tmp_path / "catalog.db")
    space, vectors = fill(catalog, 3)
    last, keys, _ = catalog.next_vectors(space, "text", 0, limit=100)
    worker.answer({"id": 1, "do": "upsert", "with": [space, "text"]}, [keys, vectors])
    catalog.follow(space, "text", last)
    catalog.close()
    assert worker.answer({"id": 2, "do": "close", "with": [str(folder)]}, []) == ({"id": 2}, [])
    shutil.copytree(folder, tmp_path / "bad")
    with sqlite3.connect(tmp_path / "bad" / "chroma.sqlite3") as connection:
        config = json.dumps({"embedding_function": {"type": "known", "name": "x"}})
        connection.execute("UPDATE collections SET config_json_str = ?, schema_str = NULL", (config,))
    connection.close()
    for name, problem in (("index", None), ("bad", "it names an embedding function")):
        again = IndexWorker()
        asked = [str(tmp_path / name), str(tmp_path / "catalog.db"), SYNC, False]
        assert again.answer({"id": 3, "do": "open", "with": asked}, []) == ({"id": 3, "problem": problem}, [])
        again.leave()


def test_a_folder_that_chroma_cannot_open_is_an_answer(tmp_path: Path) -> None:
    Catalog(tmp_path / "catalog.db").close()
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "chroma.sqlite3").write_bytes(b"garbage" * 999)
    asked = [str(tmp_path / "index"), str(tmp_path / "catalog.db"), SYNC, False]
    told, _ = IndexWorker().answer({"id": 1, "do": "open", "with": asked}, [])
    assert told["problem"]

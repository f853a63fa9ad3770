"""The few calls of Chroma that are used, on a folder of its own."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mcp_mmretrieval.store import chroma
from mcp_mmretrieval.store.chroma import Chroma, ChromaFailed
from tests.support.rows import unit

KEYS = np.array([(1, 0), (1, 1), (2, 0), (30, 0)])


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Chroma]:
    opened = Chroma(tmp_path / "index")
    yield opened
    opened.close()


def test_vectors_come_back_by_segment_and_part_and_the_nearest_first(opened: Chroma) -> None:
    vectors = unit(0, 4)
    opened.upsert(1, "text", KEYS, vectors)
    keys, scores = opened.nearest(1, "text", vectors[2], 4)
    similar = vectors @ vectors[2]
    order = np.argsort(-similar)
    assert order[0] == 2
    assert np.array_equal(keys, KEYS[order])
    assert scores == pytest.approx(similar[order], abs=1e-5)
    held = opened.vectors(1, "text", np.array([(1, 1), (99, 0)]))
    assert list(held) == [(1, 1)]
    assert np.allclose(held[1, 1], vectors[1], atol=1e-6)


def test_a_vector_that_comes_again_takes_the_place_of_the_one_before(opened: Chroma) -> None:
    opened.upsert(1, "text", KEYS, unit(0, 4))
    opened.upsert(1, "text", KEYS[1:2], unit(9, 1))
    assert opened.count(1, "text") == 4
    assert opened.nearest(1, "text", unit(9, 1), 1)[0].tolist() == [[1, 1]]


def test_what_is_deleted_is_not_found_and_unknown_ones_are_no_error(opened: Chroma) -> None:
    opened.upsert(1, "text", KEYS, unit(0, 4))
    opened.delete(1, "text", np.array([(2, 0), (77, 5)]))
    assert opened.count(1, "text") == 3
    assert [2, 0] not in opened.nearest(1, "text", unit(0, 4)[2], 9)[0].tolist()


def test_a_dropped_space_takes_its_kinds_along_and_no_other_space(opened: Chroma) -> None:
    for space, kind in ((1, "text"), (1, "picture"), (10, "text")):
        opened.upsert(space, kind, KEYS, unit(space, 4))
    opened.drop(1)
    assert [opened.count(1, "text"), opened.count(1, "picture"), opened.count(10, "text")] == [0, 0, 4]


def test_a_folder_opened_again_has_what_was_written_and_a_fresh_one_nothing(tmp_path: Path) -> None:
    first = Chroma(tmp_path / "index")
    first.upsert(1, "text", KEYS, unit(0, 4))
    first.close()
    again = Chroma(tmp_path / "index")
    assert again.count(1, "text") == 4
    again.close()
    fresh = Chroma(tmp_path / "index", fresh=True)
    assert fresh.count(1, "text") == 0
    fresh.close()
    assert stat.S_IMODE((tmp_path / "index").stat().st_mode) == 0o700


def test_a_folder_is_open_once_at_a_time_and_again_when_it_was_closed(
    opened: Chroma, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chroma, "FOLDER_WAIT_SECONDS", 0.05)
    with pytest.raises(ChromaFailed, match="held by another process"):
        Chroma(tmp_path / "index")
    other = Chroma(tmp_path / "other")
    other.close()
    Chroma(tmp_path / "other").close()


def test_whatever_chroma_raises_says_that_the_index_failed(opened: Chroma) -> None:
    opened.upsert(1, "text", KEYS, unit(0, 4))
    with pytest.raises(ChromaFailed, match="dimension"):
        opened.nearest(1, "text", unit(0, 1, 5), 1)


def test_a_folder_that_is_no_index_says_so_and_is_let_go(tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "chroma.sqlite3").write_bytes(b"garbage" * 999)
    for _ in range(2):
        with pytest.raises(ChromaFailed):
            Chroma(tmp_path / "index")
    fresh = Chroma(tmp_path / "index", fresh=True)
    assert fresh.count(1, "text") == 0
    fresh.close()


@pytest.mark.parametrize("what", ["a file", "a link to a folder", "a link to nothing"])
def test_what_is_no_folder_gives_way_to_a_fresh_one_and_a_link_is_not_followed(tmp_path: Path, what: str) -> None:
    other, place = tmp_path / "other", tmp_path / "index"
    other.mkdir()
    (other / "kept").touch()
    if what == "a file":
        place.touch()
    else:
        place.symlink_to(other if what == "a link to a folder" else tmp_path / "nothing")
    with pytest.raises(ChromaFailed):
        Chroma(place)
    Chroma(place, fresh=True).close()
    assert place.is_dir() and not place.is_symlink()
    assert [path.name for path in other.iterdir()] == ["kept"]

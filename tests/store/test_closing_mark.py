from __future__ import annotations

from pathlib import Path

import pytest

from mcp_mmretrieval.store.closing_mark import ClosingMark
from mcp_mmretrieval.types import VectorKind

LANES: dict[tuple[int, VectorKind], int] = {(2, "text"): 7, (1, "text"): 30, (1, "picture"): 12}


def test_a_mark_is_taken_once(tmp_path: Path) -> None:
    ClosingMark(tmp_path / "index").set(LANES)
    mark = ClosingMark(tmp_path / "index")
    assert mark.take(dict(reversed(LANES.items())))
    assert not mark.take(LANES)
    assert list(tmp_path.iterdir()) == []


def test_a_mark_that_speaks_of_other_vectors_does_not_count_and_goes(tmp_path: Path) -> None:
    mark = ClosingMark(tmp_path / "index")
    mark.set(LANES)
    assert not mark.take(LANES | {(1, "text"): 31})
    assert not mark.take(LANES)


@pytest.mark.parametrize("content", ["", "[[1, 'text'", '[["text", 1, 2]]', "{}"])
def test_a_mark_that_was_cut_short_or_means_nothing_does_not_count(tmp_path: Path, content: str) -> None:
    (tmp_path / "index.closed").write_text(content)
    assert not ClosingMark(tmp_path / "index").take(LANES)


def test_no_mark_is_written_where_there_is_no_room(tmp_path: Path) -> None:
    mark = ClosingMark(tmp_path / "index")
    (tmp_path / "index.closed.new").mkdir()  # as good as a full disk
    mark.set(LANES)
    assert not mark.take(LANES)

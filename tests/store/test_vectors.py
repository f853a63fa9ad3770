"""Vectors as blobs and back, and the exact nearest among them."""

from __future__ import annotations

import numpy as np
import pytest

from mcp_mmretrieval.store import VectorRows
from mcp_mmretrieval.store.vectors import (
    SCAN_BLOCK_VECTORS,
    VECTORS_PER_ROW,
    exact_nearest,
    part_keys,
    vectors_by_segment,
    vectors_from_blobs,
    vectors_to_blobs,
)
from mcp_mmretrieval.types import Vectors
from tests.support.rows import DIM, unit


def stored(
    vectors: Vectors, segments: list[int], parts: list[int] | None = None, *, half: bool = False
) -> list[tuple[bytes, bytes]]:
    """The blobs of places and of vectors."""
    rows = VectorRows(kind="text", segments=segments, parts=parts or [0] * len(segments), vectors=vectors)
    return [blobs for _, *blobs in vectors_to_blobs(rows, dim=None, half=half)]  # type: ignore[misc]


@pytest.mark.parametrize("half", [False, True])
def test_vectors_come_back_with_their_segments_and_parts(half: bool) -> None:
    count = 2 * VECTORS_PER_ROW + 5
    vectors, segments, parts = unit(1, count), [number // 2 for number in range(count)], [0, 1] * (count // 2) + [0]
    rows = VectorRows(kind="text", segments=segments, parts=parts, vectors=vectors)
    blobs = list(vectors_to_blobs(rows, dim=DIM, half=half))
    assert [count for count, _, _ in blobs] == [VECTORS_PER_ROW, VECTORS_PER_ROW, 5]
    assert len(blobs[0][2]) == VECTORS_PER_ROW * DIM * (2 if half else 4)
    where, found = vectors_from_blobs([(places, vectors) for _, places, vectors in blobs], half=half)
    assert where.tolist() == [list(each) for each in zip(segments, parts, strict=True)]
    assert np.array_equal(part_keys(blobs[2][1]), where[-5:])
    assert found.dtype == np.float32
    assert np.allclose(found, vectors, atol=2e-3 if half else 0)


def test_no_rows_are_no_vectors() -> None:
    assert stored(unit(0, 0), []) == []
    where, found = vectors_from_blobs([], half=False)
    assert (where.shape, found.shape) == ((0, 2), (0, 0))
    assert exact_nearest([], unit(0, 1), half=False, depth=3) == []


def test_vectors_of_another_length_than_those_before_are_refused() -> None:
    rows = VectorRows(kind="text", segments=[1], parts=[0], vectors=unit(0, 1))
    with pytest.raises(ValueError, match=r"shape \(1, 16\), not \(1, 8\)"):
        list(vectors_to_blobs(rows, dim=8, half=False))


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_vectors_with_a_number_that_is_none_are_refused(number: float, half: bool) -> None:
    vectors = unit(0, 3)
    vectors[1, 5] = number
    rows = VectorRows(kind="text", segments=[1, 2, 3], parts=[0, 0, 0], vectors=vectors)
    with pytest.raises(ValueError, match="not finite"):
        list(vectors_to_blobs(rows, dim=None, half=half))


def test_the_parts_of_the_segments_asked_for_are_given_and_others_left_out() -> None:
    vectors = unit(2, 5)
    rows = stored(vectors, [7, 7, 8, 9, 9], [0, 1, 0, 0, 3])
    found = vectors_by_segment(rows, {7, 9, 1000}, half=False)
    assert {segment: parts for segment, (parts, _) in found.items()} == {7: [0, 1], 9: [0, 3]}
    assert np.array_equal(found[9][1], vectors[3:])


def test_a_scan_finds_what_arithmetic_finds_over_many_blocks() -> None:
    count = 3 * SCAN_BLOCK_VECTORS + 11
    vectors, query = unit(3, count), unit(4, 1)
    found = exact_nearest(stored(vectors, list(range(count))), query, half=False, depth=20)
    similar = vectors @ query[0]
    assert [key for key, _ in found] == np.argsort(-similar)[:20].tolist()
    assert [score for _, score in found] == pytest.approx(np.sort(similar)[::-1][:20].tolist(), abs=1e-5)


def test_a_segment_whose_parts_crowd_the_top_leaves_room_for_the_others() -> None:
    query = unit(5, 1)
    crowd = np.repeat(query, 100, axis=0)
    others = unit(6, 3)
    rows = stored(np.concatenate([crowd, others]), [1] * 100 + [2, 3, 4], [*range(100), 0, 0, 0])
    found = exact_nearest(rows, query, half=False, depth=3)
    best = sorted([2, 3, 4], key=lambda key: -float(others[key - 2] @ query[0]))[:2]
    assert [key for key, _ in found] == [1, *best]


def test_equal_vectors_stand_in_the_order_of_their_keys() -> None:
    rows = stored(np.repeat(unit(7, 1), 4, axis=0), [4, 2, 3, 1])
    assert [key for key, _ in exact_nearest(rows, unit(7, 1), half=False, depth=3)] == [1, 2, 3]


def test_only_the_wanted_segments_are_found() -> None:
    rows = stored(unit(8, 6), [1, 2, 3, 4, 5, 6])
    found = exact_nearest(rows, unit(8, 6)[0], half=False, depth=9, wanted=lambda _: [2, 5, 1000])
    assert {key for key, _ in found} == {2, 5}

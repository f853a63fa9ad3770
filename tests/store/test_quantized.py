"""Vectors as int16 are compared as the vectors themselves are."""

from __future__ import annotations

import numpy as np
import pytest

from mcp_mmretrieval.store.quantized import CHUNK_VECTORS, QuantizedVectors
from mcp_mmretrieval.types import Vectors
from tests.support.rows import unit


def copied(vectors: Vectors, *, batch: int) -> QuantizedVectors:
    """A copy; the key of a vector is its number, and so is the row of each batch's last one."""
    copy = QuantizedVectors(vectors.shape[1])
    for at in range(0, len(vectors), batch):
        some = vectors[at : at + batch]
        copy.append(at + len(some) - 1, np.arange(at, at + len(some)), some)
    return copy


def probabilities(seed: int, count: int) -> Vectors:
    """As the built-in model sees pictures: square roots of a thousand shares, of which few are large."""
    weights = np.random.default_rng(seed).standard_normal((count, 1001)) * 3
    shares = np.exp(weights - weights.max(axis=1, keepdims=True))
    return np.asarray(np.sqrt(shares / shares.sum(axis=1, keepdims=True)), np.float32)


@pytest.mark.parametrize(
    ("vectors", "query"), [(unit(1, 9_001, 384), unit(2, 1, 384)), (probabilities(1, 5_000), probabilities(2, 1))]
)
def test_similarities_are_those_of_the_vectors(vectors: Vectors, query: Vectors) -> None:
    copy = copied(vectors, batch=1_000)
    keys, scores = copy.scores(query[0])
    assert len(copy) == len(vectors)
    assert np.array_equal(keys, np.arange(len(vectors)))
    assert np.abs(scores - vectors @ query[0]).max() < 3e-5


def test_batches_of_any_size_make_the_same_copy() -> None:
    vectors, query = unit(3, CHUNK_VECTORS + 500), unit(4, 1)[0]
    whole = copied(vectors, batch=len(vectors))
    pieces = copied(vectors, batch=7)
    assert np.array_equal(whole.scores(query)[0], pieces.scores(query)[0])
    assert np.allclose(whole.scores(query)[1], pieces.scores(query)[1], atol=1e-6)
    assert whole.last_row == pieces.last_row == len(vectors) - 1
    assert whole.nbytes == pieces.nbytes


def test_the_rows_after_one_are_compared_and_none_of_them_left_out() -> None:
    copy = copied(unit(5, 2 * CHUNK_VECTORS), batch=100)
    for after in (0, 99, 100, CHUNK_VECTORS, 2 * CHUNK_VECTORS - 2):
        keys, _ = copy.scores(unit(6, 1)[0], after=after)
        assert set(range(after + 1, 2 * CHUNK_VECTORS)) <= set(keys.tolist())
        assert len(keys) <= 2 * CHUNK_VECTORS - after + 100
    assert copy.scores(unit(6, 1)[0], after=copy.last_row)[0].size == 0


def test_only_the_wanted_segments_are_compared() -> None:
    vectors, query = unit(7, CHUNK_VECTORS + 10), unit(8, 1)[0]
    wanted = np.zeros(CHUNK_VECTORS + 5, np.bool_)  # none of those beyond
    wanted[[3, CHUNK_VECTORS + 1]] = True
    keys, scores = copied(vectors, batch=1_000).scores(query, within=wanted)
    assert keys.tolist() == [3, CHUNK_VECTORS + 1]
    assert scores == pytest.approx(vectors[keys] @ query, abs=3e-5)


def test_an_empty_vector_is_like_nothing_and_an_empty_copy_has_nothing() -> None:
    copy = QuantizedVectors(16)
    assert copy.scores(unit(0, 1)[0])[0].size == copy.last_row == len(copy) == 0
    copy.append(5, np.array([1]), np.zeros((1, 16), np.float32))
    assert copy.scores(unit(0, 1)[0])[1].tolist() == [0.0]

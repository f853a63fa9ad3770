"""Words and examples as one set of query vectors."""

import numpy as np

from mcp_mmretrieval.searching.rocchio import query_vectors
from mcp_mmretrieval.types import VectorKind, Vectors

Rows = dict[VectorKind, Vectors]


def test_each_example_counts_as_much_as_another_however_many_windows_it_has() -> None:
    one: Rows = {"text": np.array([[1.0, 0.0]], np.float32)}
    long: Rows = {"text": np.array([[0.0, 1.0]] * 7, np.float32)}
    assert np.allclose(query_vectors({}, [one, long])["text"], [[0.5**0.5, 0.5**0.5]])
    assert len(query_vectors({}, [long])["text"]) == 7


def test_an_example_counts_in_the_kinds_that_it_has() -> None:
    seen: Rows = {"picture": np.array([[1.0, 0.0]], np.float32)}
    read: Rows = {"text": np.array([[0.0, 1.0]], np.float32)}
    words: Rows = {"text": np.array([[1.0, 0.0]], np.float32)}
    found = query_vectors(words, [seen, read])
    assert np.allclose(found["picture"], [[1.0, 0.0]])
    assert np.allclose(found["text"], [[0.5**0.5, 0.5**0.5]])


def test_beside_words_a_single_example_lies_half_way_window_by_window() -> None:
    words: Rows = {"text": np.array([[1.0, 0.0]], np.float32)}
    long: Rows = {"text": np.array([[0.0, 1.0], [1.0, 0.0]], np.float32)}
    assert np.allclose(query_vectors(words, [long])["text"], [[0.5**0.5, 0.5**0.5], [1.0, 0.0]])

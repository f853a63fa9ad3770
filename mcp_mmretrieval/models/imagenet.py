"""What a picture shows, and what a query asks for, as probabilities of the 1,000 ImageNet classes.

The vector of a picture is the square root of its class probabilities; that of a query the square root of a softmax over
its likeness to the classes' texts, and to none of them. Their dot product is the Bhattacharyya coefficient of the two
distributions, in [0, 1]. It finds .50 of what people ask for among 240 drawings within the first ten, where ConSE
(Norouzi et al. 2013), the mean of the best classes' text vectors, finds .41. ConSE serves the other way, from a picture
to texts.

EfficientNet-lite1 (Tan & Le 2019) classifies; the classes' names and definitions are WordNet's, from timm's data files.
It knows objects and animals, no chart and no written word.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.minilm import MiniLM, unit
from mcp_mmretrieval.models.turns import Turns
from mcp_mmretrieval.models.weights import EFFICIENTNET, MINILM, locate

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture, Vectors

CLASSES = 1_000
TEMPERATURE = 0.03
"""Of the softmax over cosines that spreads a query over the classes; measured flat from 0.02 to 0.035."""
NONE = 0.4
"""Cosine of "none of these": without it a question on a balance sheet, too, would ask for some object."""
DIM = CLASSES + 1
"""Length of a vector: the classes, and none of them."""
BEST = 10
"""Classes that stand for a picture among texts; 5 to 1,000 measured alike, 1 clearly worse."""
TEXTS_SHA256 = "122a3863c8a60218ae8c2775f364e98e94db48be4e413f1f66570e20b86e7887"
"""Of `repr` of the classes' texts: the picture vectors of queries depend on each of them."""

_SIDE = 240
"""Pixels that EfficientNet-lite1 was trained on."""
_CENTRE = 0.875
"""Share of the shorter side that its centre crop keeps."""

Probabilities = NDArray[np.float32]
"""Rows that add up to 1, shape (n, 1000)."""


class Classifier:
    """EfficientNet-lite1, loaded. Safe to call from several threads; they take turns."""

    def __init__(self) -> None:
        """Raises ModelUnavailable when the weights are missing or damaged, ImportError without the network's code."""
        from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-untyped]

        (name,) = EFFICIENTNET.sums
        weights = torch.load(EFFICIENTNET.locate() / name, weights_only=True, map_location="cpu")
        self._net: torch.nn.Module = EfficientNet.from_name("efficientnet-lite1")
        self._net.load_state_dict(weights)
        self._net.eval().to(memory_format=torch.channels_last)  # a seventh faster on a processor
        self._turns = Turns()

    def probabilities(self, pictures: Sequence[Picture]) -> Probabilities:
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


class ClassNames:
    """The classes in the space of text vectors."""

    def __init__(self, text: MiniLM, cache: Path) -> None:
        """Text vectors of the classes come from `cache`, or are made (some seconds) and kept there.

        Raises ModelUnavailable when the classes' names are missing or others than those measured.
        """
        texts = _class_texts()
        file = cache / f"classes-{TEXTS_SHA256[:8]}-{MINILM.sums['model.safetensors'][:8]}.npy"
        kept = _kept(file)
        if kept is None:
            captions, definitions = zip(*texts, strict=True)
            kept = unit(text.encode(captions) + text.encode(definitions))
            _keep(file, kept)
        self._vectors = kept

    def asked(self, text: Vectors) -> Vectors:
        """What text vectors of shape (n, 384) ask for: shape (n, 1001), unit rows."""
        cosines = np.pad(text @ self._vectors.T, ((0, 0), (0, 1)), constant_values=NONE)
        weights = np.exp((cosines - cosines.max(axis=1, keepdims=True)) / TEMPERATURE)
        return np.asarray(np.sqrt(weights / weights.sum(axis=1, keepdims=True)), np.float32)

    def among_texts(self, shown: Probabilities) -> Vectors:
        """Text vectors of what pictures show (ConSE), shape (n, 384), unit rows."""
        least = np.sort(shown, axis=1)[:, -BEST, None]
        return unit(np.where(shown >= least, shown, 0.0) @ self._vectors)


def picture_vectors(shown: Probabilities) -> Vectors:
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


def _class_texts() -> tuple[tuple[str, str], ...]:
    """Two texts for each class, in the classifier's order: as one would caption it, and as WordNet defines it."""
    folder = locate("timm", "timm/data/_info")  # only its files: importing timm takes seconds
    try:
        order = (folder / "imagenet_synsets.txt").read_text(encoding="utf-8").split()
        names = _table(folder / "imagenet_synset_to_lemma.txt")
        definitions = _table(folder / "imagenet_synset_to_definition.txt")
        texts = tuple((f"a photo of a {names[key]}", f"{names[key]}: {definitions[key]}") for key in order)
    except (OSError, KeyError, ValueError) as error:
        raise ModelUnavailable(f"{folder}: the names of the ImageNet classes cannot be read ({error}).") from error
    if hashlib.sha256(repr(texts).encode()).hexdigest() != TEXTS_SHA256:
        raise ModelUnavailable(
            f"{folder}: the ImageNet classes are not named as they were when measured. Run: pip install timm==1.0.31."
        )
    return texts


def _table(file: Path) -> dict[str, str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return {key: value for key, _, value in (line.partition("\t") for line in lines)}


def _kept(file: Path) -> Vectors | None:
    """What the file holds, if that can be the classes' vectors."""
    try:
        vectors: Vectors = np.load(file, allow_pickle=False)
        right = vectors.dtype == np.float32 and len(vectors) == CLASSES
        return vectors if right and np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-3) else None
    except (OSError, ValueError, EOFError, TypeError):
        return None


def _keep(file: Path, vectors: Vectors) -> None:
    """Best effort: without a cache the vectors are made again next time."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(handle, "wb") as out:
            np.save(out, vectors)
        Path(name).replace(file)
    except OSError:
        return

"""What a picture shows, by EfficientNet-lite1 (Tan & Le 2019): objects and animals, no chart and no written word.

ONNX Runtime runs it; see `efficientnet_conversion`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.builtin.efficientnet_conversion import (
    EFFICIENTNET_FILE,
    EFFICIENTNET_SIDE,
    converted_efficientnet,
)
from mcp_mmretrieval.models.builtin.imagenet import ClassProbabilities
from mcp_mmretrieval.models.builtin.onnx_session import cpu_session
from mcp_mmretrieval.models.device.device import Device

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

_CENTRE = 0.875
"""Share of the shorter side that its centre crop keeps."""


class ImageNetClassifier:
    """EfficientNet-lite1, loaded. Safe to call from several threads; they take turns."""

    def __init__(self, threads: int, device: Device, cache: Path) -> None:
        """`device`: a CPU. `cache`: where the converted weights are kept.

        Raises ModelUnavailable when the weights are missing or damaged, or `cache` cannot be written.
        """
        self._net = cpu_session(converted_efficientnet(cache) / EFFICIENTNET_FILE, threads)
        self._turns = device.turns

    def probabilities(self, pictures: Sequence[Picture]) -> ClassProbabilities:
        """What each picture shows: the mean over its centre and its whole, shape (len(pictures), 1000)."""
        shown = np.stack([self._classify(picture) for picture in pictures])
        if not np.isfinite(shown).all():
            raise ModelUnavailable("EfficientNet gave no finite probabilities. Run: mcp-mmretrieval doctor.")
        return shown

    def _classify(self, picture: Picture) -> NDArray[np.float32]:
        # a picture at a time: 16 crops together take a processor twice as long each as 2, for want of cache
        crops = np.stack(_crops(Image.fromarray(picture)))
        batch = (crops.transpose(0, 3, 1, 2).astype(np.float32, order="C") - 127) / 128
        with self._turns:
            (shown,) = self._net.run(None, {"pictures": batch})
        return np.asarray(shown.mean(axis=0), np.float32)


def _crops(picture: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The centre square and the whole on white, each of shape (240, 240, 3)."""
    width, height = picture.size
    side = max(1, round(min(height, width) * _CENTRE))
    left, top = (width - side) // 2, (height - side) // 2
    centre = _resized(picture.crop((left, top, left + side, top + side)), EFFICIENTNET_SIDE, EFFICIENTNET_SIDE)
    scale = EFFICIENTNET_SIDE / max(height, width)
    small = _resized(picture, max(1, round(width * scale)), max(1, round(height * scale)))
    whole = Image.new("RGB", (EFFICIENTNET_SIDE, EFFICIENTNET_SIDE), "white")
    whole.paste(small, ((EFFICIENTNET_SIDE - small.width) // 2, (EFFICIENTNET_SIDE - small.height) // 2))
    return np.asarray(centre), np.asarray(whole)


def _resized(picture: Image.Image, width: int, height: int) -> Image.Image:
    """Bicubic and averaging where it shrinks, as the classifier was trained."""
    return picture.resize((width, height), Image.Resampling.BICUBIC)

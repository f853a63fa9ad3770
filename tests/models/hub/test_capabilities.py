"""What a model takes in, whatever its processor claims."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mcp_mmretrieval.config.profiles import EmbedderSpec
from mcp_mmretrieval.errors import Unfit
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.hub.capabilities import MAX_INPUT_TOKENS, Capabilities, capabilities_of, token_limit
from mcp_mmretrieval.models.hub.embedder import HubEmbedder
from mcp_mmretrieval.types import Content
from tests.support.contents import film, picture, sound
from tests.support.tiny import gemma


def model(**given: Any) -> Any:
    """As much of a SentenceTransformer as is looked at."""
    ear = SimpleNamespace(sampling_rate=48_000, max_length_s=10)
    parts = {
        "modalities": ["text", "image", "audio", "video"],
        "processor": SimpleNamespace(feature_extractor=ear),
        "transformers_model": SimpleNamespace(config=SimpleNamespace()),
        "max_seq_length": None,
    }
    return SimpleNamespace(**{**parts, **given})


def test_a_model_that_nobody_described_is_asked_and_a_record_has_the_last_word() -> None:
    assert capabilities_of(model(), EmbedderSpec(model="m")) == Capabilities(True, 16, 10.0, 48_000)
    described = EmbedderSpec(model="m", licence="MIT", frames=4)
    assert capabilities_of(model(), described) == Capabilities(True, 4, 0.0, 48_000)
    deaf = model(modalities=["text"])
    assert capabilities_of(deaf, EmbedderSpec(model="m", frames=4, hears=9.0)) == Capabilities(False, 0, 0.0, 0)


@pytest.mark.parametrize(
    ("said", "places", "limit"),
    [(256, 512, 256), (512, 256, 256), (None, 128, 128), (10**30, None, MAX_INPUT_TOKENS), (None, None, 8_192)],
)
def test_the_smallest_limit_that_anything_knows_of_counts(said: int | None, places: int | None, limit: int) -> None:
    config = SimpleNamespace(get_text_config=lambda: SimpleNamespace(max_position_embeddings=places))
    assert token_limit(model(max_seq_length=said, transformers_model=SimpleNamespace(config=config))) == limit
    assert token_limit(model(max_seq_length=said, transformers_model=None)) == (
        said if said in (256, 512) else MAX_INPUT_TOKENS
    )


def test_a_model_without_towers_takes_texts_alone_and_says_so(tmp_path: Path) -> None:
    """Its processor, and with it sentence-transformers, still says that it takes everything."""
    texts = HubEmbedder(gemma.record(gemma.embedder(tmp_path / "texts", without=("vision", "audio"))), Device())
    assert texts._model.supports("audio")
    assert (dict(texts.dims), texts.sees, texts.hears, texts.films) == ({"text": gemma.DIM}, frozenset(), 0.0, 0)
    contents: list[Content] = [sound(0), picture(0), film(0)]
    for content in contents:
        with pytest.raises(Unfit, match="does not"):
            texts.embed_documents([content])

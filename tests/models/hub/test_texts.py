"""Texts in pieces that a model takes in whole."""

from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from mcp_mmretrieval.config.profiles import EmbedderSpec
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.hub.embedder import HubEmbedder
from tests.support import tiny
from tests.support.tiny import gemma


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.clip(tmp_path_factory.mktemp("models") / "tiny-clip")


@pytest.fixture(scope="module")
def embedder(clip: Path) -> HubEmbedder:
    return HubEmbedder(EmbedderSpec(model=str(clip)), Device())


@pytest.mark.parametrize(
    "text",
    ["the green hill behind the blue lake " * 60, "語" * 300, "x" * 3_000, "🙂" * 100],
    ids=["words", "no spaces", "one word", "emoji"],
)
def test_windows_hold_the_whole_text_in_pieces_that_the_model_takes_in(
    embedder: HubEmbedder, clip: Path, text: str
) -> None:
    tokenizer = SentenceTransformer(str(clip), device="cpu", local_files_only=True).tokenizer
    windows = embedder.windows(text)
    assert "".join("".join(windows).split()) == "".join(text.split())
    assert len(windows) > 1
    assert max(len(tokenizer(window)["input_ids"]) for window in windows) <= tiny.TOKENS


def test_a_long_query_is_the_mean_of_its_windows(embedder: HubEmbedder) -> None:
    text = "pump failures by month " * 30
    mean = embedder.embed_documents(embedder.windows(text)).mean(axis=0)
    np.testing.assert_allclose(embedder.embed_query(text)["text"][0], mean / np.linalg.norm(mean), atol=1e-5)


def test_a_text_that_would_be_cut_off_is_the_mean_of_its_windows(tmp_path: Path) -> None:
    short = HubEmbedder(
        gemma.record(
            gemma.embedder(tmp_path / "tiny-gemma"), processor_options={"model_max_length": 160}, query_prompt=""
        ),
        Device(),
    )
    text = "the green hill behind the blue lake " * 20
    windows = short.windows(text)
    mean = short.embed_documents(windows).mean(axis=0)
    assert len(windows) > 2
    np.testing.assert_allclose(short.embed_documents([text])[0], mean / np.linalg.norm(mean), atol=1e-5)

"""A model's own marks in somebody's text are only words."""

from pathlib import Path

import numpy as np
import pytest
from transformers import PreTrainedTokenizerFast

from mcp_mmretrieval.config.profiles import EmbedderSpec
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.hub.embedder import HubEmbedder
from mcp_mmretrieval.models.hub.special_tokens import SpecialTokens
from tests.support import tiny
from tests.support.tiny import words


@pytest.fixture(scope="module")
def marks() -> SpecialTokens:
    made = words.tokenizer(["<|image|>", "<|image", "##", "<eos>"])
    return SpecialTokens(PreTrainedTokenizerFast(tokenizer_object=made))  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("press <|image|> twice", "press < |image|> twice"),
        ("a <|IMAGE and <EoS>", "a < |IMAGE and < EoS>"),
        ("<eos><eos>", "< eos>< eos>"),
        ("## A heading, 5 < 6", "## A heading, 5 < 6"),
        ("", ""),
    ],
)
def test_each_mark_is_broken_behind_its_first_character_and_all_else_stays(
    marks: SpecialTokens, text: str, broken: str
) -> None:
    assert marks.broken(text) == broken
    assert marks.broken(broken) == broken


def test_the_models_own_marks_in_a_text_are_broken_up(tmp_path: Path) -> None:
    embedder = HubEmbedder(EmbedderSpec(model=str(tiny.clip(tmp_path / "tiny-clip"))), Device())
    poisoned = f"a boat {tiny.END} {tiny.START.upper()} lake"
    broken = "a boat < |endoftext|> < |STARTOFTEXT|> lake"
    np.testing.assert_allclose(embedder.embed_documents([poisoned]), embedder.embed_documents([broken]), atol=1e-5)
    vectors = embedder.embed_documents([poisoned, "a boat"])
    assert float(vectors[0] @ vectors[1]) < 0.999  # what stands behind the mark counts

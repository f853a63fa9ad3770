"""What a reranker takes in at a time, and how its files say which kind it is."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerFast

from mcp_mmretrieval.config.profiles import RerankerSpec
from mcp_mmretrieval.errors import DeviceLost, ModelUnavailable
from mcp_mmretrieval.models.hub import reranker_input
from mcp_mmretrieval.models.hub.reranker_input import ModalityInput, RerankerInput, RerankerPreprocessor
from mcp_mmretrieval.types import Film
from tests.support.contents import picture
from tests.support.tiny import words


def preprocessor(limit: int = 200, **given: Any) -> RerankerPreprocessor:
    """For a tokenizer with a token a byte."""
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words.tokenizer(["<pad>"]))  # type: ignore[no-untyped-call]
    return RerankerPreprocessor(RerankerSpec(model="m", **given), tokenizer, limit)


def learned(spec: RerankerSpec, limit: int) -> RerankerPreprocessor:
    """That of a model which takes 1,024 pixels for a token, as far as its template leaves room."""
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words.tokenizer(["<pad>"]))  # type: ignore[no-untyped-call]
    made = RerankerPreprocessor(spec, tokenizer, limit)
    made.learn(features, lambda given: True)
    return made


def features(given: ModalityInput) -> dict[str, torch.Tensor]:
    """Of a model that sees pictures, 64 tokens each, and takes no films."""
    if "text" in given:
        return {"input_ids": torch.tensor([[*range(10), *map(ord, given["text"])]])}
    if "image" in given:
        pixels = torch.from_numpy(np.asarray(given["image"]).copy())
        return {"input_ids": torch.zeros(1, 75, dtype=torch.long), "pixels": pixels}
    raise ValueError("no films")


def test_query_and_document_share_the_tokens_that_the_template_leaves() -> None:
    pieces = preprocessor(limit=200)
    pieces.learn(features, lambda given: True)
    asked = pieces.asked("boat " * 50)
    assert asked is not None
    assert 0 < asked.tokens <= (200 - 11) // 4
    given = pieces.of(["a", "lake " * 200])
    assert {piece.owner for piece in given} == {0, 1}
    assert len(given) > 2
    assert max(piece.tokens for piece in given) + asked.tokens + 11 <= 200
    with pytest.raises(ModelUnavailable, match="its template fills the 12 tokens"):
        preprocessor(limit=12).learn(features, lambda given: True)


def test_a_model_that_shows_no_films_sees_some_of_their_frames() -> None:
    pieces = preprocessor(frames=8)
    pieces.learn(features, lambda given: True)
    film = Film([picture(seed) for seed in range(9)], tuple(map(float, range(9))))
    assert [set(piece.given) for piece in pieces.of([film])] == [{"image"}] * 4
    assert pieces.of([Film((), ())]) == []


def test_a_model_whose_pass_over_pictures_fails_takes_texts_alone_but_a_lost_device_is_no_answer() -> None:
    def works(given: ModalityInput) -> bool:
        if "image" in given:
            raise RuntimeError("no such tower")
        return True

    pieces = preprocessor()
    pieces.learn(features, works)
    assert (pieces.reads("a boat"), pieces.reads(picture(0))) == (True, False)

    def lost(given: ModalityInput) -> bool:
        if "image" in given:
            raise DeviceLost("cuda:0 was lost")
        return True

    with pytest.raises(DeviceLost):
        preprocessor().learn(features, lost)


def test_texts_and_all_else_are_measured_apart() -> None:
    given = [
        RerankerInput(0, {"image": 0}, 1.0),
        RerankerInput(0, {"text": "a"}, 1.0),
        RerankerInput(1, {"image": 0}, 1.0),
    ]
    assert reranker_input.rows_by_modality(given) == [[1], [0, 2]]
    assert [reranker_input.cost_label("m", one) for one in given[:2]] == ["m pictures", "m"]


@pytest.mark.parametrize(
    ("files", "late"),
    [
        ({"config.json": {"architectures": ["NeoMMEForRetrieval"]}}, True),
        ({"config.json": {"architectures": ["HF_ColBERT"]}}, True),
        ({"config.json": {"architectures": ["BertForSequenceClassification"]}}, False),
        ({"modules.json": [], "config_sentence_transformers.json": {"model_type": "MultiVectorEncoder"}}, True),
        ({"modules.json": [], "config_sentence_transformers.json": {"model_type": "CrossEncoder"}}, False),
        ({"config.json": []}, False),
        ({}, False),
    ],
)
def test_the_files_of_a_model_say_whether_it_is_of_late_interaction(
    tmp_path: Path, files: dict[str, object], late: bool
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    assert reranker_input.is_late_interaction(tmp_path) is late

"""Rerankers that say yes or no: laid out as the published ones are, and scored without the steps of bfloat16."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sentence_transformers import CrossEncoder

from mcp_mmretrieval.config.profiles import Dtype, RerankerSpec
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.hub import yes_no
from mcp_mmretrieval.models.hub.cross_encoder import CrossEncoderReranker
from mcp_mmretrieval.types import Content
from tests.models.hub.test_cross_encoder import PICTURES, QUERY, TEXTS
from tests.support.tiny import rerankers

pytestmark = pytest.mark.filterwarnings(  # transformers opens a template of several and does not close it
    "ignore:unclosed file:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
CONTENTS: list[Content] = [*TEXTS, *PICTURES]
PAIRS: list[Any] = [
    *(({"text": QUERY}, {"text": text}) for text in TEXTS),
    *(({"text": QUERY}, {"image": Image.fromarray(picture)}) for picture in PICTURES),
]
CANDIDATES = [f"a red boat in harbour {number}" for number in range(24)]


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return rerankers.published_qwen3_vl(tmp_path / "tiny-published")


def made(folder: Path, dtype: Dtype = "float32", **given: Any) -> CrossEncoderReranker:
    return CrossEncoderReranker(RerankerSpec(model=str(folder), **given), Device(), dtype)


def predicted(folder: Path, pairs: Sequence[Any], **options: Any) -> list[float]:
    """What plain sentence-transformers says of pairs."""
    model: CrossEncoder = CrossEncoder(str(folder), device="cpu", **options)
    found = model.predict(list(pairs), activation_fn=torch.nn.Sigmoid(), show_progress_bar=False)
    return [float(score) for score in found]


def test_the_published_layout_gives_the_scores_of_sentence_transformers(published: Path) -> None:
    """Its template is one of two, and a file says which: scored by the other one, nothing would say so."""
    wanted = predicted(published, PAIRS)
    assert made(published).score(QUERY, CONTENTS) == pytest.approx(wanted, abs=1e-5)
    named = published / "sentence_bert_config.json"
    named.write_text(json.dumps(json.loads(named.read_text()) | {"processing_kwargs": {}}), encoding="utf-8")
    assert predicted(published, PAIRS) != pytest.approx(wanted, abs=1e-3)


def test_a_head_in_another_folder_than_the_one_that_is_named_is_found(published: Path) -> None:
    wanted = predicted(published, PAIRS)
    wrong = rerankers.with_wrong_head(published)
    with pytest.raises(TypeError, match="true_token_id"):
        predicted(wrong, PAIRS)
    assert made(wrong).score(QUERY, CONTENTS) == pytest.approx(wanted, abs=1e-5)


def test_the_words_of_the_head_that_lies_there_count_and_not_those_that_one_would_guess(published: Path) -> None:
    named = published / "1_LogitScore" / "config.json"
    ids = json.loads(named.read_text(encoding="utf-8"))
    ids["true_token_id"], ids["false_token_id"] = ids["false_token_id"], ids["true_token_id"]
    named.write_text(json.dumps(ids), encoding="utf-8")
    wanted = predicted(published, PAIRS)
    assert made(rerankers.with_wrong_head(published)).score(QUERY, CONTENTS) == pytest.approx(wanted, abs=1e-5)


def test_without_any_head_the_words_yes_and_no_are_looked_up(published: Path) -> None:
    wanted = predicted(published, PAIRS)
    assert made(rerankers.without_head(published)).score(QUERY, CONTENTS) == pytest.approx(wanted, abs=1e-5)


def test_a_model_that_knows_neither_word_is_no_judge(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transformers.PreTrainedTokenizerFast.get_vocab", lambda self: {"ja": 1, "nein": 2})
    with pytest.raises(ModelUnavailable, match="neither a head nor the words `yes` and `no`"):
        made(rerankers.without_head(published))


def test_the_instruction_of_its_own_files_counts_where_the_record_has_none(published: Path) -> None:
    named = published / "config_sentence_transformers.json"
    said = json.loads(named.read_text(encoding="utf-8"))
    said |= {"prompts": {"query": "Find charts."}, "default_prompt_name": "query"}
    named.write_text(json.dumps(said), encoding="utf-8")
    wanted = predicted(published, PAIRS)
    assert made(rerankers.with_wrong_head(published)).score(QUERY, CONTENTS) == pytest.approx(wanted, abs=1e-5)


def test_scores_in_bfloat16_are_those_of_one_row_in_float32(published: Path) -> None:
    """Differences of two logits in bfloat16 come in steps: of 24 candidates of like worth, several tie."""
    plain: CrossEncoder = CrossEncoder(str(published), device="cpu", model_kwargs={"dtype": torch.bfloat16})
    seen: list[torch.Tensor] = []
    head, rows = plain[-1], output_rows(plain)
    rows.register_forward_pre_hook(lambda _, given: seen.append(given[0][:, -1].detach().float()))
    stepped = []
    for text in CANDIDATES:  # alone, as padding changes what bfloat16 makes of a text
        stepped += predict_logits(plain, [({"text": QUERY}, {"text": text})])
    weights = rows.weight.detach().float()
    row = weights[head.true_token_id] - weights[head.false_token_id]
    wanted = torch.cat(seen) @ row
    ours = made(published, "bfloat16")
    found = [predict_logits(ours._model, [({"text": QUERY}, {"text": text})])[0] for text in CANDIDATES]
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-3)
    assert np.abs(np.array(stepped) - wanted.numpy()).max() > 5e-3
    assert len(set(found)) == len(CANDIDATES) > len(set(stepped))


def output_rows(model: CrossEncoder) -> Any:
    speaker: Any = model.transformers_model
    return speaker.get_output_embeddings()


def predict_logits(model: CrossEncoder, pairs: list[Any]) -> list[float]:
    found: Any = model.predict(
        pairs, activation_fn=torch.nn.Identity(), show_progress_bar=False, convert_to_tensor=True
    )
    return [float(logit) for logit in found.float()]


def test_the_rows_of_all_other_words_leave_memory(published: Path) -> None:
    kept = output_rows(made(published)._model)
    assert [buffer.numel() for buffer in kept.buffers()] == [32]
    assert list(kept.parameters()) == []


def test_logits_that_a_model_reshapes_stay_as_they_are(published: Path) -> None:
    model: CrossEncoder = CrossEncoder(str(published), device="cpu")
    speaker = model.transformers_model
    assert speaker is not None
    speaker.config.get_text_config().final_logit_softcapping = 30.0
    rows = output_rows(model)
    yes_no.score_in_float32(model)
    assert output_rows(model) is rows


def test_whatever_modules_json_says_a_head_is_only_where_it_lies(tmp_path: Path) -> None:
    assert yes_no.names_its_head(tmp_path)
    (tmp_path / "modules.json").write_text("no JSON", encoding="utf-8")
    assert yes_no.names_its_head(tmp_path)

"""Records beside files: each mistake is found where it stands, and what the files do not tell is none."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mcp_mmretrieval.bench.proof.facts import Fact, model_facts, wheel_facts
from mcp_mmretrieval.bench.proof.published import PUBLISHED_FACTS, PublishedFacts
from mcp_mmretrieval.config.profiles import EMBEDDERS, RERANKERS, EmbedderSpec, RerankerSpec
from mcp_mmretrieval.models.hub.from_files import weight_bytes
from mcp_mmretrieval.models.weights import MINILM_WHEEL
from tests.support.tiny import gemma, rerankers

PUBLISHED = PublishedFacts(modules=("Transformer", "Pooling", "Normalize"), pooling="mean", stored="float32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = gemma.embedder(tmp_path_factory.mktemp("models") / "tiny-gemma")
    (made / "README.md").write_text("---\nlicense: apache-2.0\n---\nA model.\n", encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rerankers.published_qwen3_vl(tmp_path_factory.mktemp("models") / "tiny-judge")


def record(folder: Path, **given: Any) -> EmbedderSpec:
    facts = {"width": gemma.DIM, "licence": "Apache-2.0", "cuda": "float32", "sees": frozenset({"photos"})}
    return gemma.record(folder, **{**facts, "memory_mb": weight_bytes(folder, "float32") // 1_000_000, **given})


def facts(spec: EmbedderSpec | RerankerSpec, folder: Path, published: PublishedFacts = PUBLISHED) -> dict[str, Fact]:
    return {fact.what: fact for fact in model_facts("tiny", spec, published, folder)}


def test_the_facts_of_a_right_record_are_right(folder: Path) -> None:
    found = facts(record(folder), folder)
    assert {what for what, fact in found.items() if not fact.right} == set()
    assert {"modules", "pooling", "licence", "query prompt", "numbers of a vector", "hears", "sample rate"} <= set(
        found
    )


@pytest.mark.parametrize(
    ("wrong", "what", "found", "file"),
    [
        ({"width": 768}, "numbers of a vector", "48", "1_Pooling/config.json"),
        ({"query_prompt": "query: "}, "query prompt", gemma.QUERY, "config_sentence_transformers.json"),
        ({"document_prompt": "text: "}, "document prompt", "title: none | text: ", "config_sentence_transformers.json"),
        ({"rate": 48_000}, "sample rate", "16000", "processor_config.json"),
        ({"pixels": 280 * 48 * 48}, "pixels of a picture", "161280", "processor_config.json"),
        ({"licence": "MIT"}, "licence", "apache-2.0", "README.md"),
        ({"memory_mb": 900}, "MB in float32", "", "*.safetensors"),
        ({"parameters": 744}, "parameters", "", "*.safetensors"),
    ],
)
def test_a_wrong_fact_of_a_record_is_found(
    folder: Path, wrong: dict[str, Any], what: str, found: str, file: str
) -> None:
    told = facts(record(folder, **wrong), folder)
    assert [name for name, fact in told.items() if fact.differs] == [what]
    assert (told[what].file, found in told[what].found) == (file, True)


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"modules": ("Transformer", "Pooling")}, "modules"),
        ({"pooling": "lasttoken"}, "pooling"),
        ({"stored": "bfloat16"}, "stored in"),
        ({"weights": 1_000}, "weights"),
    ],
)
def test_what_the_authors_say_is_compared_too(folder: Path, wrong: dict[str, Any], what: str) -> None:
    told = facts(record(folder), folder, replace(PUBLISHED, **wrong))
    assert [name for name, fact in told.items() if fact.differs] == [what]


def test_a_model_without_an_ear_does_not_hear(tmp_path: Path) -> None:
    folder = gemma.embedder(tmp_path / "deaf", without=("audio",))
    assert facts(record(folder), folder)["hears"].differs


def test_the_older_form_of_a_pooling_is_read(folder: Path, tmp_path: Path) -> None:
    older = shutil.copytree(folder, tmp_path / "older")
    said = {"word_embedding_dimension": gemma.DIM, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
    (older / "1_Pooling" / "config.json").write_text(json.dumps(said), encoding="utf-8")
    found = facts(record(older), older)
    assert found["pooling"].right
    assert found["numbers of a vector"].right


def test_what_the_files_do_not_tell_is_neither_right_nor_wrong(folder: Path, tmp_path: Path) -> None:
    silent = shutil.copytree(folder, tmp_path / "silent")
    for name in ("README.md", "modules.json", "config_sentence_transformers.json"):
        (silent / name).unlink()
    found = facts(record(silent), silent)
    untold = [what for what, fact in found.items() if not fact.found]
    assert untold == ["modules", "licence", "query prompt", "document prompt"]
    assert not any(found[what].differs or found[what].right for what in untold)


def test_a_reranker_is_known_by_its_kind_and_its_two_words(judge: Path) -> None:
    said = json.loads((judge / "1_LogitScore" / "config.json").read_text(encoding="utf-8"))
    ids = (said["true_token_id"], said["false_token_id"])
    published = PublishedFacts(modules=("Transformer", "LogitScore"), yes_no=ids)
    spec = RerankerSpec(model=str(judge), prompt="Retrieve.", window=1_024)
    assert {what for what, fact in facts(spec, judge, published).items() if fact.differs} == set()
    told = facts(replace(spec, kind="late", window=9_000), judge, replace(published, yes_no=ids[::-1]))
    assert {what for what, fact in told.items() if fact.differs} == {"kind", "tokens of a text", "ids of yes and no"}


def test_another_wheel_than_the_measured_one_is_noticed() -> None:
    if not MINILM_WHEEL.installed:
        pytest.skip("the extra [builtin] is not installed")
    wrong = replace(MINILM_WHEEL, sums={**MINILM_WHEEL.sums, "vocab.txt": "0" * 64})
    assert [fact.file for fact in wheel_facts(wrong) if fact.differs] == ["vocab.txt"]


def test_what_is_published_belongs_to_records() -> None:
    assert set(PUBLISHED_FACTS) <= {spec.model for spec in (*EMBEDDERS.values(), *RERANKERS.values())}
    for spec in (*EMBEDDERS.values(), *RERANKERS.values()):
        weights = PUBLISHED_FACTS.get(spec.model, PublishedFacts()).weights
        assert not weights or weights / 1e6 == pytest.approx(spec.parameters, abs=1), spec.model

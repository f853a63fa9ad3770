"""Architectures at their real size: counted without making them, and the small ones built and loaded."""

from pathlib import Path

import pytest

from mcp_mmretrieval.bench import untrained
from mcp_mmretrieval.bench.untrained import ARCHITECTURES
from mcp_mmretrieval.bench.untrained.design import design_parameter_count
from mcp_mmretrieval.bench.untrained.english import ENGLISH_WORDS
from mcp_mmretrieval.bench.workloads import Workloads
from mcp_mmretrieval.config.profiles import EMBEDDERS, RERANKERS
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.models.pool import ModelPool

RECORDS = [*EMBEDDERS.values(), *RERANKERS.values()]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_architecture_has_the_published_number_of_parameters(name: str) -> None:
    assert round(design_parameter_count(untrained.design_of(name)) / 1e6) == ARCHITECTURES[name].millions


@pytest.mark.parametrize("spec", RECORDS, ids=lambda spec: spec.model)
def test_an_architecture_is_as_large_as_the_record_of_what_it_stands_for(spec: object) -> None:
    record = next(one for one in RECORDS if one is spec)
    name = untrained.architecture_of(record.model)
    if name is None:
        pytest.skip("none stands for it")
    assert ARCHITECTURES[name].millions == pytest.approx(record.parameters, rel=0.08)


def test_every_embedder_of_a_profile_has_one_that_stands_for_it() -> None:
    assert all(untrained.architecture_of(spec.model) for spec in EMBEDDERS.values())


def test_an_unknown_one_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(BadArgument, match="Did you mean clip-vit-b-32"):
        untrained.design_of("clip-vit-b-23")


@pytest.mark.parametrize(("name", "picture"), [("minilm-l6", False), ("clip-vit-b-32", True)])
def test_a_small_one_is_loaded_by_the_products_own_code(name: str, picture: bool, tmp_path: Path) -> None:
    folder = untrained.build_architecture(name, tmp_path)
    models = ModelPool(Settings(library=tmp_path / "library", profile=str(folder), threads=1))
    embedder = models.embedders.made(models.maker, 60)
    assert ("picture" in embedder.dims) == picture
    assert embedder.identity["model"] == name
    made = Workloads()
    assert embedder.embed_documents([made.text(20), made.text(9)]).shape == (2, embedder.dims["text"])
    if picture:
        assert embedder.embed_documents([made.page(50_000)]).shape == (1, embedder.dims["picture"])


@pytest.mark.parametrize("name", ["embeddinggemma-2", "qwen3-vl-embedding-2b", "clip-vit-b-32", "minilm-l6"])
def test_a_word_is_about_a_token(name: str) -> None:
    processor = untrained.design_of(name).processor
    tokenizer = getattr(processor, "tokenizer", processor)
    few = ENGLISH_WORDS[:40]
    tokens = len(tokenizer(" ".join(few), add_special_tokens=False)["input_ids"])
    assert len(few) <= tokens < 1.5 * len(few)

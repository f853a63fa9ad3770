"""The authors' plain call: with the prompts of the files, and with the record's where they have none."""

from pathlib import Path

import numpy as np
import pytest

from mcp_mmretrieval.bench.proof.authors import AuthorsEmbedder, AuthorsNeoMME, authors_reranker
from mcp_mmretrieval.bench.proof.published import PublishedFacts
from mcp_mmretrieval.config.profiles import EmbedderSpec, RerankerSpec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models.hub.load import load_reranker
from tests.support.contents import film, picture, sound
from tests.support.tiny import gemma, qwen, rerankers


def embedder(folder: Path, spec: EmbedderSpec, *, instructed: bool = False) -> AuthorsEmbedder:
    return AuthorsEmbedder(folder, spec, PublishedFacts(instructed=instructed), device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def tiny_gemma(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gemma.embedder(tmp_path_factory.mktemp("models") / "tiny-gemma")


@pytest.fixture(scope="module")
def tiny_qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return qwen.embedder(tmp_path_factory.mktemp("models") / "tiny-qwen")


def test_prompts_come_from_the_files_whatever_the_record_says(tiny_gemma: Path) -> None:
    theirs = embedder(tiny_gemma, gemma.record(tiny_gemma, query_prompt="something else: "))
    assert theirs.reads() == f"<bos>{gemma.QUERY}a boat<eos>"


def test_prompts_come_from_the_record_where_the_files_have_none(tiny_qwen: Path) -> None:
    theirs = embedder(tiny_qwen, EmbedderSpec(model=str(tiny_qwen), query_prompt="Find it."), instructed=True)
    assert theirs.reads() == (
        "<|im_start|>system\nFind it.<|im_end|>\n<|im_start|>user\na boat<|im_end|>\n<|im_start|>assistant\n"
    )


def test_every_sort_of_content_gets_unit_rows(tiny_gemma: Path) -> None:
    theirs = embedder(tiny_gemma, gemma.record(tiny_gemma))
    for contents in (["a boat"], [picture(0), picture(1)], [sound(0)], [film(0)]):
        rows = theirs.encode(contents, "document")
        assert rows.shape == (len(contents), gemma.DIM)
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_an_instruction_stands_before_pictures_of_a_model_that_takes_one(tiny_qwen: Path) -> None:
    spec = EmbedderSpec(model=str(tiny_qwen), query_prompt="Find it.", document_prompt="Show it.")
    bare, told = (embedder(tiny_qwen, spec, instructed=on).encode([picture(0)], "document") for on in (False, True))
    assert float((bare @ told.T).item()) < 0.999


@pytest.mark.parametrize("published", [False, True], ids=["sentence-transformers", "transformers"])
def test_late_interaction_scores_are_those_of_the_library_in_both_layouts(tmp_path: Path, published: bool) -> None:
    folder = rerankers.neomme(tmp_path / "tiny-neomme")
    folder = rerankers.as_published(folder) if published else folder
    spec = RerankerSpec(model=str(folder), kind="late", pixels=20_000)
    theirs = authors_reranker(folder, spec, device="cpu", dtype="float32")
    assert isinstance(theirs, AuthorsNeoMME) is published
    assert theirs.reads() == "<query>a boat"
    ours = load_reranker(spec, Settings(device="cpu"))
    for contents in ([picture(0), picture(1)], ["a red boat", "the hill"]):
        if ours.reads(contents[0]):
            assert theirs.score("a boat", contents) == pytest.approx(ours.score("a boat", contents), abs=1e-4)

"""The library's vectors and scores beside the authors' call: alike where both do the same, and far where not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mcp_mmretrieval.bench.proof.comparing import (
    Agreement,
    MadeHere,
    ProofModel,
    compare_builtin_texts,
    compare_embedder,
    compare_reranker,
)
from mcp_mmretrieval.bench.proof.facts import Fact
from mcp_mmretrieval.bench.proof.items import ProofItem
from mcp_mmretrieval.bench.proof.published import PUBLISHED_FACTS, PublishedFacts
from mcp_mmretrieval.config.profiles import EMBEDDERS, RERANKERS, EmbedderSpec, RerankerSpec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models.hub.load import load_embedder, load_reranker
from mcp_mmretrieval.models.weights import MINILM_WHEEL
from tests.support.contents import picture
from tests.support.tiny import qwen, rerankers

pytestmark = pytest.mark.filterwarnings(  # transformers opens a template of several and does not close it
    "ignore:unclosed file:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

SETTINGS = Settings(device="cpu")
QWEN = PUBLISHED_FACTS[EMBEDDERS["vision-2b"].model]
JUDGE = PUBLISHED_FACTS[RERANKERS["qwen3-vl-2b"].model]
TEXTS = [ProofItem("boat", "text", "a red boat"), ProofItem("hill", "text", "the green hill behind the lake")]
PHOTOS = [ProofItem(f"photo {seed}", "photo", picture(seed, 96, 128)) for seed in range(3)]
QUESTIONS = ["Where is the boat?", "a hill"]


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> EmbedderSpec:
    """As `vision-2b` has it, with a tiny model in the place of the published one."""
    folder = qwen.embedder(tmp_path_factory.mktemp("models") / "tiny-qwen")
    return replace(EMBEDDERS["vision-2b"], model=str(folder), revision="", pixels=300_000)


@pytest.fixture(scope="module")
def reranker(tmp_path_factory: pytest.TempPathFactory) -> RerankerSpec:
    folder = rerankers.published_qwen3_vl(tmp_path_factory.mktemp("models") / "tiny-judge")
    return replace(RERANKERS["qwen3-vl-2b"], model=str(folder), revision="", pixels=100_000)


def made_by(spec: EmbedderSpec) -> MadeHere:
    """What the library makes with a record."""
    ours = load_embedder(spec, SETTINGS)
    made = MadeHere(whole={thing.name for thing in (*TEXTS, *PHOTOS)})
    for alike in (TEXTS, PHOTOS):
        rows = ours.embed_documents([thing.content for thing in alike])
        made.vectors |= {thing.name: row for thing, row in zip(alike, rows, strict=True)}
    made.asked = {question: ours.embed_query(question)["text"][0] for question in QUESTIONS}
    return made


def compared(spec: EmbedderSpec, made: MadeHere, published: PublishedFacts = QWEN) -> list[Fact | Agreement]:
    model = ProofModel("tiny", spec, published)
    return list(compare_embedder(model, Path(spec.model), SETTINGS, [*TEXTS, *PHOTOS], made))


def test_all_that_the_library_makes_is_what_the_authors_make(embedder: EmbedderSpec) -> None:
    read, *agreed = compared(embedder, made_by(embedder))
    assert isinstance(read, Fact)
    assert read.right, read.found
    assert [(one.what, one.items) for one in agreed if isinstance(one, Agreement)] == [
        ("text", 2),
        ("photo", 3),
        ("question", 2),
    ]
    assert all(one.near and one.median > 0.9999 for one in agreed if isinstance(one, Agreement))


def test_another_prompt_than_the_authors_is_noticed(embedder: EmbedderSpec) -> None:
    other = made_by(replace(embedder, query_prompt="Find the words."))
    far = [one.what for one in compared(embedder, other) if isinstance(one, Agreement) and not one.near]
    assert far == ["question"]


def test_a_template_that_leaves_out_where_the_answer_begins_is_noticed(embedder: EmbedderSpec) -> None:
    expected = replace(QWEN, reads=(*QWEN.reads, "<|im_start|>user"))
    read = compared(embedder, made_by(embedder), expected)[0]
    assert isinstance(read, Fact)
    assert read.differs
    assert "<|im_start|>assistant" in read.found


def test_vectors_of_another_length_are_told_as_such(embedder: EmbedderSpec) -> None:
    made = made_by(embedder)
    made.vectors = {name: row[:-1] for name, row in made.vectors.items()}
    with pytest.raises(ValueError, match="its vectors have 32 numbers, those of the library 31"):
        compared(embedder, made)


def test_scores_of_pairs_are_those_of_the_authors_unless_the_instruction_is_another(reranker: RerankerSpec) -> None:
    model = ProofModel("judge", reranker, JUDGE)
    for spec, near in ((reranker, True), (replace(reranker, prompt="Judge the colour."), False)):
        ours = load_reranker(spec, SETTINGS)
        made = MadeHere()
        for alike in (TEXTS, PHOTOS):
            scores = ours.score(QUESTIONS[0], [thing.content for thing in alike])
            made.scores.append((QUESTIONS[0], alike, [score or 0.0 for score in scores]))
        read, *agreed = compare_reranker(model, Path(reranker.model), SETTINGS, made)
        assert isinstance(read, Fact)
        assert read.right, read.found
        assert [one.what for one in agreed if isinstance(one, Agreement)] == ["score of a text", "score of a photo"]
        assert all(one.near for one in agreed if isinstance(one, Agreement)) is near


@pytest.mark.builtin
def test_the_built_in_text_model_is_compared_with_its_wheel() -> None:
    if not MINILM_WHEEL.installed:
        pytest.skip("the extra [builtin] is not installed")
    made = MadeHere(vectors={thing.name: np.eye(1, 384, dtype=np.float32)[0] for thing in TEXTS})
    made.asked = dict.fromkeys(QUESTIONS, made.vectors["boat"])
    assert [one.near for one in compare_builtin_texts(TEXTS, made)] == [False, False], "these are no vectors of it"

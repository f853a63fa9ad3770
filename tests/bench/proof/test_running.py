"""A whole proof: an untrained model agrees with its authors and finds nothing, and what fails is part of the proof."""

from dataclasses import replace
from pathlib import Path

import pytest

from mcp_mmretrieval.bench.proof import running
from mcp_mmretrieval.bench.proof.items import ProofItem
from mcp_mmretrieval.bench.proof.proof import Proof
from mcp_mmretrieval.bench.proof.published import PublishedFacts
from mcp_mmretrieval.bench.proof.running import prove
from mcp_mmretrieval.config.profiles import Profile, RerankerSpec
from mcp_mmretrieval.config.settings import Settings
from tests.support.tiny import gemma, rerankers

SETTINGS = Settings(device="cpu")


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    """An embedder of all sorts and a reranker of pages, untrained, with records that say what they are."""
    folder = tmp_path_factory.mktemp("models")
    embedder = gemma.record(
        gemma.embedder(folder / "tiny-gemma"),
        width=gemma.DIM, hears=8.0, frames=8, sees=frozenset({"photos", "documents"}), licence="Apache-2.0",
    )  # fmt: skip
    reranker = RerankerSpec(
        model=str(rerankers.neomme(folder / "tiny-neomme")),
        kind="late", by_default=frozenset({"page"}), pixels=100_000, licence="Apache-2.0",
    )  # fmt: skip
    return Profile(name="tiny", embedder=embedder, reranker=reranker)


@pytest.fixture(scope="module")
def proof(profile: Profile, things: list[ProofItem]) -> Proof:
    """Of three things of each kind, which takes less time than of all."""
    few = [thing for kind in dict.fromkeys(one.kind for one in things) for thing in _of(kind, things)[-3:]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "proof_items", lambda: few)
        assert profile.embedder
        said = {profile.embedder.model: PublishedFacts(pooling="mean", reads=("<bos>", "query: a boat", "<eos>"))}
        return prove(profile, SETTINGS, {}, said)


def _of(kind: str, things: list[ProofItem]) -> list[ProofItem]:
    return [thing for thing in things if thing.kind == kind]


def test_everything_is_asked_for_by_words_and_by_its_like(proof: Proof) -> None:
    assert {pair.pair for pair in proof.found} >= {
        *(f"text → {kind}" for kind in ("text", "page", "chart", "photo", "sound", "film")),
        "photo → photo",
        "text → page, reranked",
    }
    lanes = {pair.pair.partition("→")[2].split(",")[0].strip(): pair.candidates for pair in proof.found[:6]}
    assert lanes == {"text": 3, "sound": 3, "page": 12, "chart": 12, "photo": 12, "film": 12}


def test_an_untrained_model_is_all_that_its_record_says_but_finds_nothing(proof: Proof) -> None:
    assert proof.problems == []
    assert [fact for fact in proof.facts if fact.differs] == []
    assert {"pooling", "what it reads"} <= {fact.what for fact in proof.facts if fact.right}
    assert {one.what for one in proof.agreement} == {
        "text", "page", "chart", "photo", "film", "sound", "question", "score of a page",
    }  # fmt: skip
    assert [one for one in proof.agreement if not one.near] == []
    assert {what for what, _ in proof.differences()} <= {pair.pair for pair in proof.found}
    assert list(proof.differences()), "what cannot find is not proven"


def test_speed_and_memory_are_told(proof: Proof) -> None:
    assert {"text", "page", "sound", "film", "question"} <= set(proof.items_per_second)
    assert all(rate > 0 for rate in proof.items_per_second.values())
    assert proof.memory_mb > 100
    assert proof.machine is not None


def test_a_model_that_is_not_there_is_a_difference_and_the_other_is_still_compared(
    profile: Profile, tmp_path: Path
) -> None:
    found = prove(profile, SETTINGS, {"embedder": tmp_path / "nothing"}, {})
    (told,) = (why for what, why in found.differences() if what.endswith("tiny-gemma"))
    assert "no such folder" in told
    assert any(fact.what == "kind" and fact.right for fact in found.facts)


def test_a_folder_stands_in_for_a_model_under_the_facts_of_its_record(profile: Profile, tmp_path: Path) -> None:
    assert profile.embedder
    damaged = replace(profile, embedder=replace(profile.embedder, model="owner/other", revision="0" * 40))
    folder = Path(profile.embedder.model)
    found = prove(
        damaged, SETTINGS, {"embedder": folder, "reranker": tmp_path}, {"owner/other": PublishedFacts(pooling="cls")}
    )
    assert [(fact.what, fact.found) for fact in found.facts if fact.differs] == [("pooling", "mean")]

"""What the rows of a measurement say of tiny models of the real architectures: in operations, which do not vary."""

from itertools import pairwise
from pathlib import Path

import pytest

from mcp_mmretrieval.bench.report import BenchRow, MachineInfo
from mcp_mmretrieval.bench.running import BenchRun, selected_profile, with_auto_resolved
from mcp_mmretrieval.config.profiles import EmbedderSpec, Profile, RerankerSpec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models.pool import ModelPool
from tests.support.tiny import gemma, qwen, rerankers

ON = MachineInfo(
    device="cpu", name="", memory_mb=0, cores=1, threads=1, dtype="float32", matmul_tflops=0.1, versions={}
)  # fmt: skip


def run(folder: Path, embedder: EmbedderSpec, reranker: RerankerSpec | None = None) -> BenchRun:
    settings = Settings(library=folder / "library", device="cpu", sound_s=1.0)
    return BenchRun(
        settings, Profile(name="tiny", embedder=embedder, reranker=reranker), ModelPool(settings), random_weights=True
    )


def measured(of: BenchRun, thorough: str = "usual") -> dict[tuple[str, str], list[BenchRow]]:
    found: dict[tuple[str, str], list[BenchRow]] = {}
    for row in of.rows(ON, thorough, 0.001):
        assert not row.left_out
        found.setdefault((row.part, row.what), []).append(row)
    return found


def rising(rows: list[BenchRow]) -> bool:
    """Whether each size takes clearly more of the device than the one before."""
    gflop = [row.gflop for row in rows]
    return all(larger > 1.3 * smaller > 0 for smaller, larger in pairwise(gflop))


@pytest.fixture(scope="module")
def gemmas(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], list[BenchRow]]:
    """Each picture costs this model what its cap allows, however small it comes."""
    folder = tmp_path_factory.mktemp("gemma")
    spec = EmbedderSpec(
        model=str(gemma.embedder(folder / "tiny-gemma")), pixels=280 * 48 * 48, frame_pixels=70 * 48 * 48, frames=8,
        hears=30.0, rate=16_000,
    )  # fmt: skip
    return measured(run(folder, spec))


def test_a_row_of_a_cap_shows_what_it_costs_under_that_cap(gemmas: dict[tuple[str, str], list[BenchRow]]) -> None:
    pictures = gemmas["adding", "picture"]
    assert [row.share for row in pictures] == [0.25, 0.5, 1.0]
    assert rising(pictures)


def test_sounds_and_films_are_measured_as_such(gemmas: dict[tuple[str, str], list[BenchRow]]) -> None:
    sounds, films = gemmas["adding", "sound"], gemmas["adding", "film"]
    assert [row.amount for row in sounds] == [0.25, 0.5, 1.0]
    assert [row.amount for row in films] == [2, 4, 8]
    assert rising(sounds)
    assert rising(films)
    assert ("asking", "sound") in gemmas


def test_a_reranker_is_measured_under_each_cap_and_never_from_memory(tmp_path: Path) -> None:
    embedder = EmbedderSpec(
        model=str(qwen.embedder(tmp_path / "tiny-qwen")), pixels=100_000, frame_pixels=10_000, frames=16
    )  # fmt: skip
    reranker = RerankerSpec(model=str(rerankers.neomme(tmp_path / "tiny-neomme")), pixels=40_000)
    of = run(tmp_path, embedder, reranker)
    assert of.report(ON, [], 1.0).reranker == "tiny-neomme"
    found = measured(of, "full")
    for what in (("adding", "picture"), ("adding", "film"), ("reranking", "picture")):
        assert rising(found[what]), what
    assert all(row.gflop > 0 for row in found["reranking", "text"])


def test_auto_is_decided_by_this_machine_and_has_the_reranker_that_was_named(tmp_path: Path) -> None:
    profile = selected_profile(
        with_auto_resolved(Settings(library=tmp_path, profile="auto", device="cpu", reranker="minilm"))
    )
    assert (profile.name, profile.embedder) == ("builtin", None)
    assert profile.reranker is not None
    assert profile.reranker.model == "cross-encoder/ms-marco-MiniLM-L6-v2"

"""From a record to the loaded model: which class serves it, and whether it finds room."""

from contextlib import nullcontext
from pathlib import Path

import pytest
from safetensors.torch import load_file

from mcp_mmretrieval.config.profiles import Dtype, EmbedderSpec, RerankerSpec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.device import memory
from mcp_mmretrieval.models.hub import from_files, load
from mcp_mmretrieval.models.hub.cross_encoder import CrossEncoderReranker
from mcp_mmretrieval.models.hub.late_interaction import LateInteractionReranker
from mcp_mmretrieval.models.pool import ModelPool
from tests.support.contents import picture
from tests.support.tiny import rerankers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rerankers.neomme(tmp_path_factory.mktemp("late") / "tiny-neomme")


def test_a_folder_that_a_person_names_shows_by_its_files_that_it_is_of_this_kind(folder: Path, tmp_path: Path) -> None:
    for one in (folder, rerankers.as_published(folder)):
        served = ModelPool(Settings(library=tmp_path, reranker=str(one), device="cpu")).reranker(60)
        assert isinstance(served, LateInteractionReranker)
        assert served.reads(picture(0))
    for pair in (rerankers.bert(tmp_path / "tiny-bert"), tmp_path / "tiny-bert-hf"):
        assert isinstance(
            ModelPool(Settings(library=tmp_path, reranker=str(pair), device="cpu")).reranker(60), CrossEncoderReranker
        )


def test_a_model_that_finds_no_room_is_not_even_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "machine_memory", lambda: (10**9, 10**9))
    settings = Settings(library=tmp_path, device="cpu")
    gone = str(tmp_path / "gone")
    with pytest.raises(ModelUnavailable, match=r"gone: needs 20\.0 GB on cpu"):  # in float32, twice what a card needs
        load.load_embedder(EmbedderSpec(model=gone, memory_mb=8_000), settings)
    with pytest.raises(ModelUnavailable, match=r"gone: needs 20\.0 GB on cpu"):
        load.load_reranker(RerankerSpec(model=gone, memory_mb=8_000, licence="MIT"), settings)
    bfloat16 = settings.model_copy(update={"dtype": "bfloat16"})
    with pytest.raises(ModelUnavailable, match=r"gone: needs 10\.0 GB on cpu"):
        load.load_reranker(RerankerSpec(model=gone, memory_mb=8_000, licence="MIT"), bfloat16)


@pytest.mark.parametrize(("dtype", "each"), [("float32", 4), ("bfloat16", 2)])
def test_a_model_whose_size_no_record_tells_is_reckoned_by_its_files(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: Dtype, each: int
) -> None:
    """As in a recipe, which is all that a library keeps of an embedder."""
    numbers = sum(tensor.numel() for file in folder.rglob("model.safetensors") for tensor in load_file(file).values())
    assert from_files.weight_bytes(folder, dtype) == each * numbers
    settings = Settings(library=tmp_path, device="cpu", dtype=dtype, memory_share=1.0)
    for free, fits in ((1.3, True), (1.2, False)):
        free_bytes = int(free * each * numbers)
        monkeypatch.setattr(memory, "machine_memory", lambda known=free_bytes: (known, known))
        with nullcontext() if fits else pytest.raises(ModelUnavailable, match=r"needs 0\.0 GB on cpu"):
            load.load_reranker(RerankerSpec(model=str(folder)), settings)

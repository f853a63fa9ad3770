"""From a record to the loaded model: which class serves it, and whether it finds room."""

from pathlib import Path

import pytest

from mcp_mmretrieval.config.profiles import EmbedderSpec, RerankerSpec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.device import memory
from mcp_mmretrieval.models.hub import load
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
    with pytest.raises(ModelUnavailable, match=r"gone: needs 10\.0 GB on cpu"):
        load.load_embedder(EmbedderSpec(model=gone, memory_mb=8_000), settings)
    with pytest.raises(ModelUnavailable, match=r"gone: needs 10\.0 GB on cpu"):
        load.load_reranker(RerankerSpec(model=gone, memory_mb=8_000, licence="MIT"), settings)

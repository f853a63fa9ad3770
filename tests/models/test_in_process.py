"""The loader that loads into its own process: what is named is loaded, anew each time, or it is said why not."""

from pathlib import Path

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import recipe
from mcp_mmretrieval.models.in_process import InProcessLoader
from tests.support.tiny import rerankers


def test_a_reranker_in_a_folder_is_loaded_anew_each_time(tmp_path: Path) -> None:
    folder = rerankers.bert(tmp_path / "tiny-bert")
    loader = InProcessLoader(Settings(library=tmp_path, reranker=str(folder), device="cpu"))
    first = loader.reranker("builtin")
    assert first.reads("a word")
    assert loader.reranker("builtin") is not first


def test_what_no_model_of_the_hubs_makes_is_not_loaded_here(tmp_path: Path) -> None:
    loader = InProcessLoader(Settings(library=tmp_path))
    with pytest.raises(ModelUnavailable, match="builtin: no model of the Hub's makes its vectors"):
        loader.embedder(recipe.BUILTIN_RECIPE)
    with pytest.raises(ModelUnavailable, match="builtin: no reranker of the Hub's serves beside it"):
        loader.reranker("builtin")


def test_a_reader_that_is_not_there_is_named(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    loader = InProcessLoader(Settings(library=tmp_path, ocr=str(gone), speech=str(gone), device="cpu"))
    for load in (loader.text_reader, loader.transcriber):
        with pytest.raises(ModelUnavailable, match="gone"):
            load()


@pytest.mark.builtin
def test_the_built_in_readers_are_those_that_are_noted_beside_their_text(tmp_path: Path) -> None:
    from mcp_mmretrieval.models import identity

    loader = InProcessLoader(Settings(library=tmp_path))
    assert loader.text_reader().identity == identity.builtin_ocr_identity()

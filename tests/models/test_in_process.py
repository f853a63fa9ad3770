"""The loader that loads into its own process: what is named is loaded, anew each time, or it is said why not."""

import sys
from pathlib import Path

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import recipe, specs
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


def test_without_what_the_hubs_models_need_each_is_refused_with_the_command_before_it_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    named = f"owner/name@{'0' * 40}"
    settings = Settings(library=tmp_path, profile=named, reranker=named, ocr=named, speech=named, device="cpu")
    loader = InProcessLoader(settings)
    maker = specs.recipe_of_profile(named, settings)
    for load in (
        loader.text_reader,
        loader.transcriber,
        lambda: loader.embedder(maker),
        lambda: loader.reranker(named),
    ):
        with pytest.raises(ModelUnavailable, match=r"owner/name needs torch, .*\. Run: pip install '.*\[hub\]'\.$"):
            load()


@pytest.mark.builtin
def test_the_built_in_readers_are_those_that_are_noted_beside_their_text(tmp_path: Path) -> None:
    from mcp_mmretrieval.models import identity

    loader = InProcessLoader(Settings(library=tmp_path))
    assert loader.text_reader().identity == identity.builtin_ocr_identity()

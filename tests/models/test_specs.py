"""The records of the models that the settings name, with the settings' limits; a wrong name is a missing model."""

from pathlib import Path

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import recipe, specs


def test_the_limits_of_the_settings_are_those_of_every_record(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path, model_pixels=50_000, reranker="minilm")
    records = [specs.embedder_spec_of("omni", settings), specs.reader_spec_of(str(tmp_path), "ocr", settings)]
    assert [spec.pixels for spec in records if spec is not None] == [50_000, 50_000]
    reranker = specs.reranker_spec_of("omni", settings)
    assert reranker is not None
    assert reranker.model == "cross-encoder/ms-marco-MiniLM-L6-v2"


def test_the_built_in_models_have_no_record(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path)
    assert specs.embedder_spec_of("builtin", settings) is None
    assert specs.reranker_spec_of("builtin", settings) is None
    assert specs.recipe_of_profile("builtin", settings) == recipe.BUILTIN_RECIPE


def test_a_name_that_nobody_knows_is_a_model_that_is_missing_and_still_has_a_recipe(tmp_path: Path) -> None:
    settings = Settings(library=tmp_path, reranker="crystal-ball")
    with pytest.raises(ModelUnavailable, match="crystal-ball: no such profile"):
        specs.embedder_spec_of("crystal-ball", settings)
    with pytest.raises(ModelUnavailable, match="crystal-ball"):
        specs.reranker_spec_of("builtin", settings)
    with pytest.raises(ModelUnavailable, match="crystal-ball: no such model"):
        specs.reader_spec_of("crystal-ball", "speech", settings)
    assert recipe.profile_in_recipe(specs.recipe_of_profile("crystal-ball", settings)) == "crystal-ball"

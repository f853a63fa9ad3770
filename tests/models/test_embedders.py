"""Embedders by recipe: loaded once, told when that has ended, and forgotten when they are not needed."""

import threading
import time
from pathlib import Path

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import Embedder, recipe
from mcp_mmretrieval.models.builtin.load import BuiltinModels
from mcp_mmretrieval.models.embedders import EmbedderPool
from mcp_mmretrieval.models.in_process import InProcessLoader
from tests.support.models import ColourEmbedder

ONE, OTHER = recipe.recipe_of("one", None), recipe.recipe_of("other", None)


class Pool(EmbedderPool):
    """Of colours; counts what it loads, and lacks what a test says."""

    def __init__(self, settings: Settings) -> None:
        loader = InProcessLoader(settings)
        self.builtin = BuiltinModels(settings, loader)
        super().__init__(settings, loader, self.builtin)
        self.loads: list[str] = []
        self.missing: set[str] = set()

    def _load_bare(self, maker: str) -> Embedder:
        self.loads.append(maker)
        if maker in self.missing:
            raise ModelUnavailable("not on this machine")
        return ColourEmbedder(recipe.profile_in_recipe(maker))


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    return Pool(Settings(library=tmp_path))


def test_each_recipe_has_one_embedder_until_it_is_released(pool: Pool) -> None:
    one = pool.made(ONE, 10)
    assert pool.made(ONE, 10) is one
    assert pool.made(OTHER, 10).identity == {"name": "other"}
    pool.keep({OTHER, "something else"})
    assert (pool.loaded(ONE), pool.loaded(OTHER)) == (False, True)
    assert pool.made(ONE, 10) is not one
    assert pool.loads == [ONE, OTHER, ONE]


def test_who_tells_of_a_query_waits_for_no_model_that_leaves_just_then(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool.made(ONE, 10)
    gate = threading.Event()
    monkeypatch.setattr(pool, "_load_bare", lambda maker: gate.wait(60) and ColourEmbedder())
    lazy = pool.lazy(ONE)
    monkeypatch.setattr(type(lazy), "loaded", property(lambda _: True))
    monkeypatch.setattr(type(lazy), "resting", property(lambda _: True))  # since it was asked
    began = time.monotonic()
    pool.expect("a red boat")
    assert time.monotonic() < began + 5
    gate.set()


def test_who_began_a_load_hears_of_its_end_well_or_not(pool: Pool) -> None:
    pool.missing = {ONE}
    for state in ("missing", "ready"):
        ended = threading.Event()
        pool.begin(ONE, ended.set)
        assert ended.wait(60)
        assert pool.state_of(ONE) == state
        assert isinstance(pool.failure(ONE), ModelUnavailable) == (state == "missing")
        pool.missing.clear()
    assert pool.loads == [ONE, ONE]


def test_with_the_built_in_embedder_its_classifier_goes_too(pool: Pool) -> None:
    classifier = pool.builtin.classifier
    pool.release(ONE)
    assert pool.builtin.classifier is classifier
    pool.release(recipe.BUILTIN_RECIPE)
    assert pool.builtin.classifier is not classifier

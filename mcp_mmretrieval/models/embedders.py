"""Embedders by recipe: the wanted one and, for a while, that of the space that still serves. Each is loaded once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import recipe, specs, status
from mcp_mmretrieval.models.builtin.load import BuiltinModels
from mcp_mmretrieval.models.lazy import LazyModel

if TYPE_CHECKING:
    from mcp_mmretrieval.models import Embedder, ModelLoader, ModelState
    from mcp_mmretrieval.models.query_cache import QueryCache


class EmbedderPool:
    """The `EmbedderSource` of a library. Thread-safe."""

    def __init__(self, settings: Settings, loader: ModelLoader, builtin: BuiltinModels) -> None:
        self._settings = settings
        self._loader = loader
        self._builtin = builtin
        self._guard = threading.Lock()
        self._by_recipe: dict[str, LazyModel[QueryCache]] = {}

    def lazy(self, maker: str) -> LazyModel[QueryCache]:
        """A recipe's embedder, whether or not it is loaded."""
        with self._guard:
            if maker not in self._by_recipe:
                self._by_recipe[maker] = LazyModel("embedder", partial(self._load, maker))
            return self._by_recipe[maker]

    def all(self) -> list[LazyModel[QueryCache]]:
        """The embedders that were asked for and not released."""
        with self._guard:
            return list(self._by_recipe.values())

    def made(self, maker: str, timeout: float | None = None) -> Embedder:
        """See `EmbedderSource`."""
        return self.lazy(maker).get(timeout)

    def expect(self, query: str) -> None:
        """See `EmbedderSource`."""
        for embedder in self.all():
            if embedder.loaded:
                with suppress(ModelUnavailable):  # it may leave right now: its next query waits, nobody here does
                    embedder.get(0.0).expect(query)

    def begin(self, maker: str, then: Callable[[], None]) -> None:
        """See `EmbedderSource`."""
        self.lazy(maker).start(again=True).add_done_callback(lambda _: then())

    def loaded(self, maker: str) -> bool:
        """See `EmbedderSource`."""
        return self.lazy(maker).loaded

    def failure(self, maker: str) -> BaseException | None:
        """See `EmbedderSource`."""
        return self.lazy(maker).failure

    def state_of(self, maker: str) -> ModelState:
        """See `EmbedderSource`."""
        return status.state_of_model(self.lazy(maker))

    def release(self, maker: str) -> None:
        """See `EmbedderSource`."""
        with self._guard:
            self._by_recipe.pop(maker, None)
            if maker == recipe.BUILTIN_RECIPE:
                self._builtin.forget_classifier()
        self._loader.release(maker)

    def keep(self, makers: Collection[str]) -> None:
        """See `EmbedderSource`."""
        with self._guard:
            others = self._by_recipe.keys() - set(makers)
        for maker in others:
            self.release(maker)

    def _load(self, maker: str) -> QueryCache:
        from mcp_mmretrieval.models.query_cache import QueryCache

        return QueryCache(self._load_bare(maker))

    def _load_bare(self, maker: str) -> Embedder:
        """The embedder without the cache of its queries. Raises ModelUnavailable."""
        if specs.embedder_spec_in(maker, self._settings) is None:
            return self._builtin.load_embedder()
        return self._loader.embedder(maker)

"""All models of a library, each loaded at most once: the text model in the background, the others when first needed.

Imports nothing heavy itself: what stands in `builtin/` and `hub/` is imported by the thread that loads it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mcp_mmretrieval.config.profiles import profile_of
from mcp_mmretrieval.config.resolve import choose_profile
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import recipe, specs, status, weights
from mcp_mmretrieval.models.builtin.load import BuiltinModels
from mcp_mmretrieval.models.device import memory
from mcp_mmretrieval.models.device.lost_gpu import LostGpuLog
from mcp_mmretrieval.models.embedders import EmbedderPool
from mcp_mmretrieval.models.in_process import InProcessLoader
from mcp_mmretrieval.models.lazy import LazyModel
from mcp_mmretrieval.models.readers import ReaderPool
from mcp_mmretrieval.types import Identity

if TYPE_CHECKING:
    from mcp_mmretrieval.models import ModelLoader, Reranker, TextReader, Transcriber

logger = logging.getLogger(__name__)


class ModelPool:
    """The `LibraryModels` that the settings name. Cheap to make; `start` loads what search needs. Thread-safe."""

    def __init__(self, settings: Settings, loader: ModelLoader | None = None) -> None:
        """`loader`: into this process when not given."""
        self._settings = settings
        self._profile = settings.profile
        self._losses = LostGpuLog(settings.library)
        self._loader = loader or InProcessLoader(settings)
        self.builtin = BuiltinModels(settings, self._loader)
        """The built-in models, which serve where no other is wanted."""
        self.embedders = EmbedderPool(settings, self._loader, self.builtin)
        """Embedders by recipe."""
        self._readers = ReaderPool(settings, settings.cache, self._loader)
        self._reranker: LazyModel[Reranker | None] = LazyModel("reranker", self._load_reranker)

    def start(self) -> None:
        """Load the wanted embedder in the background. Returns at once; may be called again."""
        self.embedders.lazy(self.maker).start()
        if self.reranks:
            self._reranker.start()

    # -- the wanted profile ---------------------------------------------------------------------------------------

    @property
    def profile(self) -> str:
        """See `WantedProfile`."""
        return self._profile

    @property
    def maker(self) -> str:
        """See `WantedProfile`."""
        return specs.recipe_of_profile(self._profile, self._settings)

    @property
    def spare(self) -> str:
        """See `WantedProfile`."""
        return recipe.BUILTIN_RECIPE

    @property
    def measured(self) -> bool:
        """See `WantedProfile`."""
        return self._profile == "builtin"

    def want(self, profile: str) -> None:
        """See `WantedProfile`."""
        self._profile = profile.strip()
        self._reranker = LazyModel("reranker", self._load_reranker)

    def known(self, profile: str) -> str:
        """See `WantedProfile`."""
        return profile_of(profile).name

    def auto(self) -> tuple[str, str]:
        """See `WantedProfile`. Has torch imported where the loader loads, if there may be a GPU."""
        try:
            return choose_profile(self._loader.device_memory())
        except (ImportError, OSError) as error:
            return "builtin", f"auto chose builtin, because torch does not load: {error}. Run: mcp-mmretrieval doctor."

    # -- models ---------------------------------------------------------------------------------------------------

    def reranker(self, timeout: float | None = None) -> Reranker | None:
        """See `RerankerSource`."""
        return self._reranker.get(timeout)

    @property
    def reranks(self) -> bool:
        """See `RerankerSource`."""
        try:
            return specs.reranker_spec_of(self._profile, self._settings) is not None
        except ModelUnavailable:
            return True

    def transcriber(self, timeout: float | None = None) -> Transcriber | None:
        """See `ReadingModels`."""
        return self._readers.transcriber(timeout)

    def text_reader(self, timeout: float | None = None) -> TextReader | None:
        """See `ReadingModels`."""
        return self._readers.text_reader(timeout)

    @property
    def reading(self) -> Identity:
        """See `ReadingModels`."""
        return self._readers.reading

    # -- what a person should know --------------------------------------------------------------------------------

    def message_of(self, maker: str) -> str:
        """See `RolloutModels`."""
        return status.models_message(self.embedders.lazy(maker), self._others())

    def status_lines(self) -> Mapping[str, str]:
        """See `LibraryModels`."""
        embedder = self.embedders.lazy(self.maker)
        readers: dict[str, LazyModel[Any]] = {
            "ocr": self._readers.lazy_text_reader,
            "speech": self._readers.lazy_transcriber,
        }
        return {
            **status.vector_lines(self._profile, self._settings, embedder, self.builtin.classifier),
            **status.reader_lines(self._settings, readers),
        }

    @property
    def loading(self) -> str:
        """See `LibraryModels`."""
        return status.loading_line(self._all())

    # -- the device -----------------------------------------------------------------------------------------------

    @property
    def alone(self) -> str:
        """See `LibraryModels`."""
        return self._losses.alone()

    def rest(self) -> None:
        """See `LibraryModels`."""
        self._loader.rest()
        if self.builtin.rest():
            logger.info("left memory, since nobody used it: %s", self.builtin.text.name)
            memory.release_memory()

    def close(self) -> None:
        """See `LibraryModels`."""
        self._loader.close()

    def _others(self) -> list[LazyModel[Any]]:
        """All models whose state a message tells beside the embedder's."""
        return [
            self.builtin.classifier,
            self._reranker,
            self._readers.lazy_transcriber,
            self._readers.lazy_text_reader,
        ]

    def _all(self) -> list[LazyModel[Any]]:
        return [*self.embedders.all(), self.builtin.text, *self._others()]

    def _load_reranker(self) -> Reranker | None:
        """None where none is wanted, or where the model that the built-in one reads with is not installed."""
        if self._settings.reranker.strip() == "off":
            return None
        if specs.reranker_spec_of(self._profile, self._settings) is not None:
            return self._loader.reranker(self._profile)
        if specs.embedder_spec_of(self._profile, self._settings) is not None and not weights.MINILM_WHEEL.installed:
            return None
        return self.builtin.load_reranker()

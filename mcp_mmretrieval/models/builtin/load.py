"""From the wheels to the loaded built-in models, each loaded once. Imports nothing heavy until one is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models import weights
from mcp_mmretrieval.models.device import threads
from mcp_mmretrieval.models.lazy import LazyModel

if TYPE_CHECKING:
    from mcp_mmretrieval.models import ModelLoader, PictureClassifier
    from mcp_mmretrieval.models.builtin.embedder import BuiltinEmbedder
    from mcp_mmretrieval.models.builtin.late_interaction import MiniLMReranker
    from mcp_mmretrieval.models.builtin.minilm import MiniLM


class BuiltinModels:
    """MiniLM and EfficientNet, which embedder and reranker share, and what is made of them. Thread-safe."""

    def __init__(self, settings: Settings, loader: ModelLoader) -> None:
        self._settings = settings
        self._loader = loader
        self._threads = threads.thread_budget(settings.threads)
        self.text = LazyModel("text model", self._load_text)
        self.classifier = LazyModel("picture model", self._load_classifier)

    def forget_classifier(self) -> None:
        """Let go of the classifier, so that its memory is free as soon as nobody uses it."""
        self.classifier = LazyModel("picture model", self._load_classifier)

    def rest(self) -> bool:
        """Let the text model leave the memory where nobody uses it. Whether it left just now."""
        return self.text.loaded and self.text.get().rest(self._settings.idle_seconds("cpu"))

    def load_embedder(self) -> BuiltinEmbedder:
        """The built-in embedder, without pictures where their wheel is not installed. Raises ModelUnavailable.

        The classifier is loaded when the first picture comes, which not every library has.
        """
        text = self.text.get()
        from mcp_mmretrieval.models.builtin.embedder import BuiltinEmbedder
        from mcp_mmretrieval.models.builtin.imagenet import ClassNameVectors

        if weights.EFFICIENTNET_WHEEL.installed:
            return BuiltinEmbedder(text, self._classifier, ClassNameVectors())
        self.classifier.start()  # fails, so that `models_message` says what is missing
        return BuiltinEmbedder(text, None, ClassNameVectors())

    def load_reranker(self) -> MiniLMReranker:
        """The built-in reranker. Raises ModelUnavailable."""
        text = self.text.get()
        from mcp_mmretrieval.models.builtin.late_interaction import MiniLMReranker

        return MiniLMReranker(text)

    def _load_text(self) -> MiniLM:
        threads.set_thread_environment()
        from mcp_mmretrieval.models.builtin.minilm import MiniLM
        from mcp_mmretrieval.models.device import device

        cpu = device.shared_device(self._settings, "cpu")
        return MiniLM(self._threads, cpu, self._settings.cache, self._settings.builtin_dtype)

    def _load_classifier(self) -> PictureClassifier:
        weights.EFFICIENTNET_WHEEL.locate()  # before a process is started for it
        return self._loader.classifier()

    def _classifier(self) -> PictureClassifier:
        return self.classifier.get()

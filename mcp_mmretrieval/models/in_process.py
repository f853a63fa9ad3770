"""The `ModelLoader` that loads into this process: that of a model process, of tests and of benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_mmretrieval.config.profiles import Dtype, ModelSpec
from mcp_mmretrieval.config.resolve import DeviceMemory, trusted_spec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import Embedder, PictureClassifier, Reranker, TextReader, Transcriber, recipe, specs
from mcp_mmretrieval.models.assembly import assembled_alone
from mcp_mmretrieval.models.device import memory, threads
from mcp_mmretrieval.models.device.placement import DevicePlacement
from mcp_mmretrieval.models.hub_packages import require_hub_packages

if TYPE_CHECKING:
    from mcp_mmretrieval.models.device.device import Device


class InProcessLoader:
    """Loads what is asked for; keeps nothing, so that what nobody holds any more is free."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._placement = DevicePlacement(settings)
        self._threads = threads.thread_budget(settings.threads)
        threads.set_thread_environment()

    def classifier(self) -> PictureClassifier:
        """See `ModelLoader`."""
        from mcp_mmretrieval.models.builtin.classifier import ImageNetClassifier
        from mcp_mmretrieval.models.device import device

        on = device.shared_device(self._settings, "cpu")
        return ImageNetClassifier(self._threads, on, self._settings.cache)

    def text_reader(self) -> TextReader:
        """See `ModelLoader`."""
        if self._settings.ocr == "builtin":
            from mcp_mmretrieval.models.builtin.ocr import PaddleOcr

            return PaddleOcr(self._threads)
        given = self._given(self._settings.ocr, "ocr")
        from mcp_mmretrieval.models.hub.ocr import HubTextReader

        with assembled_alone(given[0]):
            return HubTextReader(*given)

    def transcriber(self) -> Transcriber:
        """See `ModelLoader`."""
        if self._settings.speech == "builtin":
            from mcp_mmretrieval.models.builtin.speech import WhisperTranscriber

            return WhisperTranscriber(self._threads, self._settings.cache)
        given = self._given(self._settings.speech, "speech")
        from mcp_mmretrieval.models.hub.speech import HubTranscriber

        with assembled_alone(given[0]):
            return HubTranscriber(*given)

    def embedder(self, maker: str) -> Embedder:
        """See `ModelLoader`."""
        spec = specs.embedder_spec_in(maker, self._settings)
        if spec is None:
            raise ModelUnavailable(f"{recipe.profile_in_recipe(maker)}: no model of the Hub's makes its vectors.")
        require_hub_packages(spec.model)
        spec = trusted_spec(spec, self._settings)  # as it is said today, not when the space was made
        from mcp_mmretrieval.models.hub import load

        with assembled_alone(spec):
            return load.load_embedder(spec, self._settings, self._placement.device_for_load())

    def reranker(self, profile: str) -> Reranker:
        """See `ModelLoader`."""
        spec = specs.reranker_spec_of(profile, self._settings)
        if spec is None:
            raise ModelUnavailable(f"{profile}: no reranker of the Hub's serves beside it.")
        require_hub_packages(spec.model)
        from mcp_mmretrieval.models.hub import load

        with assembled_alone(spec):
            return load.load_reranker(spec, self._settings, self._placement.device_for_load())

    def release(self, maker: str) -> None:
        """See `ModelLoader`."""
        memory.release_memory()

    def device_memory(self) -> DeviceMemory:
        """See `ModelLoader`."""
        from mcp_mmretrieval.models.device import machine

        return machine.total_device_memory(self._settings.device)

    def rest(self) -> None:
        """Nothing leaves while the process lives."""

    def close(self) -> None:
        """Nothing leaves before the process does."""

    def _given(self, setting: str, variable: str) -> tuple[ModelSpec, Device, Dtype, int]:
        """The arguments that a model for `ocr` or `speech` is loaded with. Raises ModelUnavailable."""
        spec = specs.reader_spec_of(setting, variable, self._settings)
        require_hub_packages(spec.model)
        runs_on = self._placement.device_for_load(instead="cpu")
        return spec, runs_on, runs_on.dtype(spec, self._settings), self._threads

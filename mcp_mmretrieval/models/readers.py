"""The models that turn pictures and sound into text, each loaded once, and what that text depends on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mcp_mmretrieval.config.profiles import Dtype, ModelSpec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import TextReader, Transcriber, identity, specs
from mcp_mmretrieval.models.assembly import assembled_alone
from mcp_mmretrieval.models.builtin.load import BuiltinModels
from mcp_mmretrieval.models.device import threads
from mcp_mmretrieval.models.device.placement import DevicePlacement
from mcp_mmretrieval.models.download import checksums
from mcp_mmretrieval.models.lazy import LazyModel
from mcp_mmretrieval.types import Identity

if TYPE_CHECKING:
    from mcp_mmretrieval.models.device.device import Device

logger = logging.getLogger(__name__)

ReaderT = TypeVar("ReaderT", Transcriber, TextReader)


class ReaderPool:
    """The `ReadingModels` of a library. Thread-safe."""

    def __init__(self, settings: Settings, cache: Path, placement: DevicePlacement, builtin: BuiltinModels) -> None:
        """`cache`: folder for what is made from weights once."""
        self._settings = settings
        self._cache = cache
        self._placement = placement
        self._builtin = builtin
        self.lazy_transcriber = LazyModel("speech recognition", self._load_transcriber)
        self.lazy_text_reader = LazyModel("text recognition", self._load_text_reader)
        self._lines: dict[str, str] = {}
        """Identities, as lines, of models that `ocr` and `speech` name."""

    @property
    def reading(self) -> Identity:
        """See `ReadingModels`."""
        return {
            "ocr": self._line(self._settings.ocr, "ocr", identity.builtin_ocr_identity, identity.text_reader_identity),
            "speech": self._line(
                self._settings.speech, "speech", identity.builtin_speech_identity, identity.transcriber_identity
            ),
        }

    def transcriber(self, timeout: float | None = None) -> Transcriber | None:
        """See `ReadingModels`."""
        return self.lazy_transcriber.get(timeout) if self._settings.speech != "off" else None

    def text_reader(self, timeout: float | None = None) -> TextReader | None:
        """See `ReadingModels`."""
        return self.lazy_text_reader.get(timeout) if self._settings.ocr != "off" else None

    def _line(
        self,
        setting: str,
        variable: str,
        builtin: Callable[[], Identity],
        of_model: Callable[[ModelSpec, str], Identity],
    ) -> str:
        """The identity of the model that a setting names, as a line; for a model that is missing, its name.

        A file that is read while the model is missing gets no text, so the name stands in no library.
        """
        if setting == "off":
            return "off"
        if setting == "builtin":
            return identity.identity_line(builtin())
        if variable not in self._lines:  # asked for each file; while we live it is the model that it was
            try:
                spec = specs.reader_spec_of(setting, variable, self._settings)
                self._lines[variable] = identity.identity_line(
                    of_model(spec, checksums.model_content_digest(spec, self._cache))
                )
            except ModelUnavailable as error:
                logger.warning("%s: %s", variable, error)
                return setting
        return self._lines[variable]

    def _load_transcriber(self) -> Transcriber:
        threads.set_thread_environment()
        if self._settings.speech == "builtin":
            return self._builtin.load_transcriber(self._cache)
        from mcp_mmretrieval.models.hub.speech import HubTranscriber

        given = self._given(self._settings.speech, "speech")
        with assembled_alone(given[0]):
            return self._unchanged(HubTranscriber(*given), "speech")

    def _load_text_reader(self) -> TextReader:
        threads.set_thread_environment()
        if self._settings.ocr == "builtin":
            return self._builtin.load_text_reader()
        from mcp_mmretrieval.models.hub.ocr import HubTextReader

        given = self._given(self._settings.ocr, "ocr")
        with assembled_alone(given[0]):
            return self._unchanged(HubTextReader(*given), "ocr")

    def _given(self, setting: str, variable: str) -> tuple[ModelSpec, Device, Dtype, int]:
        """The arguments that a model for `ocr` or `speech` is loaded with. Raises ModelUnavailable."""
        spec = specs.reader_spec_of(setting, variable, self._settings)
        runs_on = self._placement.device_for_load(instead="cpu")
        budget = threads.thread_budget(self._settings.threads)
        return spec, runs_on, runs_on.dtype(spec, self._settings), budget

    def _unchanged(self, model: ReaderT, variable: str) -> ReaderT:
        """The model, if it is the one whose identity is noted beside the text. Raises ModelUnavailable."""
        if identity.identity_line(model.identity) != self.reading[variable]:
            raise ModelUnavailable(
                f"{getattr(self._settings, variable)}: changed since this server started. Start the server again."
            )
        return model

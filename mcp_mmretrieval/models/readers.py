"""The models that turn pictures and sound into text, each loaded once, and what that text depends on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mcp_mmretrieval.config.profiles import ModelSpec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import ModelLoader, TextReader, Transcriber, identity, specs
from mcp_mmretrieval.models.download import checksums
from mcp_mmretrieval.models.lazy import LazyModel
from mcp_mmretrieval.types import Identity

logger = logging.getLogger(__name__)

ReaderT = TypeVar("ReaderT", Transcriber, TextReader)


class ReaderPool:
    """The `ReadingModels` of a library. Thread-safe."""

    def __init__(self, settings: Settings, cache: Path, loader: ModelLoader) -> None:
        """`cache`: folder for what is made from weights once."""
        self._settings = settings
        self._cache = cache
        self._loader = loader
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
        if variable not in self._lines:  # asked for each file; while we live it is the model that it was
            if setting == "builtin":
                return self._lines.setdefault(variable, identity.identity_line(builtin()))
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
        return self._unchanged(self._loader.transcriber(), "speech")

    def _load_text_reader(self) -> TextReader:
        return self._unchanged(self._loader.text_reader(), "ocr")

    def _unchanged(self, model: ReaderT, variable: str) -> ReaderT:
        """The model, if it is the one whose identity is noted beside the text. Raises ModelUnavailable."""
        if identity.identity_line(model.identity) != self.reading[variable]:
            raise ModelUnavailable(
                f"{getattr(self._settings, variable)}: changed since this server started. Start the server again."
            )
        return model

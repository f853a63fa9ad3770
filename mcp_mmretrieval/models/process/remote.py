"""Models in a process of their own, as the engine sees them: each function is a call to `host.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from mcp_mmretrieval.config.resolve import DeviceMemory
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models import (
    Embedder,
    PictureClassifier,
    RecognisedText,
    Reranker,
    TextReader,
    Transcriber,
    Transcript,
    progress,
)
from mcp_mmretrieval.models.device.machine import may_have_gpu
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.models.process.client import HOST, ModelAnswer, ModelCall, ModelProcess
from mcp_mmretrieval.types import Content, Cue, Film, Identity, Modality, Sound, VectorKind

if TYPE_CHECKING:
    from mcp_mmretrieval.models.builtin.imagenet import ClassProbabilities
    from mcp_mmretrieval.types import Picture, Vectors


HUB_VARIABLES = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "4000000000",
    "MALLOC_TRIM_THRESHOLD_": "8000000000",
    "MALLOC_TOP_PAD_": "268435456",
    "PYTORCH_ALLOC_CONF": "expandable_segments:True",
}
"""What glibc and torch read once, for processes with models of the Hub.

Pictures become patches in blocks of hundreds of megabytes, which glibc would take from the system and give back each
time: a page of 1,280 tokens then costs 11,000 page faults, and half of the processor's time. Threads other than the
first have heaps of 64 MB each, for which the thresholds do not count, so all share one. On a card, segments that grow
keep batches of many sizes from leaving holes.
"""


class _RemoteModel:
    """One model in a process. It is loaded again, by its next call, where the process ended meanwhile."""

    def __init__(self, process: ModelProcess, model: str, of: str = "") -> None:
        """Loads it. Raises ModelUnavailable."""
        self._process = process
        self._model = ModelCall(model, of, "load")
        self._facts: Mapping[str, Any] = process.call(self._model).value
        progress.report_device(process)

    def _call(self, function: str, contents: Sequence[Content] = (), **arguments: object) -> ModelAnswer:
        return self._process.call(replace(self._model, function=function, arguments=arguments, contents=contents))


class RemoteEmbedder(_RemoteModel):
    """See `Embedder`."""

    @property
    def identity(self) -> Identity:
        """See `Embedder`."""
        return dict(self._facts["identity"])

    @property
    def dims(self) -> Mapping[VectorKind, int]:
        """See `Embedder`."""
        return dict(self._facts["dims"])

    @property
    def sees(self) -> frozenset[Literal["photos", "documents"]]:
        """See `Embedder`."""
        return frozenset(self._facts["sees"])

    @property
    def hears(self) -> float:
        """See `Embedder`."""
        return float(self._facts["hears"])

    @property
    def films(self) -> int:
        """See `Embedder`."""
        return int(self._facts["films"])

    @property
    def picture_side(self) -> int:
        """See `Embedder`."""
        return int(self._facts["picture_side"])

    @property
    def frame_side(self) -> int:
        """See `Embedder`."""
        return int(self._facts["frame_side"])

    @property
    def calls_at_once(self) -> int:
        """See `Embedder`."""
        return int(self._facts["calls_at_once"])

    def has_word(self, word: str) -> bool:
        """See `Embedder`; it does not tell."""
        return True

    def windows(self, text: str) -> list[str]:
        """See `Embedder`."""
        windows: list[str] = self._call("windows", [text]).value if text.strip() else []
        return windows

    def embed_query(self, query: Content) -> Mapping[VectorKind, Vectors]:
        """See `Embedder`."""
        return self._call("embed_query", [query]).arrays  # type: ignore[return-value]  # its names are kinds

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        """See `Embedder`."""
        return self._call("embed_documents", contents, titles=list(titles)).arrays["vectors"]


class RemoteReranker(_RemoteModel):
    """See `Reranker`."""

    @property
    def name(self) -> str:
        """See `Reranker`."""
        return str(self._facts["name"])

    @property
    def by_default(self) -> frozenset[Modality]:
        """See `Reranker`."""
        return frozenset(self._facts["by_default"])

    @property
    def blends(self) -> bool:
        """See `Reranker`."""
        return bool(self._facts["blends"])

    @property
    def picture_side(self) -> int:
        """See `Reranker`."""
        return int(self._facts["picture_side"])

    @property
    def frame_side(self) -> int:
        """See `Reranker`."""
        return int(self._facts["frame_side"])

    def reads(self, content: Content) -> bool:
        """See `Reranker`. As it was tried when the model was loaded."""
        if isinstance(content, str):
            return "text" in self._facts["reads"] and bool(content.strip())
        if isinstance(content, Film):
            return "film" in self._facts["reads"] and len(content.pictures) > 0
        return "picture" in self._facts["reads"] and not isinstance(content, Sound)

    def score(self, query: Content, contents: Sequence[Content]) -> list[float | None]:
        """See `Reranker`."""
        scores: list[float | None] = self._call("score", [query, *contents]).value
        return scores


class RemoteTranscriber(_RemoteModel):
    """See `Transcriber`."""

    @property
    def identity(self) -> Identity:
        """See `Transcriber`."""
        return dict(self._facts["identity"])

    def transcribe(self, sound: Sound, language: str = "") -> Transcript:
        """See `Transcriber`."""
        told = self._call("transcribe", [sound], language=language).value
        return Transcript([Cue(**cue) for cue in told["cues"]], told["language"], told["probability"])


class RemoteTextReader(_RemoteModel):
    """See `TextReader`."""

    @property
    def identity(self) -> Identity:
        """See `TextReader`."""
        return dict(self._facts["identity"])

    def read(self, picture: Picture) -> str:
        """See `TextReader`."""
        return self.recognise(picture).text

    def recognise(self, picture: Picture) -> RecognisedText:
        """See `TextReader`."""
        return RecognisedText(**self._call("recognise", [picture]).value)


class RemoteClassifier(_RemoteModel):
    """See `PictureClassifier`."""

    def probabilities(self, pictures: Sequence[Picture]) -> ClassProbabilities:
        """See `PictureClassifier`."""
        return self._call("probabilities", pictures).arrays["probabilities"]


def process_pool(settings: Settings, *, entry: str = HOST) -> ModelPool:
    """All models of a library, the heavy ones in processes of their own. `entry`: as for a `ProcessLoader`."""
    return ModelPool(settings, ProcessLoader(settings, entry=entry))


class ProcessLoader:
    """The `ModelLoader` of an engine: one process for the processor, and one for the GPU where there may be one."""

    def __init__(self, settings: Settings, *, entry: str = HOST) -> None:
        """`entry`: the module that a process runs; only tests have another one."""
        self._settings = settings
        variables = HUB_VARIABLES if settings.profile != "builtin" else {}
        apart = may_have_gpu(settings.device)
        self._cpu = ModelProcess(settings, "cpu", entry=entry, variables={} if apart else variables)
        self._hub = ModelProcess(settings, "gpu", entry=entry, variables=variables) if apart else self._cpu

    @property
    def processes(self) -> tuple[ModelProcess, ...]:
        """Those that may run, each once."""
        return tuple(dict.fromkeys((self._cpu, self._hub)))

    def classifier(self) -> PictureClassifier:
        """See `ModelLoader`."""
        return RemoteClassifier(self._cpu, "classifier")

    def text_reader(self) -> TextReader:
        """See `ModelLoader`."""
        return RemoteTextReader(self._for(self._settings.ocr), "ocr")

    def transcriber(self) -> Transcriber:
        """See `ModelLoader`."""
        return RemoteTranscriber(self._for(self._settings.speech), "speech")

    def embedder(self, maker: str) -> Embedder:
        """See `ModelLoader`."""
        return RemoteEmbedder(self._hub, "embedder", maker)

    def reranker(self, profile: str) -> Reranker:
        """See `ModelLoader`."""
        return RemoteReranker(self._hub, "reranker", profile)

    def release(self, maker: str) -> None:
        """See `ModelLoader`."""
        self._hub.release("embedder", maker)

    def device_memory(self) -> DeviceMemory:
        """See `ModelLoader`."""
        return DeviceMemory(**self._hub.call(ModelCall("machine", "", "device_memory")).value)

    def rest(self) -> None:
        """See `ModelLoader`."""
        for process in self.processes:
            process.rest(self._settings.idle_seconds(process.kind))

    def close(self) -> None:
        """See `ModelLoader`."""
        for process in self.processes:
            process.close()

    def _for(self, setting: str) -> ModelProcess:
        """Where the model runs that `ocr` or `speech` names."""
        return self._cpu if setting == "builtin" else self._hub

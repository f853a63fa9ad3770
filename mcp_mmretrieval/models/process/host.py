"""What runs in a model process: load what a call names, run it, answer. It ends when the engine hangs up.

Each call has a thread of its own; the models and their devices give the threads their turns, as in one process.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from mcp_mmretrieval.concurrency import foreground
from mcp_mmretrieval.concurrency.priority_lock import urgent_turns
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import ModelLoader, progress
from mcp_mmretrieval.models.in_process import InProcessLoader
from mcp_mmretrieval.models.process.frames import FrameHeader, FrameSocket, NotReceived
from mcp_mmretrieval.models.process.messages import not_handed_over, pack_arrays, pack_error, unpack_contents
from mcp_mmretrieval.types import Content, Film

if TYPE_CHECKING:
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

NICENESS = 5
"""By which the engine goes first where both want the processor: somebody waits for its answers."""

FunctionResult = tuple[Any, Mapping[str, "NDArray[Any]"]]
"""A value that JSON knows, and arrays."""
Function = Callable[[Any, Mapping[str, Any], Sequence[Content]], FunctionResult]


# -- the functions: model, arguments, contents -> answer ---------------------------------------------------------------


def _load(model: Any, arguments: Mapping[str, Any], contents: Sequence[Content]) -> FunctionResult:
    """What is known of a model once it is loaded."""
    plain = ("identity", "name", "blends", "hears", "films", "picture_side", "frame_side", "calls_at_once")
    facts = {name: getattr(model, name) for name in plain if _has(model, name)}
    for name in ("sees", "by_default"):
        if _has(model, name):
            facts[name] = sorted(getattr(model, name))
    if _has(model, "dims"):
        facts["dims"] = dict(model.dims)
    if _has(model, "reads"):
        blank = np.zeros((8, 8, 3), np.uint8)
        tried: dict[str, Content] = {"text": "a word", "picture": blank, "film": Film([blank], (0.0,))}
        facts["reads"] = [sort for sort, content in tried.items() if model.reads(content)]
    return facts, {}


def _windows(model: Any, arguments: Mapping[str, Any], contents: Sequence[Content]) -> FunctionResult:
    return model.windows(contents[0]), {}


def _embed_query(model: Any, arguments: Mapping[str, Any], contents: Sequence[Content]) -> FunctionResult:
    return None, model.embed_query(contents[0])


def _embed_documents(model: Any, arguments: Mapping[str, Any], contents: Sequence[Content]) -> FunctionResult:
    return None, {"vectors": model.embed_documents(contents, arguments["titles"])}


def _score(model: Any, arguments: Mapping[str, Any], contents: Sequence[Content]) -> FunctionResult:
    return model.score(contents[0], contents[1:]), {}


def _transcribe(model: Any, arguments: Mapping[str, Any], contents: Sequence[Content]) -> FunctionResult:
    return asdict(model.transcribe(contents[0], arguments["language"])), {}


def _recognise(model: Any, arguments: Mapping[str, Any], contents: Sequence[Content]) -> FunctionResult:
    return asdict(model.recognise(contents[0])), {}


def _probabilities(model: Any, arguments: Mapping[str, Any], contents: Sequence[Content]) -> FunctionResult:
    return None, {"probabilities": model.probabilities(contents)}


def _device_memory(model: Any, arguments: Mapping[str, Any], contents: Sequence[Content]) -> FunctionResult:
    return asdict(model.device_memory()), {}


FUNCTIONS: dict[str, Function] = {
    "load": _load,
    "windows": _windows,
    "embed_query": _embed_query,
    "embed_documents": _embed_documents,
    "score": _score,
    "transcribe": _transcribe,
    "recognise": _recognise,
    "probabilities": _probabilities,
    "device_memory": _device_memory,
}


def _has(model: Any, name: str) -> bool:
    return hasattr(type(model), name) or hasattr(model, name)


# -- the process -------------------------------------------------------------------------------------------------------


class LoadedModels:
    """The models of this process, each loaded once, by the first call that names it. Thread-safe."""

    def __init__(self, loader: ModelLoader) -> None:
        self._loader = loader
        self._guard = threading.Lock()
        self._models: dict[tuple[str, str], Any] = {}
        self._loading: dict[tuple[str, str], threading.Lock] = {}

    def get(self, model: str, of: str) -> Any:
        """The model. Raises ModelUnavailable."""
        key = (model, of)
        with self._guard:
            loading = self._loading.setdefault(key, threading.Lock())
        with loading:
            if (held := self._models.get(key)) is not None:
                return held
            made = self._load(model, of)
            with self._guard:
                if self._loading.get(key) is loading:  # else it was let go of meanwhile
                    self._models[key] = made
            return made

    def release(self, model: str, of: str) -> None:
        """Forget a model, also one that is being loaded; its memory is free once no call uses it."""
        with self._guard:
            self._models.pop((model, of), None)
            self._loading.pop((model, of), None)
        self._loader.release(of)

    def _load(self, model: str, of: str) -> Any:
        if model == "embedder":
            return self._loader.embedder(of)
        if model == "reranker":
            return self._loader.reranker(of)
        loads: dict[str, Callable[[], Any]] = {
            "classifier": self._loader.classifier,
            "ocr": self._loader.text_reader,
            "speech": self._loader.transcriber,
            "machine": lambda: self._loader,
        }
        return loads[model]()


class ModelHost:
    """Answers the engine's calls until it hangs up."""

    def __init__(self, frames: FrameSocket, loader: ModelLoader) -> None:
        self._frames = frames
        self._models = LoadedModels(loader)
        self._stops: dict[int, threading.Event] = {}
        self._foreground: list[AbstractContextManager[None]] = []
        """Entered as often as somebody waits for an answer of the engine's."""

    def serve(self) -> None:
        """Until the engine hangs up. Raises EOFError or OSError then."""
        while True:
            try:
                header, data = self._frames.receive()
            except NotReceived as error:  # no fault of what it is about
                short = ModelUnavailable(not_handed_over(error))
                short.__cause__ = error
                self._tell({"id": error.header["id"]} | pack_error(short))
                continue
            if "foreground" in header:
                self._wait_for_foreground(header["foreground"])
            elif "cancel" in header:
                if stop := self._stops.get(header["cancel"]):
                    stop.set()
            elif "release" in header:
                self._models.release(*header["release"])
            else:
                self._stops[header["id"]] = threading.Event()
                threading.Thread(target=self._answer, args=(header, data), name=header["function"], daemon=True).start()

    def _answer(self, header: FrameHeader, data: memoryview) -> None:
        """One call, in a thread of its own."""
        id, stop = header["id"], self._stops[header["id"]]
        try:
            with urgent_turns(stop) if header["urgent"] else nullcontext():
                with progress.progress_reported_to(_LoadProgress(self._frames, id)):
                    model = self._models.get(*header["model"])
                function = FUNCTIONS[header["function"]]
                value, arrays = function(model, header["arguments"], unpack_contents(header["contents"], data))
            described, buffers = pack_arrays(arrays)
            self._tell({"id": id, "value": value, "arrays": described}, buffers)
        except BaseException as error:  # somebody waits for it, also where a tokeniser in Rust panics
            logger.info("%s: %s", header["function"], error, exc_info=True)
            self._tell({"id": id} | pack_error(error))
        finally:
            del self._stops[id]

    def _tell(self, told: FrameHeader, buffers: Sequence[memoryview] = ()) -> None:
        with suppress(OSError):  # the engine has gone, and so will this process
            self._frames.send(told, buffers)

    def _wait_for_foreground(self, busy: bool) -> None:
        if busy:
            request = foreground.foreground_request()
            request.__enter__()
            self._foreground.append(request)
        elif self._foreground:
            self._foreground.pop().__exit__(None, None, None)


class _LoadProgress:
    """Passes on how far a load is."""

    def __init__(self, frames: FrameSocket, id: int) -> None:
        self._frames = frames
        self._id = id

    def hear(self, what: str, done: int, total: int) -> None:
        """See `progress.ProgressListener`."""
        with suppress(OSError):  # the engine has gone, and so will this process
            self._frames.send({"id": self._id, "progress": [what, done, total]})

    def place(self, device: progress.DeviceLike) -> None:
        """See `progress.ProgressListener`."""


def main(make_loader: Callable[[Settings], ModelLoader] = InProcessLoader) -> None:
    """Serve the socket whose number is the argument, until the engine hangs up. Does not return."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the engine, which then ends this process
    os.nice(NICENESS)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    logging.getLogger("mcp_mmretrieval").setLevel(logging.INFO)
    frames = FrameSocket(socket.socket(fileno=int(sys.argv[1])))
    try:
        told, _ = frames.receive()
        loader = make_loader(Settings.of(told["settings"]))
        ModelHost(frames, loader).serve()
    except (EOFError, OSError):
        os._exit(0)  # without waiting for a model that may be at work
    except BaseException:
        logger.exception("the model process ends")
        os._exit(1)


if __name__ == "__main__":
    main()

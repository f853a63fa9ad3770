"""Models whose answers can be worked out by hand, behind the same seams as the real ones."""

import re
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal

import numpy as np

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import (
    Embedder,
    EmbedderSource,
    ModelState,
    RecognisedText,
    Reranker,
    TextReader,
    Transcriber,
    Transcript,
    recipe,
)
from mcp_mmretrieval.types import Content, Cue, Film, Identity, Modality, Picture, Sound, VectorKind, Vectors

COLOURS = ("red", "green", "blue")
PATIENCE = 60.0


class ColourEmbedder:
    """Three axes: red, green, blue. Words count as they are written, pictures by how bright each channel is.

    Among pictures there is one more, for none of these, as the built-in model has it; it is always empty. One that is
    called `longer` has another empty axis: its vectors fit no other's.
    """

    def __init__(self, name: str = "colours") -> None:
        self.name = name

    @property
    def identity(self) -> Identity:
        return {"name": self.name}

    @property
    def dims(self) -> Mapping[VectorKind, int]:
        return {"text": self._dim, "picture": self._dim + 1}

    @property
    def _dim(self) -> int:
        return 4 if self.name == "longer" else 3

    @property
    def sees(self) -> frozenset[Literal["photos", "documents"]]:
        return frozenset({"photos", "documents"})

    @property
    def hears(self) -> float:
        return 0.0

    @property
    def films(self) -> int:
        return 0

    @property
    def picture_side(self) -> int:
        return 640

    @property
    def frame_side(self) -> int:
        return 480

    @property
    def calls_at_once(self) -> int:
        return 3

    def has_word(self, word: str) -> bool:
        return True

    def windows(self, text: str) -> list[str]:
        return [line for line in text.splitlines() if line.strip()]

    def embed_query(self, query: Content) -> Mapping[VectorKind, Vectors]:
        vector = self.embed_documents([query])[:, : self._dim]
        return {"text": vector, "picture": np.pad(vector, ((0, 0), (0, 1)))}

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        return np.stack([self._vector(content) for content in contents])

    def _vector(self, content: Content) -> Vectors:
        if isinstance(content, str):
            words = re.findall(r"\w+", content.lower())
            axes = np.array([words.count(colour) for colour in COLOURS], np.float32)
        else:
            assert not isinstance(content, Sound)
            picture = content.pictures[0] if isinstance(content, Film) else content
            axes = picture.reshape(-1, 3).mean(axis=0).astype(np.float32)
        axes = np.pad(axes, (0, self._dim - 3)) + np.float32(0.01)
        unit: Vectors = axes / np.linalg.norm(axes)
        return unit if isinstance(content, str) else np.pad(unit, (0, 1))


class HearingEmbedder(ColourEmbedder):
    """Two more axes, low and high: sounds by how loud they are below and above 700 Hz, words as they are written.

    It hears 30 s at once. `films`: frames of a film that it takes in as one; 0: frame by frame.
    """

    hears = 30.0

    def __init__(self, films: int = 0) -> None:
        super().__init__("hearing")
        self._films = films
        self.taken: list[int] = []
        """How many contents each call had."""

    @property
    def dims(self) -> Mapping[VectorKind, int]:
        return {"text": 5, "picture": 5, "sound": 5}

    @property
    def films(self) -> int:
        return self._films

    def embed_query(self, query: Content) -> Mapping[VectorKind, Vectors]:
        return dict.fromkeys(self.dims, np.stack([self._vector(query)]))

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        self.taken.append(len(contents))
        return super().embed_documents(contents, titles)

    def _vector(self, content: Content) -> Vectors:
        if isinstance(content, Sound):
            loud = np.abs(np.fft.rfft(content.samples)) / max(1, len(content.samples))
            low = np.fft.rfftfreq(len(content.samples), 1 / content.rate) < 700
            axes = np.array([0, 0, 0, np.linalg.norm(loud[low]), np.linalg.norm(loud[~low])], np.float32)
        else:
            words = re.findall(r"\w+", content.lower()) if isinstance(content, str) else []
            pitches = [words.count("low") + words.count("hum"), words.count("high") + words.count("beep")]
            axes = np.concatenate([super()._vector(content)[:3], np.array(pitches, np.float32)])
        axes = axes + np.float32(1e-3)
        unit: Vectors = axes / np.linalg.norm(axes)
        return unit


class PitchTranscriber:
    """Hears `low tone` or `high tone` by how often the samples cross zero; nothing in silence."""

    @property
    def identity(self) -> Identity:
        return {"name": "pitch"}

    def transcribe(self, sound: Sound, language: str = "") -> Transcript:
        if not len(sound.samples) or float(np.abs(sound.samples).max()) < 0.01:
            return Transcript([])
        seconds = len(sound.samples) / sound.rate
        hertz = np.count_nonzero(np.diff(np.signbit(sound.samples))) / 2 / seconds
        return Transcript([Cue(0.0, seconds, "a low tone" if hertz < 700 else "a high tone")])


class ShapeReader:
    """Reads `wide sign` off pictures that are more than twice as wide as high, and nothing off others."""

    @property
    def identity(self) -> Identity:
        return {"name": "shapes"}

    def read(self, picture: Picture) -> str:
        height, width = picture.shape[:2]
        return "wide sign" if width > 2 * height else ""

    def recognise(self, picture: Picture) -> RecognisedText:
        return RecognisedText(self.read(picture))


class LengthReranker:
    """Prefers short texts."""

    name = "shortest first"
    by_default: frozenset[Modality] = frozenset()
    blends = False
    picture_side = frame_side = 0

    def reads(self, content: Content) -> bool:
        return isinstance(content, str)

    def score(self, query: Content, contents: Sequence[Content]) -> list[float | None]:
        return [1 / (1 + len(content)) if isinstance(content, str) and content else None for content in contents]


class ModelsByHand:
    """The models above, as `LibraryModels` gives them to a library. It inherits nothing: what it says is all there is.

    It is its own `EmbedderSource`. Each profile and each recipe has a `ColourEmbedder` of its name.
    """

    def __init__(
        self, settings: Settings, *, space: str = "colours", state: ModelState = "ready", slow: bool = False
    ) -> None:
        """`slow`: the embedder is still loading, however long one waits."""
        self._profile = settings.profile
        self._slow = slow
        self._made = ColourEmbedder(space)
        self._given_state: ModelState = state

    # -- the wanted profile -------------------------------------------------------------------------------------------

    @property
    def profile(self) -> str:
        return self._profile

    @property
    def maker(self) -> str:
        return recipe.recipe_of(self._made.name, None)

    @property
    def spare(self) -> str:
        return ""

    @property
    def measured(self) -> bool:
        return self._profile == "builtin"

    def want(self, profile: str) -> None:
        self._profile = profile
        self._made = ColourEmbedder(profile)

    def known(self, profile: str) -> str:
        return profile

    def auto(self) -> tuple[str, str]:
        return "colours", "by hand"

    def start(self) -> None:
        pass

    def message_of(self, maker: str) -> str:
        return "" if self._given_state == "ready" else "The models are loading."

    # -- embedders by recipe ------------------------------------------------------------------------------------------

    @property
    def embedders(self) -> EmbedderSource:
        return self

    def embedder(self, timeout: float | None = None) -> Embedder:
        """The wanted one."""
        if self._slow:
            raise ModelUnavailable("The embedder is still loading. Ask again in a few seconds.")
        return self._made

    def expect(self, query: str) -> None:
        pass

    def made(self, maker: str, timeout: float | None = None) -> Embedder:
        return self.embedder(timeout) if maker == self.maker else ColourEmbedder(recipe.profile_in_recipe(maker))

    def begin(self, maker: str, then: Callable[[], None]) -> None:
        then()

    def loaded(self, maker: str) -> bool:
        return not self._slow

    def failure(self, maker: str) -> BaseException | None:
        return None

    def state_of(self, maker: str) -> ModelState:
        return self._given_state

    def release(self, maker: str) -> None:
        pass

    def keep(self, makers: Collection[str]) -> None:
        pass

    # -- the other models ---------------------------------------------------------------------------------------------

    @property
    def reading(self) -> Identity:
        return {"ocr": "shapes", "speech": "pitch"}

    def transcriber(self, timeout: float | None = None) -> Transcriber | None:
        return PitchTranscriber()

    def text_reader(self, timeout: float | None = None) -> TextReader | None:
        return ShapeReader()

    @property
    def reranks(self) -> bool:
        return False

    def reranker(self, timeout: float | None = None) -> Reranker | None:
        return LengthReranker()

    # -- what a library tells and does with all -----------------------------------------------------------------------

    def status_lines(self) -> Mapping[str, str]:
        return dict.fromkeys(("text vectors", "picture vectors", "text in pictures", "speech"), "by hand")

    @property
    def loading(self) -> str:
        return ""

    @property
    def alone(self) -> str:
        return ""

    def rest(self) -> None:
        pass

    def close(self) -> None:
        pass


class HearingModels(ModelsByHand):
    """A profile with one space for words, pictures and sounds, whose likenesses nobody measured."""

    measured = False

    def __init__(self, settings: Settings, *, films: int = 0) -> None:
        super().__init__(settings)
        self._made = self.hearing = HearingEmbedder(films)


class Gate:
    """Lets through as many as it is told to; the others wait until it is opened."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._free = 0
        self._open = False
        self.came = 0

    def enter(self) -> None:
        with self._changed:
            self.came += 1
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self._open or self._free > 0, PATIENCE)
            self._free -= 1

    def admit(self, count: int) -> None:
        with self._changed:
            self._free = count
            self._changed.notify_all()

    def open(self) -> None:
        with self._changed:
            self._open = True
            self._changed.notify_all()

    def reached(self, number: int) -> bool:
        """Wait until so many have come."""
        with self._changed:
            return self._changed.wait_for(lambda: self.came >= number, PATIENCE)


class HeldEmbedder(ColourEmbedder):
    """Queries about something `slow`, and all pictures, wait at a gate."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate

    def embed_query(self, query: Content) -> Mapping[VectorKind, Vectors]:
        if not isinstance(query, str) or "slow" in query:
            self._gate.enter()
        return super().embed_query(query)


class HeldReranker(LengthReranker):
    """Each call waits at a gate."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def score(self, query: Content, contents: Sequence[Content]) -> list[float | None]:
        self._gate.enter()
        return super().score(query, contents)


class HeldModels(ModelsByHand):
    """Models that a test holds up."""

    def __init__(self, settings: Settings, *, queries: Gate, scores: Gate, state: ModelState = "ready") -> None:
        super().__init__(settings, state=state)
        self._made = HeldEmbedder(queries)
        self._scores = scores

    def reranker(self, timeout: float | None = None) -> Reranker | None:
        return HeldReranker(self._scores)

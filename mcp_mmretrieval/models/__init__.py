"""The seams: what the library asks of a model, and of whoever has the models. Imports nothing heavy.

One door to torch, torchaudio and sentence-transformers: this package. A hub model is a new implementation of one of
the first four protocols and nothing else. A `ModelLoader` brings models into memory. The others say what each part of
the library needs of all models; `pool.ModelPool` implements them, and so does a test's double, which inherits nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from mcp_mmretrieval.types import Content, Cue, Identity, Modality, Sound, VectorKind

if TYPE_CHECKING:
    from mcp_mmretrieval.config.resolve import DeviceMemory
    from mcp_mmretrieval.models.builtin.imagenet import ClassProbabilities
    from mcp_mmretrieval.types import Picture, Vectors

ModelState = Literal["loading", "ready", "missing"]
"""Whether a model answers, is still to come, or failed."""


class Embedder(Protocol):
    """Places contents where a query finds them. Safe to call from several threads."""

    @property
    def identity(self) -> Identity:
        """What the vectors depend on. It names their space: vectors of unequal identities are never compared."""

    @property
    def dims(self) -> Mapping[VectorKind, int]:
        """The kinds of vectors that it makes of documents, and their lengths.

        A model with one shared space gives all kinds the same length. What matters is only that a query's vector of
        a kind can be compared with the documents' vectors of that kind.
        """

    @property
    def sees(self) -> frozenset[Literal["photos", "documents"]]:
        """What its picture vectors are good for. Pages and charts get one only from a model that sees documents."""

    @property
    def hears(self) -> float:
        """Seconds of one sound that it takes in as such; 0: it hears nothing, and transcripts stand for sound."""

    @property
    def films(self) -> int:
        """Frames of one film that it takes in as a film; 0: a film is looked at frame by frame."""

    @property
    def picture_side(self) -> int:
        """Longer side, in pixels, at which pages and pictures are decoded for it."""

    @property
    def frame_side(self) -> int:
        """The same of the frames of a film."""

    @property
    def calls_at_once(self) -> int:
        """Calls of `embed_documents` that it gains from at a time: while one computes, it prepares the others."""

    def windows(self, text: str) -> list[str]:
        """The text cut into pieces that the model takes in whole; one vector each.

        Empty for blank text, and where the model was not taught the script: such vectors would all be alike.
        """

    def has_word(self, word: str) -> bool:
        """Whether it was taught a word as such: to one of many pieces, a name or a number, nothing is near in meaning.

        True where it cannot tell.
        """

    def embed_query(self, query: Content) -> Mapping[VectorKind, Vectors]:
        """The query's vector for each kind that it can be compared with, shape (1, dims[kind]), unit length.

        Empty for words of a script that the model was not taught.
        """

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        """Vectors of contents of one sort, shape (len(contents), dims[kind]), unit rows.

        The kind follows from the sort: str `text`; a picture or film `picture`; sound `sound`. `titles`: one a content,
        of the document that a text stands in, or empty; models whose prompt has no place for it do without. Raises
        Unfit for contents that it cannot take in, DeviceLost.
        """


class Reranker(Protocol):
    """Looks at query and candidate together."""

    @property
    def name(self) -> str:
        """The name of the method, as an answer gives it."""

    @property
    def by_default(self) -> frozenset[Modality]:
        """What it reorders in a search unasked: only where it was measured to help within the time of a search."""

    @property
    def blends(self) -> bool:
        """Whether its score is one more piece of evidence beside a hit's own, rather than the verdict."""

    @property
    def picture_side(self) -> int:
        """See `Embedder`."""

    @property
    def frame_side(self) -> int:
        """See `Embedder`."""

    def reads(self, content: Content) -> bool:
        """Whether it looks at such a content: text, a picture, a film, a sound."""

    def score(self, query: Content, contents: Sequence[Content]) -> list[float | None]:
        """Relevance of each content in [0, 1], in the order given; None for one that it cannot read."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What is said in a sound."""

    cues: list[Cue]
    """With seconds from the beginning of the given sound. Empty where nobody speaks."""
    language: str = ""
    """In which it was written down, as an ISO 639-1 code; empty where the model does not say."""
    probability: float = 1.0
    """That this is the language, in [0, 1]."""


class Transcriber(Protocol):
    """Speech to text."""

    @property
    def identity(self) -> Identity:
        """What the transcript depends on: weights and settings. Part of the reading's identity."""

    def transcribe(self, sound: Sound, language: str = "") -> Transcript:
        """What is said, in the language that is given; without one, in the one that it sounds like."""


@dataclass(frozen=True, slots=True)
class RecognisedText:
    """What OCR reads in a picture."""

    text: str
    """The words in reading order, a line each. Empty where there are none."""
    turn: int = 0
    """Degrees, clockwise, by which the picture is to be turned for its words to stand upright."""
    note: str = ""
    """What the person should know: that there are letters which the model does not know."""


class TextReader(Protocol):
    """Pictures to text (OCR)."""

    @property
    def identity(self) -> Identity:
        """What the text depends on: weights and settings. Part of the reading's identity."""

    def read(self, picture: Picture) -> str:
        """The words in a picture in reading order, a line each. Empty where there are none."""

    def recognise(self, picture: Picture) -> RecognisedText:
        """The same, and what else there is to say of it. A picture may be larger than the usual `limits.side`."""


class PictureClassifier(Protocol):
    """What a picture shows, among the 1,000 classes of ImageNet."""

    def probabilities(self, pictures: Sequence[Picture]) -> ClassProbabilities:
        """Rows that add up to 1, shape (len(pictures), 1000)."""


class ModelLoader(Protocol):
    """Brings heavy models into memory: into this process (`in_process`), or into one of their own (`process`).

    Each function loads its model anew, in the thread that calls it, and raises ModelUnavailable where it cannot be had.
    That thread reports how far it is (`progress`).
    """

    def classifier(self) -> PictureClassifier:
        """The built-in picture model."""

    def text_reader(self) -> TextReader:
        """The model that the setting `ocr` names."""

    def transcriber(self) -> Transcriber:
        """The model that the setting `speech` names."""

    def embedder(self, maker: str) -> Embedder:
        """The embedder from the Hub, or a folder, in a recipe."""

    def reranker(self, profile: str) -> Reranker:
        """The reranker from the Hub, or a folder, that serves beside a profile."""

    def release(self, maker: str) -> None:
        """Let go of a recipe's embedder, whose memory is free once nobody uses it."""

    def device_memory(self) -> DeviceMemory:
        """The memory of the device that the settings name. Raises BadArgument; ImportError and OSError of torch's."""

    def rest(self) -> None:
        """Give back what was idle for as long as the settings say."""

    def close(self) -> None:
        """Give back everything; who still waits gets Cancelled."""


# -- what each part of the library needs of all models ---------------------------------------------------------------


@runtime_checkable
class QueryBatchEmbedder(Protocol):
    """An `Embedder` for which several queries in words cost less together than one by one."""

    def embed_queries(self, queries: Sequence[str]) -> Sequence[Mapping[VectorKind, Vectors]]:
        """For each what `Embedder.embed_query` gives for it. Raises as soon as one of them cannot be embedded."""


class ReadingModels(Protocol):
    """What `adding.reading` needs: the models that turn pictures and sound into text."""

    @property
    def reading(self) -> Identity:
        """What the text of pictures (`ocr`) and of speech (`speech`) depends on. Loads nothing."""

    def transcriber(self, timeout: float | None = None) -> Transcriber | None:
        """None where the settings say that speech is not transcribed. Raises ModelUnavailable: missing or too late."""

    def text_reader(self, timeout: float | None = None) -> TextReader | None:
        """None where the settings say that pictures are not read. Raises ModelUnavailable: missing or too late."""


class RerankerSource(Protocol):
    """What `searching` needs: the wanted profile's reranker."""

    @property
    def reranks(self) -> bool:
        """Whether a reranker of the Hub's serves, or would if it could be loaded."""

    def reranker(self, timeout: float | None = None) -> Reranker | None:
        """None where the profile has none. Raises ModelUnavailable: missing, or not loaded within `timeout` seconds."""


class EmbedderSource(Protocol):
    """Embedders by recipe. `maker` is what makes the vectors of a space, as `recipe` writes it."""

    def expect(self, query: str) -> None:
        """A query in words that waits for its turn: an embedder that is loaded may embed it along with others."""

    def made(self, maker: str, timeout: float | None = None) -> Embedder:
        """A recipe's embedder. Raises ModelUnavailable when it cannot be loaded, or not within `timeout` seconds."""

    def begin(self, maker: str, then: Callable[[], None]) -> None:
        """Load an embedder in the background, also one that has failed; calls `then` when that has ended."""

    def loaded(self, maker: str) -> bool:
        """Whether `made` answers at once."""

    def failure(self, maker: str) -> BaseException | None:
        """Why an embedder could not be loaded the last time."""

    def state_of(self, maker: str) -> ModelState:
        """Whether an embedder answers, is still to come, or failed."""

    def release(self, maker: str) -> None:
        """Forget an embedder, so that its memory is free as soon as nobody uses it."""

    def keep(self, makers: Collection[str]) -> None:
        """Release all embedders but those of these recipes."""


class WantedProfile(Protocol):
    """Which profile is wanted, and what follows from it."""

    @property
    def profile(self) -> str:
        """The wanted profile, as the setting names it."""

    @property
    def maker(self) -> str:
        """The recipe of the wanted vectors, to be kept with their space. Loads nothing."""

    @property
    def spare(self) -> str:
        """The recipe that serves where the wanted embedder is missing; empty where none does."""

    @property
    def measured(self) -> bool:
        """Whether the vectors are the built-in models', with which the scales of ranking were measured."""

    def want(self, profile: str) -> None:
        """From now on this profile's models are the wanted ones. Loads nothing."""

    def known(self, profile: str) -> str:
        """The profile's name, as it is kept. Raises BadArgument where there is none such."""

    def auto(self) -> tuple[str, str]:
        """The profile that `auto` stands for on this machine, and why. Raises BadArgument."""


class RolloutModels(WantedProfile, Protocol):
    """What `rollout` needs: the wanted profile, and embedders of it and of the space that still serves."""

    @property
    def embedders(self) -> EmbedderSource:
        """Embedders by recipe."""

    def start(self) -> None:
        """Load what answers for the wanted profile in the background. Returns at once; may be called again."""

    def message_of(self, maker: str) -> str:
        """What a person should know where a recipe's embedder answers. Empty when all is well."""


class LibraryModels(RolloutModels, ReadingModels, RerankerSource, Protocol):
    """All that a library needs of its models."""

    def status_lines(self) -> Mapping[str, str]:
        """Each model's state, by what it does: one line each, for a person."""

    @property
    def loading(self) -> str:
        """What is being loaded just now and how far that is, for who waits for it; empty where nothing is."""

    @property
    def alone(self) -> str:
        """Why no model runs on the GPU that the settings name; empty where they do, or there is none."""

    def rest(self) -> None:
        """Let models that did nothing for as long as the settings say leave memory, to come back when needed."""

    def close(self) -> None:
        """Let all models leave memory, for good. Who still waits for one gets Cancelled."""

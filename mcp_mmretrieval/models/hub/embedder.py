"""Any embedder that sentence-transformers loads: from a folder, or from one commit on the Hugging Face Hub."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from mcp_mmretrieval.config.profiles import Dtype, EmbedderSpec
from mcp_mmretrieval.errors import BadArgument, ModelUnavailable, RetrievalError, Unfit, first_error_line
from mcp_mmretrieval.models.device import threads
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.hub import from_files
from mcp_mmretrieval.models.hub.capabilities import capabilities_of
from mcp_mmretrieval.models.hub.encoder import Encoder, Features
from mcp_mmretrieval.models.hub.patches import multiply_patches
from mcp_mmretrieval.models.hub.pictures import FRAME_SHAPE, PAGE_SHAPE, longer_side
from mcp_mmretrieval.models.hub.preprocess import (
    PREPROCESSING_VERSION,
    EmbedderInput,
    MediaPreprocessor,
    media_preprocessor_for,
)
from mcp_mmretrieval.models.hub.prompts import PromptRole, prompts_of
from mcp_mmretrieval.models.hub.texts import TextPreprocessor
from mcp_mmretrieval.models.identity import short_model_name
from mcp_mmretrieval.types import Content, Film, Identity, Sound, VectorKind

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors

logger = logging.getLogger(__name__)

SizedInput = tuple[int, EmbedderInput, float]
"""What the model gets of one content at once: the content's row, the input, and its size in tokens."""

PreparedBatch = tuple[int, Features | None]
"""How many contents, and what the network gets of them; None for one that the processor refuses."""

_LEAST_AHEAD, _MOST_AHEAD = 2, 4
"""Calls that are prepared while the batch of one runs; each of them holds its contents and one prepared batch."""
_TRIED = 160_000
"""Pixels of the picture with which a model is tried out: few, as on a CPU it takes seconds."""


class HubEmbedder:
    """An `Embedder` with one space for texts and whatever else the model takes in: pictures, sounds, films.

    Safe to call from several threads; the device gives them their turns, a batch at a time.
    """

    def __init__(self, spec: EmbedderSpec, device: Device, dtype: Dtype = "float32") -> None:
        """`dtype`: what it computes in.

        Raises ModelUnavailable when the model is missing, does not load, or gives no usable vectors.
        """
        folder, self._revision = from_files.locate_quietly(spec)
        self._spec = spec
        self._device = device
        self._dtype = dtype
        try:
            self._model = SentenceTransformer(
                str(folder),
                device=device.name,
                local_files_only=True,
                trust_remote_code=spec.own_code,
                truncate_dim=spec.dims or None,
                model_kwargs={"dtype": getattr(torch, self._dtype), "use_safetensors": True, **spec.model_options},
                processor_kwargs=dict(spec.processor_options),
            )
            self._model.eval()
            multiply_patches(self._model)
            self._encoder = Encoder(self._model)
            self._prompts = prompts_of(self._model, spec)
            self._texts = TextPreprocessor(self._model, spec, self._prompts)
            self._preparing = media_preprocessor_for(
                self._model, spec, capabilities_of(self._model, spec), self._texts.room
            )
            self._dims = self._tried()
        except RetrievalError:
            raise
        except Exception as error:  # other people's models fail in any way
            raise ModelUnavailable(
                f"{spec.model}: does not load: {first_error_line(error)}. {_remedy(error)}"
            ) from error

    def under(self, spec: EmbedderSpec) -> HubEmbedder:
        """The same model, loaded once, under another record's caps on pictures, films and sounds."""
        made = copy.copy(self)
        made._spec = spec
        made._preparing = media_preprocessor_for(
            self._model, spec, capabilities_of(self._model, spec), self._texts.room
        )
        return made

    @property
    def identity(self) -> Identity:
        """The model, its weights, and all else that the vectors depend on."""
        options = {**self._spec.model_options, **self._spec.processor_options}
        return {
            "name": "hub",
            "model": short_model_name(self._spec),
            "revision": self._revision,
            "dim": self._dims["text"],
            "dtype": self._dtype,
            "query prompt": self._prompts.query,
            "document prompt": self._prompts.document,
            "window": self._texts.window,
            "pixels": self._preparing.pixels,
            "frame pixels": self._preparing.frame_pixels,
            "side": self.picture_side,
            "sees": " ".join(sorted(self.sees)),
            "frames": self._preparing.frames,
            "seconds": self._preparing.seconds,
            "stretch": self._spec.stretch if "sound" in self._dims else 0.0,
            "rate": self._preparing.rate,
            "options": json.dumps(options, sort_keys=True, default=str) if options else "",
            "prepared": PREPROCESSING_VERSION,
        }

    @property
    def dims(self) -> Mapping[VectorKind, int]:
        """See `Embedder`; all kinds that the model takes in, of the same length."""
        return self._dims

    @property
    def sees(self) -> frozenset[Literal["photos", "documents"]]:
        """See `Embedder`; as its record says, or its processor does. Nothing where the model takes no pictures."""
        if not self._preparing.pictures:
            return frozenset()
        return self._spec.sees | {"documents"} if self._preparing.legible else self._spec.sees

    @property
    def hears(self) -> float:
        """Seconds of one sound; a longer one is the mean of its pieces."""
        return self._preparing.seconds

    @property
    def films(self) -> int:
        """Frames of a film; of a longer one so many are chosen."""
        return self._preparing.frames

    @property
    def picture_side(self) -> int:
        """See `Embedder`; that of a page which has as many pixels as the model takes."""
        return longer_side(self._preparing.pixels, PAGE_SHAPE)

    @property
    def frame_side(self) -> int:
        """See `Embedder`; that of a frame which has as many pixels as the model takes."""
        return longer_side(self._preparing.frame_pixels, FRAME_SHAPE)

    @property
    def calls_at_once(self) -> int:
        """See `Embedder`; one in its turn, and two or more ahead, as many as there are cores for."""
        return 1 + max(_LEAST_AHEAD, min(_MOST_AHEAD, threads.thread_budget(0) // 2))

    def has_word(self, word: str) -> bool:
        """See `Embedder`; it does not tell."""
        return True

    def windows(self, text: str) -> list[str]:
        """Pieces that the model takes in whole, cut between words."""
        return self._texts.windows(text)

    def embed_query(self, query: Content) -> Mapping[VectorKind, Vectors]:
        """The query's one vector, to be compared with those of each kind.

        A text is taken in whole, as documents are not: cut in windows, it would be another vector than its authors'.
        One that is longer than the model takes in is the mean of its windows.


        Raises BadArgument for a blank text, and for what the model cannot take in.
        """
        if isinstance(query, str) and not self.windows(query):
            raise BadArgument("The query has no words. Say what to look for.")
        try:
            return dict.fromkeys(self._dims, self._embedded([query], "query"))
        except Unfit as error:
            raise BadArgument(f"{error} Ask in other words.") from error

    def embed_documents(self, contents: Sequence[Content], titles: Sequence[str] = ()) -> Vectors:
        """Vectors of contents of one sort, shape (n, dim).

        A text or sound that is longer than the model takes in is the mean of its pieces; a film, where the model takes
        none, that of its frames. Raises Unfit for what the model cannot take in, BadArgument for several sorts.
        """
        if len({_kind(content) for content in contents}) > 1:
            raise BadArgument("Texts, pictures and sounds are different kinds: embed them in separate calls.")
        return self._embedded(contents, "document", titles)

    def _embedded(self, contents: Sequence[Content], role: PromptRole, titles: Sequence[str] = ()) -> Vectors:
        """Unit rows: of each content the mean of its parts. Raises Unfit."""
        refused = {row: why for row, content in enumerate(contents) if (why := self._preparing.refusal(content))}
        if refused:
            raise Unfit(list(refused), self._said(" ".join(dict.fromkeys(refused.values()))))
        vectors = np.zeros((len(contents), self._dims["text"]), np.float32)
        parts = [part for row, content in enumerate(contents) for part in self._parts(row, content, role, titles)]
        rows = np.array([row for row, _, _ in parts], int)
        sort = f"{self._spec.model} {_kind(contents[0])}" if contents else ""
        sizes = [size for _, _, size in parts]
        try:
            for some, found in self._device.each_prepared(
                sort,
                sizes,
                lambda some: self._prepared([parts[i][1] for i in some], role),
                lambda features: self._forwarded(features, role),
            ):
                np.add.at(vectors, rows[some], _directions(found))
        except Unfit as error:
            raise Unfit(sorted({int(rows[part]) for part in error.rows}), str(error)) from error
        return self._unit(vectors)

    def _parts(self, row: int, content: Content, role: PromptRole, titles: Sequence[str]) -> list[SizedInput]:
        """The inputs that a content becomes: several for a long text or sound, and for a film frame by frame."""
        preparing = self._preparing
        if isinstance(content, str):
            read = self._texts.read(content, role, titles[row] if titles and role == "document" else "")
            made = [({"text": text}, size) for text, size in read]
        elif isinstance(content, Sound):
            made = preparing.sound(content)
        elif isinstance(content, Film):
            made = [preparing.film(content)] if preparing.frames else [*map(preparing.frame, content.pictures)]
        else:
            made = [preparing.picture(content)]
        return [(row, given, size) for given, size in made]

    def _prepared(self, inputs: list[EmbedderInput], role: PromptRole) -> PreparedBatch:
        """One batch ready for the network, which the device tries row by row where it fails; nothing of what a
        processor refuses.
        """
        try:
            return len(inputs), self._features(inputs, role, self._preparing)
        except (ValueError, TypeError, LookupError) as error:
            self._refuse(len(inputs), error)
            return 1, None

    def _forwarded(self, batch: PreparedBatch, role: PromptRole) -> Vectors:
        """Vectors of one batch; NaN for what the processor or the network refuses."""
        count, features = batch
        if features is not None:
            try:
                return self._encoder.forward(features, role)
            except (ValueError, TypeError, LookupError) as error:
                self._refuse(count, error)
        return np.full((1, self._dims["text"]), np.nan, np.float32)

    def _refuse(self, count: int, error: Exception) -> None:
        """Raises the error of several contents, since one of them is at fault."""
        if count > 1:
            raise error
        logger.warning("%s refuses a content: %s", self._spec.model, first_error_line(error))

    def _features(self, inputs: list[EmbedderInput], role: PromptRole, preparing: MediaPreprocessor) -> Features:
        return self._encoder.prepare(inputs, role, self._prompts.instruction(role), preparing.options)

    def _unit(self, vectors: Vectors) -> Vectors:
        """The rows at length 1. Raises Unfit for those that have no direction."""
        made = _directions(vectors)
        if broken := [int(row) for row in np.flatnonzero(np.isnan(made).any(axis=1))]:
            float32 = "" if self._dtype == "float32" else f" in {self._dtype}. Set MMRETRIEVAL_DTYPE to float32"
            raise Unfit(broken, self._said(f"it makes no usable vector of this{float32}"))
        return made

    def _said(self, reason: str) -> str:
        return f"{self._spec.model}: {reason}."

    def _tried(self) -> dict[VectorKind, int]:
        """The lengths of its vectors, one of each kind: a first pass takes ten times as long as the next."""
        small = media_preprocessor_for(
            self._model,
            replace(self._spec, pixels=_TRIED, frame_pixels=_TRIED),
            capabilities_of(self._model, self._spec),
            self._texts.room,
        )
        tried: dict[VectorKind, EmbedderInput] = {"text": {"text": "a photo"}}
        if small.pictures:
            tried["picture"], _ = small.picture(np.full((64, 64, 3), 127, np.uint8))
        if small.seconds:
            tried["sound"] = small.sound(Sound(np.zeros(small.rate, np.float32), small.rate))[0][0]
        dims: dict[VectorKind, int] = {}
        for kind, given in tried.items():
            found = self._encoder.forward(self._features([given], "document", small), "document")
            if found.ndim != 2 or not np.isfinite(_directions(found)).all():
                raise ModelUnavailable(f"{self._spec.model}: gives no usable vectors of a {kind} in {self._dtype}.")
            dims[kind] = found.shape[1]
        if len({*dims.values(), self._spec.dims or dims["text"]}) > 1:
            raise ModelUnavailable(
                f"{self._spec.model}: its vectors have {' and '.join(map(str, dims.values()))} numbers, which do not "
                f"fit {f'the {self._spec.dims} asked for' if self._spec.dims else 'each other'}."
            )
        return dims


def _kind(content: Content) -> VectorKind:
    return "text" if isinstance(content, str) else "sound" if isinstance(content, Sound) else "picture"


def _directions(vectors: Vectors) -> Vectors:
    """The rows at length 1; NaN where they have none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
        return np.asarray(np.where(lengths > 1e-12, vectors / lengths, np.nan), np.float32)


def _remedy(error: BaseException) -> str:
    """What to do: beside another torch than theirs, torchvision and torchaudio make other things fail."""
    fitting = "torchvision" in str(error) or "torchaudio" in str(error) or "Could not import module" in str(error)
    return "Run: mcp-mmretrieval doctor." if fitting else "Set MMRETRIEVAL_PROFILE to another model."

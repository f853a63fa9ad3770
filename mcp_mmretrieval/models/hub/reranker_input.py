"""What a reranker takes in at a time: a window of a text, a picture within its cap, a film.

A content of several pieces counts by its best one: a long text by the window that answers, and a film, where a model
takes pictures alone, by one of its frames. sentence-transformers never gets a bare string, which it might open as a
path or a URL, nor a mark of the model's own within a text.
"""

from __future__ import annotations

import copy
import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from mcp_mmretrieval.config.profiles import RerankerSpec
from mcp_mmretrieval.errors import DeviceLost, ModelUnavailable, first_error_line
from mcp_mmretrieval.models.hub.capabilities import MAX_INPUT_TOKENS
from mcp_mmretrieval.models.hub.pictures import FRAME_SHAPE, PAGE_SHAPE, film_options, fit_picture, longer_side
from mcp_mmretrieval.models.hub.special_tokens import SpecialTokens
from mcp_mmretrieval.models.tokens import SharedTokenizer, replace_surrogates
from mcp_mmretrieval.types import Content, Film, Sound

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

logger = logging.getLogger(__name__)

ModalityInput = dict[str, Any]
"""One input as sentence-transformers takes it: `{"text": ...}`, `{"image": ...}` or `{"video": ...}`."""
FeatureExtractor = Callable[[ModalityInput], Mapping[str, Any]]
"""The tensors that a model would get of an input beside a query."""

LOAD_REMEDY = "Set MMRETRIEVAL_RERANKER to another model, or to off."
"""What to do where a reranker does not load."""
_WINDOW = 1_024
"""Tokens of a text at most, where the record names none."""
_LONGEST_QUERY = 256
"""Tokens of a query that count: of a model that takes in few, a quarter of those."""
_FRAMES = 4
"""Frames that stand for a film where a model takes pictures alone."""
_SIDE = 256
"""Pixels of a side of the pictures that a model is tried with."""
_TICKS = 100
"""Parts of a second in which the time of a frame is told."""


@dataclass(frozen=True, slots=True)
class RerankerInput:
    """One input for a model, of the content number `owner`."""

    owner: int
    given: ModalityInput
    tokens: float
    """What it costs, about, in tokens."""
    film: dict[str, Any] | None = None
    """A film's metadata: the times of its frames, as processors want them."""


class RerankerPreprocessor:
    """Cuts contents into what one model takes in. Safe to call from several threads."""

    def __init__(self, spec: RerankerSpec, tokenizer: Any, limit: int, eyes: Any = None) -> None:
        """`limit`: tokens that the model takes in at once. `eyes`: its video processor, if it has one.

        Raises ModelUnavailable for a tokenizer that is no use.
        """
        if not getattr(tokenizer, "is_fast", False):
            raise ModelUnavailable(
                f"{spec.model}: its tokenizer is none of the fast ones, which cut texts into windows."
            )
        self._spec = spec
        self._limit = min(limit, MAX_INPUT_TOKENS)
        self._tokenizer = tokenizer
        self._eyes = eyes
        self._plain = SpecialTokens(tokenizer).broken
        self._area = 0.0
        """Pixels of one token of a picture; 0 where the model takes no pictures."""
        self._room = math.inf
        """Pixels of a picture that the model has room for."""
        self._films = False
        self._fit(tokenizer.num_special_tokens_to_add(pair=True))
        self.texts = True

    def learn(self, features: FeatureExtractor, works: Callable[[ModalityInput], bool]) -> None:
        """Find out what the model really takes in: what its template or its towers lack is not to be trusted to names.

        `works`: whether a whole pass over an input ends in usable numbers.
        """
        short, long = features({"text": "a"}), features({"text": "a b a b"})
        self.texts = _differ(short, long) and works({"text": "a"})
        self._fit(_length(short))
        one, other = (_probe(seed) for seed in (0, 1))
        if (found := _reached(features, {"image": one}, {"image": other})) and _tried(works, {"image": one}):
            self._area = max(1.0, _SIDE * _SIDE / max(1, _length(found) - _length(short)))
            room = max(1, self._limit - self._query - _length(short))
            self._room = int(room * self._area)
        if self._area and self._spec.frames:
            films = [{"video": np.stack([np.asarray(_probe(seed)).transpose(2, 0, 1)] * 2)} for seed in (0, 1)]
            self._films = bool(_reached(features, *films)) and _tried(works, films[0])

    def under(self, spec: RerankerSpec) -> RerankerPreprocessor:
        """A preprocessor for the same model under another record's caps."""
        made = copy.copy(self)
        made._spec = spec
        return made

    def film_options(self, film: dict[str, Any] | None) -> dict[str, Any]:
        """Keyword arguments for the processor: a film's frames are chosen already, and their times go beside them."""
        if not film:
            return {}
        options = film_options(self._eyes, self._spec.frames, self._spec.frame_pixels)
        return {"video": {**options, "video_metadata": [film]}}

    def reads(self, content: Content) -> bool:
        """Whether the model takes such a content in."""
        if isinstance(content, str):
            return self.texts and bool(content.strip())
        if isinstance(content, Film):
            return self._area > 0 and len(content.pictures) > 0
        return self._area > 0 and not isinstance(content, Sound)

    def asked(self, query: Content) -> RerankerInput | None:
        """The query in one piece, of a long text its beginning; None for one that the model cannot read."""
        if isinstance(query, str):
            windows = self._queries.windows(self._plain(query))
            return self._texts(0, windows[:1])[0] if windows else None
        return next(self._shown(0, query), None) if self.reads(query) else None

    def of(self, contents: Sequence[Content]) -> list[RerankerInput]:
        """The pieces of all contents that the model reads."""
        pieces: list[RerankerInput] = []
        for owner, content in enumerate(contents):
            if not self.reads(content):
                continue
            if isinstance(content, str):
                pieces += self._texts(owner, self._windows.windows(self._plain(content)))
            else:
                pieces += self._shown(owner, content)
        return pieces

    @property
    def picture_side(self) -> int:
        """Longer side, in pixels, of a page which has as many pixels as the model takes."""
        return longer_side(self._pixels, PAGE_SHAPE, self._spec.side)

    @property
    def frame_side(self) -> int:
        """The same of a frame: as large as a picture where films are seen by some of their frames."""
        pixels = min(self._spec.frame_pixels, self._pixels) if self._films else self._pixels
        return longer_side(pixels, FRAME_SHAPE, self._spec.side)

    @property
    def _pixels(self) -> float:
        """Pixels of a picture at most."""
        return min(self._spec.pixels, self._room)

    def _fit(self, used: int) -> None:
        """Share the tokens that the model's marks and its template leave between query and document."""
        room = self._limit - used
        self._query = min(_LONGEST_QUERY, room // 4)
        window = min(self._spec.window or _WINDOW, room - self._query)
        if self._query < 1 or window < 1:
            raise ModelUnavailable(f"{self._spec.model}: its template fills the {self._limit} tokens that it takes in.")
        backend = self._tokenizer.backend_tokenizer
        self._queries = SharedTokenizer(backend, window=self._query, limit=self._limit)
        self._windows = SharedTokenizer(backend, window=window, limit=self._limit)

    def _texts(self, owner: int, windows: Sequence[str]) -> list[RerankerInput]:
        lengths = map(len, self._windows.ids(windows))
        return [
            RerankerInput(owner, {"text": replace_surrogates(text)}, length)
            for text, length in zip(windows, lengths, strict=True)
        ]

    def _shown(self, owner: int, content: Picture | Film | Sound) -> Iterator[RerankerInput]:
        if isinstance(content, Film):
            if self._films:
                yield self._played(owner, content)
                return
            pictures = _spread(content.pictures, _FRAMES)
        else:
            pictures = [content] if not isinstance(content, Sound) else []
        for picture in pictures:
            made = fit_picture(picture, self._pixels)
            yield RerankerInput(owner, {"image": made}, made.width * made.height / self._area)

    def _played(self, owner: int, film: Film) -> RerankerInput:
        """A film as one piece: frames of one size, with their times. A single one goes twice: models join two."""
        frames = _spread(list(zip(film.times, film.pictures, strict=True)), self._spec.frames)
        pixels = min(self._spec.frame_pixels, self._pixels // max(1, len(frames) // 2))
        first = fit_picture(frames[0][1], pixels)
        shown = [np.asarray(fit_picture(picture, pixels).resize(first.size)) for _, picture in frames]
        times = [time - frames[0][0] for time, _ in frames]
        if len(shown) == 1:
            shown, times = shown * 2, times * 2
        video = np.stack(shown).transpose(0, 3, 1, 2)
        told = {
            "fps": float(_TICKS),
            "total_num_frames": round(times[-1] * _TICKS) + 1,
            "duration": times[-1] + 1 / _TICKS,
            "frames_indices": [round(time * _TICKS) for time in times],
        }
        return RerankerInput(owner, {"video": video}, first.width * first.height * len(shown) / 2 / self._area, told)


def rows_by_modality(given: Sequence[RerankerInput]) -> list[list[int]]:
    """Row numbers of texts and of all else: what a token of theirs costs is measured apart."""
    texts = [row for row, piece in enumerate(given) if "text" in piece.given]
    others = [row for row, piece in enumerate(given) if "text" not in piece.given]
    return [rows for rows in (texts, others) if rows]


def cost_labels(name: str) -> tuple[str, str]:
    """Both names under which the device measures what a token costs."""
    return name, f"{name} pictures"


def cost_label(name: str, piece: RerankerInput) -> str:
    """The name under which the device measures what a token costs: one for texts, one for pictures and films."""
    return cost_labels(name)["text" not in piece.given]


def one_frame_a_second_metadata(seconds: int) -> dict[str, Any]:
    """The times of so many frames, one a second."""
    return {
        "fps": 1.0,
        "total_num_frames": seconds,
        "duration": float(seconds),
        "frames_indices": list(range(seconds)),
    }


def read_model_json(folder: Path, name: str) -> Mapping[str, Any]:
    """A JSON file of a model; empty where there is none."""
    try:
        read = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def architecture_name(folder: Path) -> str:
    """The class of transformers that the weights are of; empty where nothing says so."""
    return next(iter(read_model_json(folder, "config.json").get("architectures") or ()), "")


def is_late_interaction(folder: Path) -> bool:
    """Whether a model's files say that it makes many vectors of a content, for late interaction."""
    kind = read_model_json(folder, "config_sentence_transformers.json").get("model_type")
    if (folder / "modules.json").is_file():
        return kind in ("MultiVectorEncoder", "ColBERT")
    return architecture_name(folder).endswith(("ForRetrieval", "HF_ColBERT"))


def _reached(features: FeatureExtractor, one: ModalityInput, other: ModalityInput) -> Mapping[str, Any] | None:
    """The tensors of the first input; None where those of the second are the same: the model then sees neither."""
    try:
        found, beside = features(one), features(other)
    except Exception as error:  # noqa: BLE001 - other people's processors refuse in any way
        logger.info("not taken in: %s: %s", next(iter(one)), first_error_line(error))
        return None
    return found if _differ(found, beside) else None


def _tried(works: Callable[[ModalityInput], bool], given: ModalityInput) -> bool:
    """Whether a whole pass works. One that fails for want of a tower is no fault of the model's."""
    try:
        return works(given)
    except DeviceLost:
        raise
    except Exception as error:  # noqa: BLE001 - other people's models fail in any way
        logger.info("not taken in: %s: %s", next(iter(given)), first_error_line(error))
        return False


def _differ(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    tensors = {name: value for name, value in one.items() if isinstance(value, torch.Tensor)}
    return any(name not in other or not torch.equal(value, other[name]) for name, value in tensors.items())


def _length(features: Mapping[str, Any]) -> int:
    return int(features["input_ids"].shape[-1])


def _probe(seed: int) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (_SIDE, _SIDE, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def _spread(items: Sequence[Any], most: int) -> list[Any]:
    """So many at most, evenly."""
    if len(items) <= most:
        return list(items)
    return [items[int((number + 0.5) * len(items) / most)] for number in range(most)]

"""Our contents as a model's processor takes them: wrapped, within its caps, with what one has to say about them.

sentence-transformers opens strings that look like a URL or name a file, so a text goes in as `{"text": ...}` and is
never anything else. Pictures go in scaled, sounds in mono at the model's own rate and in pieces that it does not cut,
frames of films chosen, with their times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torchaudio.functional import resample  # type: ignore[import-untyped]

from mcp_mmretrieval.config.profiles import EmbedderSpec
from mcp_mmretrieval.models.hub.capabilities import Capabilities
from mcp_mmretrieval.models.hub.pictures import film_options, fit_picture, frames_together, pixel_bounds
from mcp_mmretrieval.types import Content, Film, Sound

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

PREPROCESSING_VERSION = 2
"""Version of what is done here to pictures, sounds and films: another one makes other vectors."""
_SOFT_TOKENS = (70, 140, 280, 560, 1_120)
"""Tokens of a picture, from which Gemma's processors choose; each of them stands for 48 x 48 pixels."""
_SOFT_PIXELS = 48 * 48
_LEAST_TOKENS = 4
"""Of a small picture of Qwen's family, as its authors have it; the published processors scale it up to 64."""
_LEGIBLE_PIXELS = 600_000
"""Of a page of A4, on which letters of a usual size are eight pixels high."""
_TIME_TOKENS = 12
"""With which a frame's time is told, and its beginning and end."""
_SHORTEST = 0.25
"""Seconds of a sound; a shorter one is filled up with silence: models make no frame of a single sample."""
_SOUND_TOKENS = 25.0
"""A second of sound, in models that say nothing else."""
_PARTS = 1_000
"""Largest number in the ratio of two rates: that of 192,001 to 16,000 Hz would make a filter of gigabytes."""
_TICKS = 100.0
"""A second in the numbers of frames, so that their times are exact to 10 ms."""

EmbedderInput = dict[str, Any]
"""One content for sentence-transformers, with the name of its modality."""


@dataclass(frozen=True, slots=True)
class MediaPreprocessor:
    """How one model takes pictures, sounds and films. Says for each what it costs, in tokens."""

    pictures: bool
    """Whether it takes any."""
    seconds: float
    """Seconds of a sound at most; 0: it takes none."""
    rate: int
    """Sample rate of a sound, in Hz."""
    pixels: int
    """Pixels of a picture at most."""
    frame_pixels: int
    """Pixels of a frame at most."""
    frames: int
    """Frames of a film at most; 0: films are looked at frame by frame."""
    options: EmbedderInput
    """`processing_kwargs` for sentence-transformers."""
    picture_tokens: int
    """Tokens of each picture; 0: their number follows from its pixels."""
    frame_tokens: int
    """Tokens of each frame; 0: their number follows from its pixels."""
    token_pixels: int
    """Pixels that a token of a picture stands for, where their number is by pixels."""
    least_frames: int
    """Frames that become one; a shorter film has its last frame repeated."""
    legible: bool
    """Whether a page has so many pixels that its words can be read, as far as the processor tells."""

    def picture(self, picture: Picture, pixels: int = 0) -> tuple[EmbedderInput, float]:
        """A picture of at most so many pixels (0: as many as the model takes), neither tiny nor a thin line."""
        made = fit_picture(picture, pixels or self.pixels)
        return {"image": made}, self.picture_tokens or made.width * made.height / self.token_pixels

    def frame(self, picture: Picture) -> tuple[EmbedderInput, float]:
        """A frame of a film that is looked at frame by frame."""
        return self.picture(picture, self.frame_pixels)

    def sound(self, sound: Sound) -> list[tuple[EmbedderInput, float]]:
        """A sound in pieces of like length, each of at most the seconds that the model takes in."""
        samples, most = _mono(sound), int(self.seconds * self.rate)
        pieces = np.array_split(samples, max(1, math.ceil(len(samples) / (self.seconds * sound.rate))))
        heard = [_heard(piece, sound.rate, self.rate)[:most] for piece in pieces]
        return [
            ({"audio": {"array": piece, "sampling_rate": self.rate}}, _SOUND_TOKENS * len(piece) / self.rate)
            for piece in heard
        ]

    def film(self, film: Film) -> tuple[EmbedderInput, float]:
        """A film as a film: its frames or, of many, some at even distances; with their times from the first on."""
        chosen = [round(at) for at in np.linspace(0, len(film.pictures) - 1, min(self.frames, len(film.pictures)))]
        chosen += chosen[-1:] * (self.least_frames - len(chosen))
        frames = [fit_picture(film.pictures[number], self.frame_pixels) for number in chosen]
        pixels = np.stack([np.asarray(frame.resize(frames[0].size)) for frame in frames]).transpose(0, 3, 1, 2)
        ticks = [round((film.times[number] - film.times[0]) * _TICKS) for number in chosen]
        said = {
            "fps": _TICKS,
            "total_num_frames": ticks[-1] + 1,
            "duration": (ticks[-1] + 1) / _TICKS,
            "frames_indices": np.array(ticks),
        }
        each = (self.frame_tokens or frames[0].width * frames[0].height / self.token_pixels) + _TIME_TOKENS
        return {"video": {"array": pixels, "video_metadata": said}}, len(frames) * each / self.least_frames

    def refusal(self, content: Content) -> str:
        """Why the model cannot take such a content in; empty where it can."""
        if isinstance(content, str):
            return ""
        if isinstance(content, Sound):
            if not self.seconds:
                return "it does not hear sound. A transcript stands for it"
            return "" if content.samples.size and content.rate > 0 else "the sound is empty"
        if not self.pictures:
            return "it does not look at pictures. Words stand for them"
        if isinstance(content, Film):
            return "" if content.pictures else "the film has no frames. Its transcript stands for it"
        return "" if content.size else "the picture has no pixels"


def media_preprocessor_for(model: Any, spec: EmbedderSpec, senses: Capabilities, room: int) -> MediaPreprocessor:
    """How a loaded SentenceTransformer takes what is not text. `room`: tokens that it has for one content."""
    eye: Any = getattr(model.processor, "image_processor", None)
    eyes: Any = getattr(model.processor, "video_processor", None)
    config = getattr(model.transformers_model, "config", None)
    together = "message" in model.modalities  # tokens of pictures stand among those of text, and none may be cut off
    options: EmbedderInput = {}
    pixels, frame_pixels = spec.pixels, spec.frame_pixels
    picture_tokens = frame_tokens = 0
    token_pixels = 32 * 32
    legible = False
    if getattr(config, "model_type", "").startswith("siglip"):
        # trained on texts filled up to their full length; else a vector depends on the longest of its batch
        options["text"] = {"padding": "max_length", "max_length": model.max_seq_length}
    if hasattr(eye, "max_soft_tokens"):
        picture_tokens, frame_tokens = _soft_tokens(pixels, room), _soft_tokens(frame_pixels, room)
        options["image"] = {"max_soft_tokens": picture_tokens}
        options["video"] = {"max_soft_tokens": frame_tokens}
        legible = picture_tokens * _SOFT_PIXELS >= _LEGIBLE_PIXELS
    elif hasattr(eye, "merge_size"):
        token_pixels = (eye.patch_size * eye.merge_size) ** 2
        pixels, frame_pixels = (min(some, room * token_pixels) for some in (pixels, frame_pixels))
        options["image"] = {"size": pixel_bounds(eye.size, pixels, _LEAST_TOKENS * token_pixels)}
        legible = min(pixels, int(eye.size["longest_edge"])) >= _LEGIBLE_PIXELS
    elif (vision := getattr(config, "vision_config", None)) is not None:
        picture_tokens = (getattr(vision, "image_size", 224) // getattr(vision, "patch_size", 16)) ** 2
    frames = senses.frames
    least_frames = frames_together(eyes)
    if frames:
        if together:
            each = (frame_tokens or frame_pixels / token_pixels) + _TIME_TOKENS
            frames = max(1, min(frames, int(room * least_frames // each)))
        options["video"] = {**options.get("video", {}), **film_options(eyes, frames, frame_pixels)}
    return MediaPreprocessor(
        pictures=senses.pictures,
        seconds=min(senses.seconds, room / _SOUND_TOKENS) if together else senses.seconds,
        rate=senses.rate,
        pixels=pixels,
        frame_pixels=frame_pixels,
        frames=frames,
        options=options,
        picture_tokens=picture_tokens,
        frame_tokens=frame_tokens,
        token_pixels=token_pixels,
        least_frames=least_frames,
        legible=legible,
    )


def _soft_tokens(pixels: int, room: int) -> int:
    """The largest number on offer that stands for no more pixels and finds room; at worst the smallest."""
    return max(
        (some for some in _SOFT_TOKENS if some * _SOFT_PIXELS <= pixels and some <= room), default=_SOFT_TOKENS[0]
    )


def _mono(sound: Sound) -> np.ndarray:
    """The samples as one channel, whatever came: two channels, numbers that are none."""
    samples = np.nan_to_num(np.asarray(sound.samples, np.float32))
    return samples if samples.ndim == 1 else samples.mean(axis=int(np.argmin(samples.shape)))


def _heard(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """The samples at another rate, by a simple ratio that is near enough, and no shorter than a model takes in."""
    if rate != wanted:
        most = max(1, min(_PARTS, int(_PARTS * rate / wanted)))
        ratio = Fraction(wanted, rate).limit_denominator(most) or Fraction(1, round(rate / wanted))
        heard = resample(torch.from_numpy(np.ascontiguousarray(samples)), ratio.denominator, ratio.numerator)
        samples = np.asarray(heard.numpy(), np.float32)
    missing = math.ceil(_SHORTEST * wanted) - len(samples)
    return np.pad(samples, (0, missing)) if missing > 0 else samples

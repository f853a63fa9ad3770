"""What a loaded model really takes in. Its processor claims that even of what the model was loaded without."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from mcp_mmretrieval.config.profiles import EmbedderSpec

MAX_INPUT_TOKENS = 8_192
"""Tokens of one content at most, whatever a model says."""

_HEARS = 30.0
"""Seconds of one sound, where neither a record nor the model says: what most are trained on."""
_FRAMES = 16
"""Frames of one film, for a model that no record describes."""
_TOWERS = {"image": "vision_config", "video": "vision_config", "audio": "audio_config"}


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one model takes in besides texts."""

    pictures: bool
    frames: int
    """Frames of one film as a film; 0: it takes none."""
    seconds: float
    """Seconds of one sound; 0: it hears nothing."""
    rate: int
    """Samples a second that it was trained on."""


def capabilities_of(model: Any, spec: EmbedderSpec) -> Capabilities:
    """The capabilities of a loaded SentenceTransformer, by its configuration; caps from the record if it has any."""
    films = _takes(model, "video")
    hears = _takes(model, "audio")
    ear = getattr(model.processor, "feature_extractor", None)
    return Capabilities(
        pictures=_takes(model, "image"),
        frames=(spec.frames or (0 if spec.described else _FRAMES)) if films else 0,
        seconds=(spec.hears or (0.0 if spec.described else _seconds(ear))) if hears else 0.0,
        rate=(spec.rate or int(getattr(ear, "sampling_rate", 16_000))) if hears else 0,
    )


def token_limit(model: Any) -> int:
    """Tokens that a loaded model of sentence-transformers takes in at once, at most `MAX_INPUT_TOKENS`.

    Tokenizers that do not know say some huge number.
    """
    known = [model.max_seq_length or math.inf]
    if (inner := model.transformers_model) is not None:
        known.append(getattr(inner.config.get_text_config(), "max_position_embeddings", None) or math.inf)
    return int(min(MAX_INPUT_TOKENS, *known))


def _takes(model: Any, modality: str) -> bool:
    """Whether the model takes a modality: not where its configuration names such a part that was not loaded."""
    if modality not in model.modalities:
        return False
    config = getattr(model.transformers_model, "config", None)
    return getattr(config, _TOWERS[modality], config) is not None


def _seconds(ear: Any) -> float:
    """What a feature extractor takes in before it cuts: CLAP 10 s, Whisper 30 s."""
    return float(getattr(ear, "max_length_s", None) or getattr(ear, "chunk_length", None) or _HEARS)

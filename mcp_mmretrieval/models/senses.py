"""What a loaded model really takes in. Its processor says so even of what the model was loaded without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mcp_mmretrieval.config.profiles import EmbedderSpec

_HEARS = 30.0
"""Seconds of one sound, where neither a record nor the model says: what most are trained on."""
_FRAMES = 16
"""Of one film, of a model that no record describes."""
_TOWERS = {"image": "vision_config", "video": "vision_config", "audio": "audio_config"}


@dataclass(frozen=True, slots=True)
class Senses:
    """What one model takes in besides texts."""

    pictures: bool
    frames: int
    """Of one film as a film; 0: it takes none."""
    seconds: float
    """Of one sound; 0: it hears nothing."""
    rate: int
    """Samples a second that it was trained on."""


def senses_of(model: Any, spec: EmbedderSpec) -> Senses:
    """From what the loaded SentenceTransformer and its configuration say; caps from the record, where it has them."""
    films = _takes(model, "video")
    hears = _takes(model, "audio")
    ear = getattr(model.processor, "feature_extractor", None)
    return Senses(
        pictures=_takes(model, "image"),
        frames=(spec.frames or (0 if spec.described else _FRAMES)) if films else 0,
        seconds=(spec.hears or (0.0 if spec.described else _seconds(ear))) if hears else 0.0,
        rate=(spec.rate or int(getattr(ear, "sampling_rate", 16_000))) if hears else 0,
    )


def _takes(model: Any, modality: str) -> bool:
    """Unless the configuration names such a part and the model was loaded, or saved, without it."""
    if modality not in model.modalities:
        return False
    config = getattr(model.transformers_model, "config", None)
    return getattr(config, _TOWERS[modality], config) is not None


def _seconds(ear: Any) -> float:
    """What a feature extractor takes in before it cuts: CLAP 10 s, Whisper 30 s."""
    return float(getattr(ear, "max_length_s", None) or getattr(ear, "chunk_length", None) or _HEARS)

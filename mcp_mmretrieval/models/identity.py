"""What reading depends on, said without loading a model: weights, and the settings that decide what is read.

Whoever changes a line here makes every library read its pictures or its sound again.
"""

from __future__ import annotations

import importlib.util

from mcp_mmretrieval.config.profiles import ModelSpec
from mcp_mmretrieval.models.weights import whisper_base_installed
from mcp_mmretrieval.types import Identity

OCR_SIDE = 960
"""Longer side, in pixels, on which text is looked for: as good as RapidOCR's default in two thirds of the time."""
OCR_SURE = 0.8
"""Least score of a line that counts: in photos without text, noise reads as `0` or `8` at .7 to .81."""


def ocr() -> Identity:
    """Of the built-in text reader."""
    return {"name": "PP-OCRv6 small", "side": OCR_SIDE, "sure": OCR_SURE}


def speech() -> Identity:
    """Of the built-in transcriber: many languages where both wheels of Whisper base are installed, else English."""
    name = "base" if whisper_base_installed() else "tiny.en"
    return {"name": f"whisper-{name}", "compute": "int8", "beam": 1, "voice": "silero v6"}


def heard_by(spec: ModelSpec, content: str) -> Identity:
    """Of a transcriber from the Hub or a folder. `content`: the commit, or what `sums.of` says."""
    return {**_named(spec, content), "windows": 1, "voice": voice_detector()}


def read_by(spec: ModelSpec, content: str) -> Identity:
    """Of a text reader from the Hub or a folder."""
    return {**_named(spec, content), "asking": 1, "pixels": spec.pixels}


def voice_detector() -> str:
    """What says where somebody speaks."""
    return "silero v6" if importlib.util.find_spec("faster_whisper") is not None else "loudness"


def _named(spec: ModelSpec, content: str) -> Identity:
    return {"name": spec.model.rstrip("/").rsplit("/", 1)[-1] if spec.in_folder else spec.model, "content": content}


def in_a_line(identity: Identity) -> str:
    """Its values, one after the other."""
    return " ".join(str(value) for value in identity.values())

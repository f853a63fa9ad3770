"""What the text of pictures and of sound depends on, said without loading a model: weights, and settings.

Whoever changes a line here makes every library read its pictures or its sound again.
"""

from __future__ import annotations

import importlib.util

from mcp_mmretrieval.config.profiles import ModelSpec
from mcp_mmretrieval.models.weights import whisper_base_installed
from mcp_mmretrieval.types import Identity

OCR_SIDE_PIXELS = 960
"""Longer side, in pixels, on which text is looked for: as good as RapidOCR's default in two thirds of the time."""
OCR_MIN_CONFIDENCE = 0.8
"""Least score of a line that counts: in photos without text, noise reads as `0` or `8` at .7 to .81."""


def builtin_ocr_identity() -> Identity:
    """The identity of the built-in text reader."""
    return {"name": "PP-OCRv6 small", "side": OCR_SIDE_PIXELS, "sure": OCR_MIN_CONFIDENCE, "looks": 2}


def builtin_speech_identity() -> Identity:
    """The identity of the built-in transcriber.

    It writes many languages where both wheels of Whisper base are installed, else English.
    """
    name = "base" if whisper_base_installed() else "tiny.en"
    return {"name": f"whisper-{name}", "compute": "int8", "beam": 1, "languages": 2, "voice": "silero v6"}


def transcriber_identity(spec: ModelSpec, content: str) -> Identity:
    """The identity of a transcriber from the Hub or a folder.

    `content`: the commit, or `checksums.model_content_digest`.
    """
    return {"name": short_model_name(spec), "content": content, "windows": 1, "voice": voice_detector_name()}


def text_reader_identity(spec: ModelSpec, content: str) -> Identity:
    """The identity of a text reader from the Hub or a folder. `content`: as for a transcriber."""
    return {"name": short_model_name(spec), "content": content, "asking": 1, "pixels": spec.pixels}


def voice_detector_name() -> str:
    """The name of the method that finds where somebody speaks."""
    return "silero v6" if importlib.util.find_spec("faster_whisper") is not None else "loudness"


def short_model_name(spec: ModelSpec) -> str:
    """The model's name on the Hub, or the last part of its folder, so that a folder can be moved."""
    return spec.model.rstrip("/").rsplit("/", 1)[-1] if spec.in_folder else spec.model


def identity_line(identity: Identity) -> str:
    """The values of an identity in one line: another line is another identity."""
    return " ".join(str(value) for value in identity.values())

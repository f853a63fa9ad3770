"""The words in pictures, by models from the Hub that write what they see: vision language models, made for OCR or not.

They are asked in words where they take a chat; others (GOT-OCR 2, TrOCR, Donut) know what they are for.
"""

from __future__ import annotations

import math
import zlib
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from transformers import AutoConfig, AutoModelForImageTextToText
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

from mcp_mmretrieval.config.profiles import Dtype, ModelSpec
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import RecognisedText
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.hub import from_files
from mcp_mmretrieval.models.hub.generation import YieldBetweenTokens, to_model_device
from mcp_mmretrieval.models.identity import text_reader_identity
from mcp_mmretrieval.types import Identity

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

OCR_PROMPTS = {
    "paddleocr_vl": "OCR:",
    "glm_ocr": "Text Recognition:",
    "lighton_ocr": "",
}
"""What models that are made for OCR are asked, as their authors trained them; by `model_type`."""
DEFAULT_OCR_PROMPT = (
    "Write down all text in this picture, word for word, in reading order, a line each. Write nothing else, and "
    "nothing at all where there is no text."
)
MAX_OCR_TOKENS = 2_048
"""Tokens written of one picture: a page of small print has 1,500."""
_REMEDY = "Set MMRETRIEVAL_OCR to another model, or to builtin."
_FLAT = 12
"""Range of brightness, of 255, in which nothing is written: models invent words on a blank sheet."""
_LEAST = 32
"""Pixels of a side; smaller pictures get white beside them, as narrow ones do."""
_NARROW = 1 / 24
"""Shorter side to longer."""
_CIRCLES = 12.0
"""Compression ratio of what a model writes when it is lost. A list of prices reaches 6."""
_PATCH = 28 * 28
"""Pixels for which a model of this kind has a token."""


class HubTextReader:
    """A `TextReader`, loaded. Safe to call from several threads; they take turns on the device."""

    def __init__(self, spec: ModelSpec, device: Device, dtype: Dtype, threads: int, most: int = MAX_OCR_TOKENS) -> None:
        """`most`: tokens written of one picture. Raises ModelUnavailable when the model is missing, does not load, or
        does not write what it sees.
        """
        folder, revision = from_files.locate_quietly(spec)
        torch.set_num_threads(threads)
        self._spec = spec
        self._device = device
        self._identity = text_reader_identity(spec, revision)
        self._most = 1
        with from_files.load_errors_told(spec, remedy=_REMEDY):
            self._model, self._processor = _loaded(folder, device, dtype)
            self._ask = OCR_PROMPTS.get(self._model.config.model_type, DEFAULT_OCR_PROMPT)
            self._chats = bool(getattr(self._processor, "chat_template", None))
            self._model.generation_config.max_length = None  # `_most` says it, and both would be warned of
            most = int(min(most, _held(self._model.config)))
            with device.turns:
                self._written(np.full((64, 256, 3), 255, np.uint8))  # a first pass takes ten times as long as the next
        self._most = most

    @property
    def identity(self) -> Identity:
        """Weights and settings that decide what is read."""
        return self._identity

    def read(self, picture: Picture) -> str:
        """The words as the model writes them, a line each; empty for a picture of one shade."""
        if int(picture.max()) - int(picture.min()) < _FLAT:
            return ""
        tokens = min(picture.shape[0] * picture.shape[1], self._spec.pixels) / _PATCH
        for _, written in self._device.each(self._spec.model, [tokens], lambda _: self._written(picture)):
            return _words(written)
        return ""

    def recognise(self, picture: Picture) -> RecognisedText:
        """The same: which way a picture stands, and what it does not know, such a model does not tell."""
        return RecognisedText(self.read(picture))

    def _written(self, picture: Picture) -> str:
        given = self._given(_fitted(picture, self._spec.pixels))
        with torch.inference_mode():
            tokens = self._model.generate(
                **given,
                do_sample=False,
                max_new_tokens=self._most,
                stopping_criteria=[YieldBetweenTokens(self._device.turns)],
            )[0]
        if not self._model.config.is_encoder_decoder:
            tokens = tokens[given["input_ids"].shape[1] :]
        return str(self._processor.decode(tokens, skip_special_tokens=True))

    def _given(self, picture: Image.Image) -> dict[str, Any]:
        """The tensors that the model takes for a picture, with its question where the model takes a chat."""
        if not self._chats:
            return to_model_device(self._processor(images=picture, return_tensors="pt"), self._model)
        content: list[dict[str, Any]] = [{"type": "image", "image": picture}]
        if self._ask:
            content.append({"type": "text", "text": self._ask})
        given = self._processor.apply_chat_template(
            [{"role": "user", "content": content}],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
        )
        return to_model_device(given, self._model)


def _loaded(folder: Path, device: Device, dtype: Dtype) -> tuple[Any, Any]:
    """The model and its processor. Raises ModelUnavailable for one of another kind."""
    config = AutoConfig.from_pretrained(folder, **from_files.SAFE_OPTIONS)
    if config.model_type not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES:
        raise ModelUnavailable(
            f"{folder}: a {config.model_type} does not write what it sees. Set MMRETRIEVAL_OCR to builtin, or to a "
            "model such as PaddleOCR-VL, GOT-OCR 2 or Qwen3-VL."
        )
    return from_files.model_and_processor(AutoModelForImageTextToText.from_pretrained, folder, device, dtype)


def _held(config: Any) -> float:
    """Tokens for which the decoder has places; those of one that reads the picture in the same row have enough."""
    if not config.is_encoder_decoder:
        return math.inf
    return float(getattr(config.get_text_config(decoder=True), "max_position_embeddings", math.inf)) - 2


def _fitted(picture: Picture, pixels: int) -> Image.Image:
    """A picture of at most so many pixels, a small or narrow one with white beside it."""
    height, width = picture.shape[:2]
    least = max(_LEAST, math.ceil(max(height, width) * _NARROW))
    missing = ((0, max(0, least - height)), (0, max(0, least - width)), (0, 0))
    made = Image.fromarray(np.ascontiguousarray(np.pad(picture, missing, constant_values=255)))
    scale = math.sqrt(pixels / (made.width * made.height))
    if scale >= 1:
        return made
    return made.resize((max(1, int(made.width * scale)), max(1, int(made.height * scale))), Image.Resampling.LANCZOS)


def _words(written: str) -> str:
    """Lines with letters or digits, each once in a row, without a code block's fence; nothing of one who is lost."""
    lines = [line.strip() for line in written.splitlines()]
    kept = "\n".join(line for line, _ in groupby(lines) if any(map(str.isalnum, line)) and not line.startswith("```"))
    encoded = kept.encode()
    return kept if len(encoded) <= _CIRCLES * len(zlib.compress(encoded)) else ""

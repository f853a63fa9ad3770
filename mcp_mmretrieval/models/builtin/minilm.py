"""Text vectors: all-MiniLM-L6-v2 (Wang et al. 2020, Reimers & Gurevych 2019) through sentence-transformers.

A text is only ever a text here: sentence-transformers opens strings that look like a URL or name a file, so each goes
in wrapped as `{"text": ...}`; and the tokenizer reads `[SEP]` and its like as the letters they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from transformers.utils import logging as transformers_logging

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.tokens import SharedTokenizer, replace_surrogates
from mcp_mmretrieval.models.weights import MINILM_WHEEL

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors

TokenBatchResultT = TypeVar("TokenBatchResultT")

MINILM_DIM = 384
MINILM_WINDOW_TOKENS = 128
"""Tokens of one window: nDCG@10 .40 on pages of reports, .33 with all that the model takes. Overlap adds nothing."""

MINILM_KNOWN_SHARE = 0.5
"""Share of a text's letters that the model has to know for its vector to say something."""

_LIMIT = 256
"""Tokens that the model takes in at once, its marks included; it was trained on no longer ones."""


class MiniLM:
    """The model, loaded. Safe to call from several threads; they take turns, a batch at a time."""

    def __init__(self, threads: int, device: Device) -> None:
        """`device`: a CPU. Raises ModelUnavailable when the weights are missing or damaged."""
        folder = MINILM_WHEEL.locate()
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        torch.set_num_threads(threads)
        self._model = SentenceTransformer(
            str(folder),
            device="cpu",
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"dtype": torch.float32, "use_safetensors": True},
            processor_kwargs={"split_special_tokens": True},
        )
        self._tokens = SharedTokenizer(self._model.tokenizer, window=MINILM_WINDOW_TOKENS, limit=_LIMIT)
        self._device = device

    def windows(self, text: str) -> list[str]:
        """The text cut between words into pieces of at most `MINILM_WINDOW_TOKENS` tokens, one after the other."""
        return self._tokens.windows(text)

    def knows(self, text: str) -> bool:
        """Whether the model was taught most of a text's letters: not of Thai, Chinese or Russian, which it was not."""
        return self._tokens.known_share(text) >= MINILM_KNOWN_SHARE

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts, shape (len(texts), 384), unit rows. Of more than 254 tokens the first count."""
        vectors = np.empty((len(texts), MINILM_DIM), np.float32)
        for rows, found in self._each(texts, self._encoded):
            vectors[rows] = found
        return _checked(vectors)

    def encode_tokens(self, texts: Sequence[str]) -> list[tuple[list[str], Vectors]]:
        """The tokens of each text, without the model's marks, and their vectors: shape (tokens, 384), unit rows."""
        vectors: dict[int, Vectors] = {}
        for rows, found in self._each(texts, self._states):
            vectors |= dict(zip(rows, found, strict=True))
        tokens = [self._tokens.named(ids)[1:-1] for ids in self._tokens.ids(texts)]
        return [(tokens[row], vectors[row]) for row in range(len(texts))]

    def _each(
        self, texts: Sequence[str], run: Callable[[list[Any]], TokenBatchResultT]
    ) -> Iterator[tuple[list[int], TokenBatchResultT]]:
        """Texts through the model, by batches of like length."""
        lengths = [len(ids) for ids in self._tokens.ids(texts)]
        yield from self._device.each(
            "MiniLM", lengths, lambda rows: run([{"text": replace_surrogates(texts[row])} for row in rows])
        )

    def _encoded(self, given: list[Any]) -> Vectors:
        found: Vectors = self._model.encode(given, batch_size=len(given), show_progress_bar=False)
        return found

    def _states(self, given: list[Any]) -> list[Vectors]:
        """Vectors of each text's tokens, without the model's marks: shape (tokens, 384), unit rows."""
        states = self._model.encode(
            given, batch_size=len(given), show_progress_bar=False, output_value="token_embeddings"
        )
        return [unit_rows(np.asarray(state, np.float32)[1:-1]) for state in states]


def unit_rows(vectors: Vectors) -> Vectors:
    """The rows at length 1; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def _checked(vectors: Vectors) -> Vectors:
    """The vectors, if they are what a working model gives."""
    if vectors.size and not np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-3):
        raise ModelUnavailable("MiniLM gave vectors that are not of unit length. Run: mcp-mmretrieval doctor.")
    return vectors

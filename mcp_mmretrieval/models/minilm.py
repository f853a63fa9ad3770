"""Text vectors: all-MiniLM-L6-v2 (Wang et al. 2020, Reimers & Gurevych 2019) through sentence-transformers.

A text is only ever a text here: sentence-transformers opens strings that look like a URL or name a file, so each goes
in wrapped as `{"text": ...}`; and the tokenizer reads `[SEP]` and its like as the letters they are.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from transformers.utils import logging as transformers_logging

from mcp_mmretrieval import precedence
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.turns import Turns
from mcp_mmretrieval.models.weights import MINILM

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors

DIM = 384
WINDOW = 128
"""Tokens of one window: nDCG@10 .40 on pages of reports, .33 with all that the model takes. Overlap adds nothing."""

_LIMIT = 256
"""Tokens that the model takes in at once, its marks included; it was trained on no longer ones."""
_SLICE = 2_000
"""Characters looked at for one window: more than 128 tokens of any prose."""
_BATCH_TOKENS = 1_024
"""Tokens of one forward pass, the longest that a search waits behind an add: 0.2 s on two cores. No slower in all than
2,048; 512 is, by a tenth."""
_SHORT_BATCH_TOKENS = 256
"""While searches come in: 0.05 s."""
_EVEN = 0.8
"""Shortest to longest text of one batch: padding costs as much as text."""

Word = tuple[int, int, int]
"""First character, character after the last, tokens."""


class MiniLM:
    """The model, loaded. Safe to call from several threads; they take turns, a batch at a time."""

    def __init__(self, threads: int) -> None:
        """Raises ModelUnavailable when the weights are missing or damaged."""
        folder = MINILM.locate()
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
        # the model pads and cuts with its own, which no other thread may use meanwhile; this one need not wait for it
        self._tokenizer: Any = copy.deepcopy(self._model.tokenizer)
        self._turns = Turns()
        self._tokenizing = Turns()

    def windows(self, text: str) -> list[str]:
        """The text cut between words into pieces of at most `WINDOW` tokens, one after the other."""
        text = _encodable(text)
        return [text[first:last] for first, last in self._spans(text)]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts, shape (len(texts), 384), unit rows. Of more than 254 tokens the first count."""
        vectors = np.empty((len(texts), DIM), np.float32)
        for rows, given in self._batches(texts):
            with self._turns:
                vectors[rows] = self._model.encode(given, batch_size=len(given), show_progress_bar=False)
        return _checked(vectors)

    def encode_tokens(self, texts: Sequence[str]) -> list[tuple[list[str], Vectors]]:
        """The tokens of each text, without the model's marks, and their vectors: shape (tokens, 384), unit rows."""
        found: dict[int, Vectors] = {}
        for rows, given in self._batches(texts):
            with self._turns:
                states = self._model.encode(
                    given, batch_size=len(given), show_progress_bar=False, output_value="token_embeddings"
                )
            found |= {row: unit(np.asarray(state, np.float32)[1:-1]) for row, state in zip(rows, states, strict=True)}
        tokens = [self._tokenizer.convert_ids_to_tokens(ids)[1:-1] for ids in self._ids(texts)]
        return [(tokens[row], found[row]) for row in range(len(texts))]

    def _batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], list[Any]]]:
        """Row numbers and wrapped texts of like length, longest first: what fails for want of memory fails at once."""
        lengths = [len(ids) for ids in self._ids(texts)]
        rows: list[int] = []
        for row in sorted(range(len(texts)), key=lambda row: -lengths[row]):
            longest = lengths[rows[0]] if rows else 0
            most = _SHORT_BATCH_TOKENS if precedence.pressed() else _BATCH_TOKENS
            if rows and (longest * (len(rows) + 1) > most or lengths[row] < _EVEN * longest):
                yield rows, [{"text": _encodable(texts[row])} for row in rows]
                rows = []
            rows.append(row)
        if rows:
            yield rows, [{"text": _encodable(texts[row])} for row in rows]

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text, as the model will see them."""
        if not texts:
            return []
        with self._tokenizing:
            given = [_encodable(text) for text in texts]
            ids: list[list[int]] = self._tokenizer(given, truncation=True, max_length=_LIMIT)["input_ids"]
        return ids

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """First and last character of each window."""
        start = 0
        while start < len(text):
            words = self._words(text, start)
            taken = _fitting(words)
            if taken:
                yield words[0][0], words[taken - 1][1]
            start = words[taken - 1][1] if taken else start + _SLICE

    def _words(self, text: str, start: int) -> list[Word]:
        """Words from a character on. One that the slice may have cut is left out, unless it stands alone."""
        piece = text[start : start + _SLICE]
        with self._tokenizing:
            found = self._tokenizer(piece, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        words: list[Word] = []
        previous = None
        for word, (first, last) in zip(found.word_ids(0), found["offset_mapping"], strict=True):
            if word == previous:
                words[-1] = (words[-1][0], start + last, words[-1][2] + 1)
            else:
                words.append((start + first, start + last, 1))
            previous = word
        cut = start + len(piece) < len(text) and len(words) > 1
        return words[:-1] if cut else words


def _fitting(words: Sequence[Word]) -> int:
    """How many words from the first on fit into a window; at least one, if there is one."""
    room = WINDOW
    for index, (_, _, tokens) in enumerate(words):
        room -= tokens
        if room < 0:
            return max(1, index)
    return len(words)


def _encodable(text: str) -> str:
    """The text with lone surrogates, which no tokenizer takes, as question marks. Keeps its length."""
    return text.encode("utf-8", "replace").decode("utf-8")


def unit(vectors: Vectors) -> Vectors:
    """The rows at length 1; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def _checked(vectors: Vectors) -> Vectors:
    """The vectors, if they are what a working model gives."""
    if vectors.size and not np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-3):
        raise ModelUnavailable("MiniLM gave vectors that are not of unit length. Run: mcp-mmretrieval doctor.")
    return vectors

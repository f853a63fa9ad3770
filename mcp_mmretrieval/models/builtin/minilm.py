"""Text vectors: all-MiniLM-L6-v2 (Wang et al. 2020, Reimers & Gurevych 2019) through CTranslate2, without torch.

The tokenizer reads `[SEP]` and its like in a text as the letters they are.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import ctranslate2  # type: ignore[import-untyped]
import numpy as np
from tokenizers import Tokenizer

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.builtin.minilm_conversion import converted_minilm
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.device.memory import trim_heap
from mcp_mmretrieval.models.tokens import SharedTokenizer
from mcp_mmretrieval.models.weights import MINILM_WHEEL

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors

MiniLMDtype = Literal["float32", "int8"]

MINILM_DIM = 384
MINILM_WINDOW_TOKENS = 128
"""Tokens of one window: nDCG@10 .40 on pages of reports, .33 with all that the model takes. Overlap adds nothing."""

MINILM_KNOWN_SHARE = 0.5
"""Share of a text's letters that the model has to know for its vector to say something."""

_LIMIT = 256
"""Tokens that the model takes in at once, its marks included; it was trained on no longer ones."""
_SHORT_TOKENS = 32
"""What a text counts for at least, in tokens: short ones of unlike length go together, as most of their time goes into
reading the weights."""
_SMALL_BATCH = 256
"""Tokens for which reading the weights once pays: no batch need be smaller, and no thread gets less of one."""


class MiniLM:
    """The model, loaded. Safe to call from several threads; they take turns, a batch at a time.

    It can rest: the weights leave the memory, and are back with the next text.
    """

    def __init__(self, threads: int, device: Device, cache: Path, dtype: MiniLMDtype = "float32") -> None:
        """`device`: a CPU. `cache`: where the converted weights are kept. `dtype`: of what is multiplied.

        Raises ModelUnavailable when the weights are missing or damaged, `cache` cannot be written, or the processor
        does not compute in `dtype`.
        """
        if dtype not in ctranslate2.get_supported_compute_types("cpu"):
            raise ModelUnavailable(
                f"This processor does not compute in {dtype}. Set MMRETRIEVAL_BUILTIN_DTYPE to float32."
            )
        self.dtype: MiniLMDtype = dtype
        tokenizer = Tokenizer.from_file(str(MINILM_WHEEL.locate("tokenizer.json") / "tokenizer.json"))
        tokenizer.encode_special_tokens = True
        self._unknown = tokenizer.token_to_id("[UNK]")
        self._tokens = SharedTokenizer(tokenizer, window=MINILM_WINDOW_TOKENS, limit=_LIMIT)
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="MiniLM")
        self._device = device
        self._cache = cache
        self._used = time.monotonic()
        self._encoder: ctranslate2.Encoder | None = self._load()

    def windows(self, text: str) -> list[str]:
        """The text cut between words into pieces of at most `MINILM_WINDOW_TOKENS` tokens, one after the other."""
        return self._tokens.windows(text)

    def knows(self, text: str) -> bool:
        """Whether the model was taught most of a text's letters: not of Thai, Chinese or Russian, which it was not."""
        return self._tokens.known_share(text, self._unknown) >= MINILM_KNOWN_SHARE

    def pieces(self, text: str) -> int:
        """How many tokens a text is, without the model's marks."""
        return self._tokens.count(text)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts, shape (len(texts), 384), unit rows. Of more than 254 tokens the first count."""
        vectors = np.empty((len(texts), MINILM_DIM), np.float32)
        for rows, states in self._each(self._tokens.ids(texts)):
            vectors[rows] = [state.mean(axis=0) for state in states]
        return _checked(unit_rows(vectors))

    def encode_tokens(self, texts: Sequence[str]) -> list[tuple[list[str], Vectors]]:
        """The tokens of each text, without the model's marks, and their vectors: shape (tokens, 384), unit rows."""
        ids = self._tokens.ids(texts)
        vectors: dict[int, Vectors] = {}
        for rows, states in self._each(ids):
            vectors |= {row: unit_rows(state[1:-1]) for row, state in zip(rows, states, strict=True)}
        return [(self._tokens.named(tokens[1:-1]), vectors[row]) for row, tokens in enumerate(ids)]

    def rest(self, idle: float) -> bool:
        """Leave the memory, if no text came for `idle` seconds. Whether the model left just now."""
        if self._encoder is None or self._idle < idle:
            return False
        with self._device.turns:
            if self._encoder is None or self._idle < idle:
                return False
            self._encoder = None
            return True

    @property
    def _idle(self) -> float:
        return time.monotonic() - self._used

    def _each(self, ids: Sequence[list[int]]) -> Iterator[tuple[list[int], list[Vectors]]]:
        """Texts through the model, by batches of like length: rows, and the states of each one's tokens."""
        if ids and self._encoder is None:
            with self._device.turns:  # apart from a batch, of whose time the device learns what a token costs
                self._awake()
        lengths = [max(_SHORT_TOKENS, len(tokens)) for tokens in ids]
        yield from self._device.each(
            "MiniLM", lengths, lambda rows: self._states([ids[row] for row in rows]), least=_SMALL_BATCH
        )

    def _states(self, ids: list[list[int]]) -> list[Vectors]:
        """The last layer's states of each text's tokens, the model's marks included: shape (tokens, 384)."""
        encoder = self._awake()
        # a share for each thread: threads that shared one text would make a query take twice as long
        count = min(self._threads, len(ids), max(1, sum(map(len, ids)) // _SMALL_BATCH))
        shares = [ids[start::count] for start in range(count)]
        each = self._pool.map if len(shares) > 1 else map
        padded = [np.array(output.last_hidden_state) for output in each(encoder.forward_batch, shares)]
        self._used = time.monotonic()
        return [padded[row % count][row // count][: len(ids[row])] for row in range(len(ids))]

    def _awake(self) -> ctranslate2.Encoder:
        """The model, loaded if it rests. For the thread whose turn it is."""
        if self._encoder is None:
            self._encoder = self._load()
            self._used = time.monotonic()
        return self._encoder

    def _load(self) -> ctranslate2.Encoder:
        folder = converted_minilm(self._cache)
        try:
            encoder = ctranslate2.Encoder(
                str(folder), device="cpu", compute_type=self.dtype, inter_threads=self._threads, intra_threads=1
            )
        except RuntimeError as error:
            raise ModelUnavailable(f"MiniLM does not load from {folder}: {error}. Delete that folder.") from error
        trim_heap()  # reading the file leaves a tenth of its size behind
        return encoder


def unit_rows(vectors: Vectors) -> Vectors:
    """The rows at length 1; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def _checked(vectors: Vectors) -> Vectors:
    """The vectors, if they are what a working model gives."""
    if vectors.size and not np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-3):
        raise ModelUnavailable("MiniLM gave vectors that are not of unit length. Run: mcp-mmretrieval doctor.")
    return vectors

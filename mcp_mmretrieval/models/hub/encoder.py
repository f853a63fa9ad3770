"""The two halves of encoding a batch: what the processor does, in any thread, and the forward pass, in a turn.

sentence-transformers does both in one call, so that a card would wait while pictures are cut into patches.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sentence_transformers.util import truncate_embeddings

from mcp_mmretrieval.models.hub.prompts import PromptRole

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors

Features = dict[str, Any]
"""What a processor makes of a batch: tensors, and what the modules of the model say to each other."""


class Encoder:
    """Encodes with a loaded SentenceTransformer. Any thread may prepare; one at a time has the forward pass."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._copies = not str(model.device).startswith("cpu")
        self._pins = str(model.device).startswith("cuda")
        take_turns(model.tokenizer)

    def prepare(self, inputs: Sequence[Any], role: PromptRole, prompt: str, options: Mapping[str, Any]) -> Features:
        """What the network gets of a batch, in the machine's memory. `options`: `processing_kwargs`."""
        more = {"processing_kwargs": options} if options else {}
        features: Features = dict(self._model.preprocess(list(inputs), prompt=prompt, task=role, **more))
        return {name: _pinned(value) for name, value in features.items()} if self._pins else features

    def forward(self, features: Features, role: PromptRole) -> Vectors:
        """The vectors, not yet of unit length."""
        with torch.inference_mode():
            given = {name: self._moved(value) for name, value in features.items()} if self._copies else features
            found = self._model(given, task=role)["sentence_embedding"]
            if self._model.truncate_dim is not None:
                found = truncate_embeddings(found, self._model.truncate_dim)
            return np.asarray(found.float().cpu().numpy(), np.float32)

    def _moved(self, value: Any) -> Any:
        return value.to(self._model.device, non_blocking=self._pins) if isinstance(value, torch.Tensor) else value


def take_turns(tokenizer: Any) -> None:
    """Let threads take turns on a tokenizer of transformers.

    Each call first sets padding and truncation on the one object in Rust that all calls use.
    """
    kind = type(tokenizer)
    if getattr(kind, "takes_turns", False):
        return
    turns = threading.RLock()
    encode: Callable[..., Any] = kind.__call__

    def call(self: Any, *args: Any, **options: Any) -> Any:
        with turns:
            return encode(self, *args, **options)

    tokenizer.__class__ = type(kind.__name__, (kind,), {"__call__": call, "takes_turns": True})


def _pinned(value: Any) -> Any:
    """In memory that a card fetches from by itself, so that the copy does not hold up its turn."""
    return value.pin_memory() if isinstance(value, torch.Tensor) else value

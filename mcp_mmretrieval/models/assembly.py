"""One model at a time is put together: while transformers does so, it changes torch for all threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mcp_mmretrieval.config.profiles import ModelSpec
from mcp_mmretrieval.models.download import snapshots

_ASSEMBLING = threading.RLock()
"""Held while one model is put together."""


@contextmanager
def assembled_alone(spec: ModelSpec | None = None) -> Iterator[None]:
    """Within, no other thread puts a model together.

    `spec`: a model whose files are fetched first; that keeps no other model waiting. Raises ModelUnavailable where they
    cannot be fetched.
    """
    if spec is not None and not spec.in_folder:
        snapshots.locate_model(spec)
    with _ASSEMBLING:
        yield

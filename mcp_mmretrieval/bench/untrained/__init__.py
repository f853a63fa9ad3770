"""Architectures at their real size with random weights, to time where the trained ones are not at hand.

Speed and memory do not depend on what the weights are; quality does, so nothing else is to be said of such a model.
Each is built from its published configuration, with a tokenizer of its own in a vocabulary of the published size, and
saved in the layout of the published repository, so that the product's own code loads it like any other folder.
"""

from __future__ import annotations

import difflib
import importlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from mcp_mmretrieval.errors import BadArgument, RetrievalError

if TYPE_CHECKING:
    from mcp_mmretrieval.bench.untrained.design import Design

_DISK_PER_WEIGHTS = 1.1
"""Bytes of disk for each byte of weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """One that can be built."""

    stands_for: str
    """The repository on the Hub whose configuration it has."""
    millions: int
    """Of parameters, as published."""
    made_by: str
    """The function that designs it, as `module:function` in this package; imports transformers."""


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        "embeddinggemma-2": Architecture(
            stands_for="google/embeddinggemma-2", millions=744, made_by="gemma:embedding_gemma_2"
        ),
        "qwen3-vl-embedding-2b": Architecture(
            stands_for="Qwen/Qwen3-VL-Embedding-2B", millions=2_128, made_by="qwen:embedding_2b"
        ),
        "qwen3-vl-embedding-8b": Architecture(
            stands_for="Qwen/Qwen3-VL-Embedding-8B", millions=8_145, made_by="qwen:embedding_8b"
        ),
        "qwen3-vl-reranker-2b": Architecture(
            stands_for="Qwen/Qwen3-VL-Reranker-2B", millions=2_128, made_by="qwen:reranker_2b"
        ),
        "qwen3-vl-reranker-8b": Architecture(
            stands_for="Qwen/Qwen3-VL-Reranker-8B", millions=8_767, made_by="qwen:reranker_8b"
        ),
        "neomme-260m": Architecture(
            stands_for="Hcompany/NeoMME-260M-Retriever", millions=263, made_by="neomme:neomme_260m"
        ),
        "clip-vit-b-32": Architecture(
            stands_for="sentence-transformers/clip-ViT-B-32", millions=151, made_by="clip:vit_b_32"
        ),
        "minilm-l6": Architecture(
            stands_for="sentence-transformers/all-MiniLM-L6-v2", millions=23, made_by="bert:minilm"
        ),
        "minilm-l6-reranker": Architecture(
            stands_for="cross-encoder/ms-marco-MiniLM-L6-v2", millions=23, made_by="bert:minilm_reranker"
        ),
    }
)
"""All of them, by the name that the command line takes."""


def architecture_of(model: str) -> str | None:
    """The name of the one that stands for a model of the Hub; None where there is none."""
    return next((name for name, one in ARCHITECTURES.items() if one.stands_for.lower() == model.lower()), None)


def build_architecture(name: str, folder: Path, device: str = "cpu") -> Path:
    """Save it, in bfloat16 as such models are published, into a new folder within `folder`, and return that.

    `device`: where the weights are drawn, which a card does faster. Raises BadArgument for an unknown name,
    RetrievalError where the disk has no room.
    """
    from mcp_mmretrieval.bench.untrained import design

    made = design_of(name)
    bytes_needed = int(design.design_parameter_count(made) * 2 * _DISK_PER_WEIGHTS)
    if (free := shutil.disk_usage(folder).free) < bytes_needed:
        raise RetrievalError(
            f"{name} takes {bytes_needed / 1e9:.1f} GB of disk while it is measured, and {free / 1e9:.1f} GB are free "
            f"at {folder}. Set TMPDIR to a folder with more room."
        )
    design.save_design(made, folder / name, device)
    return folder / name


def design_of(name: str) -> Design:
    """All that it is made of. Raises BadArgument for an unknown name."""
    if name not in ARCHITECTURES:
        near = difflib.get_close_matches(name.lower(), ARCHITECTURES, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise BadArgument(f"{name}: no such architecture.{meant} There are: {', '.join(ARCHITECTURES)}.")
    module, _, function = ARCHITECTURES[name].made_by.partition(":")
    return cast("Design", getattr(importlib.import_module(f"{__name__}.{module}"), function)())

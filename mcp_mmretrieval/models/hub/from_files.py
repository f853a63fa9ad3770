"""The steps that every model from the Hub shares when it is loaded from its files, and how a failure is told."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoProcessor
from transformers.utils import logging as transformers_logging

from mcp_mmretrieval.config.profiles import DTYPE_BYTES, Dtype, ModelSpec
from mcp_mmretrieval.errors import ModelUnavailable, RetrievalError, first_error_line
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.download import snapshots

SAFE_OPTIONS = {"local_files_only": True, "trust_remote_code": False}
"""Keyword arguments for transformers: nothing is fetched, and no code of the model's own runs."""


def locate_quietly(spec: ModelSpec) -> tuple[Path, str]:
    """As `snapshots.locate_model`; transformers shows no progress bar from now on."""
    located = snapshots.locate_model(spec)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return located


@contextmanager
def load_errors_told(spec: ModelSpec, *, remedy: str, role: str = "") -> Iterator[None]:
    """Within, whatever goes wrong is raised as ModelUnavailable, with what to do about it; our own errors as they are.

    `role`: what the model was to be loaded as.
    """
    try:
        yield
    except RetrievalError:
        raise
    except Exception as error:  # other people's models fail in any way
        as_what = f" as {role}" if role else ""
        raise ModelUnavailable(f"{spec.model}: does not load{as_what}: {first_error_line(error)}. {remedy}") from error


def weight_bytes(folder: Path, dtype: Dtype) -> int:
    """Bytes that the weights in a model's folder, and in those of its modules, take in a precision.

    Only files by which weights are loaded count. One that cannot be read counts nothing, and fails when it is loaded.
    """
    return DTYPE_BYTES[dtype] * sum(
        _numbers(place / name) for place in (folder, *folder.glob("*/")) for name in _weight_files(place)
    )


def _weight_files(folder: Path) -> set[str]:
    try:
        index = json.loads((folder / "model.safetensors.index.json").read_text(encoding="utf-8"))
        return set(index["weight_map"].values())
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {"model.safetensors"}


def _numbers(file: Path) -> int:
    """How many numbers a file in safetensors holds, by its header."""
    try:
        with safe_open(file, framework="pt") as tensors:
            return sum(math.prod(tensors.get_slice(name).get_shape()) for name in tensors.keys())  # noqa: SIM118
    except (OSError, SafetensorError):
        return 0


def model_and_processor(load: Callable[..., Any], folder: Path, device: Device, dtype: Dtype) -> tuple[Any, Any]:
    """A model of transformers on its device, ready to be asked, and its processor. `load`: its `from_pretrained`."""
    model = load(folder, dtype=getattr(torch, dtype), use_safetensors=True, **SAFE_OPTIONS)
    return model.to(device.name).eval(), AutoProcessor.from_pretrained(folder, **SAFE_OPTIONS)  # type: ignore[no-untyped-call]

"""The steps that every model from the Hub shares when it is loaded from its files, and how a failure is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoProcessor
from transformers.utils import logging as transformers_logging

from mcp_mmretrieval.config.profiles import Dtype, ModelSpec
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


def model_and_processor(load: Callable[..., Any], folder: Path, device: Device, dtype: Dtype) -> tuple[Any, Any]:
    """A model of transformers on its device, ready to be asked, and its processor. `load`: its `from_pretrained`."""
    model = load(folder, dtype=getattr(torch, dtype), use_safetensors=True, **SAFE_OPTIONS)
    return model.to(device.name).eval(), AutoProcessor.from_pretrained(folder, **SAFE_OPTIONS)  # type: ignore[no-untyped-call]

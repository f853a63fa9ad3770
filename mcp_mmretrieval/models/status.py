"""What a person should know of the models: each one's state in a line, what is missing, what is being loaded."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from typing import Any

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import ModelUnavailable, first_error_line
from mcp_mmretrieval.models import Embedder, ModelState, specs
from mcp_mmretrieval.models.device import threads
from mcp_mmretrieval.models.lazy import LazyModel


def state_of_model(model: LazyModel[Any]) -> ModelState:
    """Whether a model answers, is still to come, or failed."""
    if model.ready:
        return "ready"
    return "loading" if model.failure is None else "missing"


def models_message(wanted: LazyModel[Embedder], others: Iterable[LazyModel[Any]]) -> str:
    """What is missing and what to do about it, and while the wanted embedder loads, how far all loads are.

    Empty when all is well.
    """
    models = (wanted, *others)
    told = [str(model.failure) for model in models if model.failure is not None]
    if state_of_model(wanted) == "loading":
        told.append("The models are loading.")
        told += [f"{model.name.capitalize()}: {model.progress}." for model in models if model.takes_long]
    return " ".join(dict.fromkeys(told))


def loading_line(models: Sequence[LazyModel[Any]]) -> str:
    """What is being loaded just now and how far that is; empty where nothing is."""
    return "; ".join(f"{model.name}: {model.progress}" for model in models if model.progress)


def vector_lines(
    profile: str, settings: Settings, embedder: LazyModel[Embedder], classifier: LazyModel[Any]
) -> dict[str, str]:
    """Lines of `text vectors` and `picture vectors`. A model that makes both stands in both."""
    both = ("text vectors", "picture vectors")
    try:
        spec = specs.embedder_spec_of(profile, settings)
    except ModelUnavailable as error:
        return dict.fromkeys(both, str(error))
    if spec is None:
        return dict(zip(both, (embedder.line, classifier.line), strict=True))
    if embedder.failure is not None:
        return dict.fromkeys(both, embedder.line)
    line = f"{spec.model}: {embedder.line}"
    blind = embedder.loaded and "picture" not in embedder.get().dims
    return dict(zip(both, (line, f"{spec.model} looks at no pictures" if blind else line), strict=True))


def reader_lines(settings: Settings, readers: Mapping[str, LazyModel[Any]]) -> dict[str, str]:
    """Lines of `text in pictures` and `speech`. `readers`: the models, by the setting that names them."""
    lines: dict[str, str] = {}
    for what, variable in (("text in pictures", "ocr"), ("speech", "speech")):
        setting, line = str(getattr(settings, variable)), readers[variable].line
        if setting == "off":
            lines[what] = "off"
        else:
            lines[what] = line if setting == "builtin" else f"{setting.partition('@')[0]}: {line}"
    return lines


def package_problems() -> list[str]:
    """Whether torch, torchvision, torchaudio and what stands on them fit each other: what does not, and what to do.

    Imports them, which takes some seconds.
    """
    threads.set_thread_environment()
    found = []
    for name in ("torch", "torchvision", "torchaudio", "sentence_transformers"):
        try:
            importlib.import_module(name)
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            # beside another torch than theirs, torchaudio lacks a library and torchvision an operator
            found.append(
                f"{name} {_version(name)} does not load beside torch {_version('torch')}: {first_error_line(error)}. "
                "Run: pip install --force-reinstall torch==2.14.1 torchvision==0.29.1 torchaudio==2.11.0."
            )
    return found


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "(not installed)"

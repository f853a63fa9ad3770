"""From a record to the loaded model: where it runs, whether it finds room there, and which class serves it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from mcp_mmretrieval.config.profiles import EmbedderSpec, RerankerSpec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models import device, pieces, snapshots, threads

if TYPE_CHECKING:
    from mcp_mmretrieval.models.cross import CrossReranker
    from mcp_mmretrieval.models.device import Device
    from mcp_mmretrieval.models.hub import HubEmbedder
    from mcp_mmretrieval.models.multivector import LateReranker


def embedder(spec: EmbedderSpec, settings: Settings, runs_on: Device | None = None) -> HubEmbedder:
    """`runs_on`: as the settings say where it is not given. Raises ModelUnavailable."""
    from mcp_mmretrieval.models.hub import HubEmbedder

    torch.set_num_threads(threads.budget(settings.threads))
    runs_on = runs_on or device.of(settings)
    dtype = runs_on.dtype(spec, settings)
    runs_on.admit(spec.model, spec.memory_mb * 1_000_000)
    return HubEmbedder(spec, runs_on, dtype)


def reranker(spec: RerankerSpec, settings: Settings, runs_on: Device | None = None) -> CrossReranker | LateReranker:
    """Of the kind that its record says, or where a person merely named it, its files. Raises ModelUnavailable."""
    if not spec.described and _is_late(spec):
        spec = replace(spec, kind="late")
    runs_on = runs_on or device.of(settings)
    dtype = runs_on.dtype(spec, settings)
    runs_on.admit(spec.model, spec.memory_mb * 1_000_000)
    if spec.kind == "late":
        from mcp_mmretrieval.models.multivector import LateReranker

        return LateReranker(spec, runs_on, dtype)
    from mcp_mmretrieval.models.cross import CrossReranker

    return CrossReranker(spec, runs_on, dtype)


def _is_late(spec: RerankerSpec) -> bool:
    folder = Path(spec.model) if spec.in_folder else snapshots.located(spec)[0]
    return pieces.late(folder)

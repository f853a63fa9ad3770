"""From a record to the loaded model: where it runs, whether it finds room there, and which class serves it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from mcp_mmretrieval.models import device, pieces, snapshots, threads, underway
from mcp_mmretrieval.profiles import EmbedderSpec, RerankerSpec
from mcp_mmretrieval.settings import Settings

if TYPE_CHECKING:
    from mcp_mmretrieval.models.cross import CrossReranker
    from mcp_mmretrieval.models.hub import HubEmbedder
    from mcp_mmretrieval.models.multivector import LateReranker


def runs_on(settings: Settings) -> device.Device:
    """Where models of the Hub's run. Raises ModelUnavailable for a device that is not there."""
    place = device.of(settings)
    underway.on(place)
    return place


def embedder(spec: EmbedderSpec, settings: Settings) -> HubEmbedder:
    """Raises ModelUnavailable."""
    from mcp_mmretrieval.models.hub import HubEmbedder

    torch.set_num_threads(threads.budget(settings.threads))
    place = runs_on(settings)
    dtype = place.dtype(spec, settings)
    place.admit(spec.model, spec.memory_mb * 1_000_000)
    return HubEmbedder(spec, place, dtype)


def reranker(spec: RerankerSpec, settings: Settings) -> CrossReranker | LateReranker:
    """Of the kind that its record says, or where a person merely named it, its files. Raises ModelUnavailable."""
    if not spec.described and _is_late(spec):
        spec = replace(spec, kind="late")
    place = runs_on(settings)
    dtype = place.dtype(spec, settings)
    place.admit(spec.model, spec.memory_mb * 1_000_000)
    if spec.kind == "late":
        from mcp_mmretrieval.models.multivector import LateReranker

        return LateReranker(spec, place, dtype)
    from mcp_mmretrieval.models.cross import CrossReranker

    return CrossReranker(spec, place, dtype)


def _is_late(spec: RerankerSpec) -> bool:
    folder = Path(spec.model) if spec.in_folder else snapshots.located(spec)[0]
    return pieces.late(folder)

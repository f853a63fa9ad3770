"""From a record to the loaded model: where it runs, whether it finds room there, and which class serves it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from mcp_mmretrieval.config.profiles import Dtype, EmbedderSpec, ModelSpec, RerankerSpec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models.device import device, threads
from mcp_mmretrieval.models.download import snapshots
from mcp_mmretrieval.models.hub import from_files, reranker_input

if TYPE_CHECKING:
    from mcp_mmretrieval.models.device.device import Device
    from mcp_mmretrieval.models.hub.cross_encoder import CrossEncoderReranker
    from mcp_mmretrieval.models.hub.embedder import HubEmbedder
    from mcp_mmretrieval.models.hub.late_interaction import LateInteractionReranker


def load_embedder(spec: EmbedderSpec, settings: Settings, runs_on: Device | None = None) -> HubEmbedder:
    """The embedder of a record. `runs_on`: the settings' device where none is given. Raises ModelUnavailable."""
    from mcp_mmretrieval.models.hub.embedder import HubEmbedder

    torch.set_num_threads(threads.thread_budget(settings.threads))
    runs_on = runs_on or device.shared_device(settings)
    dtype = runs_on.dtype(spec, settings)
    _admit(spec, runs_on, dtype)
    return HubEmbedder(spec, runs_on, dtype)


def load_reranker(
    spec: RerankerSpec, settings: Settings, runs_on: Device | None = None
) -> CrossEncoderReranker | LateInteractionReranker:
    """The reranker of a record, of the kind that it says, or where a person merely named it, its files.

    `runs_on`: the settings' device where none is given. Raises ModelUnavailable.
    """
    if not spec.described and _is_late(spec):
        spec = replace(spec, kind="late")
    runs_on = runs_on or device.shared_device(settings)
    dtype = runs_on.dtype(spec, settings)
    _admit(spec, runs_on, dtype)
    if spec.kind == "late":
        from mcp_mmretrieval.models.hub.late_interaction import LateInteractionReranker

        return LateInteractionReranker(spec, runs_on, dtype)
    from mcp_mmretrieval.models.hub.cross_encoder import CrossEncoderReranker

    return CrossEncoderReranker(spec, runs_on, dtype)


def _admit(spec: ModelSpec, runs_on: Device, dtype: Dtype) -> None:
    """Where no record says what the weights take, as in a recipe, their files do. Raises ModelUnavailable."""
    known = spec.weights_mb(dtype) * 1_000_000
    runs_on.admit(spec.model, known or from_files.weight_bytes(snapshots.locate_model(spec)[0], dtype))


def _is_late(spec: RerankerSpec) -> bool:
    folder = Path(spec.model) if spec.in_folder else snapshots.locate_model(spec)[0]
    return reranker_input.is_late_interaction(folder)

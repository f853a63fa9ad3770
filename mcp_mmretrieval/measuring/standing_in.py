"""Untrained architectures in the place of a profile's models, for a machine that has no trained ones at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.models import untrained
from mcp_mmretrieval.profiles import EMBEDDERS, PROFILES, RERANKERS, ModelSpec, profile_of, reranker_of
from mcp_mmretrieval.settings import Settings


@dataclass(frozen=True, slots=True)
class StandIn:
    """Which architectures are to be built, and for what."""

    name: str
    """Of the profile or of the one architecture."""
    embedder: str = ""
    """Its architecture; empty: the built-in models serve."""
    reranker: str = ""
    """The same; empty: none but the built-in one."""


def stand_in(name: str, wanted: Settings) -> StandIn:
    """What `name` asks for: a profile's models, one architecture, or if it is empty those of the wanted profile.

    Raises BadArgument where that is nothing that can be built.
    """
    if name in untrained.ARCHITECTURES:
        stands_for = untrained.ARCHITECTURES[name].stands_for
        judges = any(spec.model == stands_for for spec in RERANKERS.values())
        return StandIn(name, reranker=name) if judges else StandIn(name, embedder=name)
    if name and name not in PROFILES:
        known = ", ".join([*(profile for profile in PROFILES if profile != "builtin"), *untrained.ARCHITECTURES])
        raise BadArgument(f"--random-weights {name}: no such profile or architecture. There are: {known}.")
    profile = profile_of(name or wanted.profile)
    reranker = reranker_of(wanted.reranker, profile)
    found = StandIn(profile.name, _built(profile.embedder), _built(reranker))
    if not found.embedder and not found.reranker:
        raise BadArgument(
            f"--random-weights: the profile {profile.name} has no architecture that can be built. Name a profile or "
            f"one of: {', '.join(untrained.ARCHITECTURES)}."
        )
    return found


def build(asked: StandIn, wanted: Settings, folder: Path, device: str) -> Settings:
    """Build it within a folder, and give the settings with which it serves, under the limits of the records."""
    given: dict[str, object] = {"profile": "builtin", "reranker": "off"}
    if asked.embedder:
        given["profile"] = str(untrained.build(asked.embedder, folder, device))
        record = _record(asked.embedder)
        given["model_pixels"] = wanted.model_pixels or (record.pixels if record else 0)
        given["model_frames"] = wanted.model_frames or (record.frames if record else 0)
    if asked.reranker:
        given["reranker"] = str(untrained.build(asked.reranker, folder, device))
    return wanted.model_copy(update=given)


def _built(spec: ModelSpec | None) -> str:
    """The architecture that stands for a model; empty where there is none."""
    return (untrained.architecture_of(spec.model) or "") if spec is not None else ""


def _record(architecture: str) -> ModelSpec | None:
    """Of the model that an architecture stands for; None where no profile has it."""
    stands_for = untrained.ARCHITECTURES[architecture].stands_for
    return next((spec for spec in EMBEDDERS.values() if spec.model == stands_for), None)

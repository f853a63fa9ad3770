"""Untrained architectures in the place of a profile's models, for a machine that has no trained ones at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from mcp_mmretrieval.config.profiles import (
    EMBEDDERS,
    PROFILES,
    RERANKERS,
    EmbedderSpec,
    ModelSpec,
    Profile,
    RerankerSpec,
    profile_of,
    reranker_of,
)
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.models import untrained

Spec = TypeVar("Spec", bound=ModelSpec)


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


def build(asked: StandIn, folder: Path, device: str) -> Profile:
    """Build it within a folder. The records are those of the models that it stands for, with that folder's place."""
    embedder = reranker = None
    if asked.embedder:
        record = _record(asked.embedder, EMBEDDERS) or EmbedderSpec(model="")
        embedder = replace(record, model=str(untrained.build(asked.embedder, folder, device)), revision="")
    if asked.reranker:
        judge = _record(asked.reranker, RERANKERS) or RerankerSpec(model="")
        reranker = replace(judge, model=str(untrained.build(asked.reranker, folder, device)), revision="")
    return Profile(name=asked.name, embedder=embedder, reranker=reranker)


def _built(spec: ModelSpec | None) -> str:
    """The architecture that stands for a model; empty where there is none."""
    return (untrained.architecture_of(spec.model) or "") if spec is not None else ""


def _record(architecture: str, records: Mapping[str, Spec]) -> Spec | None:
    """Of the model that an architecture stands for; None where no profile has it."""
    stands_for = untrained.ARCHITECTURES[architecture].stands_for
    return next((spec for spec in records.values() if spec.model == stands_for), None)

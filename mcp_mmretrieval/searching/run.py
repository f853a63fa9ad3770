"""One running search as one object: what was asked, what answers, and what has been found so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mcp_mmretrieval.rollout import AnsweringSpace
from mcp_mmretrieval.searching.avoid import Avoided
from mcp_mmretrieval.searching.bounds import RankedLane, SegmentBounds
from mcp_mmretrieval.searching.deadlines import DeadlineClock
from mcp_mmretrieval.searching.fusion import FoundPlace, FusedHit
from mcp_mmretrieval.searching.like import LikeQuery
from mcp_mmretrieval.searching.query import Query
from mcp_mmretrieval.store import HeldPlace, Scope
from mcp_mmretrieval.types import Lane, VectorKind, Vectors


@dataclass(slots=True)
class VectorFindings:
    """What a search looked for in the space of vectors, and found there so far."""

    space: int = 0
    query_vectors: dict[VectorKind, Vectors] = field(default_factory=dict)
    """What each kind of vector is compared with, shape (n, dims[kind])."""
    ranked: dict[Lane, RankedLane] = field(default_factory=dict)
    rare_words: tuple[str, ...] = ()
    """The words that are asked for, where the embedder was taught none of them: see `rare_words`."""
    near_avoided: list[Mapping[VectorKind, RankedLane]] | None = None
    """What is near to each thing that is avoided, by kind; None where there was no time or no model to tell it."""
    unrelated: dict[VectorKind, Vectors] = field(default_factory=dict)
    """Vectors of queries that have nothing to do with it, where a model is unmeasured and the library too small to
    show what is usual; shape (n, dims[kind])."""


@dataclass(slots=True, kw_only=True)
class SearchRun:
    """One search, from its beginning to its answer. Each stage reads what the stages before it have put here."""

    query: Query
    scope: Scope
    """What may be found: the roots of the connection and the filters of the query."""
    answering: AnsweringSpace
    """The embedder and the space that this search keeps until its end."""
    clock: DeadlineClock
    notes: list[str] = field(default_factory=list)
    """What was left out, and why."""
    examples: tuple[LikeQuery, ...] = ()
    """What the query's `like` names."""
    avoided: tuple[Avoided, ...] = ()
    """What the query's `avoid` names."""
    bounds: SegmentBounds = field(default_factory=SegmentBounds)
    """Which segments may be found of those within the scope."""
    findings: VectorFindings = field(default_factory=VectorFindings)
    """Written by the thread of the vector lanes, lane by lane; it may go on when the deadline has left it behind."""
    ranked: Mapping[Lane, RankedLane] = field(default_factory=dict)
    """What each lane found."""
    fused: dict[int, FusedHit] = field(default_factory=dict)
    """What the lanes found, by key, before any reranking."""
    left_out: int = 0
    """Places that the lanes found, and that are to be avoided themselves."""
    lowered: dict[int, float] = field(default_factory=dict)
    """The share of its evidence that a segment lost for being like what is avoided, by key."""
    held: dict[int, HeldPlace] = field(default_factory=dict)
    """Where the segments are that some lane found, by key."""
    places: list[FoundPlace] = field(default_factory=list)
    """Where they are, best first."""
    relevance: dict[int, float] = field(default_factory=dict)
    """What the reranker gave to segments, in [0, 1], by key."""

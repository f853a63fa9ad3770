"""What the engine, the process that talks to Ray and a task on a node say to each other: pickled, as all are ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from mcp_mmretrieval.adding.reading import FileText
from mcp_mmretrieval.errors import FailureCode
from mcp_mmretrieval.types import Identity, Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOrder:
    """One file that a node is to read as the engine would."""

    path: str
    """Absolute real path, the same on each node."""
    document: str
    """SHA-256 in hex, which what lies there must have."""
    sidecars: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    staged: tuple[Segment, ...] = ()
    """What was read of it before: the node goes on behind."""
    settings: Mapping[str, Any]
    """The engine's settings that reading depends on."""
    identity: Identity
    """What the node must read with: see `FileReader.identity`."""
    version: str
    """Of this package."""


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """A machine of the cluster."""

    id: str
    name: str
    """Its address, for a person."""


@dataclass(frozen=True, slots=True)
class SegmentsStaged:
    """Segments that were costly to read, from an ordinal on."""

    ordinal: int
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class TextRead:
    """The file was read."""

    text: FileText


@dataclass(frozen=True, slots=True)
class NotReadable:
    """The file cannot be read, wherever it is tried: see `UnreadableMedia`."""

    code: FailureCode
    reason: str


@dataclass(frozen=True, slots=True)
class NodeUnfit:
    """This node cannot read the file; another one may."""

    reason: str
    """What is the case there, and what to do: sentences without the file's name."""
    all_files: bool
    """Whether it cannot read others either."""


@dataclass(frozen=True, slots=True)
class TaskLost:
    """The task ended without an answer: its process or its node died."""

    reason: str
    begun: bool = True
    """Whether it may have been the file's fault; False where it still waited for its turn on a node that died."""


@dataclass(frozen=True, slots=True)
class NoNode:
    """No node is left that was not refused."""


TaskAnswer: TypeAlias = SegmentsStaged | TextRead | NotReadable | NodeUnfit
"""What a task says; all but the first is its last word."""
ClusterAnswer: TypeAlias = TaskAnswer | TaskLost | NoNode

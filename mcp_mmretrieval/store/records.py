"""Rows of the catalog as plain records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from mcp_mmretrieval.answers import JobState
from mcp_mmretrieval.types import Modality, Place, Segment, VectorKind

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors

Change = Literal["added", "replaced", "reread", "attached", "moved", "unchanged"]
"""What a commit did.

added      a document that was not held
replaced   the path pointed at another document before
reread     the document was held, and has other segments now
attached   one more path of a held document
moved      the same, and an old path of it went
unchanged  path and document were held already; size and time are up to date
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One path that was added. Many files may point at one document."""

    path: str
    """Absolute, as `os.fsdecode` gives it: bytes that are no UTF-8 are kept."""
    document: str
    """The document's whole id."""
    size: int
    """Bytes."""
    mtime_ns: int
    added_at: float = 0.0
    """Seconds since 1970; set by the catalog."""
    sidecars: str = ""
    """What was read with it, in words that change when that does: names, sizes and times of subtitles."""
    device: int | None = None
    """The file system on which it was seen last (`st_dev`); None where that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Content that was read, whatever its path."""

    id: str
    """SHA-256 in hex."""
    modality: Modality
    reading: int
    """The way in which it was read: the id that `Catalog.reading` gave."""
    title: str = ""
    bytes: int = 0
    pages: int | None = None
    seconds: float | None = None
    dated: float | None = None
    """When it was taken, recorded, written or sent, by its own word: seconds since 1970."""
    keywords: str = ""
    """Words about the whole of it that stand in none of its places."""
    notes: tuple[str, ...] = ()
    inline: bool = False
    """Given as text, without a file."""
    read_at: float = 0.0
    """Seconds since 1970; set by the catalog."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSegment:
    """A committed segment and its key."""

    key: int
    """Valid until the document is read again or removed; never used again for another one."""
    ordinal: int
    """Position within the document, from 0."""
    segment: Segment


class HeldPlace(NamedTuple):
    """Where a committed segment is, without what it says: a search looks at hundreds and shows few."""

    document: str
    modality: Modality
    place: Place
    number: int
    """The document's key in the catalog."""


@dataclass(frozen=True, slots=True)
class TermShares:
    """How much of a query's terms stands at a place: shares in [0, 1], rare terms weighing more."""

    place: float
    document: float
    """The same of the document as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Where vectors are comparable: one embedder with its settings."""

    id: int
    identity: str
    """Canonical JSON."""
    dim: int
    """Numbers in a text's vector, as told when it was made."""
    half: bool
    """Stored as float16."""
    active: bool
    made_by: str = ""
    """What makes its vectors, so that it can be loaded again: see `models.recipe`."""
    retired: bool = False
    """Replaced by another one, and about to be dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceSize:
    """How much a space holds."""

    documents: int
    """Of the whole library."""
    embedded: int
    """Of these, those that have their vectors."""
    vectors: Mapping[VectorKind, int]
    each: Mapping[VectorKind, int]
    """Bytes of one vector."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenProfile:
    """The profile that a library keeps to."""

    profile: str
    """As the setting names it."""
    reason: str
    """For a person."""
    chosen_at: float
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorRows:
    """Vectors of one kind for some segments of one document; row i belongs to `segments[i]`, `parts[i]`."""

    kind: VectorKind
    segments: Sequence[int]
    """Keys."""
    parts: Sequence[int]
    """Which window of the text or frame of the film, from 0."""
    vectors: Vectors
    """Shape (len(segments), dim)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDocument:
    """A document in a listing."""

    document: Document
    files: tuple[File, ...]
    """Those within the scope's folders, by path."""
    segments: int
    embedded: bool
    """In the space that was asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeCounts:
    """How much a scope holds."""

    documents: int
    segments: int
    excluded: int
    """Segments under the roots that the filters left out."""
    pending: int
    """Documents within the scope that are not embedded in the space asked about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovalCounts:
    """What a removal took out."""

    files: int
    documents: int
    segments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A path that vanished and can be brought back."""

    file: File
    vanished_at: float
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A job as it is kept across restarts. `asked` and `outcome` are JSON, understood by the library."""

    id: str
    key: str
    """Equal for the same request."""
    asked: str
    """What was asked for, and for whom."""
    state: JobState
    """A job that is `running` at the start is begun again; `cancelled` stands there as soon as it is asked for."""
    outcome: str
    attempts: int = 0
    """How often it was begun again since it last made progress."""
    reading: str = ""
    """The file that it reads, where that is noted: see `Job.reads`."""
    started: float = 0.0
    """Seconds since 1970; set by the catalog, as `ended` is."""
    ended: float | None = None


IndexState = Literal["unneeded", "resting", "checking", "building", "ready", "failed", "away"]
"""`unneeded`: the library is small; `resting`: it was closed for want of questions; `away`: its server does not answer.
Unless it is ready, exact scans answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexStatus:
    """How far the index is."""

    state: IndexState
    followed: int
    """Vectors that the index has."""
    total: int
    """Vectors that the catalog has."""
    note: str = ""
    """Why it was built anew, or why it failed."""
    server: str = ""
    """Where the index is, if it is not in the library's folder."""


@dataclass(frozen=True, slots=True)
class IndexClaim:
    """The collections on a server that are the index of this catalog."""

    name: str
    """What their names begin with: random, and another one whenever the index is begun anew."""
    holders: tuple[str, ...]
    """The engines that had them, as each collection names the last: two while one takes over from the other."""

"""What becomes of one document: its vectors, and what has none and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mcp_mmretrieval.adding.parts import moment_of_part
from mcp_mmretrieval.errors import RetrievalError, Unfit
from mcp_mmretrieval.store import VectorRows
from mcp_mmretrieval.types import Segment, VectorKind, Vectors

VECTORS_AT_ONCE = 4_096
"""Vectors that are stored at a time."""
NOTE_REASONS = 3
"""Reasons that a note names, and places of each."""
MAX_REASON_CHARACTERS = 160
"""Characters of a reason."""

PartKey = tuple[int, int]
"""A segment's key and the part of it."""
StoredParts = dict[VectorKind, set[PartKey]]
"""Parts whose vectors are stored."""


@dataclass(slots=True)
class DocumentVectors:
    """One document with the vectors of all that the model takes in."""

    document: str
    vectors: dict[VectorKind, dict[PartKey, Vectors]] = field(default_factory=dict)
    """Those that were made and are not stored."""
    stored: StoredParts = field(default_factory=dict)
    """Those that are: of a long document, some before the others are made, perhaps by a process that ended."""
    anchor: int | None = None
    """The key of its first segment, which is another one once the document is read again."""
    left_out: dict[tuple[VectorKind, str], list[str]] = field(default_factory=dict)
    """Places without a vector, by kind and reason."""
    failed: bool = False
    """Something went wrong that may go well another time."""
    refused: bool = False
    """Its vectors cannot be stored, as they fit no others."""
    absent: bool = False
    """Its file cannot be read now."""
    waiting: int = 0
    """Contents that are still to be embedded."""

    @property
    def put_off(self) -> bool:
        """Whether it should be tried again rather than be left without vectors."""
        return self.absent or self.refused or (self.failed and not (self.vectors or self.stored))

    @property
    def enough(self) -> bool:
        """Whether so many vectors are made that they are stored before the others are."""
        return sum(map(len, self.vectors.values())) >= VECTORS_AT_ONCE

    def has(self, kind: VectorKind, key: PartKey) -> bool:
        """Whether a part's vector is stored already."""
        return key in self.stored.get(kind, ())

    def note_stored(self) -> None:
        """What was made is stored by now."""
        for kind, vectors in self.vectors.items():
            self.stored.setdefault(kind, set()).update(vectors)
        self.vectors.clear()

    def refuse(self) -> None:
        """What was made cannot be stored: nothing more of it is, until it is tried anew."""
        self.refused = True
        self.vectors.clear()

    @property
    def rows(self) -> Iterator[VectorRows]:
        """What was made, as it is stored: some at a time, so that those of a long film are not held twice."""
        for kind, vectors in self.vectors.items():
            keys = list(vectors)
            for at in range(0, len(keys), VECTORS_AT_ONCE):
                yield _rows(kind, keys[at : at + VECTORS_AT_ONCE], vectors)

    @property
    def note(self) -> str:
        """What has no vector, and why; empty where all has."""
        told = []
        for (kind, reason), places in list(self.left_out.items())[:NOTE_REASONS]:
            more = f" and {len(places) - NOTE_REASONS} more" if len(places) > NOTE_REASONS else ""
            told.append(f"{', '.join(places[:NOTE_REASONS])}{more} as {kind} ({reason})")
        others = len(self.left_out) - NOTE_REASONS
        return "; ".join(told) + (f"; and more for {others} other reasons" if others > 0 else "")

    def leave_out(self, kind: VectorKind, segment: Segment, part: int, error: Exception) -> None:
        """Say that a part gets no vector."""
        place = moment_of_part(segment, kind, part).fragment or "the whole"
        places = self.left_out.setdefault((kind, _reason(error)), [])
        if place not in places:
            places.append(place)
        self.failed |= not isinstance(error, Unfit)


def _reason(error: Exception) -> str:
    if not isinstance(error, RetrievalError):
        return f"the model fails on it: {type(error).__name__}"
    line = " ".join(str(error).split()).rstrip(".")
    return line if len(line) <= MAX_REASON_CHARACTERS else line[: MAX_REASON_CHARACTERS - 1] + "…"


def _rows(kind: VectorKind, keys: Sequence[PartKey], vectors: Mapping[PartKey, Vectors]) -> VectorRows:
    return VectorRows(
        kind=kind,
        segments=[segment for segment, _ in keys],
        parts=[part for _, part in keys],
        vectors=np.stack([vectors[key] for key in keys]),
    )

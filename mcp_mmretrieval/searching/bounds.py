"""Which segments a search may come back with, beyond the filters that SQLite resolves: a stretch of time, and what not.

Lanes are read deeper by as many segments as may be dropped, so that what is left is as much as without bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from mcp_mmretrieval.adding.parts import narrow_to_place
from mcp_mmretrieval.answers import Filters
from mcp_mmretrieval.store import Catalog, StoredSegment
from mcp_mmretrieval.types import Lane, Place

RankedLane = list[tuple[int, float]]
"""Keys of segments with what they score in a lane, best first."""


@dataclass(frozen=True, slots=True)
class SegmentBounds:
    """Keys of segments that may be found. As it is made it lets all pass."""

    only: frozenset[int] | None = None
    """None: any."""
    without: frozenset[int] = frozenset()
    beside: int = 0
    """Segments of the document that lie outside `only`."""

    def passes(self, key: int) -> bool:
        """Whether this segment may be found."""
        return key not in self.without and (self.only is None or key in self.only)

    def depth(self, wanted: int) -> int:
        """Segments to take from a lane, so that `wanted` of them pass where there are so many."""
        return wanted + len(self.without) + self.beside

    def cut(self, ranked: RankedLane, wanted: int) -> RankedLane:
        """The first `wanted` that pass."""
        if self.only is None and not self.without:
            return ranked
        return [hit for hit in ranked if self.passes(hit[0])][:wanted]

    def found_without(self, lanes: Mapping[Lane, RankedLane]) -> int:
        """How many segments of lanes are to be left out."""
        return len(self.without & {key for ranked in lanes.values() for key, _ in ranked})


def bounds_of(catalog: Catalog, filters: Filters, without: Iterable[int]) -> SegmentBounds:
    """What a search by these filters may find, and what of `without` it may not."""
    left_out = frozenset(without)
    if filters.document is None or filters.within is None:
        return SegmentBounds(without=left_out)
    only = frozenset(stored.key for stored in catalog.find(filters.document, filters.within))
    return SegmentBounds(only, left_out, len(catalog.segments_of(filters.document)) - len(only))


def within_stretch(stored: dict[int, StoredSegment], within: Place | None) -> dict[int, StoredSegment]:
    """The segments cut to the seconds that a search is limited to."""
    if within is None:
        return stored
    return {key: replace(one, segment=narrow_to_place(one.segment, within)) for key, one in stored.items()}

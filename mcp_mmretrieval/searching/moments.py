"""The moment in a hit of sound or film that answers: of a window of half a minute, the stretch that is nearest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from mcp_mmretrieval.parts import moment_of_part, narrow_to_place
from mcp_mmretrieval.searching.fusion import FoundPlace
from mcp_mmretrieval.store import Catalog, StoredSegment
from mcp_mmretrieval.types import Segment, VectorKind

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors


def narrow_to_moments(
    catalog: Catalog,
    space: int,
    asked: Mapping[VectorKind, Vectors],
    shown: Iterable[FoundPlace],
    held: Mapping[int, StoredSegment],
) -> dict[int, Segment]:
    """The segments, by key, of those hits that sound or frames tell of, each narrowed to its best stretch.

    `asked`: the vectors that were searched for, by kind, shape (n, dim). Hits that words tell of stay whole: what is
    said is known by the window, and not by the second.
    """
    wanted: dict[VectorKind, list[int]] = {}
    for one in shown:
        telling = next(iter(one.hit.lanes))
        timed = held[one.hit.key].segment.traits.listened_to
        if timed and telling in ("sound", "picture") and telling in asked:
            wanted.setdefault(telling, []).append(one.hit.key)
    found: dict[int, Segment] = {}
    for kind, keys in wanted.items():
        for key, (parts, vectors) in catalog.vectors_of(space, kind, keys).items():
            best = int((vectors @ asked[kind].T).max(axis=1).argmax())
            segment = held[key].segment
            found[key] = narrow_to_place(segment, moment_of_part(segment, kind, parts[best]))
    return found

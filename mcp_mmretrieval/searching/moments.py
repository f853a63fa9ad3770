"""The moment in a hit of sound or film that answers: of a window of half a minute, the words or the stretch that do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from mcp_mmretrieval.adding.parts import moment_of_part, narrow_to_place, place_of_lines
from mcp_mmretrieval.searching.fusion import FoundPlace
from mcp_mmretrieval.store import Catalog, StoredSegment
from mcp_mmretrieval.store.fulltext import QueryTerms
from mcp_mmretrieval.store.snippets import terms_in
from mcp_mmretrieval.types import Segment, VectorKind

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors

_ONE_BREATH = 12.0
"""Seconds over which words that were looked for may be spread and still be said together."""
_ENOUGH_WORDS = 0.5
"""Share of the query's words that the lines must hold to tell where a hit is that frames or sound found first."""


def narrow_to_words(segment: Segment, terms: QueryTerms, *, least: float = 0.0) -> Segment | None:
    """The segment narrowed to the lines, near to each other, that hold most of the terms; to the shortest such stretch.

    None where its lines have no seconds, or hold none of the terms, or less than the share `least` of them.
    """
    lines = segment.text.split("\n")[: len(segment.times)]
    found = [(segment.times[at], at, held) for at, line in enumerate(lines) if (held := terms_in(line, terms))]
    found.sort()
    best: tuple[int, float, list[int]] = (0, 0.0, [])
    for first, ((start, _), _, _) in enumerate(found):
        holding: set[str] = set()
        taken: list[int] = []
        until = start
        for (_, end), at, here in found[first:]:
            if end - start > _ONE_BREATH and taken:
                continue
            if not here <= holding:
                holding |= here
                taken.append(at)
                until = max(until, end)
                if (len(holding), start - until) > best[:2]:
                    best = len(holding), start - until, list(taken)
    wanted = len(frozenset(terms.words) | frozenset(terms.runs))
    if not best[2] or best[0] < least * wanted:
        return None
    return narrow_to_place(segment, place_of_lines(segment, best[2]))


def narrow_to_moments(
    catalog: Catalog,
    space: int,
    asked: Mapping[VectorKind, Vectors],
    terms: QueryTerms,
    shown: Iterable[FoundPlace],
    held: Mapping[int, StoredSegment],
) -> dict[int, Segment]:
    """The segments, by key, of those hits of sound and film whose moment is known, each narrowed to it.

    `asked`: the vectors that were searched for, by kind, shape (n, dim). A hit cites the lines that hold the query's
    words. Where words did not find it, or hold little of the query, and sound or a frame is the stronger evidence, it
    cites their stretch. What is near in meaning alone stays whole.
    """
    wanted: dict[VectorKind, list[int]] = {}
    found: dict[int, Segment] = {}
    for one in shown:
        segment = held[one.hit.key].segment
        if not segment.traits.listened_to:
            continue
        telling = next(iter(one.hit.lanes))
        sensed = telling if telling in ("sound", "picture") and telling in asked else None
        by_words = "words" in one.hit.lanes or "text" in one.hit.lanes
        said = narrow_to_words(segment, terms, least=_ENOUGH_WORDS if sensed else 0.0) if by_words else None
        if said is not None:
            found[one.hit.key] = said
        elif sensed is not None:
            wanted.setdefault(sensed, []).append(one.hit.key)
    for kind, keys in wanted.items():
        for key, (parts, vectors) in catalog.vectors_of(space, kind, keys).items():
            best = int((vectors @ asked[kind].T).max(axis=1).argmax())
            segment = held[key].segment
            found[key] = narrow_to_place(segment, moment_of_part(segment, kind, parts[best]))
    return found

"""Makes the list that is shown: each hit says something else, and tells which others only say it again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from mcp_mmretrieval.searching.fusion import FoundPlace, diversify
from mcp_mmretrieval.searching.near_duplicates import NearDuplicates
from mcp_mmretrieval.store import Catalog, StoredSegment
from mcp_mmretrieval.types import Modality

MAX_COLLAPSED = 200
"""Hits of one search that stand under others at most, so that a thousand copies take no second."""

MAX_AVOIDED = 200
"""Places to stay away from with which hits are compared: of a longer document the first."""


@dataclass(slots=True)
class CollapsedList:
    """The places to show, best first."""

    shown: list[FoundPlace]
    stored: Mapping[int, StoredSegment]
    """The segments of these and of their duplicates, by key."""
    duplicates: Mapping[int, Sequence[FoundPlace]] = field(default_factory=dict)
    """By the key of a place that is shown those that say nothing new beside it, best first."""
    left_out: int = 0
    """Places that say nothing new beside what is to be avoided."""
    filled: bool = False
    """Whether so many said the same that there may be others, which the lanes did not reach."""


def collapse(
    catalog: Catalog,
    places: Sequence[FoundPlace],
    modalities: Mapping[int, Modality],
    limit: int,
    *,
    avoided: Collection[int] = (),
) -> CollapsedList:
    """The first `limit` places that say something else each, and something else than the segments `avoided` (by key).

    A place that a better one stands for makes room for the next. Without any the list is what `diversify` gives.
    """
    near = NearDuplicates(catalog)
    unwanted = list(catalog.segments(sorted(avoided)[:MAX_AVOIDED]).values()) if avoided else []
    left = list(places)
    stored: dict[int, StoredSegment] = {}
    duplicates: dict[int, list[FoundPlace]] = {}
    compared: set[tuple[int, int]] = set()
    looked_at: set[int] = set()
    left_out: set[int] = set()
    while True:
        shown = diversify(left, modalities, limit)
        stored |= catalog.segments([one.hit.key for one in shown if one.hit.key not in stored])
        shown = [one for one in shown if one.hit.key in stored]  # not removed since the lanes were read
        new = [one.hit.key for one in shown if one.hit.key not in looked_at]
        looked_at.update(new)
        gone = {key for key in new if any(near.is_repeated(stored[key], one) for one in unwanted)}
        left_out |= gone
        repeated = _repeated(near, [one.hit.key for one in shown if one.hit.key not in gone], stored, compared)
        for one in shown:
            if one.hit.key in repeated:
                duplicates.setdefault(repeated[one.hit.key], []).extend([one, *duplicates.pop(one.hit.key, [])])
        left = [one for one in left if one.hit.key not in repeated and one.hit.key not in gone]
        count = sum(map(len, duplicates.values()))
        if not (repeated or gone) or count + len(left_out) >= MAX_COLLAPSED:
            kept = [one for one in shown if one.hit.key not in repeated and one.hit.key not in gone]
            filled = len(kept) < limit and count + len(left_out) >= MAX_COLLAPSED
            return CollapsedList(kept, stored, duplicates, len(left_out), filled)


def _repeated(
    near: NearDuplicates, keys: Sequence[int], stored: Mapping[int, StoredSegment], compared: set[tuple[int, int]]
) -> dict[int, int]:
    """Which of the places, best first, say nothing new, and beside which better one. No pair is `compared` twice."""
    repeated: dict[int, int] = {}
    for number, key in enumerate(keys):
        for above in keys[:number]:
            if above in repeated or (above, key) in compared:
                continue
            compared.add((above, key))
            if near.is_repeated(stored[key], stored[above]):
                repeated[key] = above
                break
    return repeated

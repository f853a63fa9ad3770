"""Makes the list that is shown: each hit says something else, and tells which others only say it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mcp_mmretrieval.searching.fusion import FoundPlace, diversify
from mcp_mmretrieval.searching.near_duplicates import NearDuplicates
from mcp_mmretrieval.store import Catalog, StoredSegment
from mcp_mmretrieval.types import Modality

MAX_COLLAPSED = 200
"""Hits of one search that stand under others at most, so that a thousand copies take no second."""


@dataclass(slots=True)
class CollapsedList:
    """The places to show, best first."""

    shown: list[FoundPlace]
    stored: Mapping[int, StoredSegment]
    """The segments of these and of their duplicates, by key."""
    duplicates: Mapping[int, Sequence[FoundPlace]] = field(default_factory=dict)
    """By the key of a place that is shown those that say nothing new beside it, best first."""


def collapse(
    catalog: Catalog, places: Sequence[FoundPlace], modalities: Mapping[int, Modality], limit: int
) -> CollapsedList:
    """The first `limit` places that say something else each.

    A place that a better one stands for makes room for the next. Without any the list is what `diversify` gives.
    """
    near = NearDuplicates(catalog)
    left = list(places)
    stored: dict[int, StoredSegment] = {}
    duplicates: dict[int, list[FoundPlace]] = {}
    compared: set[tuple[int, int]] = set()
    while True:
        shown = diversify(left, modalities, limit)
        stored |= catalog.segments([one.hit.key for one in shown if one.hit.key not in stored])
        shown = [one for one in shown if one.hit.key in stored]  # not removed since the lanes were read
        repeated: dict[int, int] = {}
        for number, one in enumerate(shown):
            for above in shown[:number]:
                pair = above.hit.key, one.hit.key
                if above.hit.key in repeated or pair in compared:
                    continue
                compared.add(pair)
                if near.is_repeated(stored[one.hit.key], stored[above.hit.key]):
                    repeated[one.hit.key] = above.hit.key
                    break
        for one in shown:
            if one.hit.key in repeated:
                duplicates.setdefault(repeated[one.hit.key], []).extend([one, *duplicates.pop(one.hit.key, [])])
        left = [one for one in left if one.hit.key not in repeated]
        if not repeated or sum(map(len, duplicates.values())) >= MAX_COLLAPSED:
            kept = [one for one in shown if one.hit.key not in repeated]
            return CollapsedList(kept, stored, duplicates)

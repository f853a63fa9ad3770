"""Cross-validates the constants of fusion: fitted on the other folds, judged on one. Folds are split by document.

Each question is searched once; what its lanes found is fused again with other constants, which takes milliseconds.
"""

import math
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from mcp_mmretrieval.searching import fusion

CONSTANTS: dict[str, tuple[float, ...]] = {
    "words slope": (0.6, 0.7, 0.8, 0.9),
    "text offset": (-0.2, -0.1, 0.0),
    "text slope": (0.75, 0.85, 1.0),
    "picture offset": (0.25, 0.35, 0.45),
    "picture slope": (1.1, 1.2, 1.3),
    "CONTEXT_WEIGHT": (0.35, 0.45, 0.55),
    "PICTURE_WORDS": (4, 5, 7),
}
"""What is tried for each constant of `searching.fusion`; all others stay as they are meanwhile."""


@dataclass(slots=True)
class Recorded:
    """What one search gave to fusion, and in which call of each function."""

    calls: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = field(default_factory=dict)


@contextmanager
def recording() -> Iterator[Recorded]:
    """Note what is given to fusion within; the last call counts."""
    recorded = Recorded()
    names = ("fuse", "builtin_scales", "merge_places", "diversify")
    originals = {name: getattr(fusion, name) for name in names}

    def noting(name: str) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            recorded.calls[name] = given, named
            return originals[name](*given, **named)

        return call

    for name in names:
        setattr(fusion, name, noting(name))
    try:
        yield recorded
    finally:
        for name, original in originals.items():
            setattr(fusion, name, original)


@contextmanager
def constants(values: Mapping[str, float]) -> Iterator[None]:
    """With other constants of fusion within."""
    scales: dict[str, fusion.LaneScale] = {str(lane): scale for lane, scale in fusion.BUILTIN_SCALES.items()}
    others: dict[str, object] = {name: value for name, value in values.items() if " " not in name}
    before = {name: getattr(fusion, name) for name in (*others, "BUILTIN_SCALES")}
    for name, value in values.items():
        lane, _, what = name.partition(" ")
        if what:
            scales[lane] = replace(scales[lane], **{what: value})  # type: ignore[arg-type]
    try:
        for name, changed in {**others, "BUILTIN_SCALES": scales}.items():
            setattr(fusion, name, changed)
        yield
    finally:
        for name, original in before.items():
            setattr(fusion, name, original)


def refused(recorded: Recorded) -> list[int]:
    """The keys that the search would show with the constants as they are now, best first."""
    (lanes, *_), named = recorded.calls["fuse"]
    scales = fusion.builtin_scales(*recorded.calls["builtin_scales"][0])
    places = recorded.calls["merge_places"][0][1]
    _, modalities, limit = recorded.calls["diversify"][0]
    fused = fusion.fuse(lanes, **{**named, "scales": scales})
    return [place.hit.key for place in fusion.diversify(fusion.merge_places(fused, places), modalities, limit)]


def fold(document: str, folds: int) -> int:
    """The fold of all questions on a document."""
    return zlib.crc32(document.encode()) % folds


def fitted(values: Mapping[str, Mapping[float, Sequence[float]]], weights: Sequence[float]) -> dict[str, float]:
    """For each constant the value with the highest weighted sum; `values`: one number a question."""
    return {
        name: max(tried, key=lambda value: sum(w * x for w, x in zip(weights, tried[value], strict=True)))
        for name, tried in values.items()
    }


def mean_over_folds(values: Sequence[float], folds: Sequence[int]) -> tuple[float, float]:
    """The mean of the folds' means, and their standard deviation."""
    groups: dict[int, list[float]] = defaultdict(list)
    for value, number in zip(values, folds, strict=True):
        groups[number].append(value)
    means = [sum(group) / len(group) for group in groups.values()]
    mean = sum(means) / len(means)
    return mean, math.sqrt(sum((each - mean) ** 2 for each in means) / len(means))

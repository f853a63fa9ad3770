"""Made contents to time models with: speed does not depend on what is shown or said, only on how much of it there is.

Seeded, so that two runs measure the same; never twice the same within a run, so that nothing is answered from a cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mcp_mmretrieval.bench.untrained.english import ENGLISH_WORDS
from mcp_mmretrieval.types import Content, Film, Sound

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

WORKLOAD_RATE_HZ = 16_000
"""Samples a second: what sound is decoded to."""
_A4 = math.sqrt(2)
"""Height of a page over its width."""
_RING = 8
"""Pictures, sounds and films that are made; larger batches take each several times. No embedder remembers them."""


class Workloads:
    """Makes contents of a given size. Not for several threads."""

    def __init__(self, seed: int = 0) -> None:
        """`seed`: the same contents in the same order."""
        self._random = np.random.default_rng(seed)

    def text(self, words: int) -> str:
        """So many words of English, none of which means anything together."""
        return " ".join(self._random.choice(ENGLISH_WORDS, max(1, words)))

    def page(self, pixels: int) -> Picture:
        """A page of A4 in dark lines on white, of about so many pixels."""
        width = max(1, round(math.sqrt(pixels / _A4)))
        height = max(1, round(width * _A4))
        page = np.full((height, width, 3), 255, np.uint8)
        line = max(2, height // 60)
        for top in range(2 * line, height - 2 * line, 2 * line):
            left, right = width // 12, width - width // 12 - int(self._random.integers(0, max(1, width // 4)))
            inked = self._random.random((right - left) // 3 + 1) < 0.6
            page[top : top + line, left:right] = np.where(np.repeat(inked, 3)[: right - left, None], 40, 255)
        return page

    def frames(self, count: int, pixels: int) -> Film:
        """A film of so many frames, one a second, each of about so many pixels, 16 to 9."""
        width = max(1, round(math.sqrt(pixels * 16 / 9)))
        height = max(1, round(pixels / width))
        rough = self._random.integers(0, 256, (count, 9, 16, 3), dtype=np.uint8)
        rows = np.arange(height) * 9 // height
        columns = np.arange(width) * 16 // width
        return Film([one[rows][:, columns] for one in rough], tuple(float(second) for second in range(count)))

    def tone(self, seconds: float) -> Sound:
        """A tone in noise."""
        count = max(1, round(seconds * WORKLOAD_RATE_HZ))
        hertz = self._random.uniform(200, 2_000)
        tone = 0.3 * np.sin(2 * np.pi * hertz * np.arange(count) / WORKLOAD_RATE_HZ)
        return Sound((tone + self._random.normal(0, 0.02, count)).astype(np.float32), WORKLOAD_RATE_HZ)


def repeating_batches(make: Callable[[], Content]) -> Callable[[int], Sequence[Content]]:
    """Makes batches out of a few contents that are made once: large ones take long to make, and much memory."""
    made: list[Content] = []

    def batch(count: int) -> Sequence[Content]:
        while len(made) < min(count, _RING):
            made.append(make())
        return [made[number % len(made)] for number in range(count)]

    return batch


def fresh_batches(make: Callable[[], Content]) -> Callable[[int], Sequence[Content]]:
    """Makes batches of contents that never came before."""
    return lambda count: [make() for _ in range(count)]

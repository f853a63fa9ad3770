"""Contents of like length go through a model together: padding costs as much as content."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from mcp_mmretrieval import precedence

TOKENS = 1_024
"""Tokens of one forward pass, the longest that a search waits behind an add: 0.2 s on two cores. No slower in all than
2,048; 512 is, by a tenth."""
SHORT_TOKENS = 256
"""While searches come in: 0.05 s."""
_EVEN = 0.8
"""Shortest to longest text of one batch."""


class Rows:
    """The rows of one call that wait for their batch, longest first: what fails for want of memory fails at once."""

    def __init__(self, sizes: Sequence[float]) -> None:
        """`sizes`: tokens of each row."""
        self._sizes = [max(1.0, size) for size in sizes]
        self._waiting = deque(sorted(range(len(sizes)), key=lambda row: -sizes[row]))
        self._alone: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def tokens(self, rows: Sequence[int]) -> float:
        """Of a batch, its padding included."""
        return len(rows) * max(self._sizes[row] for row in rows)

    def take(self, budget: float, even: float) -> list[int]:
        """The next batch: of at most `budget` tokens, but never empty, and none shorter than `even` of the longest."""
        rows = [self._waiting.popleft()]
        longest = self._sizes[rows[0]]
        most = 1 if rows[0] in self._alone else int(budget / longest)
        while self._waiting and len(rows) < most:
            row = self._waiting[0]
            if row in self._alone or self._sizes[row] < even * longest:
                break
            rows.append(self._waiting.popleft())
        return rows

    def again(self, rows: Sequence[int], *, alone: bool = False) -> None:
        """They come next; `alone`: each in a batch of its own."""
        self._waiting.extendleft(reversed(rows))
        if alone:
            self._alone.update(rows)


def alike(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Row numbers in batches of like length, longest first."""
    rows = Rows(lengths)
    while rows:
        yield rows.take(SHORT_TOKENS if precedence.pressed() else TOKENS, _EVEN)

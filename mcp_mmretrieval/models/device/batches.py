"""Contents of like length go through a model together: padding costs as much as content."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence


class PendingRows:
    """The rows of one call that wait for their batch, longest first: what fails for want of memory fails at once."""

    def __init__(self, sizes: Sequence[float]) -> None:
        """`sizes`: tokens of each row."""
        self._sizes = [max(1.0, size) for size in sizes]
        self._waiting = deque(sorted(range(len(sizes)), key=lambda row: -sizes[row]))
        self._alone: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def tokens(self, rows: Sequence[int]) -> float:
        """Tokens of a batch, its padding included."""
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
        """Let rows that have failed come next; `alone`: each in a batch of its own."""
        self._waiting.extendleft(reversed(rows))
        if alone:
            self._alone.update(rows)

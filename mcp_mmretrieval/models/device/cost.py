"""What a model costs on a device, learned from the batches that it ran."""

from __future__ import annotations

import math
import threading

_MEMORY = 8
"""Batches of `most` tokens after which what was measured before counts a third."""
_GROWTH = 1.1
_CLEAN = 200
"""Batches without trouble after which the cap that memory has set is tried a little higher."""


class TokenBudget:
    """Tokens that a batch may have. Safe to use from several threads."""

    def __init__(self, rate: float, most: float) -> None:
        """`rate`: tokens a second, until some were measured. `most`: tokens of a batch that more would not speed up."""
        self._guess = rate
        self._most = most
        self._cap = math.inf
        """Tokens that fit into memory, once some did not."""
        self._clean = 0
        self._tokens = 0.0
        self._seconds = 0.0
        self._guard = threading.Lock()

    @property
    def rate(self) -> float:
        """Tokens a second, of late."""
        with self._guard:
            return self._tokens / self._seconds if self._seconds else self._guess

    def budget(self, seconds: float, least: float = 0.0) -> float:
        """Tokens of a batch that is predicted to take so many seconds, and fits into memory.

        `least`: tokens that it may have however long they take.
        """
        return min(max(self.rate * seconds, least), self._most, self._cap)

    def took(self, tokens: float, seconds: float) -> None:
        """A batch ran. Counts by its tokens: beside large batches, small ones with all their overhead hardly do."""
        kept = math.exp(-tokens / (_MEMORY * self._most))
        with self._guard:
            self._tokens = kept * self._tokens + tokens
            self._seconds = kept * self._seconds + max(seconds, 1e-9)
            self._clean += 1
            if self._clean >= _CLEAN:
                self._clean = 0
                self._cap *= _GROWTH

    def too_much(self, tokens: float) -> None:
        """A batch of so many tokens did not fit into memory: half of it from now on."""
        with self._guard:
            self._clean = 0
            self._cap = min(self._cap, tokens / 2)

"""When what changed is at rest, so that nothing is read while it is written. Pure: no clock and no disk of its own."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

QUIET_SECONDS = 1.0
"""Seconds without a change after which a path is at rest."""
MOST_QUIET_SECONDS = 4.0
"""The same, at most, for one that was seen to change again and again."""
BURST_SECONDS = 3.0
"""Seconds that a path at rest waits, at most, for others that come all the time: an archive that is unpacked."""


@dataclass(slots=True)
class _Change:
    state: Hashable
    """Of the path, when it was seen to change last."""
    at: float
    gap: float = 0.0
    """Seconds between two of its changes, the longest."""


class SettlingPaths:
    """Paths that changed, each until it is at rest: as it is for twice as long as it ever paused before."""

    def __init__(self, state: Callable[[str], Hashable], quiet: float = QUIET_SECONDS) -> None:
        """`state`: equal as long as nobody writes to a path; None where nothing lies. `quiet` in seconds."""
        self._state = state
        self._quiet = quiet
        self._most = quiet * MOST_QUIET_SECONDS / QUIET_SECONDS
        self._burst = quiet * BURST_SECONDS / QUIET_SECONDS
        self._changes: dict[str, _Change] = {}
        self._newest = 0.0
        """When a path came that was not waited for."""

    def __len__(self) -> int:
        """How many are waited for."""
        return len(self._changes)

    def __contains__(self, path: str) -> bool:
        """Whether a path is waited for. Safe from any thread."""
        return path in self._changes

    def note(self, path: str, now: float) -> None:
        """It has just changed."""
        known = self._changes.get(path)
        if known is None:
            self._newest = now
            self._changes[path] = _Change(self._state(path), now)
        else:
            self._changed_again(known, self._state(path), now)

    def due(self) -> float | None:
        """When `take` may give something; None while nothing is waited for."""
        if not self._changes:
            return None
        first = min(map(self._rests_at, self._changes.values()))
        return max(first, min(self._newest + self._quiet, first + self._burst))

    def take(self, now: float) -> list[str]:
        """Those that are at rest, all at once; they are waited for no more."""
        due = self.due()
        if due is None or now < due:
            return []
        taken = []
        for path, change in list(self._changes.items()):
            if now < self._rests_at(change):
                continue
            if (state := self._state(path)) != change.state:  # not every writer is told of
                self._changed_again(change, state, now)
            else:
                taken.append(path)
                del self._changes[path]
        return taken

    def _rests_at(self, change: _Change) -> float:
        return change.at + min(self._most, max(self._quiet, 2 * change.gap))

    def _changed_again(self, change: _Change, state: Hashable, now: float) -> None:
        change.gap = max(change.gap, now - change.at)
        change.state, change.at = state, now

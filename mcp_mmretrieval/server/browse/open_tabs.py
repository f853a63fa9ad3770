"""Whether somebody still has the page open: each tab says so now and then, and whatever it asks for says so too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

PATIENCE_SECONDS = 600.0
"""Seconds from the last word of a tab until it is taken for closed.

A tab speaks every half minute. Browsers slow down those that nobody sees, to one word a minute, and some hold them for
a while. Time for which the machine sleeps does not count: the clock stands still.
"""


class OpenTabs:
    """When a tab was last heard of."""

    def __init__(
        self,
        now: Callable[[], float] = anyio.current_time,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
    ) -> None:
        self._now, self._sleep = now, sleep
        self._last = 0.0
        self._first = anyio.Event()

    def heard(self) -> None:
        """A tab is there now."""
        self._last = self._now()
        self._first.set()

    async def wait_until_gone(self, patience: float) -> None:
        """Return once no tab was heard of for so many seconds. The first one is waited for without end."""
        await self._first.wait()
        while (left := self._last + patience - self._now()) > 0:
            await self._sleep(left)

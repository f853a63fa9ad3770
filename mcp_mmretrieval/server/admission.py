"""Which calls run now: some at once, some waiting, and the clients take turns."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from mcp_mmretrieval.errors import Busy

FIRST_GUESS_S = 1.0
"""Seconds that a turn is taken to last before the first one has ended."""
_LATEST_WEIGHT = 0.1
"""Weight of the latest turn in the running mean of their durations: about the last twenty count."""
_LEAST_RETRY_S = 0.1
"""Seconds: a refused call is never asked to come back sooner."""


@dataclass(eq=False, slots=True)
class _Call:
    """One call that waits for its turn."""

    settled: anyio.Event = field(default_factory=anyio.Event)
    admitted: bool = False
    refused: Busy | None = None


class Admission:
    """Admits calls, within one event loop.

    Each client has a line of its own, first come first served; the lines take turns. So a client with many calls
    waiting holds up one with a single call by one turn.
    """

    def __init__(self, running: int = 16, waiting: int = 256) -> None:
        self._max_running = running
        self._max_waiting = waiting
        self._running = 0
        self._waiting = 0
        self._lines: dict[Hashable, deque[_Call]] = {}
        """The waiting calls of each client. No line is empty; the first is served next."""
        self._mean: float | None = None

    @property
    def running(self) -> int:
        """Calls that have a turn."""
        return self._running

    @property
    def full(self) -> bool:
        """Whether a call that comes now has to wait."""
        return self._running >= self._max_running

    @property
    def waiting(self) -> int:
        """Calls that wait for one."""
        return self._waiting

    @property
    def clients(self) -> int:
        """Clients of which a call waits."""
        return len(self._lines)

    @asynccontextmanager
    async def turn(self, client: Hashable) -> AsyncIterator[None]:
        """Wait for a turn and hold it. Raises Busy where too many wait already."""
        if not self.full:  # then nobody waits: a turn that ends goes to the next at once
            self._running += 1
        else:
            await self._wait(client)
        began = anyio.current_time()
        try:
            yield
        finally:
            self._measure(anyio.current_time() - began)
            self._pass_on()

    async def _wait(self, client: Hashable) -> None:
        if self._waiting >= self._max_waiting:
            self._make_room(client)
        call = _Call()
        self._lines.setdefault(client, deque()).append(call)
        self._waiting += 1
        try:
            await call.settled.wait()
        except BaseException:
            if call.admitted:  # the turn came in the same moment: the next call gets it
                self._pass_on()
            elif call.refused is None:
                self._take_out(client, call)
            raise
        if call.refused is not None:
            raise call.refused

    def _make_room(self, client: Hashable) -> None:
        """Refuse the newest call of the client with the longest line where that is fairer than to refuse this one.

        It is fairer where this client has less than its share and the other keeps at least as much. Else raises Busy.
        """
        busy = Busy(self._waiting, self._retry_after())
        own = len(self._lines.get(client, ()))
        share = self._max_waiting / len({client, *self._lines})
        greediest = max(self._lines, key=lambda other: len(self._lines[other]), default=client)
        if own >= share or len(self._lines.get(greediest, ())) < own + 2:
            raise busy
        newest = self._lines[greediest][-1]
        self._take_out(greediest, newest)
        newest.refused = busy
        newest.settled.set()

    def _take_out(self, client: Hashable, call: _Call) -> None:
        line = self._lines[client]
        line.remove(call)
        if not line:
            del self._lines[client]
        self._waiting -= 1

    def _pass_on(self) -> None:
        """Give a turn that has ended to the next call, whose client goes behind the others."""
        if not self._lines:
            self._running -= 1
            return
        client = next(iter(self._lines))
        line = self._lines.pop(client)
        call = line.popleft()
        if line:
            self._lines[client] = line
        self._waiting -= 1
        call.admitted = True
        call.settled.set()

    def _measure(self, seconds: float) -> None:
        self._mean = seconds if self._mean is None else self._mean + (seconds - self._mean) * _LATEST_WEIGHT

    def _retry_after(self) -> float:
        """Seconds until all that wait now, and one more, have been served, as turns have lasted lately."""
        mean = FIRST_GUESS_S if self._mean is None else self._mean
        return max(_LEAST_RETRY_S, mean * (self._waiting + 1) / self._max_running)

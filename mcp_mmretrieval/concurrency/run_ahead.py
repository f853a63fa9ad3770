"""Work that runs ahead: threads make the next results while the caller uses the last ones, and memory stays bounded."""

from __future__ import annotations

import math
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

WorkItemT = TypeVar("WorkItemT")
WorkResultT = TypeVar("WorkResultT")

MAX_AHEAD = 64
"""Results at most that are ahead, however small they are."""
_FADES = 0.9
"""What is left of the weight that is expected of a result, with each lighter one."""


class _Task(Generic[WorkItemT, WorkResultT]):
    """One item on its way to a result."""

    def __init__(self, item: WorkItemT) -> None:
        self.item = item
        self.done = threading.Event()
        self.result: WorkResultT | None = None
        self.error: BaseException | None = None
        self.weight = 0
        """Of the result, once it is there."""


class RunAhead(Generic[WorkItemT, WorkResultT], Iterator[tuple[WorkItemT, WorkResultT]]):
    """Each item with its result, in the order of the items; used by one thread, within `with`.

    Items are taken by that thread, when it asks for the next result. What `work` raises is raised in the place of its
    result. The threads are daemons; leaving the block waits for what they have under way, and drops the rest.
    """

    def __init__(
        self,
        items: Iterable[WorkItemT],
        work: Callable[[WorkItemT], WorkResultT],
        *,
        threads: int,
        room: float = math.inf,
        weigh: Callable[[WorkResultT], int] | None = None,
    ) -> None:
        """`weigh`: bytes of a result; about `room` of them are held ahead. Without it, a result for each thread."""
        self._items = iter(items)
        self._work = work
        self._threads = threads
        self._room = room
        self._weigh = weigh
        self._ahead: deque[_Task[WorkItemT, WorkResultT]] = deque()
        self._heavy = 0.0
        """Bytes of the heavy ones among the last results; 0: none was weighed."""
        self._queue: queue.SimpleQueue[_Task[WorkItemT, WorkResultT] | None] = queue.SimpleQueue()
        self._started: list[threading.Thread] = []
        self._left = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[WorkItemT, WorkResultT]:
        while self._has_room():
            try:
                task = _Task[WorkItemT, WorkResultT](next(self._items))
            except StopIteration:
                break
            self._ahead.append(task)
            self._queue.put(task)
            if len(self._started) < min(self._threads, len(self._ahead)):
                self._start()
        if not self._ahead:
            raise StopIteration
        self._ahead[0].done.wait()
        task = self._ahead.popleft()
        if task.error is not None:
            raise task.error
        return task.item, task.result  # type: ignore[return-value]  # it is there where no error is

    def drain(self) -> None:
        """Wait until nothing is under way; the results are handed out all the same."""
        for task in self._ahead:
            task.done.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left = True
        for _ in self._started:
            self._queue.put(None)
        for thread in self._started:
            thread.join()

    def _has_room(self) -> bool:
        if not self._ahead:
            return True
        if not self._heavy:  # nothing is known yet
            return len(self._ahead) < self._threads
        held = sum(task.weight if task.done.is_set() else self._heavy for task in self._ahead)
        return len(self._ahead) < MAX_AHEAD and held + self._heavy <= self._room

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="ahead", daemon=True)
        self._started.append(thread)
        thread.start()

    def _run(self) -> None:
        while (task := self._queue.get()) is not None:
            if self._left:
                continue
            try:
                task.result = self._work(task.item)
                if self._weigh is not None:
                    task.weight = self._weigh(task.result)
                    self._heavy = max(task.weight, _FADES * self._heavy)
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever takes the result
                task.error = error
            task.done.set()

"""Work that runs ahead: threads make the next results while the caller uses the last ones."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

WorkItemT = TypeVar("WorkItemT")
WorkResultT = TypeVar("WorkResultT")


class _Task(Generic[WorkItemT, WorkResultT]):
    """One item on its way to a result."""

    def __init__(self, item: WorkItemT) -> None:
        self.item = item
        self.done = threading.Event()
        self.result: WorkResultT | None = None
        self.error: BaseException | None = None


class RunAhead(Generic[WorkItemT, WorkResultT], Iterator[tuple[WorkItemT, WorkResultT]]):
    """Each item with its result, in the order of the items; used by one thread, within `with`.

    Items are taken by that thread, when it asks for the next result; so no more are ahead than there are threads. What
    `work` raises is raised in the place of its result. The threads are daemons; leaving the block waits for what they
    have under way, and drops the rest.
    """

    def __init__(self, items: Iterable[WorkItemT], work: Callable[[WorkItemT], WorkResultT], *, threads: int) -> None:
        self._items = iter(items)
        self._work = work
        self._threads = threads
        self._ahead: deque[_Task[WorkItemT, WorkResultT]] = deque()
        self._queue: queue.SimpleQueue[_Task[WorkItemT, WorkResultT] | None] = queue.SimpleQueue()
        self._started: list[threading.Thread] = []
        self._left = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[WorkItemT, WorkResultT]:
        while len(self._ahead) < self._threads:
            try:
                task = _Task[WorkItemT, WorkResultT](next(self._items))
            except StopIteration:
                break
            self._ahead.append(task)
            self._queue.put(task)
            if len(self._started) < len(self._ahead):
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
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever takes the result
                task.error = error
            task.done.set()

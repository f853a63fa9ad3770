"""Parser workers: own processes that read strangers' files, so that one bad file never takes the engine with it.

A worker gets open files and nothing else; what it says back is checked by `wire.py`. When it crashes, hangs or runs out
of memory it is killed, the part of the document that it stumbled over is left out, and a fresh one goes on behind it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import Cancelled, UnreadableMedia
from mcp_mmretrieval.media import wire
from mcp_mmretrieval.media.parser_process import PARSER_TICK_SECONDS, ParserDeath, ParserProcess, ReadingPatience, heard
from mcp_mmretrieval.media.source import MAX_SIDECARS
from mcp_mmretrieval.types import Content, DocumentMetadata, EnteredPart, Segment, SplitPart

logger = logging.getLogger(__name__)

_DEATHS = 3
"""Workers that one document may cost."""
_DEATHS_WITHIN = 10
"""Workers that a document may cost that holds several files, each of which costs one at most."""
_STEPS = 200_000
"""Steps of one document's split, at most."""


class Workers:
    """Parser processes, started when needed and used again. Any thread may call.

    Up to `count` documents are split and up to `count` places are loaded at once; who loads a place amid a split never
    waits for that split. No more than `count` processes are kept when there is nothing to do.

    `entry` names the module that a worker runs; only tests have another one.
    """

    def __init__(self, limits: Limits, count: int, *, entry: str = "mcp_mmretrieval.media.worker") -> None:
        self._limits = limits
        self._told_limits = dataclasses.asdict(limits)
        self._entry = entry
        self._count = count
        self._splits = threading.BoundedSemaphore(count)
        self._loads = threading.BoundedSemaphore(count)
        self._lock = threading.Lock()
        self._idle: list[ParserProcess] = []
        self._all: set[ParserProcess] = set()
        self._closed = False
        # Linux kills a child with the *thread* that started it: this one lives as long as the pool
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="parser-starter")
        self._sandbox = "no parser has been started yet"

    @property
    def count(self) -> int:
        """How many documents are split, and how many places loaded, at once."""
        return self._count

    @property
    def sandbox(self) -> str:
        """How parsers are confined here, in words."""
        return self._sandbox

    def warm(self) -> None:
        """Start a worker ahead, so that the first file does not wait for it and `sandbox` is known."""
        with self._place(self._loads, None):
            self._check_in(self._take(None))

    def split(
        self,
        fd: int,
        *,
        name: str,
        document: str,
        sidecars: Sequence[tuple[str, int]] = (),
        start: int = 0,
        stop: threading.Event | None = None,
    ) -> Iterator[SplitPart | DocumentMetadata]:
        """The parts of an open document from the part number `start` (from 0) on, as `media.split` gives them.

        Parts that kill their worker are left out with a note. Raises UnreadableMedia, also after parts; Cancelled
        within a second after `stop` is set. The descriptors stay the caller's and must stay open.
        """
        task = self._task(name, document, sidecars) | {"start": start}
        return self._steps(task, [fd, *(number for _, number in sidecars)], stop)

    def figures(
        self, fd: int, *, name: str, document: str, start: int = 0, stop: threading.Event | None = None
    ) -> Iterator[SplitPart | DocumentMetadata]:
        """The parts of an open document once more, each with the pictures that stand in it: see `media.figures`."""
        task = self._task(name, document, ()) | {"start": start, "figures": True}
        return self._steps(task, [fd], stop)

    def probe(
        self, fd: int, *, name: str, sidecars: Sequence[tuple[str, int]] = (), stop: threading.Event | None = None
    ) -> None:
        """Decode the first place of an open document, and nothing more: whether it can be read. Raises as `split`."""
        task = self._task(name, "", sidecars) | {"first": True}
        for _ in self._steps(task, [fd, *(number for _, number in sidecars)], stop):
            pass  # what it holds is not asked for

    def _steps(
        self, task: wire.Header, files: Sequence[int], stop: threading.Event | None
    ) -> Iterator[SplitPart | DocumentMetadata]:
        """What a worker says of one document, and of the rest with the next worker where one dies."""
        start, document = task["start"], task["document"]
        patience = ReadingPatience(self._limits, stop)
        bounds = wire.AnswerBounds.of(self._limits)
        last: Segment | None = None
        arrived, deaths, left_out, steps = start, 0, 0, 0
        entered, after = "", ""
        while True:
            try:
                where = {"start": arrived, "after": after}
                with self._begun(self._splits, task | where, files, stop) as worker:
                    for header, lump in worker.answers(bounds, patience):
                        step = heard(wire.decode_step, header, lump, document, bounds)
                        if isinstance(step, EnteredPart):
                            entered = step.part
                            continue
                        if isinstance(step, SplitPart):
                            arrived, last, left_out = arrived + 1, step.segment, 0
                            patience.extend(step.segment.place.end)
                        steps += 1
                        if steps > _STEPS:
                            raise UnreadableMedia("too_large", f"more than {_STEPS:,} parts")
                        yield step
                return
            except ParserDeath as death:
                deaths += 1
                most = _DEATHS_WITHIN if entered else _DEATHS
                if (arrived == 0 and not entered) or deaths == most or patience.over:
                    raise UnreadableMedia(death.code, str(death)) from death
                if entered:  # what else lies in the file is not to blame
                    yield DocumentMetadata(note=f"{entered} could not be read further: {death}.")
                    after, entered = entered, ""
                    continue
                yield DocumentMetadata(note=f"{_after(last, left_out, arrived)} could not be read: {death}.")
                arrived, left_out = arrived + 1, left_out + 1

    def load(
        self,
        fd: int,
        segment: Segment,
        *,
        name: str,
        sidecars: Sequence[tuple[str, int]] = (),
        side: int | None = None,
        stop: threading.Event | None = None,
    ) -> Content:
        """The content of one place, pictures with at most `side` pixels. Raises UnreadableMedia and Cancelled."""
        limits = dataclasses.replace(self._limits, side=side or self._limits.side, reading_pixels=0)
        task = self._task(name, segment.document, sidecars) | {
            "segment": wire.encode_segment(segment),
            "limits": dataclasses.asdict(limits),
        }
        files = [fd, *(number for _, number in sidecars)]
        bounds = wire.AnswerBounds.of(limits)
        content: Content | None = None
        try:
            with self._begun(self._loads, task, files, stop) as worker:
                for header, lump in worker.answers(bounds, ReadingPatience(limits, stop)):
                    content = heard(wire.decode_content, header.get("content", {}), lump, bounds)
        except ParserDeath as death:
            raise UnreadableMedia(death.code, str(death)) from death
        if content is None:
            raise UnreadableMedia("internal", "the parser gave nothing back")
        return content

    def web_type(self, fd: int, *, name: str) -> wire.WebType | None:
        """The media type under which browsers play an open recording as it lies; None where some do not.

        Raises UnreadableMedia and Cancelled.
        """
        task = self._task(name, "", ()) | {"web_type": True}
        bounds = wire.AnswerBounds.of(self._limits)
        found: wire.WebType | None = None
        try:
            with self._begun(self._loads, task, [fd], None) as worker:
                for header, _ in worker.answers(bounds, ReadingPatience(self._limits, None)):
                    found = heard(wire.decode_web_type, header)
        except ParserDeath as death:
            raise UnreadableMedia(death.code, str(death)) from death
        return found

    def rest(self, idle: float) -> None:
        """End workers that had nothing to do for so many seconds."""
        now = time.monotonic()
        with self._lock:
            resting = [worker for worker in self._idle if now - worker.since >= idle]
            self._idle = [worker for worker in self._idle if worker not in resting]
        for worker in resting:
            self._drop(worker)

    def close(self) -> None:
        """Kill all workers. Who still waits for one gets Cancelled."""
        with self._lock:
            self._closed = True
            busy, idle = self._all.difference(self._idle), self._idle
            self._idle = []
        for worker in busy:
            worker.kill()  # who waits for it cleans up
        for worker in idle:
            self._drop(worker)
        self._starter.shutdown(cancel_futures=True)

    def _task(self, name: str, document: str, sidecars: Sequence[tuple[str, int]]) -> wire.Header:
        if len(sidecars) > MAX_SIDECARS:
            raise UnreadableMedia("too_large", f"{len(sidecars)} files belong to it; at most {MAX_SIDECARS} are read")
        return {
            "name": name,
            "document": document,
            "sidecars": [sidecar for sidecar, _ in sidecars],
            "start": 0,
            "after": "",
            "figures": False,
            "first": False,
            "segment": None,
            "web_type": False,
            "limits": self._told_limits,
        }

    @contextlib.contextmanager
    def _begun(
        self,
        places: threading.BoundedSemaphore,
        task: wire.Header,
        files: Sequence[int],
        stop: threading.Event | None,
    ) -> Iterator[ParserProcess]:
        """A worker that has begun with a task; killed if the task is left before its end."""
        with self._place(places, stop):
            worker = self._begin(task, files, stop)
            try:
                yield worker
            finally:
                self._check_in(worker)

    @contextlib.contextmanager
    def _place(self, places: threading.BoundedSemaphore, stop: threading.Event | None) -> Iterator[None]:
        """One of the `places`, once it is free."""
        while not places.acquire(timeout=PARSER_TICK_SECONDS):
            self._check(stop)
        try:
            yield
        except ParserDeath:
            self._check(stop)
            raise
        finally:
            places.release()

    def _begin(self, task: wire.Header, files: Sequence[int], stop: threading.Event | None) -> ParserProcess:
        """Give a task to a worker. One that died while it waited is no file's fault: the next one is tried."""
        while True:
            worker = self._take(stop)
            try:
                worker.begin(task, files)
            except ParserDeath:
                fresh = worker.fresh
                self._drop(worker)
                self._check(stop)
                if fresh:
                    raise
            else:
                return worker

    def _check(self, stop: threading.Event | None) -> None:
        if self._closed or (stop is not None and stop.is_set()):
            raise Cancelled("Reading was stopped.")

    def _take(self, stop: threading.Event | None) -> ParserProcess:
        self._check(stop)
        while True:
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            if worker is None:
                return self._start(stop)
            if worker.alive:
                return worker
            self._drop(worker)

    def _start(self, stop: threading.Event | None) -> ParserProcess:
        """A new worker; one that dies while it starts is no file's fault, and the next one is tried."""
        try:
            return self._started(stop)
        except ParserDeath as death:
            logger.warning("a parser does not start: %s", death)
        try:
            return self._started(stop)
        except ParserDeath as death:
            raise UnreadableMedia("internal", f"the parser does not start ({death}); see the server's log") from death

    def _started(self, stop: threading.Event | None) -> ParserProcess:
        try:
            worker = self._starter.submit(ParserProcess, self._entry, self._limits).result()
        except RuntimeError as error:  # the starter was shut down
            raise Cancelled("Reading was stopped.") from error
        with self._lock:
            self._all.add(worker)
        try:
            self._check(stop)
            self._sandbox = worker.ready(stop)
        except BaseException:
            self._drop(worker)
            self._check(stop)
            raise
        return worker

    def _check_in(self, worker: ParserProcess) -> None:
        if worker.fit:
            with self._lock:
                if not self._closed and len(self._idle) < self._count:
                    worker.since = time.monotonic()
                    self._idle.append(worker)
                    return
        self._drop(worker)

    def _drop(self, worker: ParserProcess) -> None:
        worker.kill()
        worker.hang_up()
        with self._lock:
            self._all.discard(worker)


def _after(last: Segment | None, left_out: int, number: int) -> str:
    """The part that could not be read, in words: number `number`, behind `last` and as many others `left_out`."""
    if last is not None and last.place.page is not None:
        return f"page {last.place.page + left_out + 1}"
    if last is not None and last.place.end is not None:
        return f"the stretch after {last.place.end:.0f} s"
    return f"part {number + 1}"

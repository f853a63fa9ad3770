"""Parser workers: own processes that read strangers' files, so that one bad file never takes the engine with it.

A worker gets open files and nothing else; what it says back is checked by `wire.py`. When it crashes, hangs or runs out
of memory it is killed, the part of the document that it stumbled over is left out, and a fresh one goes on behind it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import Cancelled, FailureCode, UnreadableMedia
from mcp_mmretrieval.front.child import import_variables, kill_child, module_command, start_child
from mcp_mmretrieval.media import wire
from mcp_mmretrieval.media.source import MAX_SIDECARS
from mcp_mmretrieval.types import Content, DocumentMetadata, EnteredPart, Segment, SplitPart

logger = logging.getLogger(__name__)

_P = ParamSpec("_P")
_T = TypeVar("_T")

_PARSER_VARIABLES = {
    "PYTHONUTF8": "1",
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}
"""As little as possible: one thread and one heap a library, for address space is bounded."""
_TASKS = 200
"""Documents read by one worker before it is replaced."""
_PEAK_BYTES = 1 << 30
"""Memory after which a worker is replaced."""
_DEATHS = 3
"""Workers that one document may cost."""
_DEATHS_WITHIN = 10
"""Workers that a document may cost that holds several files, each of which costs one at most."""
_STEPS = 200_000
"""Steps of one document's split, at most."""
_TICK = 0.2
"""Seconds between two looks at the clock and at `stop` while nothing comes."""
_START_TIMEOUT = 60.0
"""Seconds until a new worker must be ready."""
_BEGIN_TIMEOUT = 5.0
"""Seconds until a worker that waited must have begun with a task."""
_TAIL = 2_000
"""Bytes of a dead worker's stderr that are logged."""


class _Death(Exception):
    """A worker is gone, or has to go."""

    def __init__(self, code: FailureCode, reason: str) -> None:
        super().__init__(reason)
        self.code: FailureCode = code


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
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
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
        patience = _Patience(self._limits, stop)
        bounds = wire.AnswerBounds.of(self._limits)
        last: Segment | None = None
        arrived, deaths, left_out, steps = start, 0, 0, 0
        entered, after = "", ""
        while True:
            try:
                where = {"start": arrived, "after": after}
                with self._begun(self._splits, task | where, files, stop) as worker:
                    for header, lump in worker.answers(bounds, patience):
                        step = _heard(wire.decode_step, header, lump, document, bounds)
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
            except _Death as death:
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
                for header, lump in worker.answers(bounds, _Patience(limits, stop)):
                    content = _heard(wire.decode_content, header.get("content", {}), lump, bounds)
        except _Death as death:
            raise UnreadableMedia(death.code, str(death)) from death
        if content is None:
            raise UnreadableMedia("internal", "the parser gave nothing back")
        return content

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
            "limits": self._told_limits,
        }

    @contextlib.contextmanager
    def _begun(
        self,
        places: threading.BoundedSemaphore,
        task: wire.Header,
        files: Sequence[int],
        stop: threading.Event | None,
    ) -> Iterator[_Worker]:
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
        while not places.acquire(timeout=_TICK):
            self._check(stop)
        try:
            yield
        except _Death:
            self._check(stop)
            raise
        finally:
            places.release()

    def _begin(self, task: wire.Header, files: Sequence[int], stop: threading.Event | None) -> _Worker:
        """Give a task to a worker. One that died while it waited is no file's fault: the next one is tried."""
        while True:
            worker = self._take(stop)
            try:
                worker.begin(task, files)
            except _Death:
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

    def _take(self, stop: threading.Event | None) -> _Worker:
        self._check(stop)
        while True:
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            if worker is None:
                return self._start(stop)
            if worker.alive:
                return worker
            self._drop(worker)

    def _start(self, stop: threading.Event | None) -> _Worker:
        """A new worker; one that dies while it starts is no file's fault, and the next one is tried."""
        try:
            return self._started(stop)
        except _Death as death:
            logger.warning("a parser does not start: %s", death)
        try:
            return self._started(stop)
        except _Death as death:
            raise UnreadableMedia("internal", f"the parser does not start ({death}); see the server's log") from death

    def _started(self, stop: threading.Event | None) -> _Worker:
        try:
            worker = self._starter.submit(_Worker, self._entry, self._limits).result()
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

    def _check_in(self, worker: _Worker) -> None:
        if worker.fit:
            with self._lock:
                if not self._closed and len(self._idle) < self._count:
                    worker.since = time.monotonic()
                    self._idle.append(worker)
                    return
        self._drop(worker)

    def _drop(self, worker: _Worker) -> None:
        worker.kill()
        worker.hang_up()
        with self._lock:
            self._all.discard(worker)


class _Worker:
    """One parser process and the socket to it. One task at a time."""

    def __init__(self, entry: str, limits: Limits) -> None:
        """Start the process; it is not ready yet."""
        self._limits = limits
        self.since = time.monotonic()
        """Since when it has nothing to do, if it has not."""
        self._tasks = 0
        self._busy = True
        self._link, theirs = socket.socketpair()
        with theirs:
            arguments = [str(theirs.fileno()), str(os.getpid()), str(limits.memory_bytes)]
            self._process = start_child(
                module_command(entry, *arguments),
                _PARSER_VARIABLES | import_variables(),
                pass_fds=(theirs.fileno(),),
                stderr=subprocess.PIPE,
            )

    def ready(self, stop: threading.Event | None) -> str:
        """Wait until it has confined itself; how, in words. Raises _Death."""
        patience = _Patience(Limits(part_timeout=_START_TIMEOUT, file_timeout=_START_TIMEOUT), stop)
        header, _ = self._receive(0, patience)
        self._busy = False
        words = header.get("sandbox")
        return ", ".join(map(str, words)) if isinstance(words, list) and words else "not at all"

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    @property
    def fresh(self) -> bool:
        """Whether this is its first task."""
        return self._tasks <= 1

    @property
    def fit(self) -> bool:
        """Whether it has finished its task and may take another."""
        return not self._busy and self._tasks < _TASKS and self._process.poll() is None

    def begin(self, task: wire.Header, files: Sequence[int]) -> None:
        """Send a task, and hear that it is begun: until then no file is to blame for anything. Raises _Death."""
        self._busy = True
        self._tasks += 1
        self._send(wire.pack_frame(task), files)
        seconds = _START_TIMEOUT if self.fresh else _BEGIN_TIMEOUT
        header, _ = self._receive(0, _Patience(Limits(part_timeout=seconds, file_timeout=seconds), None))
        if header != {"begun": True}:
            raise _nonsense(wire.ProtocolError("it has not said that it has begun"))

    def answers(self, bounds: wire.AnswerBounds, patience: _Patience) -> Iterator[tuple[wire.Header, memoryview]]:
        """Every frame of the answer but the last. Raises UnreadableMedia as the worker reports it, and _Death."""
        while True:
            header, lump = self._receive(bounds.lump, patience)
            if "out_of_memory" in header:
                raise _Death("memory", _too_much(self._limits))
            if "done" in header:
                self._finish(header["done"])
                if "error" in header:
                    raise _heard(wire.decode_error, header)
                return
            yield header, lump

    def kill(self) -> None:
        """End the process at once, whatever it does. Any thread may."""
        kill_child(self._process)

    def hang_up(self) -> None:
        """Close what leads to the process."""
        self._link.close()
        if self._process.stderr is not None:
            self._process.stderr.close()

    def _finish(self, peak: object) -> None:
        self._busy = False
        if tail := self._tail():
            logger.debug("a parser says: %s", tail.decode("utf-8", "replace").strip())
        if not isinstance(peak, int) or peak > _PEAK_BYTES:
            self._tasks = _TASKS

    def _send(self, frame: bytes, files: Sequence[int]) -> None:
        size = wire.FRAME_PREFIX.size
        try:
            self._link.settimeout(_START_TIMEOUT)
            socket.send_fds(self._link, [frame[:size]], list(files))  # files travel with the first bytes
            self._link.sendall(frame[size:])
        except OSError as error:
            raise self._death() from error

    def _receive(self, lump: int, patience: _Patience) -> tuple[wire.Header, memoryview]:
        try:
            self._link.settimeout(_TICK)
            with patience:
                return wire.receive_frame(self._link, lump=lump, wait=patience.check)
        except wire.ProtocolError as error:
            raise _nonsense(error) from error
        except (EOFError, OSError) as error:
            raise self._death() from error

    def _death(self) -> _Death:
        """Why the process is gone, from its signal and from the memory that it held."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)  # its socket closes a little before it is gone
        tail = self._tail()
        code = self._process.returncode
        logger.warning("a parser ended with %s: %s", code, tail.decode("utf-8", "replace").strip() or "no word")
        if code is None or code >= 0:
            return _Death("parser_crashed", "the parser ended without an answer")
        if code == -signal.SIGKILL:  # not by us
            return _Death("memory", "the parser was killed: by the system for lack of memory, or by somebody")
        if any(word in tail for word in (b"emory", b"alloc")):
            return _Death("memory", _too_much(self._limits))
        name = signal.Signals(-code).name
        if -code in (signal.SIGABRT, signal.SIGTRAP, signal.SIGILL):  # how PDFium ends when it gets no more memory
            return _Death("parser_crashed", f"the parser gave up ({name}), mostly for lack of memory")
        return _Death("parser_crashed", f"the parser crashed ({name})")

    def _tail(self) -> bytes:
        """The last of what it wrote to stderr; nothing that was read here before."""
        stderr = self._process.stderr
        if stderr is None or stderr.closed:
            return b""
        os.set_blocking(stderr.fileno(), False)
        with contextlib.suppress(OSError):
            said = os.read(stderr.fileno(), 1 << 16)
            return said.partition(b"\nExtension modules:")[0].strip()[-_TAIL:]
        return b""


class _Patience:
    """How long one document may take. Only time spent waiting for its worker counts: `with` it."""

    def __init__(self, limits: Limits, stop: threading.Event | None) -> None:
        self._limits = limits
        self._stop = stop
        self._spent = 0.0
        self._since = 0.0
        self._seconds = 0.0

    def extend(self, seconds: float | None) -> None:
        """The document plays at least so long; half of that is added, as far as the limits go."""
        self._seconds = max(self._seconds, min(seconds or 0.0, self._limits.seconds))

    @property
    def over(self) -> bool:
        """Whether the document has had its time."""
        return self._spent > self._limits.file_timeout + self._seconds / 2

    def check(self) -> None:
        """Raise Cancelled or _Death if it is time to."""
        if self._stop is not None and self._stop.is_set():
            raise Cancelled("Reading was stopped.")
        waited = time.monotonic() - self._since
        if waited > self._limits.part_timeout:
            raise _Death("timeout", f"nothing came for {waited:.0f} s")
        if self._spent + waited > self._limits.file_timeout + self._seconds / 2:
            self._spent += waited
            raise _Death("timeout", f"reading took longer than {self._spent:.0f} s")

    def __enter__(self) -> None:
        self._since = time.monotonic()
        if self.over or (self._stop is not None and self._stop.is_set()):  # also where it never waits for long
            self.check()

    def __exit__(self, *_: object) -> None:
        self._spent += time.monotonic() - self._since


def _heard(hear: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """What a frame says; a frame that makes no sense is a death, for the worker is not what it was."""
    try:
        return hear(*args, **kwargs)
    except wire.ProtocolError as error:
        raise _nonsense(error) from error


def _nonsense(error: wire.ProtocolError) -> _Death:
    logger.warning("a parser talks nonsense: %s", error)
    return _Death("parser_crashed", "the parser gave an answer that makes no sense")


def _too_much(limits: Limits) -> str:
    return f"reading it takes more than {limits.memory_bytes / 1e9:.1f} GB of memory"


def _after(last: Segment | None, left_out: int, number: int) -> str:
    """The part that could not be read, in words: number `number`, behind `last` and as many others `left_out`."""
    if last is not None and last.place.page is not None:
        return f"page {last.place.page + left_out + 1}"
    if last is not None and last.place.end is not None:
        return f"the stretch after {last.place.end:.0f} s"
    return f"part {number + 1}"

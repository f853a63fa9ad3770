"""One model process, as the engine sees it: started when it is needed, ended at rest, started again when it dies.

It may die of a content, of want of memory, with its GPU, or because somebody kills it. The call that was under way goes
again in the next process, and only a content that ends one process after the other is given up.
"""

from __future__ import annotations

import itertools
import logging
import queue
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp_mmretrieval.concurrency import foreground
from mcp_mmretrieval.concurrency.priority_lock import current_stop
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import Cancelled, DeviceLost, ModelUnavailable, Unfit
from mcp_mmretrieval.front.child import import_variables, kill_child, machine_variables, module_command, start_child
from mcp_mmretrieval.models import progress
from mcp_mmretrieval.models.process.frames import FrameHeader, FrameSocket
from mcp_mmretrieval.models.process.messages import not_handed_over, pack_contents, unpack_arrays, unpack_error
from mcp_mmretrieval.types import Content

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors

logger = logging.getLogger(__name__)

HOST = "mcp_mmretrieval.models.process.host"
"""The module that a model process runs."""
MAX_CALL_DEATHS = 3
"""Processes that one call may cost, whose own fault it seems to be."""
MAX_KILLS, KILLS_SECONDS = 10, 60.0
"""The same where they were killed from without, by a person, or by the system for want of memory: so many at least,
over so many seconds at least."""
_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
"""Seconds before a call goes again, doubled from death to death, and at most."""
_LOOK_EVERY = 0.05
"""Seconds between two looks whether somebody still waits for the call."""
DEAF_SECONDS = 30.0
"""Seconds for which a process may take nothing that is said to it, once a socket is full of it: it hangs."""
_END_SECONDS = 3.0
"""Seconds that a process has to end by itself."""


class _Death(Exception):
    """The process is gone; `code` as `Popen.returncode` has it."""

    def __init__(self, code: int | None) -> None:
        super().__init__(_how(code))
        self.killed = code == -signal.SIGKILL


@dataclass(frozen=True, slots=True)
class ModelCall:
    """What is asked of one model in a process: a function of `host.py`."""

    model: str
    """What is to be loaded for it, if it is not there: `ocr`, `embedder` ..."""
    of: str
    """Of which recipe or profile; empty where there is one alone."""
    function: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    contents: Sequence[Content] = ()


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What a call gave."""

    value: Any
    arrays: Mapping[str, Vectors]


class ModelProcess:
    """One process with models. Safe to call from several threads. It is a `progress.DeviceLike`."""

    def __init__(
        self, settings: Settings, kind: str, *, entry: str = HOST, variables: Mapping[str, str] | None = None
    ) -> None:
        """`kind`: `cpu` or `gpu`, where its models run. `entry`: the module that it runs; only tests have another.

        `variables`: what its environment has beside the machine's, which wins.
        """
        self.kind = kind
        self._variables = dict(variables or {})
        self._told = {"settings": settings.model_dump(mode="json")}
        self._entry = entry
        self._guard = threading.Lock()
        self._link: _Link | None = None
        self._running = 0
        """Calls that go on."""
        self._used = time.monotonic()
        self._started = 0
        self._closed = False

    @property
    def generation(self) -> int:
        """The number of the process that runs; 0 where none does."""
        link = self._link
        return link.number if link is not None and link.alive else 0

    @property
    def idle(self) -> float:
        """Seconds since a call was under way."""
        return 0.0 if self._running else time.monotonic() - self._used

    @property
    def pid(self) -> int | None:
        """Of the process that runs."""
        link = self._link
        return link.pid if link is not None and link.alive else None

    def call(self, call: ModelCall) -> ModelAnswer:
        """Have it done, in a new process where none runs. The thread hears of a load's progress meanwhile.

        Raises what the model raises; Unfit where one process after the other ends of it; ModelUnavailable where none
        can be started; Cancelled in a thread for which nobody waits any more (`urgent_turns`), and once it is closed.
        """
        deaths = kills = 0
        began = time.monotonic()
        with self._under_way():
            while True:
                link = self._alive_link()
                try:
                    return link.call(call)
                except DeviceLost:
                    self._end(link)
                    deaths += 1
                    if deaths >= MAX_CALL_DEATHS:
                        raise
                except _Death as death:
                    self._end(link)
                    if self._closed:
                        raise Cancelled("The models were let go of.") from death
                    logger.warning("a model process (%s) ended: %s", self.kind, death)
                    kills, deaths = kills + death.killed, deaths + (not death.killed)
                    long_killed = kills >= MAX_KILLS and time.monotonic() - began >= KILLS_SECONDS
                    if long_killed or deaths >= MAX_CALL_DEATHS:
                        raise _given_up(link, death) from death
                self._pause(min(_LONGEST_PAUSE, _PAUSE * 2.0 ** (deaths + kills - 1)))

    def release(self, model: str, of: str) -> None:
        """Let go of a model, if a process has it."""
        link = self._link
        if link is not None and link.alive:
            link.tell({"release": [model, of]})

    def rest(self, idle: float) -> bool:
        """End the process if it did nothing for so many seconds. Whether it has just ended."""
        with self._guard:
            link = self._link
            if link is None or self._running or self.idle < idle:
                return False
            self._link = None
        link.end()
        return True

    def close(self) -> None:
        """End it for good. Calls under way get Cancelled."""
        with self._guard:
            self._closed = True
            link, self._link = self._link, None
        if link is not None:
            link.end()

    def _under_way(self) -> _Counted:
        return _Counted(self._count)

    def _count(self, change: int) -> None:
        with self._guard:
            self._running += change
            self._used = time.monotonic()

    def _alive_link(self) -> _Link:
        """The process that runs, or a new one."""
        with self._guard:
            if self._closed:
                raise Cancelled("The models were let go of.")
            if self._link is not None and not self._link.alive:
                self._link.end()
                self._link = None
            if self._link is None:
                self._started += 1
                self._link = _Link(self._entry, self._told, self._started, self._variables)
            return self._link

    def _end(self, link: _Link) -> None:
        with self._guard:
            if self._link is link:
                self._link = None
        link.end()

    def _pause(self, seconds: float) -> None:
        stop = current_stop()
        if stop is None:
            time.sleep(seconds)
        elif stop.wait(seconds):
            raise Cancelled("Nobody waits for it any more.")


class _Counted:
    """Counts a call as long as it goes on."""

    def __init__(self, count: Callable[[int], None]) -> None:
        self._count = count

    def __enter__(self) -> None:
        self._count(1)

    def __exit__(self, *_: object) -> None:
        self._count(-1)


class _Link:
    """One process and the socket to it."""

    def __init__(self, entry: str, told: FrameHeader, number: int, variables: Mapping[str, str]) -> None:
        """Start it. Raises ModelUnavailable where the system starts no process."""
        self.number = number
        self.answered = False
        """Whether it has ever answered."""
        self._ids = itertools.count(1)
        self._waiting: dict[int, queue.SimpleQueue[tuple[FrameHeader, memoryview] | None]] = {}
        self._guard = threading.Lock()
        self._gone = False
        ours, theirs = socket.socketpair()
        self._frames = FrameSocket(ours, patience=DEAF_SECONDS)
        try:
            with theirs:
                self._process = start_child(
                    module_command(entry, str(theirs.fileno())),
                    {**variables, **machine_variables(), **import_variables()},
                    pass_fds=(theirs.fileno(),),
                )
        except OSError as error:
            self._frames.close()
            raise ModelUnavailable(f"No process for the models can be started: {error}. Free memory.") from error
        with suppress(OSError):  # then it has died, which the thread tells
            self._frames.send(told)
        threading.Thread(target=self._receive, name=f"model process {number}", daemon=True).start()
        foreground.listen(self._tell_foreground)

    @property
    def alive(self) -> bool:
        return not self._gone

    @property
    def pid(self) -> int:
        return self._process.pid

    def call(self, call: ModelCall) -> ModelAnswer:
        """One call. Raises _Death, and what the model raises."""
        id, stop = next(self._ids), current_stop()
        answers: queue.SimpleQueue[tuple[FrameHeader, memoryview] | None] = queue.SimpleQueue()
        with self._guard:
            if self._gone:
                raise _Death(self._process.poll())
            self._waiting[id] = answers
        described, buffers = pack_contents(call.contents)
        header: FrameHeader = {
            "id": id,
            "model": [call.model, call.of],
            "function": call.function,
            "arguments": dict(call.arguments),
            "contents": described,
            "urgent": stop is not None,
        }
        try:
            try:
                self._frames.send(header, buffers)
            except OSError:  # it has died, which the thread tells
                pass
            except MemoryError as error:
                raise ModelUnavailable(not_handed_over(error)) from error
            while True:
                header, data = self._next(answers, stop, id)
                if "progress" in header:
                    progress.report_progress(*header["progress"])
                elif "error" in header:
                    raise unpack_error(header)
                else:
                    return ModelAnswer(header["value"], unpack_arrays(header["arrays"], data))
        finally:
            with self._guard:
                self._waiting.pop(id, None)

    def tell(self, message: FrameHeader) -> None:
        """Say something that is not answered."""
        with suppress(OSError):  # then it has died, and has nothing to be told any more
            self._frames.send(message)

    def end(self) -> None:
        """End the process: it does so by itself when the socket closes, or is killed."""
        foreground.unlisten(self._tell_foreground)
        self._frames.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            kill_child(self._process)

    def _next(
        self, answers: queue.SimpleQueue[tuple[FrameHeader, memoryview] | None], stop: threading.Event | None, id: int
    ) -> tuple[FrameHeader, memoryview]:
        while True:
            try:
                heard = answers.get(timeout=None if stop is None else _LOOK_EVERY)
            except queue.Empty:
                if stop is not None and stop.is_set():
                    self.tell({"cancel": id})
                    raise Cancelled("Nobody waits for it any more.") from None
                continue
            if heard is None:
                raise _Death(self._process.poll())
            return heard

    def _receive(self) -> None:
        """In a thread: hand out what it says, until it has ended."""
        last: tuple[FrameHeader, memoryview] | None = None
        try:
            while True:
                header, data = self._frames.receive()
                self.answered = True
                with self._guard:
                    answers = self._waiting.get(header.pop("id"))
                if answers is not None:
                    answers.put((header, data))
        except (OSError, EOFError):
            pass
        except Exception as error:  # whatever it is: calls wait for this thread
            logger.exception("what a model process says cannot be read")
            short = isinstance(error, MemoryError)
            last = {"error": "ModelUnavailable", "message": not_handed_over(error), "memory": short}, memoryview(b"")
            self._frames.close()
        with suppress(subprocess.TimeoutExpired):  # how it ended is known a moment after its socket has closed
            self._process.wait(_END_SECONDS)
        with self._guard:
            self._gone = True
            waiting = list(self._waiting.values())
        for answers in waiting:
            answers.put(last)

    def _tell_foreground(self, busy: bool) -> None:
        self.tell({"foreground": busy})


def _how(code: int | None) -> str:
    """How a process ended, in words."""
    if code is None:
        return "it hung up"
    if code < 0:
        with suppress(ValueError):
            return f"by {signal.Signals(-code).name}"
    return f"with exit code {code}"


def _given_up(link: _Link, death: _Death) -> Exception:
    if not link.answered:
        return ModelUnavailable(
            f"The process of the models does not start: it ended {death}. Run: mcp-mmretrieval doctor."
        )
    why = "it was killed, as for want of memory" if death.killed else f"it ended {death}"
    return Unfit((), f"The process of the models did not survive this: {why}.")

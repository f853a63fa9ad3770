"""One parser process and what it is given: an open file, a task, a time, and how its end is told.

`workers.py` keeps a pool of them.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import ParamSpec, TypeVar

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import Cancelled, FailureCode
from mcp_mmretrieval.front.child import import_variables, kill_child, module_command, start_child
from mcp_mmretrieval.media import wire

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
_TASKS = 1_000
"""Documents read by one worker before it is replaced."""
_PEAK_BYTES = 1 << 30
"""Memory after which a worker is replaced."""
PARSER_TICK_SECONDS = 0.2
"""Seconds between two looks at the clock and at `stop` while nothing comes."""
START_TIMEOUT = 60.0
"""Seconds until a new worker must be ready."""
_BEGIN_TIMEOUT = 5.0
"""Seconds until a worker that waited must have begun with a task."""
_TAIL = 2_000
"""Bytes of a dead worker's stderr that are logged."""


class ParserDeath(Exception):
    """A worker is gone, or has to go."""

    def __init__(self, code: FailureCode, reason: str) -> None:
        super().__init__(reason)
        self.code: FailureCode = code


class ParserProcess:
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
        """Wait until it has confined itself; how, in words. Raises ParserDeath."""
        patience = ReadingPatience(Limits(part_timeout=START_TIMEOUT, file_timeout=START_TIMEOUT), stop)
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
        """Send a task, and hear that it is begun: until then no file is to blame for anything. Raises ParserDeath."""
        self._busy = True
        self._tasks += 1
        self._send(wire.pack_frame(task), files)
        seconds = START_TIMEOUT if self.fresh else _BEGIN_TIMEOUT
        header, _ = self._receive(0, ReadingPatience(Limits(part_timeout=seconds, file_timeout=seconds), None))
        if header != {"begun": True}:
            raise _nonsense(wire.ProtocolError("it has not said that it has begun"))

    def answers(self, bounds: wire.AnswerBounds, patience: ReadingPatience) -> Iterator[tuple[wire.Header, memoryview]]:
        """Every frame of the answer but the last. Raises UnreadableMedia as the worker reports it, and ParserDeath."""
        while True:
            header, lump = self._receive(bounds.lump, patience)
            if "out_of_memory" in header:
                raise ParserDeath("memory", _too_much(self._limits))
            if "done" in header:
                self._finish(header["done"])
                if "error" in header:
                    raise heard(wire.decode_error, header)
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
            self._link.settimeout(START_TIMEOUT)
            socket.send_fds(self._link, [frame[:size]], list(files))  # files travel with the first bytes
            self._link.sendall(frame[size:])
        except OSError as error:
            raise self._death() from error

    def _receive(self, lump: int, patience: ReadingPatience) -> tuple[wire.Header, memoryview]:
        try:
            self._link.settimeout(PARSER_TICK_SECONDS)
            with patience:
                return wire.receive_frame(self._link, lump=lump, wait=patience.check)
        except wire.ProtocolError as error:
            raise _nonsense(error) from error
        except (EOFError, OSError) as error:
            raise self._death() from error

    def _death(self) -> ParserDeath:
        """Why the process is gone, from its signal and from the memory that it held."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)  # its socket closes a little before it is gone
        tail = self._tail()
        code = self._process.returncode
        logger.warning("a parser ended with %s: %s", code, tail.decode("utf-8", "replace").strip() or "no word")
        if code is None or code >= 0:
            return ParserDeath("parser_crashed", "the parser ended without an answer")
        if code == -signal.SIGKILL:  # not by us
            return ParserDeath("memory", "the parser was killed: by the system for lack of memory, or by somebody")
        if any(word in tail for word in (b"emory", b"alloc")):
            return ParserDeath("memory", _too_much(self._limits))
        name = signal.Signals(-code).name
        if -code in (signal.SIGABRT, signal.SIGTRAP, signal.SIGILL):  # how PDFium ends when it gets no more memory
            return ParserDeath("parser_crashed", f"the parser gave up ({name}), mostly for lack of memory")
        return ParserDeath("parser_crashed", f"the parser crashed ({name})")

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


class ReadingPatience:
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
        """Raise Cancelled or ParserDeath if it is time to."""
        if self._stop is not None and self._stop.is_set():
            raise Cancelled("Reading was stopped.")
        waited = time.monotonic() - self._since
        if waited > self._limits.part_timeout:
            raise ParserDeath("timeout", f"nothing came for {waited:.0f} s")
        if self._spent + waited > self._limits.file_timeout + self._seconds / 2:
            self._spent += waited
            raise ParserDeath("timeout", f"reading took longer than {self._spent:.0f} s")

    def __enter__(self) -> None:
        self._since = time.monotonic()
        if self.over or (self._stop is not None and self._stop.is_set()):  # also where it never waits for long
            self.check()

    def __exit__(self, *_: object) -> None:
        self._spent += time.monotonic() - self._since


def heard(hear: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """What a frame says; a frame that makes no sense is a death, for the worker is not what it was."""
    try:
        return hear(*args, **kwargs)
    except wire.ProtocolError as error:
        raise _nonsense(error) from error


def _nonsense(error: wire.ProtocolError) -> ParserDeath:
    logger.warning("a parser talks nonsense: %s", error)
    return ParserDeath("parser_crashed", "the parser gave an answer that makes no sense")


def _too_much(limits: Limits) -> str:
    return f"reading it takes more than {limits.memory_bytes / 1e9:.1f} GB of memory"

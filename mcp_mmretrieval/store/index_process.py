"""The engine's side of the index process: the calls of `Chroma`, answered by a process that may die, hang or refuse.

Chroma holds Python's lock while it writes, 1.4 s for 1,000 vectors, and a damaged index can end its process or take
all memory. In a process of its own it stops no search, and what it breaks is started again.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_mmretrieval.front.child import import_variables, kill_child, module_command, start_child
from mcp_mmretrieval.store import chroma
from mcp_mmretrieval.store.chroma import ChromaFailed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mcp_mmretrieval.store.channel import Arrays, Message
    from mcp_mmretrieval.store.vectors import PartKeys
    from mcp_mmretrieval.types import VectorKind, Vectors

WORKER = "mcp_mmretrieval.store.index_worker"
WORKER_VARIABLES = {
    "PYTHONUTF8": "1",
    "LC_ALL": "C.UTF-8",
    "ANONYMIZED_TELEMETRY": "False",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "ORT_DISABLE_TELEMETRY": "1",
}
"""As little as possible: nobody is to be told of it."""
TICK_SECONDS = 0.05
"""Seconds between two looks at the process while it is silent."""
QUERY_WAIT_SECONDS = 0.05
"""Seconds that a search waits for another one's turn."""
QUERY_SECONDS = 1.0
"""Seconds after which a search compares with each vector instead."""
OPENING_WORK_SECONDS, READ_VECTORS_PER_SECOND = 300.0, 1_000.0
"""Seconds of processor time for opening an index, and vectors that are read in one at the very least. Putting the last
ones into the graph again takes most of it: see `chroma.SYNC_THRESHOLD_VECTORS`."""
STEP_WORK_SECONDS = 300.0
"""Seconds of processor time that any other step may take: a thousand long vectors take 20."""
HANG_SECONDS, PROGRESS_SECONDS = 60.0, 0.01
"""Seconds in which a process that is at work gets at least so much processor time, also on a busy machine."""
END_SECONDS = 5.0
"""Seconds in which a process that was asked to end does so."""
CLOSING_SECONDS = 5.0
"""Seconds that a step goes on for once the library is being closed. What was cut off is in the catalog: the next
opening looks at the whole index, as after a kill."""


class ProcessFailed(ChromaFailed):
    """The index process ended, or had to be given up. That says nothing yet about the index."""


class IndexProcess:
    """Chroma on one folder, in a process of its own. Raises ChromaFailed and nothing else; after that, `end` it.

    One thread writes; any may ask for the nearest.
    """

    def __init__(self, folder: Path, stop: threading.Event) -> None:
        """Start the process. Once `stop` is set, `open` gives up, and other steps do soon: see `CLOSING_SECONDS`."""
        from mcp_mmretrieval.store.channel import Channel  # numpy, which the handshake must not wait for

        self.followed: dict[tuple[int, VectorKind], int] = {}
        """Up to which row of the catalog it has the vectors of a space and kind, perhaps more."""
        self.silent = False
        """Whether a search had no answer in time. Then no other asks, until `ping` was answered."""
        self._folder = folder.absolute()  # the process lies elsewhere
        self._stop = stop
        self._turn = threading.Lock()
        self._writing = False
        self._stopped: float | None = None
        """When a step first saw that it should stop."""
        self._number = 0
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = start_child(
                    module_command(WORKER, str(theirs.fileno())),
                    WORKER_VARIABLES | import_variables(),
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.PIPE,  # closes when this process ends, and so tells the other
                    start_new_session=True,  # whoever interrupts the engine lets it close the index in order
                )
            except OSError as error:
                ours.close()
                raise ProcessFailed(f"the index process does not start: {error}") from error
        self._channel = Channel(ours, tick=TICK_SECONDS)

    def begin(self) -> None:
        """Make an empty index, in the place of what is there."""
        self._write("begin", str(self._folder), chroma.SYNC_THRESHOLD_VECTORS)

    def open(self, catalog: Path, total: int, *, sample: bool) -> str | None:
        """Open the index if it is sound; else what is wrong with it. `total`: vectors of the catalog.

        `sample`: look at some of its vectors only.
        """
        limit = OPENING_WORK_SECONDS + total / READ_VECTORS_PER_SECOND
        asked = (str(self._folder), str(catalog.absolute()), chroma.SYNC_THRESHOLD_VECTORS, sample)
        told, _ = self._write("open", *asked, limit=limit)
        return told["problem"]  # type: ignore[no-any-return]

    def upsert(self, space: int, kind: VectorKind, keys: PartKeys, vectors: Vectors) -> None:
        """See `Chroma.upsert`."""
        self._write("upsert", space, kind, arrays=(keys, vectors))

    def delete(self, space: int, kind: str, keys: PartKeys) -> None:
        """See `Chroma.delete`."""
        self._write("delete", space, kind, arrays=(keys,))

    def drop(self, space: int) -> None:
        """See `Chroma.drop`."""
        self._write("drop", space)

    def ping(self) -> None:
        """Wait until it answers again."""
        self._write("ping")
        self.silent = False

    def nearest(self, space: int, kind: VectorKind, vector: Vectors, depth: int) -> list[tuple[int, float]] | None:
        """The segments of the nearest vectors, best first, some perhaps twice; see `Chroma.nearest`.

        None where it is busy or does not answer in time.
        """
        if self._writing or self.silent or not self._turn.acquire(timeout=QUERY_WAIT_SECONDS):
            return None
        try:
            end = time.monotonic() + QUERY_SECONDS
            _, (keys, scores) = self._ask(("nearest", space, kind, depth), (vector,), _Deadline(end))
            return list(zip(keys[:, 0].tolist(), scores.tolist(), strict=True))
        except TimeoutError:
            self.silent = True
            return None
        finally:
            self._turn.release()

    def close(self) -> None:
        """Write out, and end the process. All of the index lies on the disk then."""
        self._write("close", str(self._folder))
        self.end(patience=END_SECONDS)

    def end(self, *, patience: float = 0.0) -> None:
        """Hang up and end the process, at once or after some seconds. Who asks it meanwhile gets ProcessFailed."""
        self._channel.hang_up()
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        kill_child(self._process)
        self.followed = {}
        with self._turn:
            self._channel.close()

    def _write(
        self, do: str, *asked: object, arrays: tuple[NDArray[Any], ...] = (), limit: float = STEP_WORK_SECONDS
    ) -> tuple[Message, Arrays]:
        """Let it do something that takes a while. Only one thread may."""
        self._writing = True  # before the turn, so that no search begins to wait
        try:
            with self._turn:
                patience = Patience(limit, lambda: processor_seconds(self._process.pid))
                return self._ask((do, *asked), arrays, lambda: self._watch(do, patience))
        finally:
            self._writing = False

    def _watch(self, do: str, patience: Patience) -> None:
        if self._stop.is_set():
            now = time.monotonic()
            self._stopped = self._stopped or now
            if do == "open" or now > self._stopped + CLOSING_SECONDS:
                raise ProcessFailed("the library is being closed")
        patience.check()

    def _ask(
        self, what: tuple[object, ...], arrays: tuple[NDArray[Any], ...], wait: Callable[[], None]
    ) -> tuple[Message, Arrays]:
        """Ask and wait for the answer. In one's turn."""
        self._number += 1
        number = self._number
        try:
            self._channel.send({"id": number, "do": what[0], "with": what[1:]}, *arrays, wait=wait)
        except OSError as error:  # TimeoutError too: half a question is no question
            raise self._ended() from error
        try:
            while True:
                told, given = self._channel.receive(wait=wait)
                if told["id"] == number:  # others are late answers to who did not wait for them
                    break
        except TimeoutError:
            raise
        except (EOFError, OSError) as error:
            raise self._ended() from error
        if "error" in told:
            raise ChromaFailed(told["error"])
        return told, given

    def _ended(self) -> ProcessFailed:
        """Why it does not answer."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)  # its socket closes a little before it is gone
        code = self._process.returncode
        return ProcessFailed(
            f"the index process ended with {code}" if code is not None else "the index process is deaf"
        )


class Patience:
    """How long a step may take: in the processor time of who does it, not on the clock.

    On a busy machine sound work takes many times as long. `clock` tells the seconds of processor time so far.
    """

    def __init__(self, limit: float, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._begun = self._seen = clock()
        self._moved = time.monotonic()

    def check(self) -> None:
        """Raises ProcessFailed where it has worked too much, or where it does not work at all."""
        used, now = self._clock(), time.monotonic()
        if used >= self._seen + PROGRESS_SECONDS:
            self._seen, self._moved = used, now
        if used > self._begun + self._limit:
            raise ProcessFailed(f"the index process took more than {self._limit:.0f} s of processor time")
        if now > self._moved + HANG_SECONDS:
            raise ProcessFailed(f"the index process did nothing for {HANG_SECONDS:.0f} s")


class _Deadline:
    """Raises TimeoutError from a moment on."""

    def __init__(self, end: float) -> None:
        self._end = end

    def __call__(self) -> None:
        if time.monotonic() > self._end:
            raise TimeoutError


def processor_seconds(process: int) -> float:
    """Seconds of processor time that a child has used; where the system does not tell, the seconds on the clock."""
    if sys.platform != "linux":
        return time.monotonic()
    try:
        return time.clock_gettime((~process << 3) | 2)  # as clock_getcpuclockid(3) makes it
    except OSError:  # it has ended, which its socket will tell
        return 0.0

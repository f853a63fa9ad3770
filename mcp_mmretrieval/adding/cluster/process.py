"""The engine's side of the process that talks to Ray: started when it is needed, ended at rest, started again."""

from __future__ import annotations

import itertools
import logging
import os
import queue
import socket
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from subprocess import Popen, TimeoutExpired

from mcp_mmretrieval.adding.cluster.messages import ClusterAnswer, ClusterNode, ReadOrder, SegmentsStaged
from mcp_mmretrieval.errors import Cancelled, ClusterUnavailable
from mcp_mmretrieval.front.child import import_variables, kill_child, machine_variables, module_command, start_child

logger = logging.getLogger(__name__)

DRIVER = "mcp_mmretrieval.adding.cluster.driver"
RAY_VARIABLES = {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0"}
"""No cluster without a token, and nobody is told of its use."""
START_SECONDS = 180.0
"""Seconds in which Ray connects: 9 on a quiet machine, and it tries for minutes where a cluster half answers."""
FAILURE_SECONDS = 10.0
"""Seconds for which the reason counts why it did not start: files under way ask one after the other."""
IDLE_SECONDS = 120.0
"""Seconds without a file after which it ends, and with it the models on the nodes."""
DRIVER_END_SECONDS = 15.0
"""Seconds that it has to end by itself."""
WAITING_TICK_SECONDS = 0.2
"""Seconds between two looks whether somebody still waits."""

NodeAnswer = tuple[ClusterNode | None, ClusterAnswer]


class DriverGone(Exception):
    """The process ended, or lost the cluster, with which Ray ends it. No file is to blame."""


class _Link:
    """One process, and who waits for its answers."""

    def __init__(self, process: Popen[bytes], connection: Connection) -> None:
        self.process = process
        self._connection = connection
        self._guard = threading.Lock()
        self._sending = threading.Lock()
        self._waiting: dict[int, queue.SimpleQueue[NodeAnswer | None]] = {}
        self.gone = False
        self._receiving = threading.Thread(target=self._receive, name="cluster", daemon=True)
        self._receiving.start()

    def send(self, *message: object) -> None:
        """Say something to it. Raises DriverGone."""
        try:
            with self._sending:
                self._connection.send(message)
        except OSError as error:
            raise DriverGone from error

    @contextmanager
    def answers(self, number: int) -> Iterator[queue.SimpleQueue[NodeAnswer | None]]:
        """What comes for a number; None once the process is gone."""
        answers: queue.SimpleQueue[NodeAnswer | None] = queue.SimpleQueue()
        with self._guard:
            if self.gone:
                raise DriverGone
            self._waiting[number] = answers
        try:
            yield answers
        finally:
            with self._guard:
                self._waiting.pop(number, None)

    def end(self) -> None:
        """Hang up, and see to it that it ends."""
        with socket.socket(fileno=os.dup(self._connection.fileno())) as link, suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)  # closing would wake neither side while a thread receives here
        self._receiving.join()
        self._connection.close()
        try:
            self.process.wait(DRIVER_END_SECONDS)
        except TimeoutExpired:
            kill_child(self.process)

    def _receive(self) -> None:
        try:
            while True:
                number, node, answer = self._connection.recv()
                with self._guard:
                    answers = self._waiting.get(number)
                if answers is not None:
                    answers.put((node, answer))
        except (EOFError, OSError):
            pass
        except Exception:  # an answer that cannot be unpickled: who waits must hear that nothing more comes
            logger.exception("what the process of the Ray cluster says cannot be read")
        with self._guard:
            self.gone = True
            waiting = list(self._waiting.values())
        for answers in waiting:
            answers.put(None)


class ClusterProcess:
    """The process that talks to one Ray cluster. Any thread may call."""

    def __init__(self, address: str, token_file: Path, *, entry: str = DRIVER) -> None:
        """`entry`: the module that it runs; only tests have another one."""
        self.address = address
        self._token_file = token_file
        self._entry = entry
        self._starting = threading.Lock()
        self._link: _Link | None = None
        self._failed: tuple[float, str] = (float("-inf"), "")
        self._numbers = itertools.count()
        self._under_way = 0
        self._used = time.monotonic()
        self._closed = threading.Event()

    @property
    def pid(self) -> int | None:
        """Of the process that runs."""
        link = self._link
        return None if link is None or link.gone else link.process.pid

    def read(
        self, order: ReadOrder, refused: Collection[str], lost: Collection[str], stop: threading.Event
    ) -> Iterator[NodeAnswer]:
        """What a node says of a file, to its last word. `refused` nodes are not asked; `lost` ones if there are others.

        Raises ClusterUnavailable where Ray does not connect, DriverGone, and Cancelled within a second after `stop`.
        """
        number = next(self._numbers)
        self._under_way += 1
        try:
            link = self._started(stop)
            with link.answers(number) as answers:
                link.send("read", number, order, frozenset(refused), frozenset(lost))
                last = False
                try:
                    while not last:
                        answer = self._next(answers, stop)
                        last = not isinstance(answer[1], SegmentsStaged)
                        yield answer
                finally:
                    if not last:
                        with suppress(DriverGone):
                            link.send("cancel", number)
        finally:
            self._under_way -= 1
            self._used = time.monotonic()

    def rest(self) -> None:
        """End the process if it had nothing to do for a while."""
        if self._link is not None and not self._under_way and time.monotonic() - self._used > IDLE_SECONDS:
            with self._starting:
                link, self._link = self._link, None
            if link is not None:
                link.end()

    def close(self) -> None:
        """End it. Who waits for an answer gets Cancelled."""
        self._closed.set()
        with self._starting:
            link, self._link = self._link, None
        if link is not None:
            link.end()

    def _next(self, answers: queue.SimpleQueue[NodeAnswer | None], stop: threading.Event) -> NodeAnswer:
        while True:
            self._check(stop)
            try:
                answer = answers.get(timeout=WAITING_TICK_SECONDS)
            except queue.Empty:
                continue
            if answer is None:
                self._check(stop)
                raise DriverGone
            return answer

    def _check(self, stop: threading.Event) -> None:
        if stop.is_set() or self._closed.is_set():
            raise Cancelled("Reading was stopped.")

    def _started(self, stop: threading.Event) -> _Link:
        with self._starting:
            self._check(stop)
            if self._link is not None and not self._link.gone:
                return self._link
            at, reason = self._failed
            if time.monotonic() < at + FAILURE_SECONDS:
                raise ClusterUnavailable(reason)
            if self._link is not None:
                self._link.end()
                self._link = None
            try:
                self._link = self._start(stop)
            except ClusterUnavailable as error:
                self._failed = (time.monotonic(), str(error))
                raise
            return self._link

    def _start(self, stop: threading.Event) -> _Link:
        ours, theirs = Pipe()
        with theirs:
            variables = {**machine_variables(), **import_variables(), **RAY_VARIABLES}
            process = start_child(
                module_command(self._entry, str(theirs.fileno())),
                {**variables, "RAY_AUTH_TOKEN_PATH": str(self._token_file)},
                pass_fds=(theirs.fileno(),),
            )
        try:
            ours.send((self.address, str(self._token_file)))
            until = time.monotonic() + START_SECONDS
            while not ours.poll(WAITING_TICK_SECONDS):
                self._check(stop)
                if time.monotonic() > until:
                    raise ClusterUnavailable(
                        f"{self.address}: the Ray cluster did not answer within {START_SECONDS:.0f} s. Look how it is "
                        "(`ray status`), or leave --ray out."
                    )
            reason = ours.recv()
            if reason is not None:
                raise ClusterUnavailable(str(reason))
        except (EOFError, OSError) as error:
            ours.close()
            with suppress(TimeoutExpired):  # how it ended is known a moment after it has hung up
                process.wait(DRIVER_END_SECONDS)
            kill_child(process)
            raise ClusterUnavailable(
                f"{self.address}: the process that talks to Ray ended while it connected (exit code "
                f"{process.returncode}); the engine's log may say why."
            ) from error
        except BaseException:
            kill_child(process)
            ours.close()
            raise
        return _Link(process, ours)

"""Work that outlives the call that asked for it: one thread, one job after the other."""

from __future__ import annotations

import logging
import queue
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from mcp_mmretrieval.answers import Outcome
from mcp_mmretrieval.errors import Cancelled, RetrievalError

logger = logging.getLogger(__name__)

KEPT = 100
"""Ended jobs that are remembered here; `record` remembers all."""


class Job:
    """One piece of adding. Safe to read, wait for and cancel from any thread."""

    def __init__(self, key: str, owner: object = None) -> None:
        self.id = secrets.token_hex(4)
        self.key = key
        """Equal for the same arguments: the same request again waits for the job that runs."""
        self.owner = owner
        """Who started it: leaving it ends it, unless somebody else waits."""
        self.stop = threading.Event()
        """Set: the work ends at its next step."""
        self._changed = threading.Condition()
        self._outcome = Outcome(state="running", job=self.id)
        self._waiting = 0

    @property
    def outcome(self) -> Outcome:
        """What it has come to so far."""
        return self._outcome

    def update(self, **changes: object) -> None:
        """Change fields of the outcome and wake whoever waits."""
        with self._changed:
            self._outcome = replace(self._outcome, **changes)  # type: ignore[arg-type]
            self._changed.notify_all()

    def wait(self, seconds: float | None = None) -> Outcome:
        """The outcome once the job has ended, or the one so far when the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._outcome.state != "running", seconds)
            return self._outcome

    @contextmanager
    def attended(self) -> Iterator[None]:
        """While somebody waits for it."""
        with self._changed:
            self._waiting += 1
        try:
            yield
        finally:
            with self._changed:
                self._waiting -= 1

    def leave(self, owner: object) -> None:
        """End the job if `owner` started it and nobody waits for it any more."""
        if owner is self.owner and self._waiting == 0:
            self.cancel()

    def cancel(self) -> None:
        """Ask the job to end at its next step. What it committed stays."""
        self.stop.set()


class Jobs:
    """The jobs of one library. `record` is told when one starts and when it has ended."""

    def __init__(self, record: Callable[[Job], None]) -> None:
        self._record = record
        self._queue: queue.Queue[tuple[Job, Callable[[Job], None]] | None] = queue.Queue()
        self._lock = threading.Lock()
        self._known: dict[str, Job] = {}
        self._thread: threading.Thread | None = None

    def start(self, key: str, work: Callable[[Job], None], owner: object = None) -> Job:
        """The running job with this key, or a new one that does `work`."""
        with self._lock:
            for job in self._known.values():
                if job.key == key and job.outcome.state == "running" and not job.stop.is_set():
                    return job
            job = Job(key, owner)
            self._known[job.id] = job
            self._forget_old()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
                self._thread.start()
        self._record(job)
        self._queue.put((job, work))
        return job

    def _forget_old(self) -> None:
        """Keep those that run and the last `KEPT`."""
        for job in list(self._known.values())[:-KEPT]:
            if job.outcome.state != "running":
                del self._known[job.id]

    def find(self, id: str) -> Job | None:
        """A job of this process."""
        return self._known.get(id)

    def all(self) -> list[Job]:
        """The jobs of this process, newest first."""
        return list(self._known.values())[::-1]

    def close(self, seconds: float = 5.0) -> None:
        """Stop what runs at its next step, and wait for it."""
        with self._lock:
            thread = self._thread
            for job in self._known.values():
                job.cancel()
        if thread is not None:
            self._queue.put(None)
            thread.join(seconds)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            job, work = item
            self._finish(job, work)
            self._record(job)

    def _finish(self, job: Job, work: Callable[[Job], None]) -> None:
        try:
            if job.stop.is_set():
                raise Cancelled("Stopped before it began.")
            work(job)
        except Cancelled:
            job.update(state="cancelled", current="")
        except RetrievalError as error:
            job.update(state="failed", current="", error=str(error))
        except Exception:  # a bug in one job must not end the thread that runs the next
            logger.exception("job %s failed", job.id)
            job.update(state="failed", current="", error="An internal error ended the job; the log has the details.")
        else:
            job.update(state="done", current="")

"""Work that outlives the call that asked for it, and the process that began it. Some jobs run side by side."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from mcp_mmretrieval.answers import Outcome
from mcp_mmretrieval.errors import Cancelled, LibraryUnavailable, RetrievalError
from mcp_mmretrieval.jobs.asked import AddRequest

__all__ = ["ENDED_JOBS_KEPT", "JOBS_AT_ONCE", "AddRequest", "Job", "Jobs"]

logger = logging.getLogger(__name__)

JOBS_AT_ONCE = 8
"""Jobs that run at the same time; more wait in the order in which they were asked for."""
ENDED_JOBS_KEPT = 100
"""Ended jobs that are remembered here; `record` remembers all."""
SERVER_ENDING_NOTE = "The server is ending; the job goes on when it is started again."
RESUMED_NOTE = "Resumed after the server was started again; what had been read before counts as unchanged."

JobWork = Callable[["Job"], None]


class Job:
    """One piece of adding. Safe to read, wait for and cancel from any thread."""

    def __init__(
        self,
        key: str,
        owner: object = None,
        *,
        id: str = "",
        asked: AddRequest | None = None,
        record: Callable[[Job], None] = lambda job: None,
        cancelled: Callable[[Job], None] = lambda job: None,
    ) -> None:
        self.id = id or secrets.token_hex(4)
        self.key = key
        """Equal for the same arguments: the same request again waits for the job that runs."""
        self.owner = owner
        """Who started it: leaving it ends it, unless somebody else waits."""
        self.asked = asked
        self.attempts = 0
        """How often it was begun again since it last got on: 0 for one that was never interrupted."""
        self.reading = ""
        """The file at which it is, as far as `reads` noted it."""
        self.stop = threading.Event()
        """Set: the work ends at its next step."""
        self._record = record
        self._cancelled = cancelled
        self._recording = threading.Lock()
        self._changed = threading.Condition()
        self._outcome = Outcome(state="running", job=self.id, dry_run=asked is not None and asked.dry_run)
        self._end: Outcome | None = None
        self._unwanted = False
        self._left = False
        self._waiting = 0

    @property
    def outcome(self) -> Outcome:
        """What it has come to so far."""
        return self._outcome

    @property
    def kept(self) -> Outcome:
        """What is to stand on disk: an end before anybody is told of it, a wish to cancel before it has come true."""
        if self._end is not None:
            return self._end
        return replace(self._outcome, state="cancelled", current="") if self._unwanted else self._outcome

    @property
    def running(self) -> bool:
        """Whether it works, or waits for its turn to."""
        return self._outcome.state == "running"

    def update(self, **changes: object) -> None:
        """Change fields of the outcome and wake whoever waits."""
        with self._changed:
            self._outcome = replace(self._outcome, **changes)  # type: ignore[arg-type]
            self._changed.notify_all()

    def wait(self, seconds: float | None = None) -> Outcome:
        """The outcome once the job has ended, or the one so far when the time is over or the library closes."""
        with self._changed:
            self._changed.wait_for(lambda: not self.running or (self._left and seconds is None), seconds)
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
        """End the job if `owner` started it and nobody waits for it any more. Writes to disk, as `cancel` does."""
        if owner is self.owner and self._waiting == 0:
            self.cancel()

    def cancel(self) -> None:
        """Ask the job to end at its next step. What it committed stays; no later process goes on with it.

        When this returns, the wish is on disk.
        """
        if self.running:
            self._unwanted = True
            self.stop.set()
            self.keep()
            self._cancelled(self)

    # -- for the work -----------------------------------------------------------------------------------------------

    def reads(self, path: str) -> None:
        """It begins with a file. Noted on disk only for a job that was interrupted and has not got on since."""
        if self.attempts:
            self.reading = path
            self.keep()

    def got_on(self) -> None:
        """Something new was committed: the file that ended the last process, if any did, lies behind."""
        if self.attempts:
            self.attempts, self.reading = 0, ""
            self.keep()

    def keep(self) -> None:
        """Record it as it is now. That the disk is full ends no job."""
        with self._recording:
            try:
                self._record(self)
            except LibraryUnavailable as error:
                logger.warning("job %s is not recorded: %s", self.id, error)
            except Exception:  # whatever it is: those who wait must hear how the job ended
                logger.exception("job %s is not recorded", self.id)

    def end(self, **changes: object) -> None:
        """Record how it ended, then tell whoever waits."""
        with self._changed:
            self._end = replace(self._outcome, current="", **changes)  # type: ignore[arg-type]
        self.keep()
        with self._changed:
            self._outcome = self._end
            self._changed.notify_all()

    def put_down(self) -> None:
        """The library closes: the next process goes on."""
        with self._changed:
            self._left = True
            self._outcome = replace(self._outcome, current="", notes=(*self._outcome.notes, SERVER_ENDING_NOTE))
            self._changed.notify_all()


class Jobs:
    """The jobs of one library. `record` keeps `Job.kept` and what else has to outlive the process."""

    def __init__(self, record: Callable[[Job], None]) -> None:
        self._record = record
        self._lock = threading.Lock()
        self._known: dict[str, Job] = {}
        self._line: deque[tuple[Job, JobWork]] = deque()
        self._threads: set[threading.Thread] = set()
        self._closing = False

    @property
    def working(self) -> bool:
        """Whether any job runs, or waits for its turn to."""
        return any(job.running for job in self.all())

    def start(self, key: str, work: JobWork, owner: object = None, asked: AddRequest | None = None) -> Job:
        """The running job with this key, or a new one that does `work`. Raises LibraryUnavailable."""
        with self._lock:
            self._refuse_when_closing()
            for job in self._known.values():
                if job.key == key and job.running and not job.stop.is_set():
                    return job
            job = Job(key, owner, asked=asked, record=self._record, cancelled=self._unqueue)
            self._known[job.id] = job
            self._forget_old()
        try:
            self._record(job)
        except BaseException:
            job.end(state="failed", error="The job could not be recorded, so it was not begun. Try again.")
            raise
        self._queue(job, work)
        return job

    def resume(self, id: str, key: str, work: JobWork, asked: AddRequest, attempts: int) -> Job:
        """Go on with a job of an earlier process, which nobody owns; `attempts` as it was kept."""

        def again(job: Job) -> None:
            job.attempts += 1
            job.keep()
            work(job)

        job = Job(key, object(), id=id, asked=asked, record=self._record, cancelled=self._unqueue)
        job.attempts = attempts
        job.update(notes=(RESUMED_NOTE,))
        with self._lock:
            self._known[job.id] = job
        self._queue(job, again)
        return job

    def find(self, id: str) -> Job | None:
        """A job of this process."""
        return self._known.get(id)

    def forget(self, job: Job) -> None:
        """A job that has ended, before others push it out."""
        with self._lock:
            self._known.pop(job.id, None)

    def all(self) -> list[Job]:
        """The jobs of this process, newest first."""
        with self._lock:
            return list(self._known.values())[::-1]

    def close(self, seconds: float = 5.0) -> None:
        """Interrupt what runs at its next step, and wait for it: on disk it is still running, for the next process."""
        with self._lock:
            self._closing = True
            queued, begun = [job for job, _ in self._line], list(self._threads)
            self._line.clear()
        for job in queued:
            job.put_down()
        for job in self.all():
            if job.running and job not in queued:
                self._interrupt(job)
        until = time.monotonic() + seconds
        for thread in begun:
            thread.join(max(0.0, until - time.monotonic()))

    def _interrupt(self, job: Job) -> None:
        """In good order: an attempt that ends so says nothing against the file that is being read."""
        if job.attempts:
            job.attempts = max(0, job.attempts - 1)
            job.keep()
        job.stop.set()

    def _refuse_when_closing(self) -> None:
        if self._closing:
            raise LibraryUnavailable("The library is being closed. Start the server again.")

    def _forget_old(self) -> None:
        """Keep those that run and the last `ENDED_JOBS_KEPT`."""
        for job in list(self._known.values())[:-ENDED_JOBS_KEPT]:
            if not job.running:
                del self._known[job.id]

    def _queue(self, job: Job, work: JobWork) -> None:
        with self._lock:
            if self._closing:
                job.put_down()
                return
            self._line.append((job, work))
            if len(self._threads) < JOBS_AT_ONCE:
                thread = threading.Thread(target=self._run, name="job", daemon=True)
                self._threads.add(thread)
                thread.start()

    def _unqueue(self, job: Job) -> None:
        """One that was cancelled before its turn came ends at once."""
        with self._lock:
            found = [each for each in self._line if each[0] is job]
            for each in found:
                self._line.remove(each)
        if found:
            job.end(state="cancelled")

    def _run(self) -> None:
        while item := self._next():
            job, work = item
            try:
                if job.stop.is_set():
                    raise Cancelled("Stopped before it began.")
                work(job)
            except RetrievalError as error:
                self._broken_off(job, error)
            except Exception:  # a bug in one job must not end the thread that runs the next
                logger.exception("job %s failed", job.id)
                self._broken_off(job, RetrievalError("An internal error ended the job; the log has the details."))
            else:
                job.end(state="done")

    def _next(self) -> tuple[Job, JobWork] | None:
        with self._lock:
            if self._line:
                return self._line.popleft()
            self._threads.discard(threading.current_thread())
            return None

    def _broken_off(self, job: Job, error: RetrievalError) -> None:
        if self._closing and job.kept.state == "running":  # whatever else it stumbled over while all was being closed
            job.put_down()
        elif isinstance(error, Cancelled):
            job.end(state="cancelled")
        else:
            job.end(state="failed", error=str(error))

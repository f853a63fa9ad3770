"""The jobs of one library, also those of earlier processes: kept in the catalog, gone on with, asked for, cancelled."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace

from mcp_mmretrieval.answers import Failure, Outcome
from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.jobs import Job, Jobs, JobWork
from mcp_mmretrieval.jobs.asked import AddRequest
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.store import Catalog, JobRow

logger = logging.getLogger(__name__)

MAX_ENDED_JOBS_SHOWN = 5
"""Ended jobs that a status shows at most."""
MAX_JOBS_SHOWN = 50
"""Jobs that the person is shown at most."""
MAX_JOB_ATTEMPTS = 5
"""How often a job is begun, without anything new being committed, before it is given up."""
CANCELLING_SECONDS = 5.0
"""Seconds that cancelling waits for the job's next step."""
CALL_AGAIN_NOTE = "What was read stays. Call add_documents again with the same arguments."
INTERRUPTED_NOTE = f"The server ended before this job did. {CALL_AGAIN_NOTE}"
FOLDER_MOVED_NOTE = (
    f"The server was started again, and one of the folders of this job leads elsewhere now. {CALL_AGAIN_NOTE}"
)
RESTING_NOTE = "Interrupted when the server ended; it goes on with the next server that may add."

AddWork = Callable[[Job, AddRequest, Roots], None]
"""Does what a job was asked, within the roots that it was asked for."""


class JobHistory:
    """The jobs of this process, and what earlier ones left behind. Thread-safe."""

    def __init__(self, catalog: Catalog, work: AddWork) -> None:
        """`work` does what a job was asked."""
        self._catalog = catalog
        self._work = work
        self._jobs = Jobs(self._record)

    @property
    def working(self) -> bool:
        """Whether any job runs, or waits for its turn to."""
        return self._jobs.working

    def close(self) -> None:
        """Interrupt what runs at its next step, for the next process to go on with."""
        self._jobs.close()

    def start(self, asked: AddRequest, roots: Roots, owner: object = None) -> Job:
        """The job that runs with the same arguments, or a new one. Raises LibraryUnavailable."""
        return self._jobs.start(asked.key, lambda job: self._work(job, asked, roots), owner, asked)

    def resume(self) -> None:
        """Go on with what an earlier process left unfinished, or say why not."""
        for row in self._catalog.running_jobs():
            asked = AddRequest.read(row.asked)
            if asked.dry_run:
                self._give_up(row, INTERRUPTED_NOTE)
            elif row.attempts + 1 >= MAX_JOB_ATTEMPTS:
                self._give_up(row, _hopeless(row.reading))
            else:
                self._jobs.resume(row.id, row.key, self._again(asked), asked, row.attempts)

    def _again(self, asked: AddRequest) -> JobWork:
        def work(job: Job) -> None:
            roots = Roots(asked.roots)  # here, and not before `resume` returns: a folder may be slow to answer
            if roots.folders != asked.roots:
                raise BadArgument(FOLDER_MOVED_NOTE)
            self._work(job, asked, roots)

        return work

    def _give_up(self, row: JobRow, error: str) -> None:
        outcome = replace(_outcome(row), state="failed", current="", notes=(), error=error)
        self._catalog.put_job(_ended(row, outcome))
        logger.warning("job %s: %s", row.id, error)

    # -- what became of them ------------------------------------------------------------------------------------------

    def outcome(self, id: str, roots: Roots) -> Outcome:
        """What a job has come to. Raises BadArgument for an unknown one, and for one that concerns other roots."""
        if (job := self._jobs.find(id)) and _concerns(job.asked, roots):
            return job.outcome
        if job is None and (row := self._catalog.job(id)) and _concerns(AddRequest.read(row.asked), roots):
            return _outcome(row)
        raise BadArgument(f"{id}: no such job. Call status without a job to see the latest ones.")

    def latest(self, roots: Roots) -> Iterator[Outcome]:
        """Those of this process that run, and the last `MAX_ENDED_JOBS_SHOWN` that ended, newest first."""
        ended = 0
        for job in self._jobs.all():
            if _concerns(job.asked, roots):
                if not job.running and not self._worth_telling(job):
                    continue
                ended += not job.running
                if job.running or ended <= MAX_ENDED_JOBS_SHOWN:
                    yield job.outcome

    def failures(self, roots: Roots) -> list[Failure]:
        """Files under the roots that jobs could not add, oldest first; of the last `MAX_JOBS_SHOWN` jobs."""
        running = {job.id: job.outcome for job in self._jobs.all()}
        found: list[Failure] = []
        for row in self._catalog.jobs_with_failures(limit=MAX_JOBS_SHOWN)[::-1]:
            if not (asked := AddRequest.read(row.asked)).dry_run and _concerns(asked, roots):
                found += (running.get(row.id) or _outcome(row)).failed
        return [failure for failure in found if roots.covers(failure.path)]

    def all(self) -> list[Outcome]:
        """The last `MAX_JOBS_SHOWN`, whatever their roots, newest first."""
        running = {job.id: job.outcome for job in self._jobs.all()}
        return [running.get(row.id) or _outcome(row) for row in self._catalog.jobs(limit=MAX_JOBS_SHOWN)]

    def cancel(self, id: str) -> Outcome:
        """Ask a job to end, whatever its roots. What it has come to, at most `CANCELLING_SECONDS` later.

        Once this returns no later process goes on with the job. Raises BadArgument for an unknown one.
        """
        if job := self._jobs.find(id):
            job.cancel()
            return job.wait(CANCELLING_SECONDS)
        row = self._catalog.job(id)
        if row is None:
            raise BadArgument(f"{id}: no such job. Call jobs to see the latest ones.")
        if row.state != "running":
            return _outcome(row)
        outcome = replace(_outcome(row), state="cancelled", notes=())
        self._catalog.put_job(_ended(row, outcome))
        return outcome

    def forget(self, job: Job) -> None:
        """A job that nobody asked for, once it has ended: of what is not worth telling nothing is remembered."""
        if not self._worth_telling(job):
            self._jobs.forget(job)

    def _worth_telling(self, job: Job) -> bool:
        """Whether somebody asked for it, or it came to what a person should know."""
        if job.asked is None or not job.asked.watched:
            return True
        outcome = job.kept
        return bool(outcome.error or outcome.failed or outcome.removed)

    def _record(self, job: Job) -> None:
        outcome, asked = job.kept, job.asked
        if asked is not None and asked.watched and not self._is_news(outcome, asked):
            return
        if asked is not None and outcome.state != "running":
            asked = _without_text(asked)
        self._catalog.put_job(
            JobRow(
                id=job.id,
                key=job.key,
                asked=asked.stored() if asked is not None else "",
                state=outcome.state,
                outcome=_stored(outcome),
                attempts=job.attempts,
                reading=job.reading,
            )
        )

    def _is_news(self, outcome: Outcome, asked: AddRequest) -> bool:
        """Whether what a job of the watcher came to is kept: what failed again and again is kept once."""
        if outcome.state == "running" or not (outcome.failed or outcome.error or outcome.removed):
            return False
        known = {failure.path for failure in self.failures(Roots(asked.roots))}
        return bool(outcome.error or outcome.removed) or any(one.path not in known for one in outcome.failed)


def _concerns(asked: AddRequest | None, roots: Roots) -> bool:
    """Whether a job concerns only what may be read under the roots."""
    return asked is not None and all(roots.covers(root) for root in asked.roots)


def _ended(row: JobRow, outcome: Outcome) -> JobRow:
    """A job of an earlier process as it is kept once it has come to its end."""
    asked = _without_text(AddRequest.read(row.asked)).stored()
    return replace(row, state=outcome.state, outcome=_stored(outcome), asked=asked)


def _without_text(asked: AddRequest) -> AddRequest:
    """What is kept of a job that has ended: neither a text that may be removed, nor what it was called."""
    return replace(asked, text=None, title=None)


def _hopeless(path: str) -> str:
    """Why a job is not begun once more; `path`: what it was reading the last time."""
    ended = f"The server ended {MAX_JOB_ATTEMPTS} times while this job ran, and it got no further"
    if path:
        advice = f"move that file or name it in .mmretrievalignore. {CALL_AGAIN_NOTE}"
        return f"{ended}. The last time it was reading {path}: {advice}"
    return f"{ended}. The server's log may say why. {CALL_AGAIN_NOTE}"


def _stored(outcome: Outcome) -> str:
    return json.dumps(asdict(outcome), ensure_ascii=True)


def _outcome(row: JobRow) -> Outcome:
    """Of a job that this process does not run."""
    given = json.loads(row.outcome)
    given["failed"] = tuple(Failure(**failure) for failure in given["failed"])
    given["notes"] = tuple(given["notes"]) if row.state != "running" else (RESTING_NOTE,)
    return Outcome(**given)

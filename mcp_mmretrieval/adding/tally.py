"""What a job tells while files are added: how many, which failed and why, what was left out of some."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from mcp_mmretrieval.adding.walk import SkippedPath
from mcp_mmretrieval.answers import Failure
from mcp_mmretrieval.errors import FailureCode
from mcp_mmretrieval.jobs import Job
from mcp_mmretrieval.store import Change

PENDING_EVERY_SECONDS = 2.0
"""Seconds between two counts of what has no vectors yet: within some folders each walks through their files."""
MAX_NOTES = 20
"""Notes on files in one job's outcome."""
NOTES_OF_ONE = 3
"""Notes on one file in there."""
MORE_NOTES = "More was left out of some files: list_documents has the notes on each."
FAILURES_AT_ONCE_SHARE = 16
"""Of the failures that an outcome tells, one in so many may come together with the next ones."""
OUTCOME_FIELDS: dict[Change, str] = {
    "added": "added",
    "attached": "added",
    "replaced": "replaced",
    "reread": "replaced",
    "moved": "moved",
    "unchanged": "unchanged",
}
"""Which number of the outcome a change adds to."""


class JobTally:
    """Counts into one job's outcome. Any thread may."""

    def __init__(self, job: Job, pending: Callable[[], int]) -> None:
        """`pending` counts the documents that only words find so far."""
        self._lock = threading.RLock()
        self.job = job
        self._pending = pending
        self._counted = time.monotonic()
        self._skipped: Counter[str] = Counter()
        self._failed: list[Failure] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tell_failed()

    def reads(self, path: str) -> None:
        """A file is about to be read."""
        self.job.update(current=path)
        if time.monotonic() > self._counted + PENDING_EVERY_SECONDS:
            self.count_pending()

    def count_pending(self) -> None:
        """Count anew what has no vectors yet."""
        pending = self._pending()
        with self._lock:
            self.job.update(pending_vectors=pending, failed=tuple(self._failed))
            self._counted = time.monotonic()

    def skipped(self, left_out: SkippedPath) -> None:
        """A path was left out by a rule."""
        with self._lock:
            self._skipped[left_out.rule] += 1
            self.job.update(skipped=dict(self._skipped))
        if left_out.note:
            self.noted(left_out.path, [left_out.note])

    def failed(self, path: str, code: FailureCode, reason: str) -> None:
        """A file was not added."""
        reason = reason.removeprefix(f"{path}: ").removeprefix(f"{Path(path).name}: ")  # the path stands beside it
        with self._lock:
            self._failed.append(Failure(path=path, code=code, reason=reason))
            told = len(self.job.outcome.failed)
            if len(self._failed) > told + told // FAILURES_AT_ONCE_SHARE:  # all are told anew each time
                self._tell_failed()

    def _tell_failed(self) -> None:
        self.job.update(failed=tuple(self._failed))

    def noted(self, path: str, notes: Sequence[str]) -> None:
        """What was left out of a file that was added."""
        with self._lock:
            room = MAX_NOTES - len(self.job.outcome.notes)
            lines = [f"{path}: {note}" for note in notes[:NOTES_OF_ONE]]
            if lines and room > 0:
                more = (MORE_NOTES,) if len(lines) >= room or len(notes) > NOTES_OF_ONE else ()
                kept = (note for note in (*self.job.outcome.notes, *lines[:room]) if note not in more)
                self.job.update(notes=(*kept, *more))

    def told(self, note: str) -> None:
        """What a person should know of many files: before what there is to know of each."""
        with self._lock:
            self.job.update(notes=tuple(dict.fromkeys((note, *self.job.outcome.notes))))

    def removed(self, files: int) -> None:
        """So many files were taken out."""
        with self._lock:
            self.job.update(removed=self.job.outcome.removed + files)

    def changed(self, change: Change) -> None:
        """One file is through."""
        name = OUTCOME_FIELDS[change]
        with self._lock:
            self.job.update(**{name: getattr(self.job.outcome, name) + 1})
        if change != "unchanged" and not self.job.outcome.dry_run:
            self.job.got_on()

"""Work that outlives the call that asked for it. One thread, one job after the other; a search passes between steps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from mcp_mmretrieval.answers import Outcome
from mcp_mmretrieval.errors import Cancelled, RetrievalError


class Job:
    """One piece of adding. Reading its outcome and waiting for it are safe from any thread."""

    def __init__(self, id: str, key: str) -> None:
        self.id = id
        self.key = key
        """Equal for the same arguments: the same request again waits for the job that runs."""
        self.stop = threading.Event()
        """Set: the job ends at its next step."""
        self._changed = threading.Condition()
        self._outcome = Outcome(state="running", job=id)

    @property
    def outcome(self) -> Outcome:
        """What it has come to so far."""
        return self._outcome

    def update(self, **changes: object) -> None:
        """Change fields of the outcome; whoever waits is woken."""
        with self._changed:
            self._outcome = replace(self._outcome, **changes)  # type: ignore[arg-type]
            self._changed.notify_all()

    def wait(self, seconds: float | None = None) -> Outcome:
        """The outcome once the job has ended, or the one so far when the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._outcome.state != "running", seconds)
            return self._outcome

    def cancel(self) -> None:
        """Ask the job to end at its next step. What it committed stays."""
        self.stop.set()

"""Keeps folders current by itself: what changes under the roots of those who want it is added when it is at rest.

One watcher serves a library. What it starts are jobs like those that are asked for, by the rules of adding. It looks
through all of the roots when somebody begins to follow them, and once an hour, for what no system tells.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mcp_mmretrieval.adding.folders import folder_concerned
from mcp_mmretrieval.adding.left_out import name_rule
from mcp_mmretrieval.adding.watching.noticing import (
    MOST_PAUSE_SECONDS,
    PAUSE_SECONDS,
    POLL_SECONDS,
    FolderListener,
    path_state,
)
from mcp_mmretrieval.adding.watching.settling import QUIET_SECONDS, SettlingPaths
from mcp_mmretrieval.jobs import AddRequest, Job
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.roots.mounts import may_change_unseen, mounted
from mcp_mmretrieval.roots.readable import ReadableFiles

logger = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 3_600.0
"""Seconds between two looks through all of the roots, for what the system did not tell."""
JOBS_AT_A_TIME = 3
"""Jobs for what changed that run at once: a film does not keep a letter waiting. More changes wait."""
MOST_PATHS = 1_000
"""Paths of one job; of more all that lies in the folder that holds them is looked at. Where so many change at once the
system may not have told all."""
CLOSE_SECONDS = 1.0

_MOUNTS_SECONDS = 5.0
_JOBS_SECONDS = 0.25
_HANGS_SECONDS = 10.0
_SHORTEST_SECONDS = 0.02

Start = Callable[[AddRequest, Roots], Job]
ListFolders = Callable[[Roots, str], Iterable[str]]


@dataclass(eq=False, slots=True)
class Following:
    """Somebody who wants the folders current, until it is left."""

    roots: Roots
    _leave: Callable[[Following], None]

    def close(self) -> None:
        """Want it no more. May be called again."""
        self._leave(self)


@dataclass(slots=True)
class _Look:
    """How it stands with looking through all of somebody's roots."""

    roots: Roots
    due: float
    """When to look next, by the clock."""
    pause: float = PAUSE_SECONDS
    job: Job | None = None
    looked: float = 0.0
    """When the last look ended, in seconds since 1970; 0 for none."""


@dataclass(slots=True)
class _Asked:
    """What was said to the thread, and not heard yet."""

    paths: set[str] = field(default_factory=set)
    followed: bool = False
    """Whether somebody came or went."""


class FolderWatcher:
    """Keeps current what is followed. Thread-safe; its thread is there once somebody follows."""

    def __init__(
        self,
        start: Start,
        ended: Callable[[Job], None],
        files: Callable[[Roots], ReadableFiles],
        folders: ListFolders,
        *,
        expect: Callable[[], object] = lambda: None,
        quiet: float = QUIET_SECONDS,
    ) -> None:
        """`start` starts a job, `ended` hears of its end; `files` says what is never read, `folders` what a walk of a
        root comes to. `expect` is called, in a thread of its own, when a file begins to change: there will be something
        to read. `quiet`: seconds until what changed is at rest.
        """
        self._start = start
        self._job_ended = ended
        self._files = files
        self._list_folders = folders
        self._expect = expect
        self._poll = POLL_SECONDS * quiet / QUIET_SECONDS
        self._settling = SettlingPaths(path_state, quiet)
        self._changed = threading.Condition()
        self._asked = _Asked()
        self._following: list[Following] = []
        self._closing = False
        self._thread: threading.Thread | None = None
        self._listeners: dict[str, FolderListener] = {}
        self._readable: dict[tuple[str, ...], ReadableFiles] = {}
        """What those who follow may read, by their roots."""
        self._looks: dict[tuple[str, ...], _Look] = {}
        self._running: list[Job] = []
        self._mounts: Mapping[str, str] = {}
        self._mounts_due = 0.0
        self._problem = ""

    # -- from any thread ----------------------------------------------------------------------------------------------

    def follow(self, roots: Roots) -> Following:
        """Keep these folders current until the answer is closed."""
        following = Following(roots, self._leave)
        with self._changed:
            self._following.append(following)
            self._asked.followed = True
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return following

    def _leave(self, following: Following) -> None:
        with self._changed:
            if following in self._following:
                self._following.remove(following)
                self._asked.followed = True
                self._changed.notify_all()

    def waits(self, path: str) -> bool:
        """Whether a file is being written, as far as is known."""
        return path in self._settling

    def close(self) -> None:
        """Watch nothing any more. Jobs go on until the library ends them."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)

    def told(self, roots: Roots) -> str:
        """What of the roots is watched and how, what is not, and when all was looked through."""
        listeners = list(self._listeners.values())
        told = {
            folder: "; ".join(
                (one.how if _within(folder, one.root) else f"{one.root} {one.how}")
                for one in listeners
                if _within(folder, one.root) or _within(one.root, folder)
            )
            for folder in roots.folders
        }
        if not any(told.values()):
            return "off; serve with --watch to have what changes under the allowed folders added by itself"
        lines = [f"{folder}: {how or 'not watched'}" for folder, how in told.items()]
        looked = [look.looked for look in list(self._looks.values()) if look.looked and _all_within(roots, look.roots)]
        last = f"looked through at {time.strftime('%H:%M:%S', time.localtime(max(looked)))}" if looked else "looking"
        return "; ".join([*lines, last])

    def problems(self, roots: Roots) -> list[str]:
        """What is wrong with watching these roots, each with the next step."""
        found = [
            one.problem
            for one in list(self._listeners.values())
            if roots.covers(one.root) or any(_within(folder, one.root) for folder in roots.folders)
        ]
        return [problem for problem in [*found, self._problem] if problem]

    # -- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        pause = PAUSE_SECONDS
        while not self._closing:
            try:
                self._turn()
                pause = PAUSE_SECONDS
            except Exception as error:  # watching goes on, whatever it was
                logger.exception("watching failed; it goes on in %.0f s", pause)
                self._problem = f"Watching the folders failed ({error}); the log has the details. It is tried again."
                for look in self._looks.values():  # what was heard may be forgotten
                    look.due = min(look.due, time.monotonic() + pause)
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, pause)
                pause = min(2 * pause, MOST_PAUSE_SECONDS)
        for listener in self._listeners.values():
            listener.close()
        until = time.monotonic() + CLOSE_SECONDS / 2
        for listener in self._listeners.values():
            listener.join(max(0.0, until - time.monotonic()))

    def _turn(self) -> None:
        """Wait for something to do, and do it."""
        with self._changed:
            self._changed.wait_for(self._is_asked, self._seconds())
            asked, self._asked = self._asked, _Asked()
            following = [one.roots for one in self._following]
        if self._closing:
            return
        now = time.monotonic()
        if asked.followed:
            self._follow_only({roots.folders: roots for roots in following}, now)
        if asked.followed or (self._listeners and now > self._mounts_due):
            self._mounts_due = now + _MOUNTS_SECONDS
            self._listen_where_needed()
        for path in filter(None, map(self._counting, asked.paths)):
            if not len(self._settling) and os.path.isfile(path):  # noqa: PTH113
                threading.Thread(target=self._expect, name="expect", daemon=True).start()
            self._settling.note(path, now)
        self._hear_of_jobs(now)
        if len(self._running) < JOBS_AT_A_TIME:
            self._add(self._settling.take(now), now)
        for look in self._looks.values():
            if look.job is None and now > look.due and self._listens(now - look.due):
                look.job = self._started(look.roots, (), now)

    def _listens(self, waited: float) -> bool:
        """Whether nothing is missed that changes while all is looked through; a drive that hangs is not waited for."""
        return waited > _HANGS_SECONDS or all(one.began.is_set() for one in self._listeners.values())

    def _is_asked(self) -> bool:
        return self._closing or self._asked.followed or bool(self._asked.paths)

    def _seconds(self) -> float | None:
        """Until there may be something to do though nobody says so; None: never."""
        if self._running or any(look.job for look in self._looks.values()):
            return _JOBS_SECONDS
        dues = [look.due for look in self._looks.values()]
        if (settled := self._settling.due()) is not None:
            dues.append(settled)
        if self._listeners:
            dues.append(self._mounts_due)
        return max(_SHORTEST_SECONDS, min(dues) - time.monotonic()) if dues else None

    def _follow_only(self, followed: Mapping[tuple[str, ...], Roots], now: float) -> None:
        for key in self._looks.keys() - followed.keys():
            del self._looks[key]
        for key, roots in followed.items():
            if key not in self._looks:
                self._looks[key] = _Look(roots, due=now)
        self._readable = {key: self._files(roots) for key, roots in followed.items()}

    def _listen_where_needed(self) -> None:
        """One listener for each outermost root, and for each drive below of which the system tells nothing."""
        mounts = mounted()
        roots = {folder for key in self._looks for folder in key}
        outermost = {root for root in roots if not any(other != root and _within(root, other) for other in roots)}
        far = {
            point
            for point in mounts
            if point not in outermost and self._counting(point) and may_change_unseen(point, mounts)
        }
        for root in self._listeners.keys() - (outermost | far):
            self._listeners.pop(root).close()
        for root in sorted((outermost | far) - self._listeners.keys()):
            self._listeners[root] = FolderListener(root, self._folders_below(root), self._hear, self._poll)
            self._listeners[root].start()
        if self._mounts and {*self._mounts} != {*mounts}:
            drives = {*self._mounts} ^ {*mounts}
            self._hear([root for root in outermost if any(_within(drive, root) for drive in drives)])
        self._mounts = mounts

    def _folders_below(self, root: str) -> Callable[[], Iterable[str]]:
        """Lists what a listener listens to: what another one does not."""

        def listed() -> Iterable[str]:
            others = [other for other in list(self._listeners) if other != root and _within(other, root)]
            for folder in self._list_folders(Roots([root]), root):
                if not any(_within(folder, other) for other in others):
                    yield folder

        return listed

    def _hear(self, paths: Collection[str]) -> None:
        """By a listener: these changed."""
        if paths:
            with self._changed:
                self._asked.paths.update(paths)
                self._changed.notify_all()

    def _counting(self, path: str) -> str:
        """What to look at when a path changed: of an ignore file its folder; empty for what no walk comes to."""
        path = folder_concerned(path) or path
        return path if any(_may_count(path, readable) for readable in self._readable.values()) else ""

    def _add(self, paths: Sequence[str], now: float) -> None:
        """Have what is at rest added, for each of those who may read it."""
        for look in self._looks.values():
            if mine := [path for path in paths if look.roots.covers(path)]:
                job = self._started(look.roots, _joined(mine, look.roots), now)
                if job is not None:
                    self._running.append(job)

    def _started(self, roots: Roots, paths: Sequence[str], now: float) -> Job | None:
        """A job for paths, or for all of the roots. Where none can be started, all is looked at later."""
        try:
            return self._start(AddRequest(roots=roots.folders, paths=tuple(paths), watched=True), roots)
        except Exception as error:  # what changed must not be forgotten
            logger.exception("what changed is not added yet")
            self._failed(self._looks[roots.folders], str(error), now)
            return None

    def _hear_of_jobs(self, now: float) -> None:
        for look in self._looks.values():
            if (job := look.job) is not None and not job.running:
                look.job, look.due = None, now + LOOK_AGAIN_SECONDS
                if self._has_ended(job, now):
                    look.looked, look.pause, self._problem = time.time(), PAUSE_SECONDS, ""
        for job in [job for job in self._running if not job.running]:
            self._running.remove(job)
            self._has_ended(job, now)

    def _has_ended(self, job: Job, now: float) -> bool:
        """Whether it came to its end; one that failed is followed by a look at all."""
        outcome = job.outcome
        self._job_ended(job)
        if outcome.state == "failed" and job.asked is not None and (look := self._looks.get(job.asked.roots)):
            self._failed(look, outcome.error, now)
        return outcome.state == "done"

    def _failed(self, look: _Look, error: str, now: float) -> None:
        self._problem = f"What changed could not be added: {error} It is tried again in {look.pause:.0f} s."
        look.due = now + look.pause
        look.pause = min(2 * look.pause, MOST_PAUSE_SECONDS)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _all_within(roots: Roots, others: Roots) -> bool:
    """Whether each of the roots lies within the others."""
    return all(map(others.covers, roots.folders))


def _may_count(path: str, files: ReadableFiles) -> bool:
    """Whether a path lies under the roots and no rule about names and places leaves it out."""
    if not files.roots.covers(path) or files.never(path, is_folder=False):
        return False
    *folders, name = path.removeprefix(files.roots.root_of(path)).strip("/").split("/")
    return not (any(name_rule(part, is_folder=True) for part in folders) or (name and name_rule(name, is_folder=False)))


def _joined(paths: Iterable[str], roots: Roots) -> list[str]:
    """The paths without those that lie in another one; of very many the folder that holds them."""
    outermost: list[str] = []
    for path in sorted(paths, key=lambda path: path.split("/")):
        if not outermost or not _within(path, outermost[-1]):
            outermost.append(path)
    if len(outermost) <= MOST_PATHS:
        return outermost
    by_root: dict[str, list[str]] = {}
    for path in outermost:
        by_root.setdefault(roots.root_of(path), []).append(path)
    return [os.path.commonpath(below) if len(below) > 1 else below[0] for below in by_root.values()]

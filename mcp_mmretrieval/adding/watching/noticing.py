"""What changes in folders, as the system tells it, or by looking again and again where it does not.

watchfiles is given each folder by itself, not a tree: so no watch is spent on folders that no walk comes to, and its
constructor, which keeps Python's lock, looks at no file. Told to pass over folders that may not be read, it would pass
over the limit of watches in silence as well, so it is not. For the same lock, and for names that are no UTF-8, looking
again and again is done here.
"""

# ruff: noqa: PTH112, PTH116
# pathlib tidies paths; here every byte of a path counts

from __future__ import annotations

import logging
import math
import os
import stat
import sys
import threading
import time
from collections.abc import Callable, Collection, Generator, Hashable, Iterable

import watchfiles

from mcp_mmretrieval.adding.folders import folder_concerned
from mcp_mmretrieval.roots.mounts import may_change_unseen

logger = logging.getLogger(__name__)
logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it would log each change

POLL_SECONDS = 3.0
"""Seconds between two looks at folders of which the system tells nothing."""
SPARE_POLL_SECONDS = 30.0
"""The same where it would tell, but has reached a limit."""
POLL_SHARE = 20
"""A look that takes long makes the next one wait this many times as long."""
MOST_POLL_SECONDS = 600.0
PAUSE_SECONDS, MOST_PAUSE_SECONDS = 1.0, 300.0
"""Seconds until it is tried again after a failure, at first and at most."""

_STEP_MS, _GATHER_MS, _TURN_MS = 100, 400, 250
"""Milliseconds between two looks at what the system told; for which what it tells is gathered; without anything."""
LOOK_AT_ROOT_SECONDS = 2.0
"""Seconds between two looks whether the folder that is listened to is still the same."""
TRY_AGAIN_SECONDS = 3_600.0
"""Seconds until it is looked whether a limit is still reached."""
_RELIST_SECONDS, _RELIST_SHARE = 0.3, 10
"""Seconds between two lists of the folders, and the share of the time that listing may take."""

Tell = Callable[[Collection[str]], None]
Snapshot = dict[str, Hashable]


class FolderListener:
    """Tells what changes below one folder, from a thread of its own, until it is closed. What fails is tried again."""

    def __init__(
        self, root: str, folders: Callable[[], Iterable[str]], tell: Tell, poll_seconds: float = POLL_SECONDS
    ) -> None:
        """`folders`: lists, anew each time, what to listen to. `tell`: gets absolute paths; the root itself where
        anything below it may have changed.
        """
        self.root = root
        self._folders = folders
        self._tell = tell
        self._poll_seconds = poll_seconds
        self._closing = threading.Event()
        self._missed = False
        """Whether anything may have changed while nothing was listened to."""
        self._thread = threading.Thread(target=self._run, name="listen", daemon=True)
        self.began = threading.Event()
        """Set: what changes from now on is noticed, or there is nothing to listen to."""
        self.how = "not watched yet"
        """How it is noticed what changes, in words."""
        self.problem = ""
        """What is wrong, with what to do."""

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._closing.set()

    def join(self, seconds: float) -> None:
        """Wait for the thread after `close`; one that waits for a drive that fails is left behind."""
        self._thread.join(seconds)

    def _run(self) -> None:
        pause = PAUSE_SECONDS
        while not self._closing.is_set():
            began = time.monotonic()
            try:
                self._listen()
            except FileNotFoundError:  # a folder went between listing it and listening to it
                self._closing.wait(_RELIST_SECONDS)
            except Exception as error:  # noqa: BLE001  whatever it is, it is told and tried again
                self.problem = _what_failed(self.root, error)
                logger.warning("%s", self.problem)
                self.began.set()
                pause = PAUSE_SECONDS if time.monotonic() > began + MOST_PAUSE_SECONDS else pause
                self._closing.wait(pause)
                pause = min(2 * pause, MOST_PAUSE_SECONDS)
            self._missed = True

    def _begun(self) -> None:
        """From now on nothing is missed; what was missed before is made up for."""
        self.began.set()
        if self._missed:
            self._missed = False
            self._tell([self.root])

    def _listen(self) -> None:
        """Listen until it is closed, or something else lies at the root than before."""
        lies = _identity(self.root)
        if lies is None:
            self.how = "not there; watched again once it is"
            self.began.set()
            while _identity(self.root) is None and not self._closing.wait(self._poll_seconds):
                pass
            return
        if may_change_unseen(self.root):
            self.how = f"looked through every {self._poll_seconds:g} s, since its changes are not told"
            self._look_on(self._poll_seconds, lies)
            return
        try:
            self._hear_on(lies)
        except (OSError, RuntimeError) as error:
            if not (limit := _limit_reached(error)):
                raise
            self.problem = f"{self.root}: {limit}"
            logger.warning("%s", self.problem)
            self.how = f"looked through every {SPARE_POLL_SECONDS:g} s, since the system watches no more folders"
            self._look_on(SPARE_POLL_SECONDS, lies, TRY_AGAIN_SECONDS)

    def _hear_on(self, lies: Hashable) -> None:
        """Tell what the system tells."""
        looked = listed = time.monotonic()
        folders = self._listed()
        took = time.monotonic() - listed
        relist = renew = False
        changes = self._heard(folders)
        try:
            self._tell(next(changes, set()))
            self.how, self.problem = "watched", ""
            self._begun()
            while not self._closing.is_set():  # not `for`, as `changes` is renewed within
                if (paths := next(changes, None)) is None:
                    return
                if paths:
                    self._tell(paths)
                    renew = renew or not folders.isdisjoint(paths)  # it may be another folder of the same name
                    relist = relist or renew or any(_is_other_folder(path) for path in paths)
                now = time.monotonic()
                if now > looked + LOOK_AT_ROOT_SECONDS:
                    looked = now
                    if _identity(self.root) != lies:
                        return
                if relist and now > listed + max(_RELIST_SECONDS, _RELIST_SHARE * took):
                    relist, listed = False, now
                    fresh = self._listed()
                    took = time.monotonic() - now
                    if renew or fresh != folders:
                        later = self._heard(fresh)  # begun before the last one ends: nothing is missed between them
                        self._tell(next(later, set()) | next(changes, set()))
                        changes.close()
                        changes = later
                        self._tell(fresh - folders)  # what lies there came before anybody listened
                        folders, renew = fresh, False
        finally:
            changes.close()

    def _heard(self, folders: Collection[str]) -> Generator[set[str], None, None]:
        """What changed, each time that something did, and every `_TURN_MS` at least."""
        changes = watchfiles.watch(
            *sorted(folders),
            watch_filter=None,
            debounce=_GATHER_MS,
            step=_STEP_MS,
            stop_event=self._closing,
            rust_timeout=_TURN_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
            force_polling=False,
            recursive=sys.platform == "darwin",  # FSEvents takes few folders, and spends nothing on those below
            ignore_permission_denied=False,
        )
        for found in changes:
            yield {path for _, path in found}

    def _look_on(self, seconds: float, lies: Hashable, most_seconds: float = math.inf) -> None:
        """Look every so many seconds, and tell what differs from the last look; `most_seconds`: for how long."""
        until = time.monotonic() + most_seconds
        before: Snapshot | None = None
        while not self._closing.is_set() and time.monotonic() < until:
            began = time.monotonic()
            if _identity(self.root) != lies:
                return
            now = self._snapshot(before or {})
            if before is not None and now != before:
                changed = {path for path, state in now.items() if path not in before or before[path] != state}
                self._tell(changed | (before.keys() - now.keys()))
            before = now
            self._begun()
            took = time.monotonic() - began
            self._closing.wait(min(max(seconds, POLL_SHARE * took), max(seconds, MOST_POLL_SECONDS)))

    def _snapshot(self, before: Snapshot) -> Snapshot:
        """What lies below the root. A folder that cannot be read is as it was before."""
        found: Snapshot = {}
        for folder in self._folders():
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if self._closing.is_set():
                            return before
                        found[entry.path] = path_state(entry.path)
            except OSError:
                start = f"{folder}/"
                found |= {path: state for path, state in before.items() if path.startswith(start)}
        return found

    def _listed(self) -> set[str]:
        """The folders to listen to: those whose names are UTF-8, as watchfiles wants them."""
        listed, strange = set[str](), ""
        for folder in self._folders():
            if _is_utf8(folder):
                listed.add(folder)
            else:
                strange = strange or folder
        if strange:
            logger.warning("%r: changes in it are not seen at once, since its name is not UTF-8", strange)
        return {folder for folder in listed if os.access(folder, os.R_OK | os.X_OK)}


def path_state(path: str) -> Hashable:
    """Equal as long as nobody writes to a path; None where nothing lies. Asks the disk."""
    try:
        state = os.stat(path)
    except OSError:
        return None
    if stat.S_ISDIR(state.st_mode):
        return "folder"
    return state.st_size, state.st_mtime_ns, state.st_ino


def _identity(folder: str) -> Hashable:
    """Equal as long as the same folder lies there; None where none does."""
    try:
        state = os.stat(folder)
    except OSError:
        return None
    return (state.st_dev, state.st_ino) if stat.S_ISDIR(state.st_mode) else None


def _is_other_folder(path: str) -> bool:
    """Whether there may be more folders to listen to since a path changed, or fewer."""
    return os.path.isdir(path) or bool(folder_concerned(path))


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _limit_reached(error: Exception) -> str:
    """What to do about a limit of the system that was reached; empty for another error. watchfiles gives words only."""
    told = str(error)
    if "limit reached" in told or "os error 28" in told:
        limit, advice = "fs.inotify.max_user_watches", 1_048_576
    elif "os error 24" in told:
        limit, advice = "fs.inotify.max_user_instances", 1_024
    else:
        return ""
    return (
        f"the system watches no more folders ({limit} is reached), so changes here are found within "
        f"{SPARE_POLL_SECONDS:g} s only. Raise it: sudo sysctl {limit}={advice}; then start the client again."
    )


def _what_failed(root: str, error: Exception) -> str:
    if "decode path" in str(error):
        return (
            f"{root}: a file whose name is not UTF-8 changed, and such are not told; all of the folder is looked "
            "through instead. Rename it to have its changes seen at once."
        )
    return f"{root}: cannot be watched just now ({error}). It is tried again; until then, add what changed."

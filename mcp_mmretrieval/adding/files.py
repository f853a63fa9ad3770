"""Brings files into the library: found, hashed, held already or read, committed. One job's work."""

# ruff: noqa: PTH118, PTH119, PTH120
# pathlib tidies paths; here every byte of a path counts

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from mcp_mmretrieval.adding.absence import AbsenceJudge, Presence, device_of
from mcp_mmretrieval.adding.not_added import NotAddedFiles
from mcp_mmretrieval.adding.reading import FileText, FileToRead
from mcp_mmretrieval.adding.shared import SharedResources
from mcp_mmretrieval.adding.walk import FoundFile, NotedPath, RefusedPath, SkippedPath, WalkItem, walk, walk_changed
from mcp_mmretrieval.answers import Failure
from mcp_mmretrieval.concurrency.fair_share import FairSemaphore
from mcp_mmretrieval.concurrency.foreground import yield_to_foreground
from mcp_mmretrieval.concurrency.task_window import TaskWindow
from mcp_mmretrieval.errors import (
    BadArgument,
    Cancelled,
    FailureCode,
    LibraryUnavailable,
    NotAllowed,
    UnreadableMedia,
)
from mcp_mmretrieval.jobs import Job
from mcp_mmretrieval.media.source import MAX_SIDECARS
from mcp_mmretrieval.roots import OpenFile, real_path
from mcp_mmretrieval.roots.digest import document_digest
from mcp_mmretrieval.store import VANISHED_DAYS, Change, Document, File
from mcp_mmretrieval.targets import ConnectionView
from mcp_mmretrieval.types import Segment

logger = logging.getLogger(__name__)

PENDING_EVERY_SECONDS = 2.0
"""Seconds between two counts of what has no vectors yet: within some folders each walks through their files."""

MAX_NOTES = 20
"""Notes on files in one job's outcome."""

NOTES_OF_ONE = 3
"""Notes on one file in there."""

MORE_NOTES = "More was left out of some files: list_documents has the notes on each."

VANISHED_NOTE = (
    "{files} gone from the folder, and found no more. If that is a mistake, a person brings back what is gone with "
    "`mcp-mmretrieval restore` within {days} days."
)
EMPTY_NOTE = (
    "nothing is left here, though {files} held from here. They stay, since a drive that is not mounted looks so. If "
    "they are really gone, take them out with remove_documents."
)
AWAY_NOTE = (
    "{files} out of reach (this one is the first): their folder cannot be read, or lay on another drive. They stay. If "
    "they are really gone, take them out with remove_documents."
)

WAITING_COMMITS = 16
"""Files of a job that were read and wait for the disk, at most: the next commit takes all of them."""
MAX_WAITING_CHARACTERS = 100_000
"""Of the text of one that waits while others are read: a longer one keeps its turn, so that few are in memory."""

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


class DocumentAdder:
    """Adds for one connection: its roots bound what can be read."""

    def __init__(self, shared: SharedResources, view: ConnectionView, on_commit: Callable[[], None]) -> None:
        """`on_commit` is called after each document that was committed."""
        self._catalog = shared.catalog
        self._reader = shared.reader
        self._fair_share = shared.fair_share
        self._workers = shared.settings.workers
        self._view = view
        self._roots = view.roots
        self._readable = view.files
        self._library = shared.settings.library
        self._not_added = NotAddedFiles(shared.catalog, view.roots, self._library)
        self._on_commit = on_commit

    def files(self, job: Job, paths: Sequence[str], *, dry_run: bool = False) -> None:
        """Add files, folders and globs; without any: the roots. Raises Cancelled, LibraryUnavailable."""
        if not self._roots.folders:
            raise BadArgument("No folder is allowed, so nothing can be read. Start the server with --root FOLDER.")
        seen = _Seen(AbsenceJudge(self._roots))
        tally = _Tally(job, self._pending)
        self._walk(tally, walk(self._roots, paths, library=self._library), seen, dry_run=dry_run)
        self._take_out(tally, self._vanished(tally, paths, seen), paths, seen, dry_run=dry_run)

    def changed(self, job: Job, paths: Sequence[str], waits: Callable[[str], bool]) -> None:
        """Add what changed, by all rules, as adding the roots would; without any path: the roots.

        `paths`: absolute, of files and folders, there or not. `waits`: whether a file is being written, so that it is
        left alone for now. What lies there no more is taken out by the same rules: see `_vanished`. Raises Cancelled,
        LibraryUnavailable.
        """
        seen = _Seen(AbsenceJudge(self._roots), waits)
        tally = _Tally(job, self._pending)
        changed = walk_changed(self._roots, paths or self._roots.folders, library=self._library)
        self._walk(tally, changed, seen)
        whole = [path for path in paths if path in self._roots.folders] if paths else self._roots.folders
        gone = self._vanished(tally, whole, seen) if whole else set[str]()
        gone |= self._missed(tally, [path for path in paths if path not in whole], seen)
        self._take_out(tally, gone, paths, seen)

    def _walk(self, tally: _Tally, items: Iterable[WalkItem], seen: _Seen, *, dry_run: bool = False) -> None:
        """Add what is come to, once all of it is counted: who waits is told how many files there are."""
        with tally:
            files = list(self._found(tally, items, seen))
            tally.job.update(found=len(files))
            at_once = self._at_once(tally.job)
            tally.readers = FairSemaphore(at_once)
            with TaskWindow(at_once + WAITING_COMMITS if at_once > 1 else 1) as window:
                for file in files:
                    if tally.job.stop.is_set():
                        raise Cancelled("Stopped.")
                    tally.reads(file.path)
                    window.run(partial(self._try, tally, file, seen.absence, dry_run=dry_run))

    def _found(self, tally: _Tally, items: Iterable[WalkItem], seen: _Seen) -> Iterator[FoundFile]:
        """The files that count; what else is seen on the way is noted."""
        for item in items:
            if tally.job.stop.is_set():
                raise Cancelled("Stopped.")
            match item:
                case FoundFile() if not any(map(seen.waits, (item.path, *item.sidecars))):
                    seen.counted.add(item.path)
                    yield item
                case SkippedPath():
                    tally.skipped(item)
                    if item.since is not None:
                        seen.ignored[item.path] = item.since
                case RefusedPath():
                    tally.failed(item.path, item.code, item.reason)
                case NotedPath():
                    tally.noted(item.path, [item.note])

    def _at_once(self, job: Job) -> int:
        """Files that are read at a time; one where a file may have ended the last process, to find out which."""
        return 1 if job.attempts else self._workers

    def _take_out(
        self, tally: _Tally, gone: Collection[str], paths: Sequence[str], seen: _Seen, *, dry_run: bool = False
    ) -> None:
        """What vanished is kept for a while; what a person chose to leave out is not."""
        left_out = set(self._ignored(paths, seen.ignored, seen.counted)) - set(gone)
        if dry_run:
            tally.removed(len(gone) + len(left_out))
            return
        self._catalog.see_on(seen.absence.moved)
        if gone:
            tally.removed(self._catalog.vanish(gone).files)
            tally.told(VANISHED_NOTE.format(files=_counted(len(gone)), days=VANISHED_DAYS))
        if left_out:
            tally.removed(self._catalog.remove_files(left_out).files)
        tally.count_pending()

    def text(self, job: Job, text: str, title: str, *, dry_run: bool = False) -> None:
        """Add text that was given as such; the same text again is no work."""
        data = text.encode("utf-8", "replace")
        id = hashlib.sha256(data).hexdigest()
        tally = _Tally(job, self._pending)
        with self._fair_share.key_lock(id, job.stop):
            held = self._catalog.document(id)
            if held and held.inline and self._current_reading(held) and (held.title == title or not title):
                tally.changed("unchanged")
                return
            if dry_run:
                tally.changed("unchanged" if held and held.inline else "added")
                return
            with self._fair_share.turn(job.stop), tempfile.TemporaryFile() as file:
                file.write(data)
                file.flush()
                opened = OpenFile(fd=file.fileno(), path=f"/{title or 'text'}.md", size=len(data), mtime_ns=0)
                read = self._reader.read(FileToRead(opened, id), stop=job.stop)
            document = self._document(id, read, len(data), title=title, inline=True)
            tally.changed(self._catalog.commit_read(document, read.segments, text=text))
        self._on_commit()
        tally.count_pending()

    def still_unread(self, failures: Iterable[Failure]) -> list[Failure]:
        """Those whose file still stands where it failed, and is not held by now."""
        last = {failure.path: failure for failure in failures}
        there = (one for path, one in last.items() if os.path.exists(path))  # noqa: PTH110 - Path's own may raise
        return [one for one in there if self._catalog.file(one.path) is None]

    def not_added(self, seconds: float = 1.0, but: Collection[str] = ()) -> tuple[int, bool]:
        """Files under the roots that the library does not hold, and whether all were counted: see `NotAddedFiles`."""
        return self._not_added.count(seconds, but)

    def _pending(self) -> int:
        """Documents under the roots that only words find so far."""
        return self._catalog.active_counts(self._view.scope()).pending

    def _try(self, tally: _Tally, found: FoundFile, absence: AbsenceJudge, *, dry_run: bool) -> None:
        """One file; what is wrong with it becomes one line of the outcome."""
        try:
            tally.changed(self._preview(tally, found, absence) if dry_run else self._add(tally, found, absence))
        except NotAllowed as error:
            tally.failed(found.path, "not_found_or_not_allowed", str(error))
        except UnreadableMedia as error:
            tally.failed(found.path, error.code, str(error))
        except (Cancelled, LibraryUnavailable):
            raise
        except Exception:  # one file's trouble, even a bug of ours, never spoils the others
            logger.exception("%s: cannot be added", found.path)
            tally.failed(found.path, "internal", "An internal error; the log has the details.")

    def _preview(self, tally: _Tally, found: FoundFile, absence: AbsenceJudge) -> Change:
        """What adding would do; of a file that would be read the first place is decoded, to see whether it can be."""
        stop = tally.job.stop
        yield_to_foreground()
        with self._fair_share.turn(stop), self._opened(found) as (file, sidecars):
            known = self._catalog.file(file.path)
            if known is not None and self._current(known, file) and self._beside(known, file, sidecars, stop):
                absence.seen(known)
                return "unchanged"
            self._reader.probe(FileToRead(file, "", sidecars), stop)
        return "replaced" if known else "added"

    def _add(self, tally: _Tally, found: FoundFile, absence: AbsenceJudge) -> Change:
        """Once no other job is at this file, and when its turn to read has come."""
        stop = tally.job.stop
        with self._fair_share.key_lock(found.path, stop):
            with self._catalog.snapshot():
                if known := self._held_at(found):
                    absence.seen(known)
                    return "unchanged"
                if self._is_back(found):
                    return "attached"
            while True:
                yield_to_foreground()
                with ExitStack() as turn, self._opened(found) as (file, sidecars):
                    turn.enter_context(tally.readers.turn(stop))
                    turn.enter_context(self._fair_share.turn(stop))
                    id = document_digest(file, sidecars, stop=stop)
                    with self._fair_share.try_key_lock(id) as mine:
                        if mine:
                            left = [Path(path).name for path in found.sidecars[MAX_SIDECARS:]]
                            return self._take_in(tally, FileToRead(file, id, sidecars, left), absence, turn)
                self._fair_share.wait_for_key(id, stop)  # another job reads the same content, and then it is held

    def _held_at(self, found: FoundFile) -> File | None:
        """What was added from a path, if that, with what belongs to it, is what lies there."""
        with self._opened(found) as (file, sidecars):
            known = self._catalog.file(file.path)
            same = known is not None and self._current(known, file) and known.sidecars == _state_of(sidecars)
            return known if same else None

    def _is_back(self, found: FoundFile) -> bool:
        """Whether what lies at the path is what vanished from there before, and is held again."""
        if self._catalog.file(found.path) is not None:
            return False
        for kept in self._catalog.kept_files(found.path):
            with self._opened(found) as (file, sidecars):
                same = self._current(kept.file, file) and kept.file.sidecars == _state_of(sidecars)
            if same and kept.file.path == file.path and self._catalog.bring_back(kept):
                return True
        return False

    @contextmanager
    def _opened(self, found: FoundFile) -> Iterator[tuple[OpenFile, list[OpenFile]]]:
        """The file and what belongs to it."""
        with ExitStack() as stack:
            file = stack.enter_context(self._readable.open(found.path))
            yield file, [stack.enter_context(self._readable.open(path)) for path in found.sidecars[:MAX_SIDECARS]]

    def _take_in(self, tally: _Tally, source: FileToRead, absence: AbsenceJudge, turn: ExitStack) -> Change:
        """One more path of what is held, or else read and committed. The next file's `turn` comes before the commit."""
        file, id = source.file, source.document
        row = File(
            path=file.path,
            document=id,
            size=file.size,
            mtime_ns=file.mtime_ns,
            sidecars=_state_of(source.sidecars),
            device=device_of(file.path),
        )
        if self._held(id) and (change := self._catalog.attach(row, gone=self._gone(id, file.path, absence))):
            return change
        read = self._read(tally, source)
        document = self._document(id, read, file.size)
        if sum(len(segment.text) for segment in read.segments) <= MAX_WAITING_CHARACTERS:
            turn.close()
        change = self._catalog.commit_read(document, read.segments, file=row, figures=read.figures)
        tally.noted(file.path, read.notes)
        self._on_commit()
        return change

    def _read(self, tally: _Tally, source: FileToRead) -> FileText:
        id, reading = source.document, self._catalog.reading(self._reader.identity)
        staged = self._catalog.staged(id, reading)

        def stage(ordinal: int, segments: Sequence[Segment]) -> None:
            self._catalog.stage(id, reading, ordinal, segments)
            tally.job.got_on()

        tally.job.reads(source.file.path)
        read = self._reader.read(
            source,
            staged=[staged[ordinal] for ordinal in sorted(staged)],
            stage=stage,
            stop=tally.job.stop,
        )
        for one in (source.file, *source.sidecars):
            if not one.unchanged:
                raise UnreadableMedia("changed_while_read", f"{one.path}: changed while it was read. Add it again.")
        return read

    def _vanished(self, tally: _Tally, paths: Sequence[str], seen: _Seen) -> set[str]:
        """What lies no longer where it was added from. What is only out of reach stays, and is told.

        So stays all of a folder that was asked for, or of a root, in which nothing lies at all: a drive that is not
        mounted looks so.
        """
        vanished = set[str]()
        for folder in self._folders(paths):
            absent = self._absent(tally, folder, seen)
            gone, away = absent["gone"], absent["out of reach"]
            if gone and gone != [folder] and not any(path.startswith(f"{folder}/") for path in seen.counted):
                tally.told(f"{folder}: {EMPTY_NOTE.format(files=_counted(len(gone)))}")
            else:
                vanished |= set(gone)
            if away:
                tally.told(f"{away[0]}: {AWAY_NOTE.format(files=_counted(len(away)))}")
        return vanished

    def _missed(self, tally: _Tally, paths: Sequence[str], seen: _Seen) -> set[str]:
        """The same for what changed, of which nobody walked through the root: of that, too, something has to be left.

        What a drive or a root still holds is looked for in the catalog, nearest first.
        """
        vanished = set[str]()
        for path in sorted(map(_in_real_folder, paths)):
            if not self._rooted(path) or not self._catalog.holds_under(path):
                continue
            left = self._still_there(os.path.dirname(path), seen)
            absent = self._absent(tally, path, seen)
            if absent["gone"] and not left:
                root = self._roots.root_of(path)
                tally.told(f"{root}: {EMPTY_NOTE.format(files=_counted(len(absent['gone'])))}")
            else:
                vanished |= set(absent["gone"])
            if away := absent["out of reach"]:
                tally.told(f"{away[0]}: {AWAY_NOTE.format(files=_counted(len(away)))}")
        return vanished

    def _absent(self, tally: _Tally, folder: str, seen: _Seen) -> dict[Presence, list[str]]:
        """The held files of a folder, or the one at a path, that were not come to, by where they are."""
        absent: dict[Presence, list[str]] = {"gone": [], "out of reach": [], "there": []}
        for file in self._catalog.files_under(folder):
            if tally.job.stop.is_set():
                raise Cancelled("Stopped.")
            if file.path not in seen.counted:
                absent[seen.absence.judge(file)].append(file.path)
        return absent

    def _still_there(self, folder: str, seen: _Seen) -> bool:
        """Whether a file still lies in a folder or under its root; a held one is shown to the judge of absence."""
        if folder not in seen.left:
            below = f"{folder.rstrip('/')}/"
            seen.left[folder] = (
                any(path.startswith(below) for path in seen.counted)
                or any(map(seen.absence.lies_unchanged, self._catalog.files_under(folder)))
                or (folder not in self._roots.folders and self._still_there(os.path.dirname(folder), seen))
            )
        return seen.left[folder]

    def _ignored(self, paths: Sequence[str], ignored: Mapping[str, float], counted: Set[str]) -> Iterator[str]:
        """What was read before an ignore file came to leave it out.

        `ignored`: paths, and when the file that leaves each out was written. What was read after that was named
        outright, and stays; so do those of this walk (`counted`).
        """
        if not ignored:
            return
        for folder in self._folders(paths):
            for file in self._catalog.files_under(folder):
                written = None if file.path in counted else _since(file.path, ignored)
                document = None if written is None else self._catalog.document(file.document)
                if document is not None and written is not None and document.read_at < written:
                    yield file.path

    def _folders(self, paths: Sequence[str]) -> list[str]:
        named = [path for given in paths for path in self._roots.readings(given)] if paths else self._roots.folders
        return [path for path in named if self._rooted(path)]

    def _rooted(self, path: str) -> bool:
        """Whether it is under a root that is there: of others its absence says nothing."""
        return self._roots.covers(path) and self._roots.root_of(path) not in self._roots.missing

    def _current(self, known: File, file: OpenFile) -> bool:
        return (known.size, known.mtime_ns) == (file.size, file.mtime_ns) and self._held(known.document)

    def _beside(self, known: File, file: OpenFile, sidecars: Sequence[OpenFile], stop: threading.Event) -> bool:
        """Whether what belongs to a file is what it was added with."""
        return known.sidecars == _state_of(sidecars) or document_digest(file, sidecars, stop=stop) == known.document

    def _held(self, id: str) -> bool:
        """Whether a document is held, or kept since it vanished, as it would be read now."""
        with self._catalog.snapshot():
            document = self._catalog.document(id) or self._catalog.kept_document(id)
        return document is not None and not document.inline and self._current_reading(document)

    def _current_reading(self, document: Document) -> bool:
        """Whether it would be read as it was: by the same splitter, and where it matters the same OCR and speech."""
        return self._reader.current(document.modality, self._catalog.read_with(document.reading))

    def _gone(self, id: str, path: str, absence: AbsenceJudge) -> list[str]:
        """Paths of the same content, within this connection's reach, where nothing lies any more: it moved."""
        return [
            file.path
            for file in self._catalog.files_of_one(id)
            if file.path != path and self._rooted(file.path) and absence.judge(file) == "gone"
        ]

    def _document(self, id: str, read: FileText, size: int, *, title: str = "", inline: bool = False) -> Document:
        return Document(
            id=id,
            modality=read.modality,
            reading=self._catalog.reading(self._reader.of(read)),
            title=title or read.title,
            bytes=size,
            pages=read.pages,
            seconds=read.seconds,
            dated=read.dated,
            keywords=read.keywords,
            notes=tuple(read.notes),
            inline=inline,
        )


def _counted(files: int) -> str:
    return "1 file is" if files == 1 else f"{files} files are"


def _since(path: str, ignored: Mapping[str, float]) -> float | None:
    """When a path, or a folder above it, came to be ignored."""
    while path and path not in ignored:
        path = path.rpartition("/")[0]
    return ignored.get(path)


def _state_of(sidecars: Sequence[OpenFile]) -> str:
    """Names, sizes and times of what belongs to a file; empty for nothing."""
    states = [[Path(one.path).name, one.size, one.mtime_ns] for one in sidecars]
    return json.dumps(states) if states else ""


def _in_real_folder(path: str) -> str:
    """A path by where its folder really lies: itself it may be gone."""
    return os.path.join(real_path(os.path.dirname(path)), os.path.basename(path))


@dataclass(slots=True)
class _Seen:
    """What one walk has seen."""

    absence: AbsenceJudge
    waits: Callable[[str], bool] = lambda path: False
    """Whether a file is being written."""
    counted: set[str] = field(default_factory=set)
    """Files that lie there and count."""
    ignored: dict[str, float] = field(default_factory=dict)
    """Paths that an ignore file leaves out, and when it was written."""
    left: dict[str, bool] = field(default_factory=dict)
    """Folders, and whether anything is left in them or above."""


class _Tally:
    """Counts into a job's outcome. Any thread may."""

    def __init__(self, job: Job, pending: Callable[[], int]) -> None:
        self._lock = threading.RLock()
        self.job = job
        self.readers = FairSemaphore(1)
        """Turns of this job's files: it asks for no more turns at a time than there are, so others come in between."""
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
        self.job.update(current=path)
        if time.monotonic() > self._counted + PENDING_EVERY_SECONDS:
            self.count_pending()

    def count_pending(self) -> None:
        pending = self._pending()
        with self._lock:
            self.job.update(pending_vectors=pending, failed=tuple(self._failed))
            self._counted = time.monotonic()

    def skipped(self, left_out: SkippedPath) -> None:
        with self._lock:
            self._skipped[left_out.rule] += 1
            self.job.update(skipped=dict(self._skipped))
        if left_out.note:
            self.noted(left_out.path, [left_out.note])

    def failed(self, path: str, code: FailureCode, reason: str) -> None:
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
        with self._lock:
            self.job.update(removed=self.job.outcome.removed + files)

    def changed(self, change: Change) -> None:
        name = OUTCOME_FIELDS[change]
        with self._lock:
            self.job.update(**{name: getattr(self.job.outcome, name) + 1})
        if change != "unchanged" and not self.job.outcome.dry_run:
            self.job.got_on()

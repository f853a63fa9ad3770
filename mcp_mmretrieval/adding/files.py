"""Brings files into the library: found, hashed, held already or read, committed. One job's work."""

# pathlib tidies paths; here every byte of a path counts

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from mcp_mmretrieval.adding.absence import AbsenceJudge, device_of
from mcp_mmretrieval.adding.not_added import NotAddedFiles
from mcp_mmretrieval.adding.reading import FileText, FileToRead
from mcp_mmretrieval.adding.shared import SharedResources
from mcp_mmretrieval.adding.tally import JobTally
from mcp_mmretrieval.adding.vanishing import VanishedPaths, WalkRecord, counted_files
from mcp_mmretrieval.adding.walk import FoundFile, NotedPath, RefusedPath, SkippedPath, WalkItem, walk, walk_changed
from mcp_mmretrieval.answers import Failure
from mcp_mmretrieval.concurrency.fair_share import FairSemaphore
from mcp_mmretrieval.concurrency.foreground import yield_to_foreground
from mcp_mmretrieval.concurrency.task_window import TaskWindow
from mcp_mmretrieval.errors import (
    BadArgument,
    Cancelled,
    ClusterUnavailable,
    LibraryUnavailable,
    NotAllowed,
    UnreadableMedia,
)
from mcp_mmretrieval.jobs import Job
from mcp_mmretrieval.media.source import MAX_SIDECARS
from mcp_mmretrieval.roots import OpenFile
from mcp_mmretrieval.roots.digest import document_digest
from mcp_mmretrieval.store import VANISHED_DAYS, Change, Document, File
from mcp_mmretrieval.targets import ConnectionView
from mcp_mmretrieval.types import Segment

logger = logging.getLogger(__name__)

VANISHED_NOTE = (
    "{files} gone from the folder, and found no more. If that is a mistake, a person brings back what is gone with "
    "`mcp-mmretrieval restore` within {days} days."
)
WAITING_COMMITS = 16
"""Files of a job that were read and wait for the disk, at most: the next commit takes all of them."""
MAX_WAITING_CHARACTERS = 100_000
"""Of the text of one that waits while others are read: a longer one keeps its turn, so that few are in memory."""


class DocumentAdder:
    """Adds for one connection: its roots bound what can be read."""

    def __init__(self, shared: SharedResources, view: ConnectionView, on_commit: Callable[[], None]) -> None:
        """`on_commit` is called after each document that was committed."""
        self._catalog = shared.catalog
        self._reader = shared.reader
        self._bulk_reader = shared.bulk_reader
        self._fair_share = shared.fair_share
        self._view = view
        self._roots = view.roots
        self._readable = view.files
        self._library = shared.settings.library
        self._not_added = NotAddedFiles(shared.catalog, view.roots, self._library)
        self._vanishing = VanishedPaths(shared.catalog, view.roots)
        self._on_commit = on_commit

    def files(self, job: Job, paths: Sequence[str], *, dry_run: bool = False) -> None:
        """Add files, folders and globs; without any: the roots.

        Raises Cancelled, LibraryUnavailable, ClusterUnavailable.
        """
        if not self._roots.folders:
            raise BadArgument("No folder is allowed, so nothing can be read. Start the server with --root FOLDER.")
        seen = WalkRecord(AbsenceJudge(self._roots))
        tally = JobTally(job, self._pending)
        self._walk(tally, walk(self._roots, paths, library=self._library), seen, dry_run=dry_run)
        self._take_out(tally, self._vanishing.of_folders(tally, paths, seen), paths, seen, dry_run=dry_run)

    def changed(self, job: Job, paths: Sequence[str], waits: Callable[[str], bool]) -> None:
        """Add what changed, by all rules, as adding the roots would; without any path: the roots.

        `paths`: absolute, of files and folders, there or not. `waits`: whether a file is being written, so that it is
        left alone for now. What lies there no more is taken out by the same rules: see `VanishedPaths`. Raises
        Cancelled, LibraryUnavailable.
        """
        seen = WalkRecord(AbsenceJudge(self._roots), waits)
        tally = JobTally(job, self._pending)
        changed = walk_changed(self._roots, paths or self._roots.folders, library=self._library)
        self._walk(tally, changed, seen)
        whole = [path for path in paths if path in self._roots.folders] if paths else self._roots.folders
        gone = self._vanishing.of_folders(tally, whole, seen) if whole else set[str]()
        gone |= self._vanishing.of_changes(tally, [path for path in paths if path not in whole], seen)
        self._take_out(tally, gone, paths, seen)

    def _walk(self, tally: JobTally, items: Iterable[WalkItem], seen: WalkRecord, *, dry_run: bool = False) -> None:
        """Add what is come to, once all of it is counted: who waits is told how many files there are."""
        with tally:
            files = list(self._found(tally, items, seen))
            tally.job.update(found=len(files))
            at_once = self._bulk_reader.at_once(suspicious=tally.job.attempts > 0)
            readers = FairSemaphore(at_once)  # so many stand in line for a turn: other jobs' files come in between
            with TaskWindow(at_once + WAITING_COMMITS if at_once > 1 else 1) as window:
                for file in files:
                    if tally.job.stop.is_set():
                        raise Cancelled("Stopped.")
                    tally.reads(file.path)
                    window.run(partial(self._try, tally, file, seen, readers, dry_run=dry_run))

    def _found(self, tally: JobTally, items: Iterable[WalkItem], seen: WalkRecord) -> Iterator[FoundFile]:
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

    def _take_out(
        self, tally: JobTally, gone: Collection[str], paths: Sequence[str], seen: WalkRecord, *, dry_run: bool = False
    ) -> None:
        """What vanished is kept for a while; what a person chose to leave out is not."""
        left_out = set(self._vanishing.ignored(paths, seen)) - set(gone)
        if dry_run:
            tally.removed(len(gone) + len(left_out))
            return
        self._catalog.see_on(seen.absence.moved)
        if gone:
            tally.removed(self._catalog.vanish(gone).files)
            tally.told(VANISHED_NOTE.format(files=counted_files(len(gone)), days=VANISHED_DAYS))
        if left_out:
            tally.removed(self._catalog.remove_files(left_out).files)
        tally.count_pending()

    def text(self, job: Job, text: str, title: str, *, dry_run: bool = False) -> None:
        """Add text that was given as such; the same text again is no work."""
        data = text.encode("utf-8", "replace")
        id = hashlib.sha256(data).hexdigest()
        tally = JobTally(job, self._pending)
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

    def _try(
        self, tally: JobTally, found: FoundFile, seen: WalkRecord, readers: FairSemaphore, *, dry_run: bool
    ) -> None:
        """One file; what is wrong with it becomes one line of the outcome."""
        try:
            tally.changed(self._preview(tally, found, seen) if dry_run else self._add(tally, found, seen, readers))
        except NotAllowed as error:
            tally.failed(found.path, "not_found_or_not_allowed", str(error))
        except UnreadableMedia as error:
            tally.failed(found.path, error.code, str(error))
        except (Cancelled, ClusterUnavailable, LibraryUnavailable):
            raise
        except Exception:  # one file's trouble, even a bug of ours, never spoils the others
            logger.exception("%s: cannot be added", found.path)
            tally.failed(found.path, "internal", "An internal error; the log has the details.")

    def _preview(self, tally: JobTally, found: FoundFile, seen: WalkRecord) -> Change:
        """What adding would do; of a file that would be read the first place is decoded, to see whether it can be."""
        stop = tally.job.stop
        yield_to_foreground()
        with self._fair_share.turn(stop), self._opened(found) as (file, sidecars):
            known = self._catalog.file(file.path)
            if known is not None and self._current(known, file) and self._beside(known, file, sidecars, stop):
                seen.absence.seen(known)
                return "unchanged"
            self._reader.probe(FileToRead(file, "", sidecars), stop)
        return "replaced" if known else "added"

    def _add(self, tally: JobTally, found: FoundFile, seen: WalkRecord, readers: FairSemaphore) -> Change:
        """Once no other job is at this file, and when its turn to read has come."""
        stop = tally.job.stop
        with self._fair_share.key_lock(found.path, stop):
            with self._catalog.snapshot():
                if known := self._held_at(found):
                    seen.absence.seen(known)
                    return "unchanged"
                if self._is_back(found):
                    return "attached"
            while True:
                yield_to_foreground()
                with ExitStack() as turn, self._opened(found) as (file, sidecars):
                    turn.enter_context(readers.turn(stop))
                    turn.enter_context(self._fair_share.turn(stop))
                    id = document_digest(file, sidecars, stop=stop)
                    with self._fair_share.try_key_lock(id) as mine:
                        if mine:
                            left = [Path(path).name for path in found.sidecars[MAX_SIDECARS:]]
                            return self._take_in(tally, FileToRead(file, id, sidecars, left), seen.absence, turn)
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

    def _take_in(self, tally: JobTally, source: FileToRead, absence: AbsenceJudge, turn: ExitStack) -> Change:
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
        if self._held(id) and (
            change := self._catalog.attach(row, gone=self._vanishing.moved_from(id, file.path, absence))
        ):
            return change
        read = self._read(tally, source)
        document = self._document(id, read, file.size)
        if sum(len(segment.text) for segment in read.segments) <= MAX_WAITING_CHARACTERS:
            turn.close()
        change = self._catalog.commit_read(document, read.segments, file=row, figures=read.figures)
        tally.noted(file.path, read.notes)
        self._on_commit()
        return change

    def _read(self, tally: JobTally, source: FileToRead) -> FileText:
        id, reading = source.document, self._catalog.reading(self._reader.identity)
        staged = self._catalog.staged(id, reading)

        def stage(ordinal: int, segments: Sequence[Segment]) -> None:
            self._catalog.stage(id, reading, ordinal, segments)
            tally.job.got_on()

        tally.job.reads(source.file.path)
        read = self._bulk_reader.read(
            source,
            staged=[staged[ordinal] for ordinal in sorted(staged)],
            stage=stage,
            stop=tally.job.stop,
        )
        for one in (source.file, *source.sidecars):
            if not one.unchanged:
                raise UnreadableMedia("changed_while_read", f"{one.path}: changed while it was read. Add it again.")
        return read

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


def _state_of(sidecars: Sequence[OpenFile]) -> str:
    """Names, sizes and times of what belongs to a file; empty for nothing."""
    states = [[Path(one.path).name, one.size, one.mtime_ns] for one in sidecars]
    return json.dumps(states) if states else ""

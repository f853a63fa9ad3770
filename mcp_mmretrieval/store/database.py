"""One SQLite file, read by many threads and written by one at a time."""

from __future__ import annotations

import json
import queue
import sqlite3
import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal, TypeVar

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.store import catalog_file

AnswerT = TypeVar("AnswerT")

STOP_EVERY_STEPS = 100_000
"""Steps of SQLite's machine between two looks whether to go on: some milliseconds."""
FULL_READERS, OTHERS_CACHE_KB = 4, 2_048
"""Readers that remember `CACHE_KB`, and what the others do, each of which only helps when many read at once."""

Touched = Literal["contents", "vectors", "spaces", "bookkeeping"]
"""What a transaction changes at most.

contents     files, documents, segments and their words; vectors with them
vectors      what is embedded in which space
spaces       which spaces there are
bookkeeping  jobs, attempts, staged segments, how far the index is: nothing that can be found or counted
"""


@dataclass(order=True, slots=True)
class _Reader:
    """A connection that reads; the one with the lowest number is used first."""

    number: int
    connection: sqlite3.Connection = field(compare=False)


@dataclass(slots=True)
class _Snapshot:
    """The state of the file that a thread is reading."""

    connection: sqlite3.Connection
    versions: Counter[Touched]
    """As they were before it began: what is remembered under them may be newer, and is never older."""
    known: dict[object, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Wanted:
    """What one thread wants to be written with what others want."""

    work: Callable[[sqlite3.Connection], Any]
    answer: Any = None
    error: BaseException | None = None
    done: bool = False

    def do(self, writing: Callable[[], AbstractContextManager[sqlite3.Connection]]) -> None:
        try:
            with writing() as db:
                self.answer = self.work(db)
        except Exception as error:  # noqa: BLE001 - it belongs to the thread that wants this
            self.error = error


class _Thread(threading.local):
    snapshot: _Snapshot | None = None


class Database:
    """The catalog's file and its connections."""

    def __init__(self, path: Path, on_commit: Callable[[], None] = lambda: None) -> None:
        """Open the file, or make it; an older one is brought up to this version.

        `on_commit` is called after each commit but of bookkeeping, in the thread that committed. Raises
        LibraryUnavailable for a damaged, foreign or newer one, left as it is.
        """
        self.path = path
        self._versions: Counter[Touched] = Counter()
        self._here = _Thread()
        self._on_commit = on_commit
        self._write_lock = threading.RLock()
        self._idle: queue.PriorityQueue[_Reader] = queue.PriorityQueue()
        self._open = True
        self._readers = count()
        self._touched: set[Touched] = set()
        """By the transaction that is open."""
        self._wanted: deque[_Wanted] = deque()
        """What threads want to be written together."""
        self._durable = True
        """Whether the writer waits for the disk after each commit."""
        catalog_file.refuse_what_is_no_file(path)
        with catalog_file.explained(self.path):
            found = catalog_file.inspect_version(path) if path.exists() else catalog_file.make(path)
            self._writer = catalog_file.connect(path)
            try:
                catalog_file.migrate(self._writer, found)
            except BaseException:
                self._writer.close()
                raise

    def close(self) -> None:
        """Close all connections that are not in use; those that are, close themselves."""
        with self._write_lock:
            if not self._open:
                return
            self._open = False
            self._writer.close()
            self._close_idle()

    def _close_idle(self) -> None:
        while True:
            try:
                self._idle.get_nowait().connection.close()
            except queue.Empty:
                return

    @property
    def versions(self) -> Counter[Touched]:
        """Each grows with the commits of this process that touched it; while the thread reads, as before it began."""
        here = self._here.snapshot
        return here.versions if here else self._versions

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the file throughout: within another `reading` of the thread, the same."""
        if here := self._here.snapshot:
            yield here.connection
            return
        with catalog_file.explained(self.path):
            reader = self._borrow()
            connection = reader.connection
            self._here.snapshot = _Snapshot(connection, self._versions.copy())
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                self._here.snapshot = None
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                self._give_back(reader)

    def once(self, key: object, ask: Callable[[], AnswerT]) -> AnswerT:
        """What `ask` answers, asked once under `key` while the thread is `reading`."""
        here = self._here.snapshot
        if here is None:
            return ask()
        if key not in here.known:
            here.known[key] = ask()
        return here.known[key]  # type: ignore[no-any-return]

    @contextmanager
    def writing(self, touches: Touched = "contents", *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """A transaction: on disk when the block ends, undone when it raises.

        Not `durable`: a power cut may undo it, with all that was committed after it and is not durable either; the end
        of this process does not. For what costs only some work where it is lost. Within another one of this thread it
        is a part of that one: undone alone when it raises, on disk when that one ends.
        """
        with self._write_lock, catalog_file.explained(self.path):
            if not self._open:
                raise LibraryUnavailable(f"{self.path}: the library is closed. Start the server again.")
            if self._in_transaction():
                yield from self._part(touches)
                return
            self._touched = {touches}
            if durable is not self._durable:
                self._writer.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                self._durable = durable
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
            touched = self._touched
            self._versions.update(touched)
        if touched != {"bookkeeping"}:
            self._on_commit()

    def _in_transaction(self) -> bool:
        return self._writer.in_transaction

    def _part(self, touches: Touched) -> Iterator[sqlite3.Connection]:
        self._touched.add(touches)
        self._writer.execute("SAVEPOINT part")
        try:
            yield self._writer
        except BaseException:
            if self._writer.in_transaction:  # some errors have undone all of it
                self._writer.execute("ROLLBACK TO part")
                self._writer.execute("RELEASE part")
            raise
        self._writer.execute("RELEASE part")

    def write_together(self, work: Callable[[sqlite3.Connection], AnswerT]) -> AnswerT:
        """What `work` answers, in a transaction that touches contents: on disk when this returns, undone if it raises.

        What several threads want at the same time shares one transaction, and its wait for the disk: whoever comes
        first does the work of all. What raises undoes its own part alone.
        """
        mine = _Wanted(work)
        self._wanted.append(mine)
        with self._write_lock:
            if not mine.done:
                self._commit_wanted()
        if mine.error is not None:
            raise mine.error
        return mine.answer  # type: ignore[no-any-return]

    def _commit_wanted(self) -> None:
        """Do what all wait for."""
        batch = [self._wanted.popleft() for _ in range(len(self._wanted))]
        try:
            with self.writing():
                for one in batch:
                    one.do(self.writing)
                    if one.error is not None and not self._writer.in_transaction:
                        raise one.error  # it has undone all
        except BaseException as error:  # noqa: BLE001 - of the whole: each of those who wait is told
            for one in batch:
                one.error = one.error or error
        finally:
            for one in batch:
                one.done = True

    def checkpoint(self) -> bool:
        """Move what the log holds into the file and empty it, unless somebody reads just now; whether it came to that.

        Until then the log holds what was deleted, too.
        """
        with self._write_lock, catalog_file.explained(self.path):
            if not self._open:
                return False
            self._writer.execute("PRAGMA busy_timeout = 0")  # readers come before
            try:
                blocked, *_ = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                self._writer.execute(f"PRAGMA busy_timeout = {catalog_file.BUSY_SECONDS * 1000:.0f}")
            return not blocked

    def give_back_pages(self) -> bool:
        """Write a file anew that was made before free pages could be given back; whether it was one.

        Takes as much of the disk as the file once more, and all of the time. Nobody else may have it open.
        """
        with self._write_lock, catalog_file.explained(self.path):
            if scalar(self._writer, "PRAGMA auto_vacuum"):
                return False
            self._close_idle()
            self._writer.execute("PRAGMA auto_vacuum = INCREMENTAL")
            self._writer.execute("VACUUM")
            return True

    def quick_check(self, stop: Callable[[], bool]) -> str:
        """What is wrong with the file, in words; empty where nothing is, or `stop` said so. Reads all of it."""
        with self.reading() as db:
            db.set_progress_handler(stop, STOP_EVERY_STEPS)
            try:
                found = [line for (line,) in db.execute("PRAGMA quick_check(3)") if line != "ok"]
            except sqlite3.OperationalError as error:
                if catalog_file.primary_code(error) != sqlite3.SQLITE_INTERRUPT:
                    raise
                return ""
            finally:
                db.set_progress_handler(None, 0)
        return str(catalog_file.damaged(self.path, "; ".join(found))) if found else ""

    def _borrow(self) -> _Reader:
        if not self._open:
            raise LibraryUnavailable(f"{self.path}: the library is closed. Start the server again.")
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            number = next(self._readers)
            cache_kb = catalog_file.CACHE_KB if number < FULL_READERS else OTHERS_CACHE_KB
            return _Reader(number, catalog_file.connect(self.path, cache_kb=cache_kb))

    def _give_back(self, reader: _Reader) -> None:
        self._idle.put(reader)
        if not self._open:  # asked after the put: whoever closes meanwhile has seen it, or we do
            self._close_idle()


def scalar(db: sqlite3.Connection, sql: str, *values: object) -> Any:
    """The first column of the only row."""
    found = db.execute(sql, values).fetchone()
    return found[0] if found else None


def json_list(texts: Collection[str] | Collection[int]) -> str:
    """Texts or keys as a JSON list, for `json_each`; lone surrogates match nothing."""
    return json.dumps(list(texts))

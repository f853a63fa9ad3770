"""One SQLite file: opened without ever harming it, read by many threads, written by one at a time."""

from __future__ import annotations

import json
import os
import queue
import sqlite3
import threading
import urllib.parse
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal, TypeVar

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.store.schema import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION, TABLES_SQL, WORDS_MADE_ANEW
from mcp_mmretrieval.store.word_tables import write_all_words
from mcp_mmretrieval.store.write_ahead_log import sync_folder

AnswerT = TypeVar("AnswerT")

RESTORE_COMMAND = "`mcp-mmretrieval backup --restore FILE`"
"""How a backup is brought back, for messages."""
STOP_EVERY_STEPS = 100_000
"""Steps of SQLite's machine between two looks whether to go on: some milliseconds."""
BUSY_SECONDS = 30.0
"""How long to wait for another program (a backup, say) that holds the file."""

CACHE_KB = 16_384
"""Of the file that a connection remembers; the system remembers the rest."""
FULL_READERS, OTHERS_CACHE_KB = 4, 2_048
"""Readers that remember so much: those that are used first. Each of the others only helps when many read at once."""

Touched = Literal["contents", "vectors", "spaces", "bookkeeping"]
"""What a transaction changes at most.

contents     files, documents, segments and their words; vectors with them
vectors      what is embedded in which space
spaces       which spaces there are
bookkeeping  jobs, attempts, staged segments, how far the index is: nothing that can be found or counted
"""


def _primary(error: sqlite3.Error) -> int:
    """The primary result code (https://sqlite.org/rescode.html), without the extension in the upper bits."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


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
        self._refuse_what_is_no_file()
        with self._explained():
            found = self._inspect() if path.exists() else self._make()
            self._writer = self._connect()
            try:
                self._migrate(found)
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
        with self._explained():
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
        with self._write_lock, self._explained():
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
        with self._write_lock, self._explained():
            if not self._open:
                return False
            self._writer.execute("PRAGMA busy_timeout = 0")  # readers come before
            try:
                blocked, *_ = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                self._writer.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
            return not blocked

    def give_back_pages(self) -> bool:
        """Write a file anew that was made before free pages could be given back; whether it was one.

        Takes as much of the disk as the file once more, and all of the time. Nobody else may have it open.
        """
        with self._write_lock, self._explained():
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
                if _primary(error) != sqlite3.SQLITE_INTERRUPT:
                    raise
                return ""
            finally:
                db.set_progress_handler(None, 0)
        return str(self._damaged("; ".join(found))) if found else ""

    def _borrow(self) -> _Reader:
        if not self._open:
            raise LibraryUnavailable(f"{self.path}: the library is closed. Start the server again.")
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            number = next(self._readers)
            return _Reader(number, self._connect(cache_kb=CACHE_KB if number < FULL_READERS else OTHERS_CACHE_KB))

    def _give_back(self, reader: _Reader) -> None:
        self._idle.put(reader)
        if not self._open:  # asked after the put: whoever closes meanwhile has seen it, or we do
            self._close_idle()

    def _connect(self, mode: str = "rw", cache_kb: int = CACHE_KB) -> sqlite3.Connection:
        address = f"file:{urllib.parse.quote(os.fsencode(self.path))}?mode={mode}"
        connection = sqlite3.connect(
            address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA cache_size = -{cache_kb}")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("PRAGMA secure_delete = ON")  # what was removed is overwritten
            connection.execute("PRAGMA journal_size_limit = 67108864")
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self, version: int) -> None:
        """Run the steps from `version` to today's.

        Each step is one transaction with the number that it leads to, so a kill leaves one version or the next.
        """
        for number in range(version, SCHEMA_VERSION):
            try:
                self._writer.executescript(f"BEGIN IMMEDIATE; {MIGRATIONS[number]}")
                if number in WORDS_MADE_ANEW:
                    write_all_words(self._writer)
                self._writer.execute(f"PRAGMA user_version = {number + 1}")
                self._writer.execute("COMMIT")  # executescript would end the transaction before it began
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def _make(self) -> int:
        """Make the file beside its place and rename it: an empty or half-made file is never taken for a catalog."""
        new = Database.__new__(Database)
        new.path = self.path.with_name(self.path.name + ".new")
        new.path.unlink(missing_ok=True)
        connection = new._connect("rwc")
        try:
            connection.execute("PRAGMA page_size = 8192")  # reads all vectors in half the time that 4096 takes
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(
                f"BEGIN; {TABLES_SQL} PRAGMA application_id = {APPLICATION_ID}; "
                f"PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )
        finally:
            connection.close()
        new.path.rename(self.path)
        sync_folder(self.path.parent)
        return SCHEMA_VERSION

    def _inspect(self) -> int:
        """The version of the file, which is looked at without writing to it."""
        self._refuse_truncated()
        connection = self._connect("ro")
        try:
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        finally:
            connection.close()
        if application != APPLICATION_ID:
            raise LibraryUnavailable(f"{self.path}: not a catalog of mcp-mmretrieval. Choose another library folder.")
        if version > SCHEMA_VERSION:
            raise LibraryUnavailable(
                f"{self.path}: made by a newer mcp-mmretrieval (catalog version {version}, this one knows "
                f"{SCHEMA_VERSION}). Upgrade mcp-mmretrieval, or choose another library folder."
            )
        if not all(number in MIGRATIONS for number in range(version, SCHEMA_VERSION)):
            raise LibraryUnavailable(
                f"{self.path}: made before the first release (catalog version {version}, this one knows "
                f"{SCHEMA_VERSION}). Choose another library folder and add the files again."
            )
        return int(version)

    def _refuse_what_is_no_file(self) -> None:
        if os.path.lexists(self.path) and not self.path.is_file():
            what = "is a folder" if self.path.is_dir() else "leads to no file"
            raise LibraryUnavailable(
                f"{self.path}: {what}, where the catalog should be. Move it away and bring a backup back "
                f"({RESTORE_COMMAND}), or choose another library folder."
            )

    def _refuse_truncated(self) -> None:
        """Compare the file's size with the page count of its header (https://sqlite.org/fileformat.html#the_database_header)."""
        wal = self.path.with_name(self.path.name + "-wal")
        if wal.exists() and wal.stat().st_size:
            return  # a checkpoint may have been cut short; the log still has the pages
        with self.path.open("rb") as file:
            header = file.read(100)
        page = int.from_bytes(header[16:18], "big")
        pages = int.from_bytes(header[28:32], "big")
        if len(header) < 100 or self.path.stat().st_size < pages * (65536 if page == 1 else page):
            raise self._damaged("it is cut short")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say what an SQLite error means for the library. A mistake in our SQL stays what it is."""
        try:
            yield
        except sqlite3.Error as error:
            match _primary(error):
                case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
                    raise LibraryUnavailable(
                        f"{self.path.parent}: cannot be written ({error}). Nothing of this step was kept; searches go "
                        "on. Free some disk space and try again."
                    ) from error
                case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                    raise self._damaged(str(error)) from error
                case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
                    raise LibraryUnavailable(
                        f"{self.path}: cannot be opened for writing ({error}). Check its permissions and the disk."
                    ) from error
                case sqlite3.SQLITE_BUSY:
                    raise LibraryUnavailable(
                        f"{self.path}: another program holds the file. Try again when it is done."
                    ) from error
            raise

    def _damaged(self, how: str) -> LibraryUnavailable:
        return LibraryUnavailable(
            f"{self.path}: the catalog is damaged ({how}). It was left as it is. Bring a backup back with "
            f"{RESTORE_COMMAND}, which moves this one aside with what belongs to it. `mcp-mmretrieval check` says "
            "more. Without a backup, move the folder away and add the files again."
        )


def scalar(db: sqlite3.Connection, sql: str, *values: object) -> Any:
    """The first column of the only row."""
    found = db.execute(sql, values).fetchone()
    return found[0] if found else None


def json_list(texts: Collection[str] | Collection[int]) -> str:
    """Texts or keys as a JSON list, for `json_each`; lone surrogates match nothing."""
    return json.dumps(list(texts))

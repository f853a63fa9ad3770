"""The catalog's file: made, looked at before it is opened, brought up to this version, and what its errors mean."""

from __future__ import annotations

import os
import sqlite3
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.store.schema import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION, TABLES_SQL, WORDS_MADE_ANEW
from mcp_mmretrieval.store.word_tables import write_all_words
from mcp_mmretrieval.store.write_ahead_log import sync_folder

RESTORE_COMMAND = "`mcp-mmretrieval backup --restore FILE`"
"""How a backup is brought back, for messages."""
BUSY_SECONDS = 30.0
"""How long to wait for another program (a backup, say) that holds the file."""
CACHE_KB = 16_384
"""Of the file that a connection remembers; the system remembers the rest."""


def connect(path: Path, mode: str = "rw", cache_kb: int = CACHE_KB) -> sqlite3.Connection:
    """A connection to the file as all of them are set up; `mode` as SQLite's URIs have it, `cache_kb` of pages."""
    address = f"file:{urllib.parse.quote(os.fsencode(path))}?mode={mode}"
    connection = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
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


def refuse_what_is_no_file(path: Path) -> None:
    """Raises LibraryUnavailable where something else lies in the file's place."""
    if os.path.lexists(path) and not path.is_file():
        what = "is a folder" if path.is_dir() else "leads to no file"
        raise LibraryUnavailable(
            f"{path}: {what}, where the catalog should be. Move it away and bring a backup back "
            f"({RESTORE_COMMAND}), or choose another library folder."
        )


def inspect_version(path: Path) -> int:
    """The version of the file, which is looked at without writing to it.

    Raises LibraryUnavailable for a damaged, foreign or newer one, and for one that is too old.
    """
    _refuse_truncated(path)
    connection = connect(path, "ro")
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    finally:
        connection.close()
    if application != APPLICATION_ID:
        raise LibraryUnavailable(f"{path}: not a catalog of mcp-mmretrieval. Choose another library folder.")
    if version > SCHEMA_VERSION:
        raise LibraryUnavailable(
            f"{path}: made by a newer mcp-mmretrieval (catalog version {version}, this one knows "
            f"{SCHEMA_VERSION}). Upgrade mcp-mmretrieval, or choose another library folder."
        )
    if not all(number in MIGRATIONS for number in range(version, SCHEMA_VERSION)):
        raise LibraryUnavailable(
            f"{path}: made before the first release (catalog version {version}, this one knows "
            f"{SCHEMA_VERSION}). Choose another library folder and add the files again."
        )
    return int(version)


def make(path: Path) -> int:
    """Make the file beside its place and rename it: an empty or half-made file is never taken for a catalog.

    The version of what it holds.
    """
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    connection = connect(new, "rwc")
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
    new.rename(path)
    sync_folder(path.parent)
    return SCHEMA_VERSION


def migrate(writer: sqlite3.Connection, version: int) -> None:
    """Run the steps from `version` to today's.

    Each step is one transaction with the number that it leads to, so a kill leaves one version or the next.
    """
    for number in range(version, SCHEMA_VERSION):
        try:
            writer.executescript(f"BEGIN IMMEDIATE; {MIGRATIONS[number]}")
            if number in WORDS_MADE_ANEW:
                write_all_words(writer)
            writer.execute(f"PRAGMA user_version = {number + 1}")
            writer.execute("COMMIT")  # executescript would end the transaction before it began
        except BaseException:
            if writer.in_transaction:
                writer.execute("ROLLBACK")
            raise


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say what an SQLite error means for the library. A mistake in our SQL stays what it is."""
    try:
        yield
    except sqlite3.Error as error:
        match primary_code(error):
            case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
                raise LibraryUnavailable(
                    f"{path.parent}: cannot be written ({error}). Nothing of this step was kept; searches go "
                    "on. Free some disk space and try again."
                ) from error
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                raise damaged(path, str(error)) from error
            case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
                raise LibraryUnavailable(
                    f"{path}: cannot be opened for writing ({error}). Check its permissions and the disk."
                ) from error
            case sqlite3.SQLITE_BUSY:
                raise LibraryUnavailable(
                    f"{path}: another program holds the file. Try again when it is done."
                ) from error
        raise


def damaged(path: Path, how: str) -> LibraryUnavailable:
    """What to say of a file that cannot be what was written, and what to do."""
    return LibraryUnavailable(
        f"{path}: the catalog is damaged ({how}). It was left as it is. Bring a backup back with "
        f"{RESTORE_COMMAND}, which moves this one aside with what belongs to it. `mcp-mmretrieval check` says "
        "more. Without a backup, move the folder away and add the files again."
    )


def primary_code(error: sqlite3.Error) -> int:
    """The primary result code (https://sqlite.org/rescode.html), without the extension in the upper bits."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _refuse_truncated(path: Path) -> None:
    """Compare the file's size with the page count of its header (https://sqlite.org/fileformat.html#the_database_header)."""
    wal = path.with_name(path.name + "-wal")
    if wal.exists() and wal.stat().st_size:
        return  # a checkpoint may have been cut short; the log still has the pages
    with path.open("rb") as file:
        header = file.read(100)
    page = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    if len(header) < 100 or path.stat().st_size < pages * (65536 if page == 1 else page):
        raise damaged(path, "it is cut short")

"""Copies of a catalog, whole at one moment although it is written to; and how one takes the catalog's place."""

from __future__ import annotations

import os
import sqlite3
import urllib.parse
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mcp_mmretrieval.errors import BadArgument, LibraryUnavailable
from mcp_mmretrieval.store.chroma import remove_index
from mcp_mmretrieval.store.closing_mark import ClosingMark
from mcp_mmretrieval.store.lock import LibraryLock
from mcp_mmretrieval.store.recovery import CATALOG_NAME, INDEX_NAME
from mcp_mmretrieval.store.schema import APPLICATION_ID, SCHEMA_VERSION
from mcp_mmretrieval.store.write_ahead_log import PARTS, set_aside, set_foreign_parts_aside, sync_folder

BEFORE_RESTORE = ".before-restore-"
"""What the name of a catalog goes on with that a backup took the place of."""
PAGES_AT_ONCE = 4_096
"""Pages that are copied between two looks whether the person interrupts."""
BUSY_SECONDS_OF_A_COPY = 30.0
BELONGING = ("stamp", "claim")
"""Tables that say what belongs to this very file."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds."""

    path: Path
    documents: int
    segments: int
    vectors: int
    replaced: Path | None = None
    """Where the catalog lies now that was there before."""


def back_up(folder: Path, target: Path) -> Copied:
    """Copy the catalog of a library to the file `target`, and read the copy back. An engine may go on meanwhile.

    Raises BadArgument where `target` is there already or nothing can be made there, LibraryUnavailable where there is
    no catalog, it is damaged, or the copy does not equal it.
    """
    catalog = folder / CATALOG_NAME
    if not catalog.is_file():
        raise LibraryUnavailable(f"{folder}: holds no library. Name the one to back up with --library.")
    if os.path.lexists(target):
        raise BadArgument(f"{target}: is there already, and a backup replaces nothing. Name a new file.")
    with suppress(LibraryUnavailable), closing(LibraryLock(folder)):  # held: who holds it has looked after the log
        set_foreign_parts_aside(catalog)
    copied = _copy(catalog, target, "mode=rw")
    sync_folder(target.parent)
    return copied


def restore(backup: Path, folder: Path) -> Copied:
    """Put a copy of `backup` in the place of a library's catalog; that one is renamed, with what belongs to it.

    The index goes: it is made anew from the catalog. Raises BadArgument for a file that is no sound backup,
    LibraryUnavailable where a process has the library open.
    """
    if not backup.is_file():
        raise BadArgument(f"{backup}: there is no such file. Name a backup.")
    with closing(LibraryLock(folder)):
        catalog, new = folder / CATALOG_NAME, folder / f"{CATALOG_NAME}.restored"
        new.unlink(missing_ok=True)
        alone = not any(os.path.lexists(f"{backup}{part}") for part in PARTS)
        copied = _copy(backup, new, "mode=ro&immutable=1" if alone else "mode=rw")
        set_foreign_parts_aside(catalog)
        replaced = set_aside(catalog, ("", *PARTS), BEFORE_RESTORE)
        new.rename(catalog)
        sync_folder(folder)
        ClosingMark(folder / INDEX_NAME).take({})
        remove_index(folder / INDEX_NAME)
    return Copied(catalog, copied.documents, copied.segments, copied.vectors, replaced)


def _copy(source: Path, target: Path, how: str) -> Copied:
    """Copy a catalog, opened in this way, and compare the copy with it. `target` is there once it is sound."""
    half = target.with_name(target.name + ".new")
    try:
        half.unlink(missing_ok=True)
        os.close(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise BadArgument(f"{target}: cannot be made there ({error.strerror}). Name another place.") from error
    try:
        with _opened(source, how) as original:
            original.execute("BEGIN")  # counted and copied is one state of it
            _refuse_other_files(original, source)
            wanted = _counted(original)
            (vectors,) = original.execute("SELECT total(count) FROM vectors").fetchone()
            with closing(sqlite3.connect(half)) as copy:
                original.backup(copy, pages=PAGES_AT_ONCE)
        with _opened(half, "mode=rw") as copy:
            for each in BELONGING:  # no log in the world belongs to a copy, and no collection on a server
                copy.execute(f"DROP TABLE IF EXISTS {each}")
            if found := [line for (line,) in copy.execute("PRAGMA quick_check(3)") if line != "ok"]:
                raise LibraryUnavailable(f"{source}: is damaged ({'; '.join(found)}). Take an earlier backup.")
            if _counted(copy) != wanted:
                raise LibraryUnavailable(f"{target}: does not hold what {source} holds. Check the disk, and try again.")
        _sync(half)
        half.rename(target)
    except sqlite3.Error as error:
        raise LibraryUnavailable(f"{source}: cannot be copied to {target} ({error}). Nothing was changed.") from error
    finally:
        for part in ("", *PARTS):
            half.with_name(half.name + part).unlink(missing_ok=True)
    return Copied(target, wanted["documents"], wanted["segments"], int(vectors))


@contextmanager
def _opened(path: Path, how: str) -> Iterator[sqlite3.Connection]:
    """A connection to a database that is there."""
    address = f"file:{urllib.parse.quote(os.fsencode(path.absolute()))}?{how}"
    with closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS_OF_A_COPY, isolation_level=None)) as opened:
        yield opened


def _refuse_other_files(db: sqlite3.Connection, path: Path) -> None:
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise BadArgument(f"{path}: is no catalog of mcp-mmretrieval. Name a file that `mcp-mmretrieval backup` made.")
    if version > SCHEMA_VERSION:
        raise BadArgument(f"{path}: was made by a newer mcp-mmretrieval. Upgrade mcp-mmretrieval.")


def _counted(db: sqlite3.Connection) -> dict[str, int]:
    """How many rows each table has, those behind the full-text ones too."""
    sql = f"SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name NOT IN {BELONGING}"
    names = [name for (name,) in db.execute(sql).fetchall()]
    return {name: db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())

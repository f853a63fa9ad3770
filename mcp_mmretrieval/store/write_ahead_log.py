"""Whether the write-ahead log that lies beside a catalog is its own.

SQLite replays a left-over `-wal` into whatever file has the name (https://sqlite.org/howtocorrupt.html). After a kill
that ruins the backup that a person puts in the catalog's place. So each opening writes a random mark into the catalog's
file itself, and notes it in a small file beside it. A log is the catalog's own where the file bears a noted mark, and
where the catalog had not been closed in order: then it has none.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import sqlite3
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.store.schema import APPLICATION_ID

if TYPE_CHECKING:
    from mcp_mmretrieval.store.database import Database

logger = logging.getLogger(__name__)

PARTS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database, appended to its name."""
_ASIDE = ".aside-"


def unclean(catalog: Path) -> bool:
    """Whether the last process that had the catalog open did not close it: its log still holds something."""
    log = _beside(catalog, "-wal")
    return log.is_file() and log.stat().st_size > 0


def set_foreign_parts_aside(catalog: Path) -> None:
    """Rename what SQLite left beside another database of this name, or one that is gone. Deletes nothing.

    Before SQLite opens the catalog, and only by the holder of the library's lock.
    """
    if _has_parts(catalog) and not _has_own_parts(catalog):
        set_aside(catalog, PARTS)
    if (closed := _closing_mark(catalog)).exists():  # once what is foreign is aside, and before there is an own log
        closed.unlink()
        sync_folder(catalog.parent)


def note_closed(catalog: Path) -> None:
    """Say that the catalog was closed in order, if SQLite took its log away: what lies beside it later is not its own.

    Where the disk is full nothing is said.
    """
    if not _has_parts(catalog):
        with contextlib.suppress(OSError):
            _closing_mark(catalog).touch()


def set_aside(catalog: Path, parts: tuple[str, ...], name: str = _ASIDE) -> Path | None:
    """Rename parts of a catalog ("": the file itself), all with one new name before their ending.

    The name, without an ending; None where there was none of them.
    """
    there = [part for part in parts if os.path.lexists(_beside(catalog, part))]
    if not there:
        return None
    number = 1
    while any(os.path.lexists(f"{catalog}{name}{number}{part}") for part in ("", *PARTS)):
        number += 1
    aside = Path(f"{catalog}{name}{number}")
    for part in there:
        _beside(catalog, part).rename(_beside(aside, part))
    logger.warning("set aside as %s: %s", aside.name, ", ".join(catalog.name + part for part in there))
    return aside


def parts_set_aside(catalog: Path) -> list[Path]:
    """What `set_foreign_parts_aside` has renamed and nobody has taken away since."""
    return sorted(path for path in catalog.parent.iterdir() if path.name.startswith(catalog.name + _ASIDE))


def _has_parts(catalog: Path) -> bool:
    return any(os.path.lexists(_beside(catalog, part)) for part in PARTS)


def _has_own_parts(catalog: Path) -> bool:
    """Whether what lies beside belongs to the file, or nothing can be told: SQLite knows a log that is damaged."""
    if not catalog.is_file():
        return False
    if _closing_mark(catalog).exists():
        return not unclean(catalog)  # empty ones are those of whoever looks into the catalog just now
    mark, noted = _mark(catalog), _noted(catalog)
    return mark is None or noted is None or mark in noted


def was_stamped(catalog: Path) -> bool:
    """Whether there has been a catalog of this name."""
    return _stamp_file(catalog).exists()


def stamp(database: Database) -> None:
    """Mark the catalog's file anew, and note the mark beside it: what lies beside from now on is this file's.

    Where the disk is full the marks stay as they are, and are as good.
    """
    catalog, new = database.path, secrets.token_hex(16)
    with contextlib.suppress(OSError, LibraryUnavailable):
        # until the mark has reached the file itself, the one before it is as good
        _note(catalog, [_mark(catalog) or "", new])
        with database.writing("bookkeeping") as db:
            db.execute("CREATE TABLE IF NOT EXISTS stamp (only INTEGER PRIMARY KEY CHECK (only = 1), mark TEXT)")
            db.execute("INSERT OR REPLACE INTO stamp VALUES (1, ?)", (new,))
        if database.checkpoint():
            _note(catalog, [new])


def _mark(catalog: Path) -> str | None:
    """The mark in the file itself, whatever its log says; empty where it has none, None where that cannot be told."""
    address = f"file:{urllib.parse.quote(os.fsencode(catalog))}?mode=ro&immutable=1"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True)) as db:
            if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                return None
            if not db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'stamp'").fetchone():
                return ""
            found = db.execute("SELECT mark FROM stamp").fetchone()
            return str(found[0]) if found else ""
    except sqlite3.Error:
        return None


def _noted(catalog: Path) -> list[str] | None:
    """The marks that the file may bear; None where none were noted."""
    try:
        noted = json.loads(_stamp_file(catalog).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return noted if isinstance(noted, list) else None


def _note(catalog: Path, marks: list[str]) -> None:
    place = _stamp_file(catalog)
    new = place.with_name(place.name + ".new")
    with new.open("w", encoding="utf-8") as file:
        json.dump(marks, file)
        file.flush()
        os.fsync(file.fileno())
    new.rename(place)
    sync_folder(place.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on the disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _beside(catalog: Path, part: str) -> Path:
    return catalog.with_name(catalog.name + part)


def _closing_mark(catalog: Path) -> Path:
    return catalog.with_suffix(".closed")


def _stamp_file(catalog: Path) -> Path:
    return catalog.with_suffix(".stamp")

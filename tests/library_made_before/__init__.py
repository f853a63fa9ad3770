"""Libraries as an earlier commit left them, and what that commit answered from them: `make` made both.

`made.tar.xz` holds, as they lay under `MADE_AT`, three library folders, without their caches:

held    a library of files of all kinds in `media`, settled, with the jobs that led there
halved  one whose process was killed while two jobs read a recording and a scan in `long`
hub     one whose vectors are those of the model in `models/tiny`, of the files in `little`

`told.json` is what the library then said through its Python API. Everything here asks only the API and SQLite, and goes
on with the same words for the one who makes and the one who checks.
"""

import hashlib
import json
import os
import re
import sqlite3
import tarfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypedDict

from mcp_mmretrieval import Library

MADE_AT = "/srv/mmretrieval"
"""Where it was made; in what is kept it stands in each path, and `unpacked` puts another one there."""
ARCHIVE = Path(__file__).with_name("made.tar.xz")
TOLD = Path(__file__).with_name("told.json")
PATIENCE = 300.0

KEPT = {
    "readings": "id, identity",
    "spaces": "id, identity, dim, half, active, made_by, retired",
    "chosen": "profile, reason, chosen_at",
    "documents": "key, id, modality, reading, title, bytes, pages, seconds, notes, inline, segments, read_at",
    "inline_texts": "document, text",
    "files": "path, document, size, mtime_ns, added_at",
    "segments": 'key, document, ordinal, modality, page, start, "end", first, last',
    "texts": "segment, heading, text, frames",
    "vectors": "id, document, space, kind, count, places, vectors",
    "embedded": "document, space",
    "attempts": "document, space, count",
    "sqlite_sequence": "name, seq",  # grows with each row, also where what is made anew is the same
}
"""The tables that hold what was read and what was embedded. A row made anew has a new key or a new time."""

Rows = list[tuple[Any, ...]]


class Search(TypedDict, total=False):
    """The arguments of a search that is asked before and after; `like` is a path below the root."""

    query: str
    like: str
    lanes: Sequence[Any]


SEARCHES: dict[str, list[Search]] = {
    "held": [
        {"query": "impeller", "lanes": ("words",)},
        {"query": "who changed the rotor of the pump", "lanes": ("text",)},
        {"query": "a light tower by the sea", "lanes": ("picture",)},
        {"query": "how many boats were in the harbour"},
        {"query": "when is the wharf closed"},
        {"query": "where do I find the assembly point in an emergency"},
        {"query": "green valve"},
        {"like": "lighthouse.jpg"},
        {"query": "boat", "like": "report.pdf"},
    ],
    "hub": [{"query": "a red boat"}, {"query": "harbour", "lanes": ("text",)}, {"like": "red.png"}],
}


# -- what a library says -----------------------------------------------------------------------------------------------


def told(library: Library, name: str, root: Path) -> dict[str, Any]:
    """Documents, places and hits of a library, as JSON has them."""
    documents, total = library.documents(limit=200)
    said: dict[str, Any] = plain(
        {
            "total": total,
            "documents": {
                one.citation: [one.id, one.files, one.modality, one.title, one.segments, one.bytes, one.pages]
                for one in documents
            },
            "states": {one.citation: [one.modified, one.seconds, one.embedded, one.notes] for one in documents},
            "places": {one.citation: _looked(library, one.id) for one in documents},
            "searches": [_found(library, search, root) for search in SEARCHES[name]],
        }
    )
    return said


def history(library: Library) -> list[dict[str, Any]]:
    """All jobs, newest first."""
    return [plain(asdict(outcome)) for outcome in library.jobs()]


def _looked(library: Library, id: str) -> list[Any]:
    look = library.look(id, side=64)
    return [look.segment.id, look.citation, look.title, look.text, look.before, look.after, look.stale, look.note]


def _found(library: Library, search: Search, root: Path) -> list[list[Any]]:
    like = str(root / search["like"]) if "like" in search else None
    # never reranked: how far that gets is a matter of time
    answer = library.search(search.get("query", ""), like=like, lanes=search.get("lanes"), rerank=False)
    return [
        [hit.id, hit.citation, hit.title, hit.snippet, hit.lanes, hit.more_in_document, hit.segment.text, hit.score]
        for hit in answer.hits
    ]


def settle(library: Library) -> None:
    """Wait until everything has its vectors, the index has them too, and the models are loaded."""
    assert library.settle(PATIENCE)
    until = time.monotonic() + PATIENCE
    while not (library.ready and re.match(r"ready: (\d+) of \1 vectors|not needed", library.status().index)):
        assert time.monotonic() < until
        time.sleep(0.02)


def plain(value: Any) -> Any:
    """As JSON would bring it back."""
    return json.loads(json.dumps(value))


# -- what stands in it -------------------------------------------------------------------------------------------------


@contextmanager
def catalog(library: Path) -> Iterator[sqlite3.Connection]:
    """The database of a library folder, also while it is open."""
    with closing(sqlite3.connect(library / "catalog.db", timeout=60)) as db, db:
        yield db


def kept(library: Path) -> dict[str, Rows]:
    """Every row of what was read and embedded."""
    with catalog(library) as db:
        return {
            table: sorted(db.execute(f"SELECT {columns} FROM {table}"), key=repr) for table, columns in KEPT.items()
        }


def schema(library: Path) -> dict[tuple[str, str], list[str]]:
    """Kind and name of everything in the catalog's schema, and the columns of each table and index, in order."""
    with catalog(library) as db:
        found = db.execute("SELECT type, name FROM sqlite_schema ORDER BY type, name").fetchall()
        return {
            (kind, name): [row[0] for row in db.execute("SELECT name FROM pragma_table_xinfo(?)", (name,))]
            + [str(row[0]) for row in db.execute("SELECT name FROM pragma_index_xinfo(?)", (name,))]
            for kind, name in found
        }


def staged(library: Path) -> dict[str, list[str]]:
    """By document, the payloads of what was read of unfinished files, in order."""
    found: dict[str, list[str]] = {}
    with catalog(library) as db:
        for document, payload in db.execute("SELECT document, payload FROM staged ORDER BY document, ordinal"):
            found.setdefault(document, []).append(payload)
    return found


def key(asked: str) -> str:
    """By what a request is known again, of what is kept of it."""
    given = json.loads(asked)
    arguments = [given[name] for name in ("roots", "paths", "text", "title", "dry_run")]
    return hashlib.sha256(json.dumps(arguments).encode()).hexdigest()


# -- from there to here ------------------------------------------------------------------------------------------------


def unpacked(folder: Path) -> dict[str, Any]:
    """Put all of it into an empty folder, as if it had been made there just now. What was told, likewise, and what
    makes each library's spaces as it stood there, in `made_by`."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    said: dict[str, Any] = {"made_by": {}}
    said |= json.loads(TOLD.read_text(encoding="utf-8").replace(MADE_AT, str(folder)))
    for name in ("held", "halved", "hub"):
        with catalog(folder / name) as db:
            _relocate(db, str(folder))
            _renew(db, time.time() - said["made"])
            said["made_by"][name] = [made_by for (made_by,) in db.execute("SELECT made_by FROM spaces")]
    return said


def _relocate(db: sqlite3.Connection, folder: str) -> None:
    """Another path, wherever one stands."""
    for table, column in (("jobs", "asked"), ("jobs", "outcome"), ("spaces", "made_by"), ("chosen", "profile")):
        db.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (MADE_AT, folder))
    for table, column in (("files", "path"), ("jobs", "reading")):
        for (path,) in db.execute(f"SELECT {column} FROM {table}").fetchall():
            new = os.fsencode(os.fsdecode(path).replace(MADE_AT, folder))
            db.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (new, path))
    for id, asked in db.execute("SELECT id, asked FROM jobs WHERE state = 'running'").fetchall():
        db.execute("UPDATE jobs SET key = ? WHERE id = ?", (key(asked), id))


def _renew(db: sqlite3.Connection, seconds: float) -> None:
    """As if it were of today: jobs and what is staged are forgotten after some weeks."""
    db.execute("UPDATE jobs SET started = started + ?, ended = ended + ?", (seconds, seconds))
    db.execute("UPDATE staged SET staged_at = staged_at + ?", (seconds,))

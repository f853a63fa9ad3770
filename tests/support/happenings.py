"""A catalog to which all sorts of things happen at random, and what is asked of it, in the plainest SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from random import Random
from typing import Any

from mcp_mmretrieval.answers import Filters
from mcp_mmretrieval.store import Catalog, Document, File, Scope
from mcp_mmretrieval.types import Modality, Place, Segment
from tests.support.rows import DIM, READING, SPACE, embed, sha

FOLDERS = ("/r", "/r/one", "/r/one/deep", "/r-s", "/s")
MODALITIES: tuple[Modality, ...] = ("page", "text", "image")
WORDS = ["lighthouse", "dawn", "keeper", "storm", "harbour", "rope", "sail", "the", "of", "and"]

SCOPES = [
    Scope(roots, Filters(under=under, modality=modality, after=after, before=before))
    for roots in (None, (), ("/r",), ("/r/one", "/r-s"), ("/r", "/s/f1"), ("/r/one", "/r", "/r-s", "/s"))
    for under in (None, "/r/one")
    for modality in ((), ("text",), ("page", "image"))
    for after, before in ((None, None), (300.0, None), (200.0, 600.0))
]


class Happenings:
    """Random changes of one catalog; the same ones for the same seed."""

    def __init__(self, catalog: Catalog, seed: int) -> None:
        self._catalog = catalog
        self._random = Random(seed)
        self._reading = catalog.reading(READING)

    def happen(self, count: int) -> None:
        """So many changes."""
        for _ in range(count):
            sort = self._random.choices(
                [self._read, self._note, self._attach, self._embed, self._remove, self._forget, self._space],
                [40, 12, 10, 20, 8, 5, 3],
            )[0]
            sort()

    def _path(self) -> str:
        return f"{self._random.choice(FOLDERS)}/f{self._random.randrange(12)}"

    def _document(self, content: int, *, inline: bool = False) -> tuple[Document, list[Segment]]:
        random, id = self._random, sha(f"content {content}")
        modality = random.choice(MODALITIES)
        dated = float(random.randrange(0, 900, 100)) if random.random() < 0.3 else None
        title = random.choice(["", "Log", "Chart", "Ärger"])
        document = Document(
            id=id, modality=modality, reading=self._reading, title=title, dated=dated, bytes=content, inline=inline
        )
        segments = [
            Segment(
                document=id,
                modality=modality if random.random() < 0.9 else random.choice(MODALITIES),
                place=Place(page=page),
                text=" ".join(random.choices(WORDS, k=random.randrange(1, 9))),
            )
            for page in range(1, random.randrange(1, 5))
        ]
        return document, segments

    def _file(self, document: str) -> File:
        mtime = self._random.randrange(0, 900, 50)
        return File(path=self._path(), document=document, size=1, mtime_ns=mtime * 10**9)

    def _read(self) -> None:
        document, segments = self._document(self._random.randrange(40))
        self._catalog.commit_read(document, segments, file=self._file(document.id))

    def _note(self) -> None:
        document, segments = self._document(self._random.randrange(30, 50), inline=True)
        self._catalog.commit_read(document, segments, text="a note")

    def _attach(self) -> None:
        id = sha(f"content {self._random.randrange(50)}")
        gone = [file.path for file in self._catalog.files_of_one(id)][: self._random.randrange(2)]
        self._catalog.attach(self._file(id), gone=gone)

    def _embed(self) -> None:
        for space in self._catalog.spaces():
            for document in self._catalog.unembedded(space.id, limit=self._random.randrange(1, 4)):
                if self._random.random() < 0.1:
                    self._catalog.give_up(document, space.id, "never")
                elif self._catalog.segments_of(document):
                    embed(self._catalog, space.id, document, parts=self._random.randrange(1, 3))
                else:
                    self._catalog.commit_embedded(document, space.id, [])

    def _remove(self) -> None:
        self._catalog.remove_files([self._path() for _ in range(3)])

    def _forget(self) -> None:
        self._catalog.remove_texts([sha(f"content {self._random.randrange(30, 50)}") for _ in range(3)])

    def _space(self) -> None:
        spaces = self._catalog.spaces()
        self._catalog.space({**SPACE, "revision": str(self._random.randrange(3))}, dim=DIM)
        if len(spaces) > 1:
            spare = [space.id for space in spaces if not space.active]
            self._catalog.drop_space(self._random.choice(spare))


def rows_of(catalog: Catalog, sql: str, *values: object) -> list[Any]:
    """What a query of its own connection finds in the catalog's file."""
    with closing(sqlite3.connect(catalog.path)) as db:
        return db.execute(sql, values).fetchall()


def documents_within(catalog: Catalog, scope: Scope) -> Iterator[tuple[Any, ...]]:
    """Id, modality, own date, title, time of reading, segments, first path and its time of each document of a scope.

    By its definition, in Python; what belongs to the document's modality is left to whoever asks.
    """
    filters = scope.filters
    files = rows_of(catalog, "SELECT document, path, mtime_ns FROM files")
    sql = "SELECT key, id, modality, dated, title, read_at, segments, inline FROM documents"
    for key, id, modality, dated, title, read_at, segments, inline in rows_of(catalog, sql):
        seen = sorted(
            (path, mtime)
            for document, path, mtime in files
            if document == key
            and (scope.roots is None or any(_below(path, root) for root in scope.roots))
            and (filters.under is None or _below(path, filters.under))
        )
        dates = [dated if dated is not None else mtime / 1e9 for _, mtime in seen]
        if inline and filters.under is None:
            dates.append(dated if dated is not None else read_at)
        if any(
            (filters.after is None or date >= filters.after) and (filters.before is None or date < filters.before)
            for date in dates
        ):
            path, mtime = seen[0] if seen else (None, None)
            yield key, id, modality, dated, title, read_at, segments, path, mtime


def _below(path: bytes, folder: str) -> bool:
    return path == folder.encode() or path.startswith(folder.encode() + b"/")

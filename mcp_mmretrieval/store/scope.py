"""What a call may find: the folders of its connection and the filters of its search, as SQL conditions."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

from mcp_mmretrieval.answers import Filters

SqlValue = str | bytes | int | float


@dataclass(frozen=True, slots=True)
class Scope:
    """What a call may find: a document is visible if one of its files lies under a root and passes the filters.

    Inline texts have no path: they are visible under all roots, and pass `under` never. The date of a document is its
    own where it has one, else that of its file, or when an inline text was read. `modality` limits segments in
    searches, documents in listings.
    """

    roots: tuple[str, ...] | None = None
    """Absolute real folders (or files). None: everything. Empty: no file, only inline texts."""
    filters: Filters = field(default_factory=Filters)

    @property
    def rooted(self) -> Scope:
        """The same folders without the filters."""
        return Scope(self.roots)


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of SQL with its values. An empty one stands for "always"."""

    sql: str = ""
    values: tuple[SqlValue, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.sql)

    def __and__(self, other: Clause) -> Clause:
        return _joined(" AND ", [clause for clause in (self, other) if clause])

    @property
    def where(self) -> str:
        """As the whole condition of a query."""
        return f"WHERE {self.sql}" if self else ""

    @property
    def and_where(self) -> str:
        """As one more condition of a query."""
        return f"AND {self.sql}" if self else ""


NEVER_CLAUSE = Clause("0")


@dataclass(frozen=True, slots=True)
class ResolvedScope:
    """A scope resolved against the catalog: it has no condition where everything passes anyway."""

    folders: tuple[bytes, ...] | None
    """Files at or below one of these. None: all files."""
    inline: bool
    """Whether inline texts pass."""
    limited: bool
    """Whether some documents may not pass."""
    filters: Filters

    @property
    def everything(self) -> bool:
        """Whether each segment of the library passes."""
        return not self.limited and not self.filters.modality

    def holds(self, document: str) -> Clause:
        """A condition on a column of document keys, for checking one at a time."""
        if not self.limited:
            return Clause()
        date = self._within_dates("coalesce(o.dated * 1e9, f.mtime_ns)", 1e9)
        files = "files f JOIN documents o ON o.key = f.document" if date else "files f"
        file = self.files() & date
        kinds = [Clause(f"EXISTS (SELECT 1 FROM {files} WHERE f.document = {document} {file.and_where})", file.values)]
        if self.inline:
            read = Clause("i.inline") & self._within_dates("coalesce(i.dated, i.read_at)", 1)
            kinds.append(Clause(f"{document} IN (SELECT i.key FROM documents i WHERE {read.sql})", read.values))
        return self._named(document) & _any(kinds)

    def documents(self) -> Clause:
        """A query for the keys that pass (column `document`), some perhaps twice: for walking over few if `limited`."""
        if self.filters.document is not None:
            return _select("d.key AS document FROM documents d", self._named("d.key") & self.holds("d.key"))
        ranges = [Clause()] if self.folders is None else [each for folder in self.folders for each in _ranges(folder)]
        queries = [query for each in ranges for query in self._by_file(each)]
        if self.inline:
            read = Clause("i.inline") & self._within_dates("coalesce(i.dated, i.read_at)", 1)
            queries.append(_select("i.key AS document FROM documents i", read))
        return _joined(" UNION ALL ", queries or [_select("0 AS document", NEVER_CLAUSE)])

    def _by_file(self, folder: Clause) -> list[Clause]:
        """Queries for the documents with a file in a range of paths: by the time of the file, and by their own date."""
        changed, dated = self._within_dates("f.mtime_ns", 1e9), self._within_dates("o.dated", 1)
        if not changed:
            return [_select("f.document AS document FROM files f", folder)]
        undated = Clause("o.dated IS NULL") & folder & changed
        own = Clause("o.dated IS NOT NULL") & dated & folder
        return [
            _select("f.document AS document FROM files f CROSS JOIN documents o ON o.key = f.document", undated),
            _select("f.document AS document FROM documents o CROSS JOIN files f ON f.document = o.key", own),
        ]

    def modality(self, column: str) -> Clause:
        """A condition on a column of modalities."""
        wanted = self.filters.modality
        return Clause(f"{column} IN ({', '.join('?' * len(wanted))})", wanted) if wanted else Clause()

    @property
    def filtered(self) -> bool:
        """Whether more than its folders limits which documents pass."""
        filters = self.filters
        dated = filters.after is not None or filters.before is not None
        return dated or filters.document is not None or bool(filters.modality)

    @property
    def ranges(self) -> list[tuple[bytes, bytes | None]]:
        """The half-open ranges of paths that its folders are, in order; no end for all files."""
        if self.folders is None:
            return [(b"", None)]
        return [*sorted(each for folder in self.folders for each in _bounds(folder))]

    def files(self, name: str = "f") -> Clause:
        """A condition on files, by the name that a query gives them: those of its folders."""
        if self.folders is None:
            return Clause()
        return _any([each for folder in self.folders for each in _ranges(folder, name)])

    def names(self) -> Clause:
        """A condition on names `n`: titles, and names of files of its folders."""
        if not (files := self.files()):
            return files
        return Clause(
            f"(n.path IS NULL OR EXISTS (SELECT 1 FROM files f WHERE f.path = n.path {files.and_where}))", files.values
        )

    def _named(self, document: str) -> Clause:
        if self.filters.document is None:
            return Clause()
        return Clause(f"{document} = (SELECT key FROM documents WHERE id = ?)", (self.filters.document,))

    def _within_dates(self, column: str, unit: float) -> Clause:
        after, before = self.filters.after, self.filters.before
        late = Clause(f"{column} >= ?", (after * unit,)) if after is not None else Clause()
        early = Clause(f"{column} < ?", (before * unit,)) if before is not None else Clause()
        return late & early


def resolve_scope(connection: sqlite3.Connection, scope: Scope) -> ResolvedScope:
    """Find out what of the scope limits anything. Takes a few look-ups, whatever the size of the library."""
    # Most calls may see all that there is: one root, and all files below it. A condition that every document meets
    # would still be checked for each hit. So the folders are dropped where no file lies outside them, and that `under`
    # leaves out inline texts counts as a limit only where there are some.
    filters = scope.filters
    folders = _folders(scope.roots, filters.under)
    if folders is not None and not _any_outside(connection, folders):
        folders = None
    inline = filters.under is None
    if not inline:
        inline = connection.execute("SELECT 1 FROM documents WHERE inline LIMIT 1").fetchone() is None
    timed = filters.after is not None or filters.before is not None
    limited = folders is not None or not inline or timed or filters.document is not None
    return ResolvedScope(folders, inline and filters.under is None, limited, filters)


def path_ranges(folder: str) -> list[tuple[bytes, bytes]]:
    """Half-open ranges of paths: the file itself, and those below the folder; in order."""
    return _bounds(_bare(folder))


def _folders(roots: tuple[str, ...] | None, under: str | None) -> tuple[bytes, ...] | None:
    """Roots cut down to `under`, none inside another, in order of bytes."""
    if roots is None:
        return None if under is None else (_bare(under),)
    folders = {_bare(root) for root in roots}
    if under is not None:
        limit = _bare(under)
        folders = {
            limit if _inside(limit, each) else each for each in folders if _inside(limit, each) or _inside(each, limit)
        }
    return tuple(sorted(each for each in folders if not any(_inside(each, other) for other in folders - {each})))


def _bare(folder: str) -> bytes:
    """Without a slash at the end; the root of the file system is empty."""
    return os.fsencode(folder).rstrip(b"/")


def _inside(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder + b"/")


def _bounds(folder: bytes) -> list[tuple[bytes, bytes]]:
    """Half-open ranges of paths at and below a folder. `0` follows `/` in ASCII."""
    below = (folder + b"/", folder + b"0")
    return [(folder, folder + b"\0"), below] if folder else [below]


def _ranges(folder: bytes, files: str = "f") -> list[Clause]:
    return [Clause(f"{files}.path >= ? AND {files}.path < ?", bounds) for bounds in _bounds(folder)]


def _any_outside(connection: sqlite3.Connection, folders: tuple[bytes, ...]) -> bool:
    """Whether a file lies in a gap between the folders' ranges. One look-up a gap, by the order of the paths."""
    bounds = sorted(each for folder in folders for each in _bounds(folder))
    lows = [b"", *(high for _, high in bounds)]
    highs = [*(low for low, _ in bounds), None]
    for low, high in zip(lows, highs, strict=True):
        gap = Clause("path >= ?", (low,)) & (Clause("path < ?", (high,)) if high is not None else Clause())
        if connection.execute(f"SELECT 1 FROM files WHERE {gap.sql} LIMIT 1", gap.values).fetchone():
            return True
    return False


def _select(what: str, condition: Clause) -> Clause:
    return Clause(f"SELECT {what} {condition.where}", condition.values)


def _any(clauses: list[Clause]) -> Clause:
    """At least one of them. None of them: never."""
    if not clauses:
        return NEVER_CLAUSE
    joined = _joined(" OR ", [Clause(f"({clause.sql})", clause.values) for clause in clauses])
    return Clause(f"({joined.sql})", joined.values)


def _joined(word: str, clauses: Iterable[Clause]) -> Clause:
    given = list(clauses)
    return Clause(
        word.join(clause.sql for clause in given), tuple(value for clause in given for value in clause.values)
    )

"""Pages of documents in order: by their first path, or the newest first.

Each function works within the transaction of its caller. A page costs as much as it is long, and as what lies between
it and the nearest place that is known: the first document, the last one, or the end of a page that was asked for.
"""

from __future__ import annotations

import heapq
import sqlite3
from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice

from mcp_mmretrieval.answers import ListOrder
from mcp_mmretrieval.store import rows, totals
from mcp_mmretrieval.store.database import json_list
from mcp_mmretrieval.store.document_queries import files_by_document
from mcp_mmretrieval.store.records import ListedDocument
from mcp_mmretrieval.store.scope import Clause, ResolvedScope

MAX_PLACES = 1_000
"""Ends of pages that are remembered of one listing."""

OrderKey = tuple[float, bool, bytes, str, int]
"""What documents are ordered by: 0 or how old it is, whether it has no path, its first path, its title, its key."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which documents of a listing are wanted."""

    order: ListOrder
    limit: int
    offset: int


@dataclass(slots=True)
class Places:
    """Where pages of one listing ended, so that the next one begins there. Good until the contents change."""

    ends: list[tuple[int, OrderKey]] = field(default_factory=list)
    """How many documents come up to there, and the last of them; in order."""

    def before(self, offset: int) -> tuple[int, OrderKey | None]:
        """The last known end at or before an offset."""
        at = bisect_right(self.ends, offset, key=lambda end: end[0])
        return self.ends[at - 1] if at else (0, None)

    def remember(self, count: int, last: OrderKey) -> None:
        """A page ended here."""
        if self.before(count)[0] != count:
            if len(self.ends) >= MAX_PLACES:
                self.ends.clear()
            insort(self.ends, (count, last))


def listed_documents(
    db: sqlite3.Connection, reach: ResolvedScope, space: int | None, page: Page, held: int, places: Places
) -> list[ListedDocument]:
    """A page of the `held` documents of a scope: see `Catalog.listing`."""
    keys = _page_keys(db, reach, page, held, places)
    sql = (
        f"SELECT d.key, {rows.DOCUMENT_COLUMNS}, d.segments, "
        "EXISTS (SELECT 1 FROM embedded WHERE document = d.key AND space = ?) "
        "FROM json_each(?) j CROSS JOIN documents d ON d.key = j.value"
    )
    found = {row[0]: row[1:] for row in db.execute(sql, (space, json_list(keys)))}
    paths = files_by_document(db, [row[0] for row in found.values()], reach.files())
    return [rows.listed_from_row(found[key], tuple(paths.get(found[key][0], ()))) for key in keys]


def _page_keys(db: sqlite3.Connection, reach: ResolvedScope, page: Page, held: int, places: Places) -> list[int]:
    wanted = min(page.limit, held - page.offset)
    if wanted <= 0:
        return []
    if reach.filtered or (page.order == "date" and reach.limited):
        # a walk passes by what a filter leaves out: where that is most, those that it leaves in are sorted instead
        everything, _ = totals.held_documents(db)
        if (page.offset + wanted) * everything > held * held:
            return _sorted_keys(db, reach, page)
    begin, last = places.before(page.offset)
    behind = held - page.offset - wanted
    if behind < page.offset - begin:
        walk = _walk(db, reach, page.order, backwards=True)
        return [key[-1] for key in islice(walk, behind, behind + wanted)][::-1]
    walk = _walk(db, reach, page.order, after=last)
    found = list(islice(walk, page.offset - begin, page.offset - begin + wanted))
    if found:
        places.remember(page.offset + len(found), found[-1])
    return [key[-1] for key in found]


def _sorted_keys(db: sqlite3.Connection, reach: ResolvedScope, page: Page) -> list[int]:
    """All of a scope in order, cut to the page."""
    documents, first, of_kind = reach.documents(), _first_path("d.key", reach), reach.modality("d.modality")
    source = Clause("documents d")
    if reach.limited:
        source = Clause(
            f"(SELECT DISTINCT document FROM ({documents.sql})) r CROSS JOIN documents d ON d.key = r.document",
            documents.values,
        )
    changed = "(SELECT f.mtime_ns / 1e9 FROM files f WHERE f.path = first)"
    newest = f"coalesce(d.dated, {changed}, d.read_at) DESC, " if page.order == "date" else ""
    sql = (
        f"SELECT d.key, {first.sql} AS first FROM {source.sql} {of_kind.where} "
        f"ORDER BY {newest}first IS NULL, first, d.title, d.key LIMIT ? OFFSET ?"
    )
    found = db.execute(sql, (*first.values, *source.values, *of_kind.values, page.limit, page.offset))
    return [key for key, _ in found]


def _walk(
    db: sqlite3.Connection,
    reach: ResolvedScope,
    order: ListOrder,
    *,
    after: OrderKey | None = None,
    backwards: bool = False,
) -> Iterator[OrderKey]:
    """The documents of a scope in order, from the first or those `after` one; or from the last one `backwards`."""
    if order == "path":
        found = _by_path(db, reach, after, backwards)
    else:
        dated = (_dated(db, reach, after, backwards), _changed(db, reach, after, backwards))
        merged = heapq.merge(*dated, _written(db, reach, after, backwards), key=lambda one: one[0], reverse=backwards)
        found = (one for _, same in groupby(merged, lambda one: one[0]) for one in sorted(same, reverse=backwards))
    return (one for one in found if after is None or one > after)


def _by_path(
    db: sqlite3.Connection, reach: ResolvedScope, after: OrderKey | None, backwards: bool
) -> Iterator[OrderKey]:
    """Those with a file in order of its path, then inline texts by title."""
    parts = [_files(db, reach, low, high, after, backwards) for low, high in reach.ranges]
    parts.append(_texts(db, reach, after, backwards))
    for part in reversed(parts) if backwards else parts:
        yield from part


def _files(
    db: sqlite3.Connection,
    reach: ResolvedScope,
    low: bytes,
    high: bytes | None,
    after: OrderKey | None,
    backwards: bool,
) -> Iterator[OrderKey]:
    if after is not None:
        if after[1] or (high is not None and after[2] >= high):
            return
        low = max(low, after[2])
    above = Clause("a.path >= ?", (low,)) & (Clause("a.path < ?", (high,)) if high is not None else Clause())
    condition = above & _is_first(reach) & _passes("a.document", reach)
    sql = f"SELECT a.path, a.document FROM files a WHERE {condition.sql} ORDER BY a.path {_way(backwards)}"
    for path, document in db.execute(sql, condition.values):
        yield 0.0, False, path, "", document


def _texts(db: sqlite3.Connection, reach: ResolvedScope, after: OrderKey | None, backwards: bool) -> Iterator[OrderKey]:
    beyond = Clause("i.title >= ?", (after[3],)) if after is not None and after[1] else Clause()
    if (condition := _pathless(reach)) is None:
        return
    condition &= beyond
    way = _way(backwards)
    sql = f"SELECT i.title, i.key FROM documents i WHERE {condition.sql} ORDER BY i.title {way}, i.key {way}"
    for title, key in db.execute(sql, condition.values):
        yield 0.0, True, b"", title, key


# The three sorts of dates, each by its own index. `backwards` begins with the oldest.


def _dated(db: sqlite3.Connection, reach: ResolvedScope, after: OrderKey | None, backwards: bool) -> Iterator[OrderKey]:
    """Documents with a date of their own."""
    first = _first_path("d.key", reach)
    since = Clause("d.dated <= ?", (-after[0],)) if after is not None else Clause()
    condition = Clause("d.dated IS NOT NULL") & since & reach.holds("d.key") & reach.modality("d.modality")
    sql = (
        f"SELECT d.dated, {first.sql}, d.title, d.key FROM documents d WHERE {condition.sql} "
        f"ORDER BY d.dated {_way(not backwards)}"
    )
    for dated, path, title, key in db.execute(sql, (*first.values, *condition.values)):
        yield -dated, path is None, path or b"", title if path is None else "", key


def _changed(
    db: sqlite3.Connection, reach: ResolvedScope, after: OrderKey | None, backwards: bool
) -> Iterator[OrderKey]:
    """Others with a file, by the time of the first one."""
    # a microsecond more than was meant: the time was divided, and what comes again is left out later
    since = Clause("a.mtime_ns <= ?", (int(-after[0] * 1e9) + 1000,)) if after is not None else Clause()
    condition = Clause("o.dated IS NULL") & since & reach.files("a") & _is_first(reach) & _passes("a.document", reach)
    sql = (
        "SELECT a.mtime_ns / 1e9, a.path, a.document FROM files a CROSS JOIN documents o ON o.key = a.document "
        f"WHERE {condition.sql} ORDER BY a.mtime_ns {_way(not backwards)}"
    )
    for changed, path, document in db.execute(sql, condition.values):
        yield -changed, False, path, "", document


def _written(
    db: sqlite3.Connection, reach: ResolvedScope, after: OrderKey | None, backwards: bool
) -> Iterator[OrderKey]:
    """Inline texts without a date, by when they were read."""
    since = Clause("i.read_at <= ?", (-after[0],)) if after is not None else Clause()
    if (condition := _pathless(reach)) is None:
        return
    condition &= Clause("i.dated IS NULL") & since
    sql = (
        f"SELECT i.read_at, i.title, i.key FROM documents i WHERE {condition.sql} "
        f"ORDER BY i.read_at {_way(not backwards)}"
    )
    for read_at, title, key in db.execute(sql, condition.values):
        yield -read_at, True, b"", title, key


def _pathless(reach: ResolvedScope) -> Clause | None:
    """A condition on inline texts `i` that pass and have no file that may be seen; None where they never pass."""
    if not reach.inline:
        return None
    files = reach.files()
    filed = Clause(f"NOT EXISTS (SELECT 1 FROM files f WHERE f.document = i.key {files.and_where})", files.values)
    return Clause("i.inline") & filed & _passes("i.key", reach)


def _is_first(reach: ResolvedScope) -> Clause:
    """A condition on files `a`: the first one of its document that may be seen."""
    files = reach.files()
    return Clause(
        f"NOT EXISTS (SELECT 1 FROM files f WHERE f.document = a.document AND f.path < a.path {files.and_where})",
        files.values,
    )


def _first_path(document: str, reach: ResolvedScope) -> Clause:
    """The first path of a document that a scope may see, as a column; NULL where there is none."""
    files = reach.files()
    return Clause(f"(SELECT min(f.path) FROM files f WHERE f.document = {document} {files.and_where})", files.values)


def _passes(document: str, reach: ResolvedScope) -> Clause:
    """What a document of a scope's folders has to meet besides."""
    if not reach.filtered:
        return Clause()
    of_kind = reach.modality("k.modality")
    kind = Clause(f"EXISTS (SELECT 1 FROM documents k WHERE k.key = {document} {of_kind.and_where})", of_kind.values)
    return reach.holds(document) & (kind if of_kind else Clause())


def _way(descending: bool) -> str:
    return "DESC" if descending else "ASC"

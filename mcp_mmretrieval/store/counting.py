"""How much a scope of the catalog holds, what of it is listed, and what is remembered of both until it changes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from mcp_mmretrieval.answers import ListOrder
from mcp_mmretrieval.store import listing, scope_queries, totals
from mcp_mmretrieval.store.records import ListedDocument, ScopeCounts
from mcp_mmretrieval.store.scope import ResolvedScope, Scope, resolve_scope
from mcp_mmretrieval.store.spaces import Spaces
from mcp_mmretrieval.types import Modality

CatalogResultT = TypeVar("CatalogResultT")


class ScopeCounting(Spaces):
    """The part of a catalog that counts and lists what a scope holds."""

    def __init__(self, path: Path, on_commit: Callable[[], None] = lambda: None) -> None:
        """See `Catalog`."""
        super().__init__(path, on_commit)
        self._known: dict[object, tuple[tuple[int, int], Any]] = {}
        self._known_contents = 0
        """Of which contents that is, but for what a snapshot of earlier ones was asked."""

    def extent(self, scope: Scope, most: int) -> tuple[int, int]:
        """How many segments a scope holds, counted to `most` + 1, and about how many there are in all."""
        with self._database.reading() as db:
            _, held = totals.held_documents(db)
        return min(self._held(scope)[1], most + 1), held

    def whole(self, scope: Scope) -> bool:
        """Whether all that the library holds lies within a scope."""
        with self._database.reading() as db:
            return self._resolved(db, scope).everything

    def listing(
        self, scope: Scope, *, space: int | None = None, order: ListOrder = "path", limit: int = 50, offset: int = 0
    ) -> tuple[list[ListedDocument], int]:
        """A page of documents, and how many there are in all.

        By their first path (inline texts last, by title), or by date: their own, or else that of the first path, the
        newest first.
        """
        with self._database.reading() as db:
            held = sum(self.modalities(scope).values())
            places = self._remembered(("places", scope, order), lambda _: listing.Places())
            page = listing.Page(order, limit, offset)
            return listing.listed_documents(db, self._resolved(db, scope), space, page, held, places), held

    def modalities(self, scope: Scope) -> dict[Modality, int]:
        """How many documents of each modality lie within a scope."""
        wanted = scope.filters.modality
        found = self._totals(scope)
        return {modality: count for modality, (count, _) in found.items() if not wanted or modality in wanted}

    def counts(self, scope: Scope, *, space: int | None = None) -> ScopeCounts:
        """How much a scope holds. Cheap enough for each search: what takes a walk is remembered until it may change.

        Pending are the documents without vectors in `space`; without a space, all of them.
        """
        documents, segments = self._held(scope)
        _, rooted = self._held(scope.rooted)
        pending = documents if space is None else self._pending(scope, space)
        return ScopeCounts(documents=documents, segments=segments, excluded=rooted - segments, pending=pending)

    def active_counts(self, scope: Scope) -> ScopeCounts:
        """`counts` in the space that serves searches."""
        space = self.active_space()
        return self.counts(scope, space=space.id if space else None)

    def _held(self, scope: Scope) -> tuple[int, int]:
        """Documents that have a segment within a scope, and its segments; without a modality all documents."""
        if not scope.filters.modality:
            found = self._totals(scope).values()
            return sum(documents for documents, _ in found), sum(segments for _, segments in found)

        def count(db: sqlite3.Connection) -> tuple[int, int]:
            return scope_queries.of_modality_within(db, self._resolved(db, scope))

        return self._remembered(("of modality", scope), count)

    def _totals(self, scope: Scope) -> dict[Modality, tuple[int, int]]:
        """By modality of documents, how many lie within a scope, and their segments: what several questions share."""
        every = replace(scope, filters=replace(scope.filters, modality=()))

        def count(db: sqlite3.Connection) -> dict[Modality, tuple[int, int]]:
            return scope_queries.totals_within(db, self._resolved(db, every))

        return self._remembered(("totals", every), count)

    def _pending(self, scope: Scope, space: int) -> int:
        return self._remembered(
            ("pending", scope, space),
            lambda db: scope_queries.pending_within(db, self._resolved(db, scope), space),
            vectors=True,
        )

    def _remembered(
        self, key: object, ask: Callable[[sqlite3.Connection], CatalogResultT], *, vectors: bool = False
    ) -> CatalogResultT:
        """What `ask` answers, kept under `key` until the next commit of contents, or of `vectors`."""
        versions = self._database.versions
        version = (versions["contents"], versions["vectors"] if vectors else 0)
        known = self._known.get(key)
        if known and known[0] == version:
            return known[1]  # type: ignore[no-any-return]
        with self._database.reading() as db:
            answer = ask(db)
        if version[0] > self._known_contents or len(self._known) > 256:  # lists of all names or keys are large
            self._known.clear()
            self._known_contents = version[0]
        self._known[key] = version, answer
        return answer

    def _resolved(self, db: sqlite3.Connection, scope: Scope) -> ResolvedScope:
        return self._database.once(scope, lambda: resolve_scope(db, scope))

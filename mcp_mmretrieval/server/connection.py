"""What one client is served with: the library within its own roots, its settings, and notes for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
from mcp.server.mcpserver import Context

from mcp_mmretrieval.errors import RetrievalError
from mcp_mmretrieval.server.admission import Admission
from mcp_mmretrieval.server.background import LibraryOpening

if TYPE_CHECKING:
    from mcp_mmretrieval.config.settings import Settings
    from mcp_mmretrieval.library import Library


WATCH_DELAY_S = 2.0
"""Seconds until the library is opened for a client that only watches: its handshake goes first."""
MAX_WATCH_PAUSE_S = 60.0
"""Seconds, at most, until a library that could not be opened is tried again for its sake."""

_NOT_WATCHED_NOTE = (
    "This client is read-only, so its folders are not watched. To watch them, serve without --read-only."
)


@dataclass(slots=True)
class Connection:
    """One client, or all those of one HTTP address. The tools reach it as the lifespan context of their request."""

    opening: LibraryOpening
    """Opens the library that this client shares with others."""
    settings: Settings
    """The client's own settings: roots, read-only, call budget."""
    admission: Admission
    own_roots: bool = False
    """Whether the client sees the library within its own roots, not those that the library was opened with."""
    engine_status: Callable[[], tuple[str, tuple[str, ...]]] = lambda: ("", ())
    """Returns a line about the process that serves the client, and notes for the client about that."""
    _library: Library | None = field(default=None, init=False)

    async def library(self, delay: float = 0.0) -> Library:
        """The library as this client may see it. Raises the RetrievalError that opening it ended in.

        `delay`: seconds until it is opened, unless a call asks sooner.
        """
        if self._library is None:
            library = await self.opening.library(delay)
            if self.own_roots:
                library = await anyio.to_thread.run_sync(_within, library, self.settings)
            self._library = library
        return self._library

    def expect(self, query: str) -> None:
        """A search by these words came. Where it has to wait, its words are embedded along with those of others."""
        if self._library is not None and self.admission.full:
            self._library.expect(query)

    def told(self) -> tuple[str, tuple[str, ...]]:
        """`engine_status`, with what this client should know of its own settings."""
        line, notes = self.engine_status()
        return line, (*notes, _NOT_WATCHED_NOTE) if self.settings.watch and self.settings.read_only else notes

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Within, the library keeps itself current with this client's roots, if the client wants it.

        A client that may not add has nothing added for it either.
        """
        if not self.settings.watch or self.settings.read_only:
            yield
            return
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._watch)
                yield
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:  # what the client's own end is told by must stay what it is
            if len(group.exceptions) == 1:
                raise group.exceptions[0] from None
            raise

    async def _watch(self) -> None:
        pause = WATCH_DELAY_S
        while True:
            try:
                library = await self.library(WATCH_DELAY_S)
                break
            except RetrievalError:  # each call tells it
                await anyio.sleep(pause)
                pause = min(2 * pause, MAX_WATCH_PAUSE_S)
        following = library.watch()
        try:
            await anyio.sleep_forever()
        finally:
            following.close()


def _within(library: Library, settings: Settings) -> Library:
    """In a thread: a folder may lie on a disk that is slow to answer."""
    from mcp_mmretrieval.roots import Roots

    return library.within(Roots(settings.roots))


def connection_of(call: Context[Any, Any]) -> Connection:
    """The connection that a call came over."""
    connection = call.request_context.lifespan_context
    assert isinstance(connection, Connection)
    return connection


def client_of(call: Context[Any, Any]) -> Hashable:
    """The key by which callers take turns: over HTTP the peer's address, else the connection."""
    request = call.request_context.request
    peer = getattr(request, "client", None)
    return tuple(peer) if peer is not None else id(call.request_context.lifespan_context)

"""What one client is served with: the library within its own roots, its settings, and notes for it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from mcp.server.mcpserver import Context

from mcp_mmretrieval.server.admission import Admission
from mcp_mmretrieval.server.background import LibraryOpening

if TYPE_CHECKING:
    from mcp_mmretrieval.config.settings import Settings
    from mcp_mmretrieval.library import Library


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

    async def library(self) -> Library:
        """The library as this client may see it. Raises the RetrievalError that opening it ended in."""
        if self._library is None:
            library = await self.opening.library()
            if self.own_roots:
                library = await anyio.to_thread.run_sync(_within, library, self.settings)
            self._library = library
        return self._library


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

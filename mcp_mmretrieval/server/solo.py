"""`serve --solo`: everything in one process, for containers, CI and sandboxes; over stdin and stdout, or over HTTP."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from mcp_mmretrieval import __version__
from mcp_mmretrieval.concurrency.foreground import shorten_turns
from mcp_mmretrieval.server.create import create_server
from mcp_mmretrieval.server.log import EntryFormatter
from mcp_mmretrieval.server.metrics import Metrics
from mcp_mmretrieval.server.sdk import serve_standard_streams

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

    from mcp_mmretrieval.config.settings import Settings
    from mcp_mmretrieval.library import Library
    from mcp_mmretrieval.server.connection import Connection
    from mcp_mmretrieval.server.http.access import AccessPolicy

logger = logging.getLogger(__name__)

_CLOSE_TIMEOUT_S = 5.0
"""Seconds that closing the library may take when the process is told to end."""
_LINGER_S = 3.0
"""Seconds until the process ends although a thread still works: what it works on is safe to lose."""


def serve_stdio(settings: Settings, open_library: Callable[[], Library] | None = None) -> None:
    """Serve until stdin ends, or until SIGTERM or SIGINT. The last thing that a process does: it ends soon after.

    `open_library` opens the library that the settings name, unless given.
    """
    configure_logging()
    shorten_turns()
    opened: list[Library] = []
    anyio.run(_serve, create_server(_keeping(open_library or partial(_open, settings), opened), settings), opened)
    _end_within(_LINGER_S)


def serve_http(
    settings: Settings,
    listening: socket.socket,
    token: str | None,
    open_library: Callable[[], Library] | None = None,
) -> None:
    """Serve the clients of one address until SIGTERM or SIGINT; `token` None asks for none."""
    configure_logging()
    shorten_turns()
    opened: list[Library] = []
    metrics = Metrics()
    server = create_server(_keeping(open_library or partial(_open, settings), opened), settings, metrics=metrics)
    host, port = listening.getsockname()[:2]
    from mcp_mmretrieval.server.http.access import AccessPolicy

    policy = AccessPolicy.at(host, port, settings, token)
    anyio.run(_listen, server, policy, metrics, listening, opened)
    _end_within(_LINGER_S)


async def _listen(
    server: MCPServer[Connection],
    policy: AccessPolicy,
    metrics: Metrics,
    listening: socket.socket,
    opened: list[Library],
) -> None:
    from mcp_mmretrieval.server.http.app import create_application, serve_socket

    app = create_application(server, policy, metrics=metrics, health=lambda: {"status": "ok", "version": __version__})
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_end_on_signal, opened)
        await serve_socket(app, listening, stop=anyio.Event())
        tasks.cancel_scope.cancel()


def _keeping(open_library: Callable[[], Library], opened: list[Library]) -> Callable[[], Library]:
    """An opener that also notes the library in `opened`, so that a signal can close it."""

    def open_and_keep() -> Library:
        opened.append(open_library())
        return opened[-1]

    return open_and_keep


def configure_logging() -> None:
    """Log to stderr; stdout is the protocol's. Before any server is made: the SDK would add a handler of its own."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(EntryFormatter())
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    logging.getLogger("mcp").setLevel(logging.WARNING)


async def _serve(server: MCPServer[Connection], opened: list[Library]) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_end_on_signal, opened)
        await serve_standard_streams(server)
        tasks.cancel_scope.cancel()


async def _end_on_signal(opened: list[Library]) -> None:
    """Close the library, then end the process: the thread that reads stdin would keep it from ending by itself."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for number in signals:
            logger.info("ending on %s", number.name)
            with anyio.move_on_after(_CLOSE_TIMEOUT_S):
                await anyio.to_thread.run_sync(_close, opened, abandon_on_cancel=True)
            os._exit(0)


def _close(opened: list[Library]) -> None:
    for library in opened:
        library.close()


def _end_within(seconds: float) -> None:
    """End the process after so many seconds, even if a thread of a call that nobody waits for still works."""
    guard = threading.Timer(seconds, os._exit, (0,))
    guard.daemon = True
    guard.start()


def _open(settings: Settings) -> Library:
    from mcp_mmretrieval.library import Library  # heavy: the handshake must not wait for it

    return Library.open(settings=settings)

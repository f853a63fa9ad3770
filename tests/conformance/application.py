"""Our server over HTTP, with what the conformance suite wants to find added to it. Says its address when it listens.

    python -m tests.conformance.application

The suite scores features that the server itself does not offer, such as prompts or questions to the client; those come
from the modules beside this one. What it scores with them is our server: how it is created, its own tools, its
middleware and its transport.
"""

import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import anyio
from mcp.server.mcpserver import MCPServer

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.server.connection import Connection
from mcp_mmretrieval.server.create import create_server
from mcp_mmretrieval.server.http.access import AccessPolicy, own_hosts
from mcp_mmretrieval.server.http.app import create_application as http_application
from mcp_mmretrieval.server.http.app import serve_socket
from mcp_mmretrieval.server.metrics import Metrics
from tests.conformance import asking, content, rounds
from tests.support.models import ModelsByHand


def application(settings: Settings) -> MCPServer[Connection]:
    """Our server, and what the suite wants to find."""

    def open_library() -> Library:
        return Library.open(settings=settings, models=ModelsByHand(settings))

    server = create_server(open_library, settings)
    add_fixtures(server)
    return server


def add_fixtures(server: MCPServer[Any]) -> None:
    for tool in (*content.TOOLS, *asking.TOOLS, *rounds.TOOLS):
        server.add_tool(tool, structured_output=False)
    content.add_resources(server)
    content.add_subscriptions(server)
    content.add_prompts(server)
    content.add_completion(server)
    asking.add_logging(server)
    rounds.add_prompt(server)


async def serve(server: MCPServer[Connection], sock: socket.socket) -> None:
    """Over HTTP on a socket that listens, until SIGTERM or SIGINT.

    Without a token, since the suite has none to send. It calls as a web page of the server's own address would, which
    our server refuses unless that origin is named.
    """
    port = sock.getsockname()[1]
    policy = AccessPolicy(own_hosts("127.0.0.1", port), frozenset({f"http://127.0.0.1:{port}"}), token=None)
    stop = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(set_on_signal, stop)
        await serve_socket(http_application(server, policy, metrics=Metrics(), health=dict), sock, stop=stop)
        tasks.cancel_scope.cancel()


async def set_on_signal(stop: anyio.Event) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            stop.set()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as sock:
        server = application(Settings(library=Path(folder) / "library", roots=(Path(folder),)))
        sys.stdout.write(f"http://127.0.0.1:{sock.getsockname()[1]}/mcp\n")
        sys.stdout.flush()
        anyio.run(serve, server, sock)


if __name__ == "__main__":
    main()

"""`serve`: a front to the library's engine, or with `--solo` the whole server in this process."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from mcp_mmretrieval.cli import EXIT_OK, run_command
from mcp_mmretrieval.config.sources import default_library_path, settings_from_sources
from mcp_mmretrieval.front import options
from mcp_mmretrieval.front.endpoint import Endpoint, endpoint_of
from mcp_mmretrieval.front.reaching import ENGINE_COMMAND, connect_to_engine, hello
from mcp_mmretrieval.front.stderr import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket


def main(argv: Sequence[str]) -> int:
    """`serve`, without the parser of all the other commands."""
    arguments = options.serve_parser().parse_args(argv[1:] if argv[:1] == ["serve"] else argv)
    arguments.run = "serving:serve_command"
    return run_command(arguments)


TERMINAL_HINT = (
    "This waits for an MCP client on stdin; a client starts it by itself. To look around: mcp-mmretrieval demo, --help."
)


def serve_command(arguments: argparse.Namespace, engine: Sequence[str] = ENGINE_COMMAND) -> int:
    """Serve until the client leaves; over HTTP until interrupted."""
    if not arguments.http and sys.stdin is not None and sys.stdin.isatty():
        sys.stderr.write(f"{TERMINAL_HINT}\n")
    if arguments.solo:
        return _serve_solo(arguments)
    given = settings_from_sources(options.option_values(arguments))
    endpoint = endpoint_of(str(given.get("library") or default_library_path()))
    if arguments.http:
        from mcp_mmretrieval.front.listening import run_http_front

        return run_http_front(endpoint, given, arguments.http, engine)
    from mcp_mmretrieval.front.relay import Relay

    Relay(partial(_connect, endpoint, given, engine)).run()
    return EXIT_OK


def _connect(endpoint: Endpoint, given: dict[str, object], engine: Sequence[str]) -> socket.socket:
    connection, answer = connect_to_engine(endpoint, hello(given), engine=engine)
    for name in answer.get("differs", ()):  # type: ignore[attr-defined]
        say(f"the engine that runs has another {name}; status says more.")
    return connection


def _serve_solo(arguments: argparse.Namespace) -> int:
    """Everything in this process, which holds the library as long as it runs."""
    from mcp_mmretrieval.cli import read_settings

    wanted = read_settings(arguments)
    if arguments.http:
        from mcp_mmretrieval.front import listening

        given = wanted.model_dump(include={"http_hosts", "http_auth"})
        address, token = listening.open_http_address(given, arguments.http, str(wanted.library))
        from mcp_mmretrieval.server import solo

        solo.serve_http(wanted, address, token)
    else:
        from mcp_mmretrieval.server import solo

        solo.serve_stdio(wanted)
    return EXIT_OK

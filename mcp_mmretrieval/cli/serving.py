"""`serve`: a front to the library's engine, or with `--solo` the whole server in this process."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial

from mcp_mmretrieval.cli import DONE, run
from mcp_mmretrieval.config.sources import configuration, default_library
from mcp_mmretrieval.front import options
from mcp_mmretrieval.front.endpoint import Endpoint, meeting
from mcp_mmretrieval.front.reaching import ENGINE, hello, reach

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket


def main(argv: Sequence[str]) -> int:
    """`serve`, without the parser of all the other commands."""
    arguments = options.serve_parser().parse_args(argv[1:] if argv[:1] == ["serve"] else argv)
    arguments.run = "serving:serve"
    return run(arguments)


HINT = (
    "This waits for an MCP client on stdin; a client starts it by itself. To look around: mcp-mmretrieval demo, --help."
)


def serve(arguments: argparse.Namespace, engine: Sequence[str] = ENGINE) -> int:
    """Serve until the client leaves; over HTTP until interrupted."""
    if not arguments.http and sys.stdin is not None and sys.stdin.isatty():
        sys.stderr.write(f"{HINT}\n")
    if arguments.solo:
        return _alone(arguments)
    given = configuration(options.given(arguments))
    endpoint = meeting(str(given.get("library") or default_library()))
    if arguments.http:
        from mcp_mmretrieval.front.listening import listen

        return listen(endpoint, given, arguments.http, engine)
    from mcp_mmretrieval.front.relay import Relay

    Relay(partial(_reach, endpoint, given, engine)).run()
    return DONE


def _reach(endpoint: Endpoint, given: dict[str, object], engine: Sequence[str]) -> socket.socket:
    connection, answer = reach(endpoint, hello(given), engine=engine)
    for name in answer.get("differs", ()):  # type: ignore[attr-defined]
        sys.stderr.write(f"mcp-mmretrieval: the engine that runs has another {name}; status says more.\n")
    return connection


def _alone(arguments: argparse.Namespace) -> int:
    """Everything in this process, which holds the library as long as it runs."""
    from mcp_mmretrieval.cli import settings

    wanted = settings(arguments)
    if arguments.http:
        from mcp_mmretrieval.front import listening

        given = wanted.model_dump(include={"http_hosts", "http_auth"})
        address, token = listening.prepared(given, arguments.http, str(wanted.library))
        from mcp_mmretrieval.server import solo

        solo.serve_http(wanted, address, token)
    else:
        from mcp_mmretrieval.server import solo

        solo.serve_stdio(wanted)
    return DONE

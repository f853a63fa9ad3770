"""`python -m mcp_mmretrieval.server LIBRARY`: be the engine of a library. Clients start it; a person need not."""

from __future__ import annotations

import argparse
import logging
import os
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

import anyio

from mcp_mmretrieval import __version__
from mcp_mmretrieval.concurrency.foreground import shorten_turns
from mcp_mmretrieval.front.endpoint import Endpoint
from mcp_mmretrieval.front.reaching import engine_log_path
from mcp_mmretrieval.server import log
from mcp_mmretrieval.server.engine import Engine, OpenLibrary

if TYPE_CHECKING:
    from mcp_mmretrieval.config.settings import Settings
    from mcp_mmretrieval.library import Library

logger = logging.getLogger("mcp_mmretrieval.server")


def main(argv: Sequence[str] | None = None, open_library: OpenLibrary | None = None) -> int:
    """Be the engine of a library. With neither lock nor socket: take them, unless another engine has."""
    parser = argparse.ArgumentParser(prog="python -m mcp_mmretrieval.server", description=main.__doc__)
    parser.add_argument("library")
    parser.add_argument("--lock", type=int)
    parser.add_argument("--socket", type=int)
    arguments = parser.parse_args(argv)
    endpoint = Endpoint(arguments.library)
    lock = endpoint.elect() if arguments.lock is None else arguments.lock
    if lock is None:
        return 1
    listening = endpoint.listen() if arguments.socket is None else socket.socket(fileno=arguments.socket)
    for descriptor in (lock, listening.fileno()):
        os.set_inheritable(descriptor, False)
    os.umask(0o077)
    shorten_turns()
    log.log_to_file(engine_log_path(endpoint))
    logger.info("engine %s of %s, pid %d", __version__, endpoint.library, os.getpid())
    try:
        anyio.run(Engine(endpoint, lock, listening, open_library or _open).run)
    except BaseException:
        logger.exception("the engine failed")
        raise
    finally:
        logging.shutdown()
    return 0


def _open(settings: Settings) -> Library:
    from mcp_mmretrieval.library import Library  # heavy: the handshake must not wait for it

    return Library.open(settings=settings)


if __name__ == "__main__":
    code = main()
    os._exit(code)  # not by the interpreter's own end: that would stop threads in the middle of native code

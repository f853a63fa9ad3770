"""`browse`: the gallery in the person's own browser: a small server on loopback, and a client of the engine."""

from __future__ import annotations

import argparse
import html
import logging
import math
import signal
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from mcp import MCPError

from mcp_mmretrieval.cli import EXIT_OK, first_of_ours, given_settings, log_to_stderr, show
from mcp_mmretrieval.cli.added_folders import with_roots
from mcp_mmretrieval.cli.session import ask_library, engine_session, open_recording
from mcp_mmretrieval.errors import BadArgument, EngineUnavailable
from mcp_mmretrieval.server.browse.app import BrowseApplication
from mcp_mmretrieval.server.browse.open_tabs import PATIENCE_SECONDS
from mcp_mmretrieval.server.http.app import serve_socket

_FORWARDING = """<!doctype html>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url={0}">
<title>mcp-mmretrieval</title>
<a href="{0}">To your files</a>
"""


def browse_command(arguments: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C, or until its tabs have been closed for a while."""
    log_to_stderr()
    logging.getLogger("uvicorn.error").disabled = True  # it complains of answers that the end cuts short
    given = given_settings(arguments)
    try:
        listening = socket.create_server(("127.0.0.1", arguments.port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadArgument(f"--port {arguments.port}: {reason}. Leave it out, and a free one is taken.") from error
    with listening, tempfile.TemporaryDirectory(prefix="mcp-mmretrieval-") as folder:
        app = BrowseApplication(
            listening.getsockname()[1], partial(_ask, given), partial(_open_recording, given), lambda: _tell_next(app)
        )
        show.print_text(app.address)
        sys.stdout.flush()
        patience = math.inf if arguments.stay else PATIENCE_SECONDS
        ends = "" if arguments.stay else f", or {_minutes(patience)} without an open tab"
        show.tell(f"It goes on until Ctrl-C{ends}.")
        if not arguments.no_open:
            # beside the server: some browsers do not come back before they have the page, or are closed
            page = forwarding_page(Path(folder), app.address)
            threading.Thread(target=_open_browser, args=(page,), daemon=True).start()
        if not anyio.run(serve_while_wanted, app, listening, patience):
            show.tell(f"No tab has been open for {_minutes(patience)}: browse has ended.")
    return EXIT_OK


def forwarding_page(folder: Path, address: str) -> str:
    """A page that only its owner can read and that leads on to the address; its own address.

    The command line of a browser can be read by every user of the machine, and the token is in the address.
    """
    page = folder / "browse.html"
    page.touch(mode=0o600)
    page.write_text(_FORWARDING.format(html.escape(address)), encoding="utf-8")
    return page.as_uri()


def _tell_next(app: BrowseApplication) -> None:
    show.tell(f"A tab was opened. For another one: {app.address}")


def _open_browser(page: str) -> None:
    if not webbrowser.open(page):
        show.tell("No browser could be started here: open that address in one.")


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:g} minutes"


async def serve_while_wanted(app: BrowseApplication, listening: socket.socket, patience: float) -> bool:
    """Serve until the person ends it, or until no tab has been heard of for `patience` seconds.

    Whether it was the person: by Ctrl-C, by a signal, or by closing the terminal.
    """
    ending = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # it is under nohup, which means it to go on
        ending.append(signal.SIGHUP)
    by_person = False
    async with anyio.create_task_group() as tasks:

        async def end_when_gone() -> None:
            await app.tabs.wait_until_gone(patience)
            tasks.cancel_scope.cancel()

        with anyio.open_signal_receiver(*ending) as signals:
            tasks.start_soon(partial(serve_socket, app, listening, stop=anyio.Event()))
            tasks.start_soon(end_when_gone)
            async for _ in signals:
                by_person = True
                tasks.cancel_scope.cancel()
    return by_person


async def _ask(given: dict[str, object], name: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer of a tool, or the jobs, by a connection of its own: an engine that ended meanwhile is started again.

    Folders that were added since are seen. Raises RetrievalError.
    """
    wanted = {**with_roots(given), "gallery": True}
    if name == "jobs":
        return await anyio.to_thread.run_sync(partial(ask_library, wanted, "jobs"))
    try:
        async with engine_session(wanted) as session:
            return await session.call(name, **arguments)
    except (MCPError, ExceptionGroup) as error:  # task groups wrap what goes through them
        if ours := first_of_ours(error):
            raise ours from None
        if isinstance(error, ExceptionGroup) and not error.subgroup((MCPError, OSError, anyio.BrokenResourceError)):
            raise
        raise EngineUnavailable("The engine ended before it had answered. Try again.") from error


async def _open_recording(given: dict[str, object], target: str) -> tuple[int, str]:
    fd, told = await anyio.to_thread.run_sync(open_recording, with_roots(given), target)
    return fd, str(told["media_type"])

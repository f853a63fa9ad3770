"""`add`: files and folders come into the library. The engine does it, so it goes on when this command ends."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any, cast

import anyio
import anyio.lowlevel

from mcp_mmretrieval.cli import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_OK, given_settings, log_to_stderr, show
from mcp_mmretrieval.cli.added_folders import folder_of, note_folders
from mcp_mmretrieval.cli.progress import progress_bar
from mcp_mmretrieval.cli.session import Session, ask_library, engine_session, path_for_server
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument, EngineUnavailable

if TYPE_CHECKING:
    from mcp_mmretrieval.server.tools.results import AddResult


def add_command(arguments: argparse.Namespace) -> int:
    """Add files and folders, and wait until that is done. Interrupted: the engine goes on with it."""
    log_to_stderr()
    paths = [path_for_server(path) for path in arguments.paths]
    given = given_settings(arguments)
    wanted = {**given, "roots": given.get("roots") or list(dict.fromkeys(map(folder_of, paths)))}
    if Settings.of(wanted).read_only:
        raise BadArgument("The settings say read-only: unset MMRETRIEVAL_READ_ONLY to add.")
    if not wanted["roots"]:
        raise BadArgument("Nothing to add: name files or folders, as in `mcp-mmretrieval add ~/Documents`.")
    try:
        result = cast("AddResult | None", anyio.run(_add, wanted, paths, arguments.json))
    except KeyboardInterrupt:
        result = None
    if result is None:
        _tell_what_goes_on(wanted)
        return EXIT_INTERRUPTED
    if arguments.json:
        show.print_json(result)
    else:
        show.stdout_console().print(show.render_add_result(result))
    added_none = not (result["added"] or result["unchanged"] or result["replaced"] or result["moved"])
    return EXIT_FAILURE if result["state"] != "done" or (result["failed"] and added_none) else EXIT_OK


async def _add(wanted: dict[str, object], paths: list[str], quiet: bool) -> dict[str, Any] | None:
    """The result, or None where the person interrupted."""
    async with engine_session(wanted) as session, _interruptible(session) as interrupted:
        if wanted.get("ray") and "ray" in session.differs:
            raise BadArgument(
                "The engine of this library runs without this Ray cluster, and others use it. Run "
                "`mcp-mmretrieval stop`, then add again."
            )
        note_folders(wanted, "added", _to_note(wanted, paths))
        try:
            with nullcontext() if quiet else progress_bar("Reading") as report:
                result = await session.add(paths, report)
            with nullcontext() if quiet else progress_bar("Embedding", "documents") as report:
                return {**result, "pending_vectors": await session.settled(report)}
        except BaseException:
            if interrupted.is_set():
                return None
            raise


def _to_note(wanted: dict[str, object], paths: list[str]) -> list[str]:
    """The folders that later commands see: of the paths that are there, or else the roots."""
    if not paths:
        return [os.path.realpath(str(root)) for root in cast("list[str]", wanted["roots"])]
    return [folder for path in paths if os.path.isdir(folder := folder_of(path))]  # noqa: PTH112


@asynccontextmanager
async def _interruptible(session: Session) -> AsyncIterator[anyio.Event]:
    """Ctrl-C hangs up. A call that were cancelled instead would end its job."""
    interrupted = anyio.Event()

    async def listen() -> None:
        with anyio.open_signal_receiver(signal.SIGINT) as signals:
            async for _ in signals:
                interrupted.set()
                session.hang_up()
                return

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        await anyio.lowlevel.checkpoint()
        yield interrupted
        tasks.cancel_scope.cancel()


def _tell_what_goes_on(wanted: dict[str, object]) -> None:
    """Which jobs run on in the engine, and how a person sees and ends them."""
    sys.stderr.write("\nInterrupted. What was added stays.\n")
    try:
        jobs = cast("list[dict[str, Any]]", ask_library(wanted, "jobs", start=False)["jobs"])
    except EngineUnavailable:
        jobs = []
    running = [job for job in jobs if job["state"] == "running"]
    for job in running:
        of = f" of {job['found']:,}" if job.get("found") else ""
        done = sum(job[name] for name in ("added", "unchanged", "replaced", "moved")) + len(job["failed"])
        show.tell(f"Job {job['job']} goes on in the background ({done:,}{of} files so far). To see it:")
        show.tell("  mcp-mmretrieval jobs")
        show.tell("To end it:")
        show.tell(f"  mcp-mmretrieval jobs cancel {job['job']}")
    if not running:
        show.tell("Nothing goes on; the same command adds the rest.")

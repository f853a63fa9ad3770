"""`jobs` and `stop`: what a person asks the engine itself, apart from MCP."""

from __future__ import annotations

import argparse
from typing import Any, cast

from rich.console import Group, RenderableType
from rich.text import Text

from mcp_mmretrieval.cli import EXIT_OK, given_settings, log_to_stderr, read_settings, show
from mcp_mmretrieval.cli.session import ask_library
from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.front.endpoint import endpoint_of
from mcp_mmretrieval.front.reaching import ask_engine


def jobs_command(arguments: argparse.Namespace) -> int:
    """List all jobs of the library, whoever started them, or cancel one."""
    log_to_stderr()
    wanted = given_settings(arguments)
    if arguments.action == "cancel" and not arguments.job:
        raise BadArgument("Say which job to cancel: `mcp-mmretrieval jobs cancel ID`; `jobs` lists them.")
    question = "cancel" if arguments.action == "cancel" else "jobs"
    listed = cast("list[dict[str, Any]]", ask_library(wanted, question, job=arguments.job)["jobs"])
    out = show.stdout_console()
    if arguments.json:
        show.print_json(listed)
    elif not listed:
        show.tell("No jobs.")
    elif out.is_terminal:
        out.print(Group(*map(_job, listed)))
    else:
        show.print_records(
            (job["job"], job["state"], f"{_through(job)}/{job.get('found', 0)}", job.get("current", ""))
            for job in listed
        )
    return EXIT_OK


def stop_command(arguments: argparse.Namespace) -> int:
    """End the engine. Its clients start the next one when they need it."""
    log_to_stderr()
    endpoint = endpoint_of(str(read_settings(arguments).library))
    if endpoint.held():
        if endpoint.there():  # else it ends already
            ask_engine(endpoint, "leave")
        show.stdout_console().print("The engine ends as soon as its calls have; jobs go on when it is started again.")
    else:
        show.stdout_console().print("No engine runs for this library.")
    return EXIT_OK


def _job(job: dict[str, Any]) -> RenderableType:
    """What it has come to, and below it what it is at."""
    counts = {name: job.get(name, 0) for name in ("added", "replaced", "moved", "unchanged", "removed")}
    told = [f"{count:,} {name}" for name, count in counts.items() if count or name == "added"]
    if failed := job.get("failed_in_all", len(job["failed"])):
        told.append(f"{failed:,} failed")
    style = {"running": "bold yellow", "done": "green", "failed": "bold red"}.get(job["state"], "")
    of = f"{_through(job):,} of {job['found']:,} files: " if job.get("found") else ""
    lines = [Text.assemble((job["job"], "bold"), "  ", (job["state"], style), f"  {of}{', '.join(told)}")]
    if current := job.get("current"):
        lines.append(Text(f"  now reading {current}", style="dim", overflow="fold"))
    if error := job.get("error"):
        lines.append(Text(f"  {error}", style="red"))
    return Group(*lines)


def _through(job: dict[str, Any]) -> int:
    """Files that it is through with."""
    done = sum(job.get(name, 0) for name in ("added", "replaced", "moved", "unchanged"))
    return int(done) + int(job.get("failed_in_all", len(job["failed"])))

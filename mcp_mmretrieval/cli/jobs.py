"""`jobs` and `stop`: what a person asks the engine itself, apart from MCP."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, cast

from rich.table import Column, Table
from rich.text import Text

from mcp_mmretrieval.cli import EXIT_OK, given_settings, log_to_stderr, read_settings, show
from mcp_mmretrieval.config.sources import default_library_path
from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.front.endpoint import endpoint_of
from mcp_mmretrieval.front.reaching import ask_engine, connect_to_engine, hello


def jobs_command(arguments: argparse.Namespace) -> int:
    """List all jobs of the library, whoever started them, or cancel one."""
    log_to_stderr()
    wanted = given_settings(arguments)
    if arguments.action == "cancel" and not arguments.job:
        raise BadArgument("Say which job to cancel: `mcp-mmretrieval jobs cancel ID`; `jobs` lists them.")
    endpoint = endpoint_of(str(wanted.get("library") or default_library_path()))
    question = {"ask": arguments.action if arguments.action == "cancel" else "jobs", "job": arguments.job}
    connection, answer = connect_to_engine(endpoint, hello(wanted, **question))
    connection.close()
    listed = cast("list[dict[str, Any]]", answer["jobs"])
    if arguments.json:
        sys.stdout.write(json.dumps(listed, ensure_ascii=False, indent=2) + "\n")
    else:
        show.stdout_console().print(_table(listed) if listed else "No jobs.")
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


def _table(listed: list[dict[str, Any]]) -> Table:
    table = Table("job", "state", "found", "added", "unchanged", "failed", Column("now reading", overflow="fold"))
    for job in listed:
        counts = (str(job.get(name, 0)) for name in ("found", "added", "unchanged"))
        table.add_row(job["job"], job["state"], *counts, str(len(job["failed"])), Text(job.get("current", "")))
    return table

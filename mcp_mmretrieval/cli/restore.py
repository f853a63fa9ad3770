"""`restore`: what was missed when its folder was added again, and how it is found again."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any, cast

from rich.table import Column, Table
from rich.text import Text

from mcp_mmretrieval.cli import EXIT_OK, given_settings, log_to_stderr, show
from mcp_mmretrieval.cli.session import path_for_server
from mcp_mmretrieval.config.sources import default_library_path
from mcp_mmretrieval.front.endpoint import endpoint_of
from mcp_mmretrieval.front.reaching import connect_to_engine, hello
from mcp_mmretrieval.server.tools.sanitize import sanitize_name


def restore_command(arguments: argparse.Namespace) -> int:
    """List what vanished and is still kept, or bring some of it back."""
    log_to_stderr()
    wanted = given_settings(arguments)
    endpoint = endpoint_of(str(wanted.get("library") or default_library_path()))
    paths = [path_for_server(path) for path in arguments.paths]
    connection, answer = connect_to_engine(endpoint, hello(wanted, ask="restore", paths=paths))
    connection.close()
    if arguments.json:
        told = {name: answer[name] for name in ("restored", "vanished")}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    elif paths:
        restored = cast("list[dict[str, Any]]", answer["restored"])
        show.stdout_console().print(f"{len(restored)} restored, to be found again.")
    else:
        listed = cast("list[dict[str, Any]]", answer["vanished"])
        show.stdout_console().print(_table(listed) if listed else "Nothing vanished in the last 30 days.")
    return EXIT_OK


def _table(listed: list[dict[str, Any]]) -> Table:
    table = Table("missed", "kept until", Column("file", overflow="fold"))
    for one in listed:
        table.add_row(_day(one["vanished"]), _day(one["until"]), Text(sanitize_name(one["path"])))
    return table


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))

"""`restore`: what was missed when its folder was added again, and how it is found again."""

from __future__ import annotations

import argparse
import time
from typing import Any, cast

from rich.console import Group
from rich.text import Text

from mcp_mmretrieval.cli import EXIT_OK, given_settings, log_to_stderr, show
from mcp_mmretrieval.cli.session import ask_library, path_for_server
from mcp_mmretrieval.server.tools.sanitize import sanitize_name


def restore_command(arguments: argparse.Namespace) -> int:
    """List what vanished and is still kept, or bring some of it back."""
    log_to_stderr()
    paths = [path_for_server(path) for path in arguments.paths]
    answer = ask_library(given_settings(arguments), "restore", paths=paths)
    restored, vanished = (cast("list[dict[str, Any]]", answer[name]) for name in ("restored", "vanished"))
    out = show.stdout_console()
    if arguments.json:
        show.print_json({"restored": restored, "vanished": vanished})
    elif paths:
        out.print(f"{len(restored)} restored, to be found again.")
    elif not vanished:
        show.tell("Nothing vanished in the last 30 days.")
    elif out.is_terminal:
        out.print(Group(*map(_lines, vanished)))
    else:
        show.print_records(_fields(one) for one in vanished)
    return EXIT_OK


def _lines(vanished: dict[str, Any]) -> Text:
    path, missed, until = _fields(vanished)
    return Text.assemble((path, "bold"), (f"\n  missed {missed}, kept until {until}", "dim"), overflow="fold")


def _fields(vanished: dict[str, Any]) -> tuple[str, str, str]:
    """Path, when it was missed, until when it is kept."""
    return sanitize_name(vanished["path"]), _minute(vanished["vanished"]), _minute(vanished["until"])


def _minute(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))

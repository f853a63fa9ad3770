"""`profile`: which models a library keeps to, and another choice, while the engine runs."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, cast

from rich.console import Console, Group, RenderableType
from rich.text import Text

from mcp_mmretrieval.cli import DONE, log_to_stderr, show
from mcp_mmretrieval.cli.asking import given
from mcp_mmretrieval.config.sources import default_library
from mcp_mmretrieval.front.endpoint import meeting
from mcp_mmretrieval.front.reaching import hello, reach


def profile(arguments: argparse.Namespace) -> int:
    """Show the profile, or choose another one: its vectors are made while the old ones answer."""
    log_to_stderr()
    wanted = given(arguments)
    endpoint = meeting(str(wanted.get("library") or default_library()))
    connection, answer = reach(endpoint, hello(wanted, ask="profile", name=arguments.name or ""))
    connection.close()
    told = cast("dict[str, Any]", answer["profile"])
    if arguments.json:
        sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    else:
        Console().print(_shown(told, chosen=bool(arguments.name)))
    return DONE


def _shown(told: dict[str, Any], *, chosen: bool) -> RenderableType:
    table = show.facts()
    table.add_row("kept to", Text(f"{told['kept']} ({told['kept_because']})"))
    table.add_row("wanted", Text(f"{told['wanted']} ({told['wanted_because']})"))
    for what, line in told["spaces"].items():
        table.add_row(what, Text(line))
    notes = []
    if told["kept"] != told["wanted"]:
        notes.append(
            "What is asked for outright goes before what is kept. Leave --profile and MMRETRIEVAL_PROFILE out and run "
            f"`mcp-mmretrieval stop`: then {told['kept']} serves."
        )
    elif chosen and told["spaces"]:
        notes.append("Its vectors are made in the background, while those there are answer; `status` shows how far.")
    problem = [Text.assemble(("✗ ", "red"), told["problem"])] if told["problem"] else []
    return Group(table, *show.notes(notes), *problem)

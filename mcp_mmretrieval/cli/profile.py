"""`profile`: which models a library keeps to, and another choice, while the engine runs."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, cast

from rich.console import Group, RenderableType
from rich.text import Text

from mcp_mmretrieval.cli import EXIT_OK, given_settings, log_to_stderr, show
from mcp_mmretrieval.config.sources import default_library_path
from mcp_mmretrieval.front.endpoint import endpoint_of
from mcp_mmretrieval.front.reaching import connect_to_engine, hello


def profile_command(arguments: argparse.Namespace) -> int:
    """Show the profile, or choose another one: its vectors are made while the old ones answer."""
    log_to_stderr()
    wanted = given_settings(arguments)
    endpoint = endpoint_of(str(wanted.get("library") or default_library_path()))
    connection, answer = connect_to_engine(endpoint, hello(wanted, ask="profile", name=arguments.name or ""))
    connection.close()
    profile = cast("dict[str, Any]", answer["profile"])
    if arguments.json:
        sys.stdout.write(json.dumps(profile, ensure_ascii=False, indent=2) + "\n")
    else:
        show.stdout_console().print(_render_profile(profile, chosen=bool(arguments.name)))
    return EXIT_OK


def _render_profile(profile: dict[str, Any], *, chosen: bool) -> RenderableType:
    table = show.Facts()
    table.add_row("kept to", Text(f"{profile['kept']} ({profile['kept_because']})"))
    table.add_row("wanted", Text(f"{profile['wanted']} ({profile['wanted_because']})"))
    for what, line in profile["spaces"].items():
        table.add_row(what, Text(line))
    notes = []
    if profile["kept"] != profile["wanted"]:
        notes.append(
            "What is asked for outright goes before what is kept. Leave --profile and MMRETRIEVAL_PROFILE out and run "
            f"`mcp-mmretrieval stop`: then {profile['kept']} serves."
        )
    elif chosen and profile["spaces"]:
        notes.append("Its vectors are made in the background, while those there are answer; `status` shows how far.")
    problem = [Text.assemble(("✗ ", "red"), profile["problem"])] if profile["problem"] else []
    return Group(table, *show.render_notes(notes), *problem)

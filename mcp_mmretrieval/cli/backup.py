"""`backup`: a copy of the library's catalog, and one put back in its place."""

from __future__ import annotations

import argparse
from pathlib import Path

from mcp_mmretrieval.cli import EXIT_OK, log_to_stderr, read_settings, show
from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.front.endpoint import endpoint_of
from mcp_mmretrieval.front.reaching import engine_kept_away
from mcp_mmretrieval.store.backup import Copied, back_up, restore


def backup_command(arguments: argparse.Namespace) -> int:
    """Back up while the engine runs, or restore without one."""
    log_to_stderr()
    if bool(arguments.target) == bool(arguments.restore):
        raise BadArgument(
            "Say where to: `mcp-mmretrieval backup FILE`; or what to bring back: `backup --restore FILE`."
        )
    library = read_settings(arguments).library
    out = show.stdout_console()
    if arguments.target:
        copied = back_up(library, Path(arguments.target).expanduser().absolute())
        out.print(
            f"Backed up {_held(copied)} to {copied.path}, and read it back.",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        return EXIT_OK
    with engine_kept_away(endpoint_of(str(library))), show.spinner("Restoring"):
        copied = restore(Path(arguments.restore).expanduser().absolute(), library)
    out.print(f"{copied.path} holds {_held(copied)} again.", markup=False, highlight=False, soft_wrap=True)
    if copied.replaced:
        out.print(
            f"The catalog from before is kept as {copied.replaced}.", markup=False, highlight=False, soft_wrap=True
        )
    return EXIT_OK


def _held(copied: Copied) -> str:
    return f"{copied.documents:,} documents ({copied.segments:,} places, {copied.vectors:,} vectors)"

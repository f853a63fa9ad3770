"""`serve`: the server on stdin and stdout."""

from __future__ import annotations

import argparse

from mcp_mmretrieval.cli import DONE, settings


def serve(arguments: argparse.Namespace) -> int:
    """Serve until the client leaves. It is one process either way so far: `--solo` changes nothing yet."""
    wanted = settings(arguments)
    from mcp_mmretrieval.server import stdio

    stdio.serve(wanted)
    return DONE

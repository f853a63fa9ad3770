"""Lines for the person on stderr, which the client that started us may have closed."""

from __future__ import annotations

import sys
from contextlib import suppress


def say(line: str) -> None:
    """Write a line under our name. Where nobody reads it, serving goes on all the same."""
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(f"mcp-mmretrieval: {line}\n")
            sys.stderr.flush()

"""`check`: whether the library is sound, and what of it can be repaired."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import nullcontext
from dataclasses import asdict

from rich.text import Text

from mcp_mmretrieval.cli import EXIT_FAILURE, EXIT_OK, log_to_stderr, read_settings, show
from mcp_mmretrieval.front.endpoint import endpoint_of
from mcp_mmretrieval.front.reaching import engine_kept_away
from mcp_mmretrieval.library.checking import Finding, check_library
from mcp_mmretrieval.server.tools.sanitize import sanitize_name, sanitize_text

MAX_FILES_SHOWN = 20
"""Files that are named for one reason."""


def check_command(arguments: argparse.Namespace) -> int:
    """Compare catalog, index and files; repair where asked to, without an engine meanwhile."""
    log_to_stderr()
    library = read_settings(arguments).library
    away = engine_kept_away(endpoint_of(str(library))) if arguments.repair else nullcontext()
    with away, show.spinner("Checking"):
        found = check_library(library, repair=arguments.repair)
    wrong = any(finding.wrong for finding in found)
    if arguments.json:
        answer = {"library": str(library), "ok": not wrong, "findings": [asdict(finding) for finding in found]}
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")  # a path may hold what UTF-8 cannot
    else:
        out = show.stdout_console()
        for finding in found:
            out.print(_lines(finding), soft_wrap=True)
    return EXIT_FAILURE if wrong else EXIT_OK


def _lines(finding: Finding) -> Text:
    mark = ("✗", "red") if finding.wrong else ("•", "dim")
    names = [sanitize_name(path) for path in finding.paths[:MAX_FILES_SHOWN]]
    more = [f"and {left:,} more; --json names all"] if (left := len(finding.paths) - len(names)) else []
    text = sanitize_text(finding.text)
    return Text.assemble(mark, f" {finding.part}: {text}", *(f"\n    {line}" for line in (*names, *more)))

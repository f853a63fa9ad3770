"""The options that name a library, and those of `serve`; one definition for the front and for the command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

SERVE_SUMMARY = "serve MCP on stdin and stdout (the default)"


def is_serve_command(argv: Sequence[str]) -> bool:
    """Whether a command line means `serve`: options alone do, but for those that ask about the program itself."""
    return not argv or argv[0] == "serve" or (argv[0].startswith("-") and argv[0] not in ("-h", "--help", "--version"))


def add_library_options(parser: argparse.ArgumentParser) -> None:
    """Which library, which folders, which models."""
    group = parser.add_argument_group("library")
    group.add_argument("--root", action="append", default=[], metavar="DIR", help="folder that may be read; repeatable")
    group.add_argument("--library", metavar="DIR", help="the folder that holds the library")
    group.add_argument("--profile", metavar="NAME", help="the models: builtin, omni, auto, a folder, owner/name@commit")
    group.add_argument("--config", metavar="FILE", help="a TOML file with settings")


def add_serve_options(parser: argparse.ArgumentParser) -> None:
    """How to serve."""
    parser.add_argument("--read-only", action="store_true", default=None, help="offer neither adding nor removing")
    parser.add_argument("--watch", action="store_true", default=None, help="add by itself what changes in the folders")
    parser.add_argument("--http", metavar="HOST:PORT", help="serve streamable HTTP there instead of stdin and stdout")
    parser.add_argument("--solo", action="store_true", help="one process, nothing in the background")


def serve_parser() -> argparse.ArgumentParser:
    """The parser of `serve` alone: making that of all commands takes as long as the rest of a front's start."""
    parser = argparse.ArgumentParser(
        prog="mcp-mmretrieval serve", description=f"{SERVE_SUMMARY[0].upper()}{SERVE_SUMMARY[1:]}."
    )
    add_library_options(parser)
    add_serve_options(parser)
    return parser


def option_values(arguments: argparse.Namespace) -> dict[str, object]:
    """The settings among the options, as `settings_from_sources` takes them."""
    return {
        "roots": arguments.root or None,
        "library": arguments.library,
        "profile": arguments.profile,
        "config": arguments.config,
        "read_only": getattr(arguments, "read_only", None),
        "watch": getattr(arguments, "watch", None),
        "ray": getattr(arguments, "ray", None),
    }

"""`completion`: what the shell runs to complete commands, options and paths."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import shtab

from mcp_mmretrieval.cli import EXIT_OK, command_parser, show

SHELLS = ("bash", "zsh", "fish")

_PLACES = {"FILE": shtab.FILE, "PATH": shtab.FILE, "WHERE": shtab.FILE, "X": shtab.FILE, "DIR": shtab.DIRECTORY}
"""What is completed where an option or argument is called so in the help."""


def completion_command(arguments: argparse.Namespace) -> int:
    """Print the script of a shell."""
    parser = command_parser()
    for action in _actions(parser):
        if isinstance(action.metavar, str) and action.metavar in _PLACES:
            action.complete = _PLACES[action.metavar]  # type: ignore[attr-defined]
    show.print_text(shtab.complete(parser, shell=arguments.shell))
    return EXIT_OK


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The options and arguments of a parser and of its commands."""
    for action in parser._actions:  # argparse offers no other way to them
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)

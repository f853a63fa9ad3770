"""`add`, `search` and `status`: clients of the same server that assistants use."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio
from rich.console import RenderableType

from mcp_mmretrieval.cli import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_OK, given_settings, log_to_stderr, show
from mcp_mmretrieval.cli.session import Session, engine_session, path_for_server
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument, RetrievalError

if TYPE_CHECKING:
    from mcp_mmretrieval.server.tools.results import AddResult, SearchResult, StatusResult

MAX_SHEET_HITS = 12
"""Hits that open_media puts side by side at most."""
MODEL_WAIT_S = 1.5
"""Seconds that a search waits for models that load: long enough for the built-in one. Then words answer, and say so."""


def add_command(arguments: argparse.Namespace) -> int:
    """Add files and folders, and wait until that is done. Interrupted: what was added stays."""
    log_to_stderr()
    paths = [path_for_server(path) for path in arguments.paths]
    wanted = with_roots(given_settings(arguments), [str(_folder(path)) for path in paths])
    if Settings.of(wanted).read_only:
        raise BadArgument("The settings say read-only: unset MMRETRIEVAL_READ_ONLY to add.")
    if not wanted["roots"]:
        raise BadArgument("Nothing to add: name files or folders, or set --root.")
    try:
        result = cast("AddResult", anyio.run(_add, wanted, paths, arguments.json))
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted. What was added stays; the same command goes on from there.\n")
        return EXIT_INTERRUPTED
    _print_result(arguments.json, result, show.render_add_result(result))
    added_none = not (result["added"] or result["unchanged"] or result["replaced"] or result["moved"])
    return EXIT_FAILURE if result["state"] != "done" or (result["failed"] and added_none) else EXIT_OK


async def _add(wanted: dict[str, object], paths: list[str], quiet: bool) -> dict[str, Any]:
    async with engine_session(wanted) as session:
        with nullcontext() if quiet else show.progress_bar("Reading") as report:
            result = await session.add(paths, report)
        with nullcontext() if quiet else show.progress_bar("Embedding") as report:
            return {**result, "pending_vectors": await session.settled(report)}


def search_command(arguments: argparse.Namespace) -> int:
    """Search by words, by example or both; without roots, in the current folder."""
    log_to_stderr()
    asked = _question(arguments)
    beside = [str(_folder(asked["like"]))] if Path(asked.get("like", "")).is_absolute() else []
    wanted = with_roots(given_settings(arguments), [str(Path.cwd()), *beside])
    result, pictures = anyio.run(_search, wanted, asked, arguments)
    _print_result(arguments.json, result, show.render_hits(cast("SearchResult", result)))
    for file, picture in pictures.items():
        Path(file).write_bytes(picture)
        show.tell_written(file)
    return EXIT_OK


def _question(arguments: argparse.Namespace) -> dict[str, Any]:
    """The arguments of search_media. Existing paths become absolute; ids and citations stay as they are."""
    if not (arguments.words or arguments.like):
        raise BadArgument("Nothing to look for: give words, or --like with a file, a hit's id or a citation.")
    asked = {
        "query": " ".join(arguments.words) or None,
        "like": _absolute_if_there(arguments.like),
        "modality": arguments.modality,
        "under": _absolute_if_there(arguments.under),
        "limit": arguments.limit,
    }
    return {name: value for name, value in asked.items() if value is not None}


async def _search(
    wanted: dict[str, object], asked: dict[str, Any], arguments: argparse.Namespace
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The answer, and the pictures to write, by file."""
    async with engine_session(wanted) as session:
        if (await session.call("status")).get("documents"):  # in an empty library there is nothing to wait for
            await session.models_ready(within=MODEL_WAIT_S)
        result = await session.call("search_media", **asked)
        ids = [hit["id"] for hit in result["hits"]][:MAX_SHEET_HITS]
        wishes = {arguments.open: ids[:1], arguments.sheet: ids}
        return result, {file: await _picture(session, hits) for file, hits in wishes.items() if file and hits}


async def _picture(session: Session, hits: list[str]) -> bytes:
    text, pictures = await session.look(hits)
    if not pictures:
        raise RetrievalError(f"There is no picture of that to write, only text:\n{text}")
    return pictures[0]


def status_command(arguments: argparse.Namespace) -> int:
    """Show what the library holds and how it is."""
    log_to_stderr()
    result = cast("StatusResult", anyio.run(_status, given_settings(arguments)))
    _print_result(arguments.json, result, show.render_status(result))
    return EXIT_OK


async def _status(wanted: dict[str, object]) -> dict[str, Any]:
    async with engine_session(wanted) as session:
        return await session.call("status")


def with_roots(wanted: dict[str, object], folders: list[str]) -> dict[str, object]:
    """The settings with these folders as roots, unless they name roots: who types a path may read it."""
    return {**wanted, "roots": wanted.get("roots") or list(dict.fromkeys(folders))}


def _folder(path: str) -> Path:
    return Path(path) if Path(path).is_dir() else Path(path).parent


def _absolute_if_there(target: str | None) -> str | None:
    path = path_for_server(target or "")
    return path if target and Path(path).exists() else target


def _print_result(as_json: bool, result: Mapping[str, Any], rendered: RenderableType) -> None:
    """Print the result as JSON, or as rendered for a person."""
    if as_json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False, indent=2) + "\n")
    else:
        show.stdout_console().print(rendered)

"""`search`, `list`, `open`, `remove` and `status`: clients of the same server that assistants use.

Without a root they see what was added at a terminal (`added_folders`).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio
from rich.console import RenderableType

from mcp_mmretrieval.cli import EXIT_FAILURE, EXIT_OK, given_settings, log_to_stderr, show
from mcp_mmretrieval.cli.added_folders import note_folders, with_roots
from mcp_mmretrieval.cli.session import Session, ask_library, engine_session, path_for_server
from mcp_mmretrieval.errors import BadArgument, RetrievalError

if TYPE_CHECKING:
    from mcp_mmretrieval.server.tools.quote_check import QuoteResult
    from mcp_mmretrieval.server.tools.results import (
        ListResult,
        LookResult,
        RemoveResult,
        SearchResult,
        StatusResult,
    )

MAX_SHEET_HITS = 12
"""Hits that open_media puts side by side at most."""
LIST_PAGE = 200
"""Documents that one call lists at most."""
MODEL_WAIT_S = 1.5
"""Seconds that a search waits for models that load: long enough for the built-in one. Then words answer, and say so."""


def search_command(arguments: argparse.Namespace) -> int:
    """Search by words, by example or both."""
    log_to_stderr()
    asked = _question(arguments)
    named = _named(*asked.get("like", ()), *asked.get("avoid", ()), asked.get("under"), asked.get("document"))
    wanted = with_roots(given_settings(arguments), named)
    result, pictures = anyio.run(_search, wanted, asked, arguments)
    if not result["hits"]:
        result = _with_outside(wanted, result)
    found = cast("SearchResult", result)
    _print(arguments, found, show.render_hits(found), show.hit_records(found))
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
        "like": _each_absolute(arguments.like),
        "avoid": _each_absolute(arguments.avoid),
        "document": _absolute_if_there(arguments.document),
        "limit": arguments.limit,
        **_filters(arguments),
    }
    return {name: value for name, value in asked.items() if value is not None}


def _each_absolute(given: list[str] | None) -> list[str | None] | None:
    return [_absolute_if_there(one) for one in given] if given else None


def _filters(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "modality": arguments.modality,
        "under": _absolute_if_there(arguments.under),
        "after": arguments.after,
        "before": arguments.before,
    }


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


def list_command(arguments: argparse.Namespace) -> int:
    """List the documents that the library holds."""
    log_to_stderr()
    arguments.under = arguments.folder or arguments.under
    filters = _filters(arguments)
    wanted = with_roots(given_settings(arguments), _named(filters["under"]))
    result = anyio.run(_listed, wanted, {**filters, "order": arguments.order}, arguments.limit)
    if not result["documents"]:
        result = _with_outside(wanted, result)
    listed = cast("ListResult", result)
    _print(arguments, listed, show.render_list(listed), show.list_records(listed))
    return EXIT_OK


async def _listed(wanted: dict[str, object], asked: dict[str, Any], limit: int | None) -> dict[str, Any]:
    """All pages in one, or as many documents as were asked for."""
    async with engine_session(wanted) as session:
        whole: dict[str, Any] = {}
        documents: list[Any] = []
        while limit is None or len(documents) < limit:
            most = LIST_PAGE if limit is None else min(LIST_PAGE, limit - len(documents))
            page = await session.call("list_documents", **asked, limit=most, offset=len(documents))
            documents += page["documents"]
            whole = {**page, "documents": documents}
            if "next_offset" not in page:
                break
        whole.pop("next_offset", None)
        return whole


def open_command(arguments: argparse.Namespace) -> int:
    """Show the text at one place, or write what it looks like, or check a quotation against it."""
    log_to_stderr()
    target = _absolute_if_there(arguments.target) or ""
    wanted = with_roots(given_settings(arguments), _named(target))
    if arguments.quote is not None:
        return _check_quote(wanted, target, arguments)
    look = cast("LookResult", ask_library(wanted, "look", target=target)["look"])
    if arguments.picture:
        Path(arguments.picture).write_bytes(anyio.run(_picture_of, wanted, look["id"]))
        show.tell_written(arguments.picture)
    if arguments.json:
        show.print_json(look)
    elif (out := show.stdout_console()).is_terminal:
        out.print(show.render_look(look))
    else:
        show.print_text(look["text"])
        _tell_notes(look)
    return EXIT_OK


def _check_quote(wanted: dict[str, object], target: str, arguments: argparse.Namespace) -> int:
    """Tell whether the words stand there. Exit code 1 where they stand elsewhere or nowhere."""
    answer = ask_library(wanted, "quote", target=target, quote=arguments.quote)
    checked = cast("QuoteResult", answer["quote"])
    if arguments.json:
        show.print_json(checked)
    else:
        show.stdout_console().print(str(answer["told"]), markup=False, highlight=False)
    return EXIT_OK if checked["verdict"] in ("exact", "near") else EXIT_FAILURE


async def _picture_of(wanted: dict[str, object], id: str) -> bytes:
    async with engine_session(wanted) as session:
        return await _picture(session, [id])


def remove_command(arguments: argparse.Namespace) -> int:
    """Take files or folders out of the library. Exit code 1 where one of them was not in it."""
    log_to_stderr()
    targets = [_absolute_if_there(target) or target for target in arguments.targets]
    given = given_settings(arguments)
    wanted = with_roots(given, _named(*targets))
    result = cast("RemoveResult", anyio.run(_removed, wanted, targets, arguments.dry_run))
    if not arguments.dry_run:
        note_folders(given, "removed", [os.path.realpath(target) for target in targets if target.startswith("/")])
    _print(arguments, result, show.render_removal(result))
    return EXIT_FAILURE if result.get("unknown") else EXIT_OK


async def _removed(wanted: dict[str, object], targets: list[str], dry_run: bool) -> dict[str, Any]:
    async with engine_session(wanted) as session:
        return await session.call("remove_documents", targets=targets, dry_run=dry_run)


def status_command(arguments: argparse.Namespace) -> int:
    """Show what the library holds and how it is."""
    log_to_stderr()
    wanted = with_roots(given_settings(arguments))
    result = {**anyio.run(_status, wanted)}
    if (outside := _outside(wanted))["files"]:
        result["outside"] = outside
    _print(arguments, result, show.render_status(cast("StatusResult", result)))
    return EXIT_OK


async def _status(wanted: dict[str, object]) -> dict[str, Any]:
    async with engine_session(wanted) as session:
        return await session.call("status")


def _outside(wanted: dict[str, object]) -> dict[str, Any]:
    """How many files of the library lie outside of what is seen, and the folder that holds them all."""
    return dict(cast("Mapping[str, Any]", ask_library(wanted, "outside")["outside"]))


def _with_outside(wanted: dict[str, object], result: dict[str, Any]) -> dict[str, Any]:
    """An answer without anything in it, with a note on what was not looked at."""
    if not (outside := _outside(wanted))["files"]:
        return result
    return {**result, "notes": [*result.get("notes", ()), show.outside_line(outside).plain]}


def _named(*targets: str | None) -> list[str]:
    """The absolute paths among what a command line names, without the places in them."""
    paths = [target for target in targets if target and target.startswith("/")]
    return [path if os.path.lexists(path) else path.rpartition("#")[0] or path for path in paths]


def _absolute_if_there(target: str | None) -> str | None:
    """An existing path from the root of the file system, with the place that follows it; all else as it is."""
    if not target:
        return None
    if os.path.lexists(path := path_for_server(target)):
        return path
    bare, mark, place = target.rpartition("#")
    return f"{path}#{place}" if mark and bare and os.path.lexists(path := path_for_server(bare)) else target


def _print(
    arguments: argparse.Namespace,
    result: Mapping[str, Any],
    rendered: RenderableType,
    records: Iterable[Iterable[object]] | None = None,
) -> None:
    """The result as JSON, as a terminal shows it, or a record a line where a program reads it, and notes on stderr."""
    out = show.stdout_console()
    if arguments.json:
        show.print_json(result)
    elif records is None or out.is_terminal:
        out.print(rendered)
    else:
        show.print_records(records)
        if not any(result.get(name) for name in ("hits", "documents")):
            show.tell("Nothing found.")
        if same := sum(hit.get("duplicates", 0) for hit in result.get("hits", ())):
            show.tell(
                f"{same} more {'place says' if same == 1 else 'places say'} the same as these; --json names them."
            )
        _tell_notes(result)


def _tell_notes(result: Mapping[str, Any]) -> None:
    for note in result.get("notes", ()):
        show.tell(note)

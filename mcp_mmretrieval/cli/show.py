"""What the server answers, as a person reads it on a terminal."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rich.console import Console, Group, RenderableType
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from mcp_mmretrieval.types import MODALITY_TRAITS

if TYPE_CHECKING:
    from mcp.shared.dispatcher import ProgressFnT

    from mcp_mmretrieval.server.tools.results import AddResult, Found, SearchResult, StatusResult
    from mcp_mmretrieval.types import Modality

UNWRAPPED_COLUMNS = 10_000
"""Wider than any path, so that whoever greps for one finds it in one piece."""


def stdout_console() -> Console:
    """The console for the answer. Where no terminal but a program or a file takes it, its lines are not wrapped."""
    out = Console()
    if not out.is_terminal and "COLUMNS" not in os.environ:
        out.width = UNWRAPPED_COLUMNS
    return out


def stderr_console() -> Console:
    """The console for everything but the answer, which goes to stdout."""
    return Console(stderr=True)


def tell_written(file: str) -> None:
    """Say on stderr that a file was written."""
    stderr_console().print(f"Wrote {file}", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress_bar(what: str) -> Iterator[ProgressFnT]:
    """A bar on stderr, and what the server's reports of progress go to. Silent where stderr is no terminal."""
    bar = Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[file]}", markup=True),
        console=stderr_console(), transient=True, disable=not stderr_console().is_terminal,
    )  # fmt: skip
    task = bar.add_task(what, total=None, file="")

    async def report(progress: float, total: float | None, message: str | None) -> None:
        bar.update(task, completed=int(progress), total=total, file=_plain(Path(message).name) if message else "")

    with bar:
        yield report


@contextmanager
def download_bar(what: str) -> Iterator[Callable[[int, int, str], None]]:
    """A bar of bytes on stderr, and what reports of bytes go to; a line at each tenth where there is no terminal."""
    out = stderr_console()
    if not out.is_terminal:
        yield _tenths(what, out)
        return
    bar = Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
        TimeRemainingColumn(), TextColumn("[dim]{task.fields[file]}", markup=True), console=out, transient=True,
    )  # fmt: skip
    task = bar.add_task(_plain(what), total=None, file="")

    def report(done: int, total: int, file: str) -> None:
        bar.update(task, completed=done, total=total, file=_plain(file))

    with bar:
        yield report


def _tenths(what: str, out: Console) -> Callable[[int, int, str], None]:
    last = -1

    def report(done: int, total: int, _: str) -> None:
        nonlocal last
        if total and (tenth := done * 10 // total) > last:
            last = tenth
            out.print(
                f"{what}: {format_bytes(done)} of {format_bytes(total)}", markup=False, highlight=False, soft_wrap=True
            )

    return report


def format_bytes(count: int) -> str:
    """Bytes, for a person."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


@contextmanager
def spinner(what: str) -> Iterator[None]:
    """A spinner on stderr. Silent where stderr is no terminal."""
    out = stderr_console()
    if not out.is_terminal:
        yield
        return
    with out.status(what):
        yield


def render_hits(result: SearchResult) -> RenderableType:
    """Hits, best first: where, what kind, how far to trust it, and the words that matched."""
    if not result["hits"]:
        return Group(Text("Nothing found.", style="bold"), *render_notes(result.get("notes", ())))
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim")
    table.add_column()
    table.add_column(ratio=1, overflow="fold")
    table.add_column(justify="right")
    for rank, hit in enumerate(result["hits"], 1):
        score = f"{hit['match']} {hit['score']:.2f}"
        table.add_row(str(rank), render_modality(hit), Group(render_citation(hit), *_words(hit)), score)
    return Group(table, *render_notes(result.get("notes", ())))


def render_modality(hit: Found) -> Text:
    """The hit's modality, each in its own colour."""
    return Text(f"{hit['modality']:<5}", style=MODALITY_TRAITS[hit["modality"]].colour)


def render_citation(hit: Found) -> Text:
    """The citation, as a link to the file where the terminal knows links."""
    cited = Text(hit["citation"], style="bold")
    if hit.get("path"):
        cited.stylize(f"link {Path(hit['path']).as_uri()}")
    if date := hit.get("dated") or hit.get("modified"):
        cited.append(f"  {date[:10]}", style="dim not bold")
    if hit.get("more_in_document"):
        cited.append(f"  +{hit['more_in_document']} more", style="dim not bold")
    return cited


def _words(hit: Found) -> Iterator[Text]:
    if snippet := hit.get("snippet"):
        yield Text(snippet if len(snippet) <= 160 else f"{snippet[:159]}…", style="dim")


def render_add_result(result: AddResult) -> RenderableType:
    """How many files came in, what did not and why."""
    counts = [
        f"{result[name]} {name}"
        for name in ("added", "replaced", "moved", "unchanged")
        if result[name] or name == "added"
    ]
    if removed := result.get("removed"):
        counts.append(f"{removed} taken out, gone from their folder or ignored by now")
    failed = result.get("failed_in_all", len(result["failed"]))
    if failed:
        counts.append(f"{failed} failed")
    style = {"done": "bold green", "failed": "bold red"}.get(result["state"], "bold yellow")
    lines = [Text.assemble((result["state"].capitalize(), style), ": " + ", ".join(counts))]
    lines += [Text(f"  skipped {count}: {rule}", style="dim") for rule, count in result["skipped"].items()]
    lines += [_failure(one["path"], one["reason"]) for one in result["failed"]]
    if error := result.get("error"):
        lines.append(Text(error, style="red"))
    if pending := result["pending_vectors"]:
        lines.append(Text(f"{_counted(pending, 'document')} without vectors so far, found by words only.", style="dim"))
    return Group(*lines, *render_notes(result.get("notes", ())))


def _failure(path: str, reason: str) -> Text:
    """The reason mostly begins with the file's name; the folder is added where it does not."""
    line = reason if Path(path).name in reason else f"{path}: {reason}"
    return Text.assemble(("  ✗ ", "red"), line)


def render_status(result: StatusResult) -> RenderableType:
    """The library's health, a line each."""
    table = facts_table()
    table.add_row("version", result.get("version", ""))
    table.add_row("library", Text(result.get("library", "")))
    table.add_row("roots", Text("\n".join(result.get("roots", ())) or "none: nothing can be read. Set --root."))
    held = [
        f"{count} {traits.plural if count > 1 else traits.noun}"
        for modality, count in result.get("documents", {}).items()
        if count and (traits := MODALITY_TRAITS[cast("Modality", modality)])
    ]
    table.add_row("documents", ", ".join(held) or "none yet")
    table.add_row("places", f"{result.get('segments', 0):,}")
    table.add_row("size", format_bytes(result.get("bytes", 0)))
    if pending := result.get("pending_vectors"):
        table.add_row("without vectors", f"{_counted(pending, 'document')}, found by words only so far")
    if unread := result.get("unread_figures"):
        table.add_row("to be read", f"the pictures of {_counted(unread, 'page')}, once nothing else is to be done")
    table.add_row("models", result.get("models_state", ""))
    for part, line in result.get("models", {}).items():
        table.add_row(f"  {part}", Text(line))
    table.add_row("index", Text(result.get("index", "")))
    table.add_row("parsers", Text(result.get("sandbox", "")))
    table.add_row("engine", Text(result.get("engine", "")))
    for job in result["jobs"]:
        table.add_row(f"job {job['job']}", render_add_result(cast("AddResult", job)))
    problems = [Text.assemble(("✗ ", "red"), problem) for problem in result.get("problems", ())]
    return Group(table, *problems)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun if count == 1 else f'{noun}s'}"


def facts_table() -> Table:
    """A table of names and what is the case."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    return table


def render_notes(texts: Iterable[str]) -> Iterator[Text]:
    """What else to know, a line each."""
    for text in texts:
        yield Text(f"• {text}", style="yellow")


def _plain(text: str) -> str:
    """The text with nothing that rich would take for markup."""
    return re.sub(r"(?=\[)", r"\\", text)

"""How far something is, on stderr: a bar on a terminal, a line now and then where none is."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
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
from rich.table import Column

from mcp_mmretrieval.cli.show import format_bytes, has_bars, stderr_console, tell

if TYPE_CHECKING:
    from mcp.shared.dispatcher import ProgressFnT

LINE_EVERY_S = 5.0
"""Seconds between two lines where there is no terminal."""
MIN_COLUMNS_FOR_FILE = 70
"""Columns of a terminal from which on the file's name stands beside the bar."""


@contextmanager
def progress_bar(
    what: str, things: str = "files", clock: Callable[[], float] = time.monotonic
) -> Iterator[ProgressFnT]:
    """A bar on stderr, and what the server's reports of progress go to. Without a terminal: `Reading: 37 of 120 files`.

    Until the total is known nothing is counted: the files are still being looked for.
    """
    out = stderr_console()
    if not has_bars(out):
        yield _lines(what, things, out, clock)
        return
    columns = [
        SpinnerColumn(), TextColumn("{task.fields[doing]}"), BarColumn(bar_width=None), MofNCompleteColumn(),
        TimeElapsedColumn(),
    ]  # fmt: skip
    if out.width >= MIN_COLUMNS_FOR_FILE:
        name = Column(max_width=out.width // 3, no_wrap=True, overflow="ellipsis")
        columns.append(TextColumn("[dim]{task.fields[file]}", markup=True, table_column=name))
    bar = Progress(*columns, console=out, transient=True)
    task = bar.add_task(what, total=None, file="", doing=what, visible=False)

    async def report(progress: float, total: float | None, message: str | None) -> None:
        doing = what if total else f"Looking for {things}"
        name = _plain(Path(message).name) if message else ""
        bar.update(task, completed=int(progress), total=total, file=name, doing=doing, visible=True)

    with bar:
        yield report


def _lines(what: str, things: str, out: Console, clock: Callable[[], float]) -> ProgressFnT:
    """Tells the first count, the last one, and one every `LINE_EVERY_S`."""
    told, at = -1, float("-inf")

    async def report(progress: float, total: float | None, message: str | None) -> None:
        nonlocal told, at
        done = int(progress)
        if total and done != told and (clock() >= at + LINE_EVERY_S or done == int(total)):
            told, at = done, clock()
            tell(f"{what}: {done:,} of {int(total):,} {things}", out)

    return report


@contextmanager
def download_bar(what: str) -> Iterator[Callable[[int, int, str], None]]:
    """A bar of bytes on stderr, and what reports of bytes go to; a line at each tenth where there is no terminal."""
    out = stderr_console()
    if not has_bars(out):
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
            tell(f"{what}: {format_bytes(done)} of {format_bytes(total)}", out)

    return report


def _plain(text: str) -> str:
    """The text with nothing that rich would take for markup."""
    return re.sub(r"(?=\[)", r"\\", text)

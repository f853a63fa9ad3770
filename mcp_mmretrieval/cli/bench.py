"""`bench`: how fast the wanted models are on this machine, what that takes of it, and what each cap costs.

It loads the models itself, in this process, and uses them as the library does; nothing is added to any library.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from mcp_mmretrieval.bench.plan import Task
from mcp_mmretrieval.bench.report import Report, Row
from mcp_mmretrieval.bench.running import SECONDS, Run, decided, device_of, wanted
from mcp_mmretrieval.bench.untrained_profile import build, stand_in
from mcp_mmretrieval.cli import DONE, INTERRUPTED, bench_plot, bench_table, log_to_stderr, settings, show
from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.models.device import threads
from mcp_mmretrieval.models.loading import Models

STDOUT = "-"
"""In the place of a file's name."""


def bench(arguments: argparse.Namespace) -> int:
    """Measure, and tell. Interrupted: what was measured until then is told."""
    log_to_stderr()
    threads.prepare()
    given = decided(settings(arguments))
    named = arguments.random_weights
    asked = stand_in(named, given) if named is not None else None
    profile = wanted(given)
    _check(arguments)
    with tempfile.TemporaryDirectory(prefix="mcp-mmretrieval-") as folder:
        if asked is not None:
            with show.waiting(f"Drawing random weights for {asked.name}"):
                profile = build(asked, Path(folder), device_of(given))
        with show.waiting("Loading the models"):
            run = Run(given, profile, Models(given, Path(folder)), random_weights=asked is not None)
        report, interrupted = _measured(run, arguments)
    _tell(report, arguments)
    return INTERRUPTED if interrupted else DONE


def _check(arguments: argparse.Namespace) -> None:
    """Raises BadArgument before anything is measured, not after."""
    if arguments.seconds is not None and arguments.seconds <= 0:
        raise BadArgument(f"--seconds {arguments.seconds:g}: must be more than 0.")
    if arguments.plot and Path(arguments.plot).suffix.lower() not in bench_plot.KINDS:
        raise BadArgument(f"--plot {arguments.plot}: the name must end in {' or '.join(bench_plot.KINDS)}.")
    for option in ("json", "plot"):
        named = getattr(arguments, option)
        if named and named != STDOUT and not Path(named).absolute().parent.is_dir():
            raise BadArgument(f"--{option} {named}: its folder is not there. Make it, or name another file.")


def _measured(run: Run, arguments: argparse.Namespace) -> tuple[Report, bool]:
    """What was found, and whether it was broken off."""
    thorough = "quick" if arguments.quick else "full" if arguments.full else "usual"
    seconds = arguments.seconds or SECONDS[thorough]
    found: list[Row] = []
    interrupted = False
    with show.waiting("Multiplying matrices"):
        on = run.machine()
    with _progressing() as told:
        try:
            for row in run.rows(on, thorough, seconds, told):
                found.append(row)  # noqa: PERF402  what was found before an interruption stays
        except KeyboardInterrupt:
            interrupted = True
    return run.report(on, found, seconds), interrupted


@contextmanager
def _progressing() -> Iterator[Callable[[Task], None]]:
    """What is being measured, on stderr. Silent where nobody looks."""
    out = show.console()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bar:
        line = bar.add_task("Measuring", total=None)
        yield lambda task: bar.update(
            line, description=f"Measuring: {task.part}, {task.what}, {bench_table.size(task.amount, task.unit)}"
        )


def _tell(report: Report, arguments: argparse.Namespace) -> None:
    """The table on stdout, unless that is to have the JSON; and the files."""
    written = json.dumps(report.as_json(), ensure_ascii=False, indent=2) + "\n"
    if arguments.json == STDOUT:
        sys.stdout.write(written)
    else:
        Console().print(bench_table.table(report))
    if arguments.json and arguments.json != STDOUT:
        Path(arguments.json).write_text(written, encoding="utf-8")
        show.console().print(f"Wrote {arguments.json}", highlight=False)
    if arguments.plot:
        bench_plot.write(report, Path(arguments.plot))
        show.console().print(f"Wrote {arguments.plot}", highlight=False)

"""`bench`: how fast the wanted models are on this machine, how much memory they take, and what each cap costs.

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

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from mcp_mmretrieval.bench.plan import BenchTask
from mcp_mmretrieval.bench.report import BenchReport, BenchRow
from mcp_mmretrieval.bench.running import (
    SECONDS_BY_EFFORT,
    BenchRun,
    hub_device_name,
    selected_profile,
    with_auto_resolved,
)
from mcp_mmretrieval.bench.untrained_profile import build_untrained_profile, untrained_request
from mcp_mmretrieval.cli import EXIT_INTERRUPTED, EXIT_OK, bench_plot, bench_table, log_to_stderr, read_settings, show
from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.models.device import threads
from mcp_mmretrieval.models.hub_packages import require_hub_packages
from mcp_mmretrieval.models.pool import ModelPool

STDOUT_NAME = "-"
"""In the place of a file's name."""


def bench_command(arguments: argparse.Namespace) -> int:
    """Measure, and print. After an interruption it prints what was measured until then."""
    log_to_stderr()
    threads.set_thread_environment()
    given = with_auto_resolved(read_settings(arguments))
    named = arguments.random_weights
    asked = untrained_request(named, given) if named is not None else None
    profile = selected_profile(given)
    _check(arguments)
    with tempfile.TemporaryDirectory(prefix="mcp-mmretrieval-") as folder:
        if asked is not None:
            require_hub_packages(f"bench --random-weights {asked.name}")
            with show.spinner(f"Drawing random weights for {asked.name}"):
                profile = build_untrained_profile(asked, Path(folder), hub_device_name(given))
        with show.spinner("Loading the models"):
            run = BenchRun(given, profile, ModelPool(given), random_weights=asked is not None)
        report, interrupted = _measured(run, arguments)
    _write_report(report, arguments)
    return EXIT_INTERRUPTED if interrupted else EXIT_OK


def _check(arguments: argparse.Namespace) -> None:
    """Raises BadArgument before anything is measured, not after."""
    if arguments.seconds is not None and arguments.seconds <= 0:
        raise BadArgument(f"--seconds {arguments.seconds:g}: must be more than 0.")
    if arguments.plot:
        bench_plot.check_plot_file(arguments.plot)
    for option in ("json", "plot"):
        named = getattr(arguments, option)
        if named and named != STDOUT_NAME and not Path(named).absolute().parent.is_dir():
            raise BadArgument(f"--{option} {named}: its folder is not there. Make it, or name another file.")


def _measured(run: BenchRun, arguments: argparse.Namespace) -> tuple[BenchReport, bool]:
    """The report, and whether it was interrupted."""
    effort = "quick" if arguments.quick else "full" if arguments.full else "usual"
    seconds = arguments.seconds or SECONDS_BY_EFFORT[effort]
    found: list[BenchRow] = []
    interrupted = False
    with show.spinner("Multiplying matrices"):
        on = run.machine()
    with _progressing() as on_task:
        try:
            for row in run.rows(on, effort, seconds, on_task):
                found.append(row)  # noqa: PERF402  what was found before an interruption stays
        except KeyboardInterrupt:
            interrupted = True
    return run.report(on, found, seconds), interrupted


@contextmanager
def _progressing() -> Iterator[Callable[[BenchTask], None]]:
    """Shows on stderr what is being measured. Silent where stderr is no terminal."""
    out = show.stderr_console()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bar:
        line = bar.add_task("Measuring", total=None)
        yield lambda task: bar.update(
            line,
            description=f"Measuring: {task.part}, {task.what}, {bench_table.format_amount(task.amount, task.unit)}",
        )


def _write_report(report: BenchReport, arguments: argparse.Namespace) -> None:
    """The table on stdout, unless that is to have the JSON; and the files."""
    written = json.dumps(report.as_json(), ensure_ascii=False, indent=2) + "\n"
    if arguments.json == STDOUT_NAME:
        sys.stdout.write(written)
    else:
        show.stdout_console().print(bench_table.report_table(report))
    if arguments.json and arguments.json != STDOUT_NAME:
        Path(arguments.json).write_text(written, encoding="utf-8")
        show.tell_written(arguments.json)
    if arguments.plot:
        bench_plot.write_plot(report, Path(arguments.plot))
        show.tell_written(arguments.plot)

"""`bench`: how fast the wanted models are on this machine, how much memory they take, and what each cap costs.

It loads the models itself, in this process, and uses them as the library does; nothing is added to any library.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from mcp_mmretrieval.bench.plan import BenchTask
from mcp_mmretrieval.bench.report import ROW_THREAD, BenchReport, BenchRow
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
    try:
        with _unwinding_when_told(), _made_folder() as folder:
            if asked is not None:
                require_hub_packages(f"bench --random-weights {asked.name}")
                with show.spinner(f"Drawing random weights for {asked.name}"):
                    profile = build_untrained_profile(asked, Path(folder), hub_device_name(given))
            with show.spinner("Loading the models"):
                run = BenchRun(given, profile, ModelPool(given), random_weights=asked is not None)
            report, interrupted = _measured(run, arguments)
        _write_report(report, arguments)
        code = EXIT_INTERRUPTED if interrupted else EXIT_OK
    except _ToldToEnd as told:
        code = told.code
    if any(thread.name == ROW_THREAD for thread in threading.enumerate()):
        # a model is still at work in a thread, which would abort the end of the process
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


class _ToldToEnd(BaseException):
    """A signal has told the process to end."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.code = 128 + number
        """Of the process, as shells have it."""


@contextmanager
def _unwinding_when_told() -> Iterator[None]:
    """Within, SIGTERM and SIGHUP raise _ToldToEnd, so that gigabytes of made weights do not stay on the disk."""

    def end(number: int, frame: FrameType | None) -> None:
        raise _ToldToEnd(number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _made_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder that is gone however this ends: a signal between making it and holding it comes a little later."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGHUP))
    try:
        return tempfile.TemporaryDirectory(prefix="mcp-mmretrieval-")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
                found.append(row)  # what was found before an interruption stays
                _write_json(run.report(on, found, seconds), arguments)
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
    if arguments.json == STDOUT_NAME:
        sys.stdout.write(_as_text(report))
    else:
        show.stdout_console().print(bench_table.report_table(report))
    if _write_json(report, arguments):
        show.tell_written(arguments.json)
    if arguments.plot:
        bench_plot.write_plot(report, Path(arguments.plot))
        show.tell_written(arguments.plot)


def _write_json(report: BenchReport, arguments: argparse.Namespace) -> bool:
    """The file with the JSON, whole at any time. Whether one was asked for."""
    if not arguments.json or arguments.json == STDOUT_NAME:
        return False
    file = Path(arguments.json)
    made = file.with_name(f"{file.name}.{os.getpid()}")
    made.write_text(_as_text(report), encoding="utf-8")
    made.replace(file)
    return True


def _as_text(report: BenchReport) -> str:
    return json.dumps(report.as_json(), ensure_ascii=False, indent=2) + "\n"

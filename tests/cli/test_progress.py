import io
from typing import Any

import anyio
import pytest
from rich.console import Console

from mcp_mmretrieval.cli import progress


def test_where_there_is_no_terminal_a_download_is_told_at_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.download_bar("a/[model]") as report:
        for done in range(101):
            report(done * 10_000_000, 1_000_000_000, "weights")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[3] == "a/[model]: 300.0 MB of 1.0 GB"


def reported(reports: list[tuple[float, float | None]], seconds: list[float]) -> None:
    """Reports of the server, each at such a time."""
    clock = iter(seconds)
    now = 0.0

    async def run() -> None:
        nonlocal now
        with progress.progress_bar("Reading", clock=lambda: now) as report:
            for done, total in reports:
                now = next(clock)
                await report(done, total, "[a]/b.pdf")

    anyio.run(run)


def test_in_a_pipe_the_total_is_told_then_a_line_now_and_then_and_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    reported(
        [(0, None), (0, 120), (1, 120), (37, 120), (37, 120), (120, 120), (120.001, 120)], [0, 1, 2, 7, 20, 21, 22]
    )
    told = capsys.readouterr().err
    assert told.splitlines() == [
        "Reading: 0 of 120 files",
        "Reading: 37 of 120 files",
        "Reading: 120 of 120 files",
    ]
    assert told.isprintable() or set(told) - {"\n"} == {letter for letter in told if letter.isprintable()}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("width", [60, 80])
def test_on_a_terminal_files_are_looked_for_and_then_counted(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    out = Console(file=terminal, force_terminal=True, width=width, color_system=None, legacy_windows=False)
    monkeypatch.setattr(progress, "stderr_console", lambda: out)
    monkeypatch.setenv("TERM", "xterm")
    reported([(0, None)], [0.0])
    assert "Looking for files" in terminal.getvalue()
    reported([(0, None), (37, 120)], [0.0, 1.0])
    shown = terminal.getvalue()
    assert "Reading" in shown
    assert "37/120" in shown
    assert ("[a]/b.pdf" in shown or "b.pdf" in shown) == (width >= progress.MIN_COLUMNS_FOR_FILE)


def test_a_terminal_without_a_cursor_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal: Any = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "dumb")
    reported([(3, 3)], [0.0])
    assert terminal.getvalue() == "Reading: 3 of 3 files\n"

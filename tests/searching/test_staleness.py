"""Files that changed since they were read, by size and time."""

import os
import threading
from pathlib import Path

import pytest

from mcp_mmretrieval.roots import changed_ns
from mcp_mmretrieval.searching import staleness
from mcp_mmretrieval.searching.staleness import StalenessCheck
from mcp_mmretrieval.store import File
from tests.support.threads import until


def held(path: Path) -> File:
    state = path.stat()
    return File(path=str(path), document="d", size=state.st_size, mtime_ns=changed_ns(state))


def test_a_file_of_another_size_or_time_is_stale_and_so_is_one_that_went(tmp_path: Path) -> None:
    files = []
    for name in ("same", "longer", "touched", "gone"):
        (tmp_path / name).write_text("words")
        files.append(held(tmp_path / name))
    (tmp_path / "longer").write_text("more words")
    os.utime(tmp_path / "touched", (1, 1))
    (tmp_path / "gone").unlink()
    stale = StalenessCheck().stale(files)
    assert {Path(path).name for path in stale} == {"longer", "touched", "gone"}


def test_a_drive_that_hangs_keeps_nobody_waiting_and_is_not_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("words")
    file, answers, asked = held(tmp_path / "a"), threading.Event(), []

    def hangs(file: File) -> bool:
        asked.append(file.path)
        return answers.wait(60)

    monkeypatch.setattr(staleness, "_differs", hangs)
    monkeypatch.setattr(staleness, "STALENESS_SECONDS", 0.01)
    check = StalenessCheck()
    assert check.stale([file]) == check.stale([file]) == set()
    assert len(asked) == 1
    answers.set()
    until(lambda: not any(thread.name == "staleness" for thread in threading.enumerate()))
    monkeypatch.setattr(staleness, "STALENESS_SECONDS", 10)
    assert check.stale([file]) == {file.path}

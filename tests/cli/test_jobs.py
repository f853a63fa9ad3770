import io
import json
import os
from pathlib import Path

import pytest
from rich.console import Console

from mcp_mmretrieval.cli import jobs
from mcp_mmretrieval.front.endpoint import Endpoint
from mcp_mmretrieval.front.reaching import connect_to_engine, hello
from tests.support.command import adding, answered, run
from tests.support.engines import until


@pytest.mark.builtin
def test_every_command_talks_to_the_one_engine_and_stop_ends_it(folder: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    with adding(folder, library) as process:
        listed = json.loads(run("jobs", "--library", library, "--json").stdout)
        assert [job["state"] for job in listed] == ["running"]
        shown = run("jobs", "cancel", listed[0]["job"], "--library", library)
        assert shown.returncode == 0, shown.stderr
        told, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "cancelled" in told.lower()
    engine = answered(run("status", "--library", library, "--json"))["engine"]
    assert str(library / "engine.log") in engine
    assert run("stop", "--library", library).returncode == 0
    until(lambda: not Endpoint(str(library)).held())
    assert "No engine runs" in run("stop", "--library", library).stdout


def test_the_job_to_cancel_has_to_be_named_and_known(tmp_path: Path) -> None:
    unnamed = run("jobs", "cancel", "--library", tmp_path / "library")
    assert unnamed.returncode == 2
    unknown = run("jobs", "cancel", "nope", "--library", tmp_path / "library")
    assert unknown.returncode == 1
    assert "nope: no such job" in unknown.stderr


def test_a_file_that_looks_like_markup_is_shown_as_it_is() -> None:
    out = Console(width=120, record=True, file=io.StringIO())
    out.print(jobs._job({"job": "ab", "state": "running", "failed": [], "current": "/data/[draft]/[/old].pdf"}))
    assert "/data/[draft]/[/old].pdf" in out.export_text()


def test_an_engine_that_jobs_starts_has_the_given_settings_and_leaves_without_a_warning(tmp_path: Path) -> None:
    library = tmp_path / "library"
    assert run("jobs", "--library", library, MMRETRIEVAL_MAX_PAGES="7").returncode == 0
    connection, answer = connect_to_engine(Endpoint(str(library)), hello({"max_pages": 7}), start=False)
    connection.close()
    assert answer["differs"] == []
    assert run("stop", "--library", library).returncode == 0
    until(lambda: not Endpoint(str(library)).held())
    assert "WARNING" not in (library / "engine.log").read_text()


def test_stopping_an_engine_that_ends_already_is_no_error(tmp_path: Path) -> None:
    lock = Endpoint(str(tmp_path)).elect()
    assert lock is not None
    done = run("stop", "--library", tmp_path)
    os.close(lock)
    assert (done.returncode, done.stderr) == (0, "")
    assert "The engine ends" in done.stdout


def test_a_long_path_is_shown_whole() -> None:
    out = Console(width=60, record=True, file=io.StringIO())
    path = f"/{'long/' * 40}a.pdf"
    out.print(jobs._job({"job": "ab", "state": "running", "found": 9, "added": 2, "failed": [1], "current": path}))
    shown = "".join(out.export_text().split())
    assert path in shown
    assert "3of9files:2added,1failed" in shown

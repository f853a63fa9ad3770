"""Jobs outlive the process: killed, closed or cancelled, what happens next is what was asked for."""

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO

import pytest

from mcp_mmretrieval.answers import Outcome
from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.jobs import RESUMED_NOTE, AddRequest
from mcp_mmretrieval.jobs.history import (
    FOLDER_MOVED_NOTE,
    INTERRUPTED_NOTE,
    MAX_JOB_ATTEMPTS,
    RESTING_NOTE,
    _stored,
)
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.store import JobRow, Store
from tests.conftest import OpenLibrary
from tests.support.files import BLUE, RED, picture
from tests.support.gate import PATIENCE, Gate, gate

__all__ = ["gate"]


@contextmanager
def process(folder: Path, root: Path, *what: str) -> Iterator[IO[str]]:
    """What a process that adds says; it is killed in the end. See `tests.support.crash_embedding`."""
    command = [sys.executable, "-m", "tests.support.crash_embedding", str(folder), str(root), *what]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as child:
        assert child.stdout is not None
        yield child.stdout
        child.kill()
        assert child.wait() == -signal.SIGKILL


def said(lines: IO[str], last: str) -> list[str]:
    """What it says until it says this."""
    heard = []
    for line in lines:
        heard.append(line.rstrip("\n"))
        if heard[-1] == last:
            return heard
    raise AssertionError(f"it ended, and said only {heard}")


def job_of(heard: list[str]) -> str:
    return next(line.removeprefix("JOB ") for line in heard if line.startswith("JOB "))


def pictures(folder: Path, before: int, after: int) -> None:
    """Red ones, a blue one named `m.png`, red ones: each of a size of its own, and so of its own content."""
    for number in range(before):
        picture(folder / f"a{number:02}.png", RED, (40 + number, 40))
    picture(folder / "m.png", BLUE)
    for number in range(after):
        picture(folder / f"z{number:02}.png", RED, (40, 41 + number))


def ended(library: Library, id: str) -> Outcome:
    """What a job of this process comes to."""
    job = library._opened.jobs._jobs.find(id)
    assert job is not None
    outcome = job.wait(PATIENCE)
    assert outcome.state != "running"
    return outcome


def paths(library: Library) -> list[str]:
    """The names of all files of all documents, each document having one."""
    listed, total = library.documents(limit=200)
    assert total == len(listed)
    assert all(one.files == 1 for one in listed)
    return [Path(one.path).name for one in listed]


def row(**given: object) -> JobRow:
    outcome = _stored(Outcome(state="running", job="j1", added=3, current="/somewhere"))
    return JobRow(**{"id": "j1", "key": "k", "asked": "", "state": "running", "outcome": outcome, **given})  # type: ignore[arg-type]


def left_behind(folder: Path, row: JobRow) -> None:
    """A library whose last process did not end this job."""
    with Store.open(folder) as store:
        store.catalog.put_job(row)


def test_a_job_that_was_killed_half_way_goes_on_under_its_id_and_adds_each_file_once(
    tmp_path: Path, folder: Path, open_library: OpenLibrary, gate: Gate
) -> None:
    pictures(folder, before=3, after=3)
    with process(tmp_path / "library", folder, "halt") as lines:
        heard = said(lines, "HALT")
    id = job_of(heard)
    assert heard.count("READ") == 3
    library = open_library()
    assert (library.working, library.job(id).state) == (True, "running")
    joined = library.add()
    assert joined.id == id
    gate.opened.set()
    outcome = joined.wait(PATIENCE)
    assert (outcome.state, outcome.found, outcome.unchanged, outcome.added) == ("done", 7, 3, 4)
    assert outcome.notes == (RESUMED_NOTE,)
    assert paths(library) == sorted(path.name for path in folder.iterdir())
    assert library.settle(PATIENCE)
    assert not library.working
    assert [one.job for one in library.jobs()] == [id]


def test_a_job_that_was_cancelled_before_the_kill_stays_cancelled(
    tmp_path: Path, folder: Path, open_library: OpenLibrary
) -> None:
    pictures(folder, before=2, after=1)
    with process(tmp_path / "library", folder, "cancel") as lines:
        id = job_of(said(lines, "CANCELLED"))
    library = open_library()
    outcome = library.job(id)
    assert (outcome.state, outcome.added) == ("cancelled", 2)
    assert library.settle(PATIENCE)
    assert not library.working
    assert paths(library) == ["a00.png", "a01.png"]


def test_a_job_that_runs_when_the_library_closes_goes_on_when_it_is_opened(
    tmp_path: Path, folder: Path, open_library: OpenLibrary, gate: Gate
) -> None:
    pictures(folder, before=2, after=2)
    first = open_library()
    job = first.add()
    assert gate.reached.wait(PATIENCE)
    closing = threading.Thread(target=first.close)
    closing.start()
    assert job.stop.wait(PATIENCE)
    gate.opened.set()
    closing.join(PATIENCE)
    assert job.outcome.state == "running"
    gate.opened.clear()
    second = open_library()
    joined = second.add()
    assert joined.id == job.id
    gate.opened.set()
    outcome = joined.wait(PATIENCE)
    assert (outcome.state, outcome.added + outcome.unchanged) == ("done", 5)
    assert len(paths(second)) == 5


def test_a_job_goes_on_within_the_roots_that_it_was_started_with(
    tmp_path: Path, folder: Path, open_library: OpenLibrary
) -> None:
    pictures(folder, before=1, after=1)
    with process(tmp_path / "library", folder, "halt") as lines:
        id = job_of(said(lines, "HALT"))
    engine = open_library(roots=())
    assert engine.within(Roots([folder])).add(text="something else").wait(PATIENCE).added == 1
    assert ended(engine, id).state == "done"
    assert engine.within(Roots([folder])).job(id).added == 2
    with pytest.raises(BadArgument, match="no such job"):
        engine.job(id)


def test_a_file_that_kills_the_process_again_and_again_ends_the_job_with_its_name(
    tmp_path: Path, folder: Path, open_library: OpenLibrary
) -> None:
    pictures(folder, before=2, after=2)
    with process(tmp_path / "library", folder, "die") as lines:
        heard = lines.read().splitlines()
    id = job_of(heard)
    assert heard.count("HALT") == 1
    for _ in range(MAX_JOB_ATTEMPTS - 1):
        with process(tmp_path / "library", folder, "go-on-die") as lines:
            assert lines.read().splitlines() == ["HALT"]
    library = open_library()
    outcome = library.job(id)
    assert (outcome.state, outcome.current) == ("failed", "")
    assert str(folder / "m.png") in outcome.error
    assert f"{MAX_JOB_ATTEMPTS} times" in outcome.error
    assert ".mmretrievalignore" in outcome.error
    assert paths(library) == ["a00.png", "a01.png"]
    (folder / ".mmretrievalignore").write_text("m.png\n")
    again = library.add().wait(PATIENCE)
    assert (again.job != id, again.state, again.added) == (True, "done", 2)


def test_a_job_that_gets_on_is_never_given_up(tmp_path: Path, folder: Path, open_library: OpenLibrary) -> None:
    pictures(folder, before=2 * MAX_JOB_ATTEMPTS, after=0)
    with process(tmp_path / "library", folder, "die", "2") as lines:
        id = job_of(lines.read().splitlines())
    for _ in range(MAX_JOB_ATTEMPTS - 1):
        with process(tmp_path / "library", folder, "go-on-die", "2") as lines:
            assert lines.read().splitlines() == ["READ", "READ", "HALT"]
    library = open_library()
    outcome = ended(library, id)
    assert (outcome.state, outcome.unchanged, outcome.added) == ("done", 2 * MAX_JOB_ATTEMPTS, 1)


def test_a_dry_run_says_that_it_was_interrupted(tmp_path: Path, folder: Path, open_library: OpenLibrary) -> None:
    dry = AddRequest(roots=(str(folder),), dry_run=True)
    left_behind(tmp_path / "library", row(id="j1", asked=dry.stored()))
    library = open_library()
    assert [(one.state, one.error, one.added) for one in library.jobs()] == [("failed", INTERRUPTED_NOTE, 3)]
    assert library.job("j1").error == INTERRUPTED_NOTE


def test_a_job_does_not_follow_a_folder_that_was_replaced_by_a_link(
    tmp_path: Path, folder: Path, open_library: OpenLibrary
) -> None:
    picture(folder / "a.png")
    asked = AddRequest(roots=(str(folder),))
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    left_behind(tmp_path / "library", row(asked=asked.stored(), key=asked.key))
    library = open_library(roots=())
    outcome = ended(library, "j1")
    assert (outcome.state, outcome.error) == ("failed", FOLDER_MOVED_NOTE)
    assert library.within(Roots([folder])).documents()[1] == 0


def test_a_library_that_is_only_read_leaves_the_job_to_one_that_may_add(
    tmp_path: Path, folder: Path, open_library: OpenLibrary
) -> None:
    picture(folder / "a.png")
    asked = AddRequest(roots=(str(folder),))
    left_behind(tmp_path / "library", row(asked=asked.stored(), key=asked.key))
    reading = open_library(read_only=True)
    assert [(one.state, one.notes) for one in reading.jobs()] == [("running", (RESTING_NOTE,))]
    assert reading.settle(PATIENCE)
    assert not reading.working
    reading.close()
    assert ended(open_library(), "j1").added == 1


def test_a_resting_job_is_cancelled_for_good(tmp_path: Path, folder: Path, open_library: OpenLibrary) -> None:
    asked = AddRequest(roots=(str(folder),))
    left_behind(tmp_path / "library", row(asked=asked.stored()))
    reading = open_library(read_only=True)
    assert reading.cancel("j1").state == "cancelled"
    reading.close()
    assert open_library().jobs()[0].state == "cancelled"


def test_a_text_goes_on_too_and_stays_nowhere_once_it_is_removed(
    tmp_path: Path, folder: Path, open_library: OpenLibrary
) -> None:
    asked = AddRequest(roots=(str(folder),), text="The green valve is behind the pump.", title="Valve")
    left_behind(tmp_path / "library", row(asked=asked.stored(), key=asked.key))
    library = open_library()
    assert ended(library, "j1").added == 1
    assert library.settle(PATIENCE)
    hit = library.search("valve").hits[0]
    assert hit.title == "Valve"
    assert library.remove([hit.id]).documents == 1
    library.close()
    connection = sqlite3.connect(tmp_path / "library" / "catalog.db")
    kept = connection.execute("SELECT asked, outcome FROM jobs").fetchall()
    connection.close()
    assert [("valve" in asked, "valve" in outcome) for asked, outcome in kept] == [(False, False)]


def texts_kept(folder: Path) -> list[str | None]:
    connection = sqlite3.connect(folder / "catalog.db")
    kept = connection.execute("SELECT asked FROM jobs").fetchall()
    connection.close()
    return [AddRequest.read(asked).text for (asked,) in kept]


def test_the_text_of_a_job_that_is_cancelled_while_it_rests_is_not_kept(
    tmp_path: Path, folder: Path, open_library: OpenLibrary
) -> None:
    asked = AddRequest(roots=(str(folder),), text="The green valve is behind the pump.")
    left_behind(tmp_path / "library", row(asked=asked.stored()))
    reading = open_library(read_only=True)
    reading.cancel("j1")
    reading.close()
    assert texts_kept(tmp_path / "library") == [None]


def test_the_text_of_a_job_that_is_given_up_is_not_kept(
    tmp_path: Path, folder: Path, open_library: OpenLibrary
) -> None:
    asked = AddRequest(roots=(str(folder),), text="The green valve is behind the pump.")
    left_behind(tmp_path / "library", row(asked=asked.stored(), attempts=MAX_JOB_ATTEMPTS))
    library = open_library()
    assert library.job("j1").state == "failed"
    library.close()
    assert texts_kept(tmp_path / "library") == [None]


def test_outcomes_are_kept_with_all_they_say(tmp_path: Path, folder: Path, open_library: OpenLibrary) -> None:
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    first = open_library()
    outcome = first.add().wait(PATIENCE)
    first.close()
    kept = open_library().jobs()[0]
    assert asdict(kept) == asdict(outcome)
    assert kept.failed[0].code == "corrupt"


def test_a_job_that_nobody_asked_for_is_kept_only_for_what_it_could_not_add_and_once(
    library: Library, folder: Path
) -> None:
    jobs, roots = library._opened.jobs, library.roots
    watched = AddRequest(roots=roots.folders, watched=True)
    (folder / "a.txt").write_text("red")
    job = jobs.start(watched, roots)
    assert job.wait(PATIENCE).added == 1
    jobs.forget(job)
    assert (library.jobs(), library.status().jobs) == ([], ())
    with pytest.raises(BadArgument):
        library.job(job.id)
    (folder / "bad.pdf").write_bytes(b"%PDF-1.7 broken")
    for _ in range(2):
        job = jobs.start(watched, roots)
        job.wait(PATIENCE)
        jobs.forget(job)
    assert len(library.jobs()) == 1
    assert [Path(failure.path).name for failure in jobs.failures(roots)] == ["bad.pdf"]
    assert library.status().jobs[0].failed

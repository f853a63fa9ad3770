"""Several jobs at once: none is left behind, and nothing is done twice."""

import shutil
import threading
from pathlib import Path

import pytest

from mcp_mmretrieval.jobs import JOBS_AT_ONCE, Job
from mcp_mmretrieval.library import Library
from tests.conftest import OpenLibrary
from tests.support.files import RED, picture
from tests.support.gate import PATIENCE, Gate, gate
from tests.support.threads import until

__all__ = ["gate"]

MANY = 20


def pictures(folder: Path, count: int = MANY) -> None:
    """Red ones, each of a size of its own, and so of its own content."""
    folder.mkdir(exist_ok=True)
    for number in range(count):
        picture(folder / f"{number:02}.png", RED, (40 + number, 40))


def notes(folder: Path, count: int) -> None:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:03}.md").write_text(f"{folder.name} {number}", encoding="utf-8")


def ended_at(library: Library, job: Job) -> float:
    assert job.wait(PATIENCE).state == "done"
    row = library._catalog.job(job.id)
    assert row is not None
    assert row.ended is not None
    return row.ended


def until_in_line(library: Library, count: int) -> None:
    """Until so many jobs wait for their turn to read."""
    while len(library._shared.fair_share._queue) < count:
        threading.Event().wait(0.002)


@pytest.mark.parametrize("workers", [1, 2])
def test_two_jobs_over_the_same_folder_read_each_file_once(
    folder: Path, open_library: OpenLibrary, gate: Gate, workers: int
) -> None:
    pictures(folder)
    library = open_library(workers=workers)
    first, second = library.add(), library.add([str(folder)])
    assert first.id != second.id
    assert gate.reached.wait(PATIENCE)
    gate.opened.set()
    one, other = first.wait(PATIENCE), second.wait(PATIENCE)
    assert (one.state, other.state) == ("done", "done")
    assert one.added + other.added == MANY
    assert (one.unchanged, other.unchanged) == (other.added, one.added)
    assert gate.reads == MANY
    assert library.documents()[1] == MANY


@pytest.mark.parametrize("workers", [1, 2])
def test_two_jobs_over_overlapping_folders_read_each_file_once(
    folder: Path, open_library: OpenLibrary, gate: Gate, workers: int
) -> None:
    for name in ("a", "b", "c"):
        (folder / name).mkdir()
        for number in range(8):
            picture(folder / name / f"{number}.png", RED, (40 + number, 40 + ord(name)))
    library = open_library(workers=workers)
    first, second = library.add(["a", "b"]), library.add(["c", "b"])
    assert gate.reached.wait(PATIENCE)
    gate.opened.set()
    one, other = first.wait(PATIENCE), second.wait(PATIENCE)
    assert (one.added + one.unchanged, other.added + other.unchanged) == (16, 16)
    assert one.added + other.added == 24
    assert one.unchanged + other.unchanged == 8
    assert gate.reads == 24
    assert library.documents()[1] == 24


@pytest.mark.parametrize("workers", [1, 2])
def test_two_jobs_that_meet_the_same_content_read_it_once(
    folder: Path, open_library: OpenLibrary, gate: Gate, workers: int
) -> None:
    pictures(folder / "a")
    shutil.copytree(folder / "a", folder / "b")
    library = open_library(workers=workers)
    first, second = library.add(["a"]), library.add(["b"])
    assert gate.reached.wait(PATIENCE)
    gate.opened.set()
    assert (first.wait(PATIENCE).added, second.wait(PATIENCE).added) == (MANY, MANY)
    assert gate.reads == MANY
    listed, total = library.documents(limit=100)
    assert (total, {one.files for one in listed}) == (MANY, {2})


def test_a_text_that_two_ask_to_add_is_added_once(folder: Path, open_library: OpenLibrary, gate: Gate) -> None:
    picture(folder / "a.png")
    library = open_library()
    busy = library.add()
    assert gate.reached.wait(PATIENCE)
    first, second = library.add(text="The valve"), library.add(text="The valve", dry_run=False, title="")
    gate.opened.set()
    busy.wait(PATIENCE)
    assert sorted([first.wait(PATIENCE).added, second.wait(PATIENCE).added]) == [0, 1]


def test_when_one_is_cancelled_the_other_reads_what_both_were_at(
    folder: Path, open_library: OpenLibrary, gate: Gate
) -> None:
    pictures(folder, 3)
    library = open_library()
    first = library.add()
    assert gate.reached.wait(PATIENCE)
    second = library.add([str(folder)])
    first.cancel()
    gate.opened.set()
    assert first.wait(PATIENCE).state == "cancelled"
    outcome = second.wait(PATIENCE)
    assert (outcome.state, outcome.added + outcome.unchanged) == ("done", 3)
    assert library.documents()[1] == 3


def test_a_job_of_many_files_stands_in_line_with_no_more_of_them_than_are_read_at_a_time(
    folder: Path, open_library: OpenLibrary, gate: Gate
) -> None:
    pictures(folder / "a")
    notes(folder / "b", 1)
    library = open_library(workers=2)
    first = library.add(["a"])
    assert gate.reached.wait(PATIENCE)
    second = library.add(["b"])
    until_in_line(library, 1)
    assert len(library._shared.fair_share._queue) == 1  # that of the second: it comes next
    gate.opened.set()
    assert (first.wait(PATIENCE).added, second.wait(PATIENCE).added) == (MANY, 1)


def test_small_files_that_were_read_wait_for_the_disk_together(folder: Path, open_library: OpenLibrary) -> None:
    notes(folder / "a", 20)
    notes(folder / "b", 1)
    library = open_library(workers=2)
    assert library.add(["b"]).wait(PATIENCE).added == 1  # how files are read is noted
    database = library._catalog._database
    with database._write_lock:  # as while another transaction lasts
        job = library.add(["a"])
        until(lambda: len(database._wanted) > 2)
    assert job.wait(PATIENCE).added == 20
    assert library.documents()[1] == 21


def test_who_waits_for_a_turn_is_cancelled_at_once(folder: Path, open_library: OpenLibrary, gate: Gate) -> None:
    pictures(folder / "a", 1)
    notes(folder / "b", 1)
    library = open_library()
    first = library.add(["a"])
    assert gate.reached.wait(PATIENCE)
    second = library.add(["b"])
    until_in_line(library, 1)
    assert library.cancel(second.id).state == "cancelled"
    gate.opened.set()
    assert first.wait(PATIENCE).added == 1


def test_of_eight_jobs_the_one_of_a_single_file_ends_first(folder: Path, open_library: OpenLibrary, gate: Gate) -> None:
    notes(folder / "large", 200)
    pictures(folder / "large", 1)
    library = open_library()
    large = library.add(["large"])
    assert gate.reached.wait(PATIENCE)
    others = []
    for number in range(JOBS_AT_ONCE - 2):
        notes(folder / f"other{number}", 20)
        others.append(library.add([f"other{number}"]))
    notes(folder / "small", 1)
    small = library.add(["small"])
    until_in_line(library, JOBS_AT_ONCE - 1)
    gate.opened.set()
    ends = [ended_at(library, job) for job in others]
    assert ended_at(library, small) < min(ends)
    assert max(ends) < ended_at(library, large)


def test_a_note_does_not_wait_for_the_end_of_a_folder(folder: Path, open_library: OpenLibrary, gate: Gate) -> None:
    notes(folder / "large", 100)
    pictures(folder / "large", 1)
    library = open_library()
    large = library.add()
    assert gate.reached.wait(PATIENCE)
    note = library.add(text="The green valve is behind the pump.")
    until_in_line(library, 1)
    gate.opened.set()
    assert ended_at(library, note) < ended_at(library, large)


def test_what_is_known_already_waits_for_no_turn(folder: Path, open_library: OpenLibrary, gate: Gate) -> None:
    notes(folder / "known", 5)
    pictures(folder / "new", 1)
    library = open_library()
    library.add(["known"]).wait(PATIENCE)
    new = library.add(["new"])
    assert gate.reached.wait(PATIENCE)
    assert library.add(["known"]).wait(PATIENCE).unchanged == 5
    assert library.job(new.id).state == "running"
    gate.opened.set()
    assert new.wait(PATIENCE).added == 1

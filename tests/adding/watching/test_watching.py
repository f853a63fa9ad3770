"""Folders that keep themselves current: a real library over real files, and a watcher in a hurry."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcp_mmretrieval.adding.walk import walked_folders
from mcp_mmretrieval.adding.watching import FolderWatcher, Following, noticing
from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.jobs import AddRequest, Job
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.roots.readable import ReadableFiles
from tests.support import engines

PATIENCE = 60.0

QUIET = 0.2

Watch = Callable[..., Following]


def until(holds: Callable[[], object]) -> None:
    engines.until(holds, PATIENCE)


class Started:
    """What a watcher had started, in a library."""

    def __init__(self, library: Library) -> None:
        self.asked: list[AddRequest] = []
        self.jobs: list[Job] = []
        self.failures: list[Exception] = []
        """Raised instead of starting a job, one each time."""
        self.expected = threading.Event()
        """Set: a parser would be started."""
        self._opened = library._opened

    def start(self, asked: AddRequest, roots: Roots) -> Job:
        self.asked.append(asked)
        if self.failures:
            raise self.failures.pop()
        self.jobs.append(self._opened.jobs.start(asked, roots))
        return self.jobs[-1]


@pytest.fixture
def started(library: Library) -> Started:
    return Started(library)


@pytest.fixture
def watch(library: Library, started: Started) -> Iterator[Watch]:
    """Follows with a watcher in a hurry, once it has looked through all."""
    opened = library._opened
    folder = library.settings.library
    watcher = FolderWatcher(
        started.start,
        opened.jobs.forget,
        lambda roots: ReadableFiles(roots, folder),
        lambda roots, root: walked_folders(roots, root, library=folder),
        expect=started.expected.set,
        quiet=QUIET,
    )
    opened.watcher.close()
    opened.watcher = watcher

    def follow(*roots: Path) -> Following:
        given = Roots(roots) if roots else library.roots
        following = watcher.follow(given)
        until(lambda: "looked through" in watcher.told(given))
        return following

    yield follow
    watcher.close()
    until(lambda: not any(thread.name in ("watch", "listen") for thread in threading.enumerate()))


def held(library: Library, words: str) -> list[str]:
    """Names of files that these words find."""
    hits = library.search(words, lanes=("words",)).hits
    return sorted(Path(hit.path).name for hit in hits)


def becomes(library: Library, words: str, *names: str) -> None:
    until(lambda: held(library, words) == sorted(names))


def documents(library: Library) -> dict[str, str]:
    listed, _ = library.documents(limit=200)
    return {Path(one.path).name: one.id for one in listed}


# -- changes -----------------------------------------------------------------------------------------------------------


def test_what_changed_while_nobody_watched_is_caught_up_with(library: Library, folder: Path, watch: Watch) -> None:
    for name in ("stays", "changes", "goes"):
        (folder / f"{name}.txt").write_text(f"The harbour {name}.")
    library.add().wait(PATIENCE)
    (folder / "new.txt").write_text("The harbour is new.")
    (folder / "changes.txt").write_text("The lighthouse changes.")
    (folder / "goes.txt").unlink()
    watch()
    becomes(library, "harbour", "new.txt", "stays.txt")
    becomes(library, "lighthouse", "changes.txt")


def test_files_that_come_change_move_and_go_are_found_so(
    library: Library, folder: Path, watch: Watch, started: Started
) -> None:
    (folder / "other.txt").write_text("something else")
    watch()
    assert not started.expected.is_set()
    (folder / "a.txt").write_text("A violin audition.")
    becomes(library, "violin", "a.txt")
    assert started.expected.is_set()
    (folder / "a.txt").write_text("A cello audition.")
    becomes(library, "cello", "a.txt")
    assert held(library, "violin") == []
    id = documents(library)["a.txt"]
    (folder / "sub").mkdir()
    (folder / "a.txt").rename(folder / "sub" / "b.txt")
    becomes(library, "cello", "b.txt")
    assert documents(library)["b.txt"] == id
    (folder / "sub" / "b.txt").unlink()
    becomes(library, "cello")
    assert [Path(kept.path).name for kept in library.vanished()] == ["b.txt"]


def test_folders_that_come_and_go_take_along_what_they_hold(
    library: Library, folder: Path, watch: Watch, tmp_path: Path
) -> None:
    (folder / "other.txt").write_text("something else")
    watch()
    (tmp_path / "away" / "deep").mkdir(parents=True)
    (tmp_path / "away" / "deep" / "a.txt").write_text("An oboe.")
    (tmp_path / "away").rename(folder / "here")
    becomes(library, "oboe", "a.txt")
    (folder / "here" / "deep" / "b.txt").write_text("Another oboe.")
    becomes(library, "oboe", "a.txt", "b.txt")
    (folder / "here").rename(tmp_path / "away")
    becomes(library, "oboe")


def test_an_editor_that_swaps_the_file_makes_one_job(
    library: Library, folder: Path, watch: Watch, started: Started
) -> None:
    (folder / "a.txt").write_text("A draft.")
    watch()
    before = len(started.jobs)
    (folder / ".a.txt.swp").write_text("A trumpet.")
    (folder / ".a.txt.swp").replace(folder / "a.txt")
    becomes(library, "trumpet", "a.txt")
    assert [asked.paths for asked in started.asked[before:]] == [(str(folder / "a.txt"),)]


def test_a_file_that_grows_is_added_once_when_it_rests(
    library: Library, folder: Path, watch: Watch, started: Started
) -> None:
    watch()
    before = len(started.jobs)
    with (folder / "grows.txt").open("w") as file:
        for number in range(40):
            file.write(f"line{number} ")
            file.flush()
            time.sleep(QUIET / 10)
    becomes(library, "line39", "grows.txt")
    changes = [(job.wait(PATIENCE).added, job.outcome.replaced) for job in started.jobs[before:]]
    assert changes == [(1, 0)]


def test_what_is_being_written_is_left_alone_by_a_look_at_all(library: Library, folder: Path, watch: Watch) -> None:
    watch()
    (folder / "whole.txt").write_text("An organ.")
    becomes(library, "organ", "whole.txt")
    watcher = library._opened.watcher
    (folder / "half.txt").write_text("Half an organ.")
    watcher._settling.note(str(folder / "half.txt"), time.monotonic() + 60)
    asked = AddRequest(roots=library.roots.folders, watched=True)
    assert library._opened.jobs.start(asked, library.roots).wait(PATIENCE).found == 1


def test_what_comes_by_the_hundred_makes_one_job(
    library: Library, folder: Path, watch: Watch, started: Started
) -> None:
    watch()
    before = len(started.jobs)
    for number in range(100):
        (folder / f"{number}.txt").write_text(f"Number {number}.")
    until(lambda: len(started.jobs) > before)
    until(lambda: library.documents()[1] == 100)
    jobs = started.jobs[before:]
    assert sum(job.wait(PATIENCE).added for job in jobs) == 100
    assert len(jobs) <= 3  # where this machine made the files in one go it is one


# -- rules -------------------------------------------------------------------------------------------------------------


def test_what_adding_leaves_out_watching_leaves_out(library: Library, folder: Path, watch: Watch) -> None:
    (folder / ".gitignore").write_text("ignored.txt\nout\n")
    watch()
    for name in (".hidden.txt", "ignored.txt", "id_rsa", "a.part", "out/a.txt", "node_modules/a.txt", ".git/a.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("A piccolo.")
    (folder / "last.txt").write_text("A piccolo too.")
    becomes(library, "piccolo", "last.txt")
    (folder / "later.txt").write_text("The end.")
    becomes(library, "end", "later.txt")
    assert held(library, "piccolo") == ["last.txt"]


def test_an_ignore_file_that_changes_has_its_folder_looked_at(library: Library, folder: Path, watch: Watch) -> None:
    (folder / "kept.txt").write_text("A bassoon.")
    (folder / "left.log").write_text("A bassoon log.")
    watch()
    becomes(library, "bassoon", "kept.txt", "left.log")
    (folder / ".mmretrievalignore").write_text("*.log")
    os.utime(folder / ".mmretrievalignore", (time.time() + 60,) * 2)  # after it was read, whatever the clock's steps
    becomes(library, "bassoon", "kept.txt")
    (folder / ".mmretrievalignore").unlink()
    becomes(library, "bassoon", "kept.txt", "left.log")


def test_a_root_that_disappears_takes_nothing_out_and_is_watched_again_once_it_is_back(
    library: Library,
    folder: Path,
    watch: Watch,
    started: Started,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(noticing, "LOOK_AT_ROOT_SECONDS", 0.05)
    (folder / "a.txt").write_text("A harp.")
    watch()
    before = len(started.jobs)
    folder.rename(tmp_path / "away")
    until(lambda: "not there" in library.status().watching and len(started.jobs) > before)
    outcome = started.jobs[-1].wait(PATIENCE)
    assert (outcome.removed, [failure.path for failure in outcome.failed]) == (0, [str(folder)])
    (hit,) = library.search("harp", lanes=("words",)).hits
    assert hit.stale
    (tmp_path / "away" / "b.txt").write_text("A spinet.")
    (tmp_path / "away").rename(folder)
    becomes(library, "spinet", "b.txt")
    assert held(library, "harp") == ["a.txt"]
    assert library.vanished() == []


def test_a_root_in_which_nothing_is_left_keeps_what_it_held(
    library: Library, folder: Path, watch: Watch, started: Started
) -> None:
    (folder / "a.txt").write_text("A lute.")
    watch()
    before = len(started.jobs)
    (folder / "a.txt").unlink()
    until(lambda: len(started.jobs) > before)
    outcome = started.jobs[-1].wait(PATIENCE)
    assert outcome.removed == 0
    assert "nothing is left here" in outcome.notes[0]
    assert held(library, "lute") == ["a.txt"]


def test_where_nothing_is_told_it_is_looked_for(
    library: Library, folder: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noticing, "may_change_unseen", lambda path: True)
    (folder / "other.txt").write_text("something else")
    watch()
    (folder / "sub").mkdir()
    (folder / "sub" / "a.txt").write_text("A viola.")
    becomes(library, "viola", "a.txt")
    (folder / "sub" / "a.txt").unlink()
    becomes(library, "viola")
    assert "looked through every 0.6 s" in library.status().watching


# -- who follows -------------------------------------------------------------------------------------------------------


def test_of_two_who_follow_each_has_its_own_roots_watched_while_it_does(
    library: Library, folder: Path, watch: Watch, tmp_path: Path
) -> None:
    (folder / "sub").mkdir()
    other = tmp_path / "other"
    other.mkdir()
    watcher = library._opened.watcher
    first, second, third = watch(folder), watch(folder / "sub"), watch(other)
    assert sorted(watcher._listeners) == sorted([str(folder), str(other)])
    (other / "a.txt").write_text("A zither.")
    until(lambda: bool(library.within(Roots([other])).search("zither", lanes=("words",)).hits))
    assert held(library, "zither") == []
    third.close()
    until(lambda: sorted(watcher._listeners) == [str(folder)])
    first.close()
    until(lambda: sorted(watcher._listeners) == [str(folder / "sub")])
    assert watcher.told(Roots([other])).startswith("off")
    (folder / "b.txt").write_text("Not watched any more.")
    (folder / "sub" / "c.txt").write_text("A sitar.")
    becomes(library, "sitar", "c.txt")
    assert "b.txt" not in documents(library)
    second.close()
    second.close()
    until(lambda: not watcher._listeners)


def test_jobs_of_the_watcher_are_not_told_unless_something_went_wrong(
    library: Library, folder: Path, watch: Watch
) -> None:
    (folder / "a.txt").write_text("A drum.")
    watch()
    becomes(library, "drum", "a.txt")
    until(lambda: library.status().jobs == ())
    (folder / "bad.pdf").write_bytes(b"%PDF-1.7 broken")
    until(lambda: len(library.status().jobs) == 1)
    until(lambda: not library.working)
    (job,) = library.status().jobs
    assert [Path(failure.path).name for failure in job.failed] == ["bad.pdf"]
    assert [outcome.job for outcome in library.jobs()] == [job.job]


# -- failures ----------------------------------------------------------------------------------------------------------


def test_a_job_that_cannot_be_started_is_told_and_made_up_for(
    library: Library, folder: Path, watch: Watch, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch()
    started.failures = [LibraryUnavailable("The disk is full.")]
    (folder / "a.txt").write_text("A gong.")
    until(lambda: any("disk is full" in problem for problem in library.status().problems))
    becomes(library, "gong", "a.txt")
    until(lambda: library.status().problems == ())


def test_a_bug_in_the_watcher_is_told_and_it_goes_on(
    library: Library, folder: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch()
    watcher, hear = library._opened.watcher, FolderWatcher._counting
    failing = [RuntimeError("a bug")]

    def counting(self: FolderWatcher, path: str) -> str:
        if failing:
            raise failing.pop()
        return hear(self, path)

    monkeypatch.setattr(FolderWatcher, "_counting", counting)
    (folder / "a.txt").write_text("A bell.")
    until(lambda: bool(watcher.problems(library.roots)))
    (folder / "b.txt").write_text("Two gongs.")
    becomes(library, "gong", "b.txt")
    becomes(library, "bell", "a.txt")


def test_closing_waits_for_no_drive_that_hangs(library: Library, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = threading.Event()
    monkeypatch.setattr(noticing, "_identity", lambda root: hangs.wait(30))
    library._opened.watcher.follow(library.roots)
    until(lambda: bool(library._opened.watcher._listeners))
    watcher = library._opened.watcher
    watcher.close()
    assert watcher._thread is not None
    assert not watcher._thread.is_alive()
    hangs.set()

"""Bringing files into the library: what is new, held, moved, changed, gone, bad."""

import os
import shutil
from pathlib import Path

import pytest

from mcp_mmretrieval.answers import Failure, Outcome
from mcp_mmretrieval.errors import NotAllowed, NotInLibrary
from mcp_mmretrieval.jobs import Job
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.types import Picture
from tests.conftest import OpenLibrary
from tests.support.calls import add, cited
from tests.support.files import BLUE, PURPLE, RED, film, picture, recording
from tests.support.media_files import pdf
from tests.support.models import PATIENCE, PitchTranscriber, ShapeReader


def test_adding_again_is_no_work(library: Library, folder: Path) -> None:
    picture(folder / "a.png")
    add(library)
    again = add(library)
    assert (again.added, again.unchanged) == (0, 1)


def test_the_same_bytes_at_two_paths_are_one_document(library: Library, folder: Path) -> None:
    picture(folder / "a.png")
    shutil.copyfile(folder / "a.png", folder / "b.png")
    assert add(library).added == 2
    documents, total = library.documents()
    assert (total, documents[0].files) == (1, 2)


def test_a_renamed_file_moves(library: Library, folder: Path) -> None:
    picture(folder / "old.png")
    add(library)
    (folder / "old.png").rename(folder / "new.png")
    outcome = add(library)
    assert (outcome.moved, outcome.added, outcome.removed) == (1, 0, 0)
    assert cited(library, "red") == ["new.png"]


def test_a_file_of_a_time_beyond_64_bits_is_added_and_known_again(library: Library, folder: Path) -> None:
    file = folder / "clock.txt"
    file.write_text("a camera whose battery was empty")
    os.utime(file, (0, 9_500_000_000))  # in 2271
    if file.stat().st_mtime < 9_500_000_000:
        pytest.skip("this file system holds no such time")
    assert library.add([str(file)]).wait().added == 1
    assert library.add([str(file)]).wait().unchanged == 1
    assert library.search("camera battery").hits[0].path == str(file)


def test_a_changed_file_replaces(library: Library, folder: Path) -> None:
    picture(folder / "a.png", RED)
    add(library)
    picture(folder / "a.png", BLUE, (65, 65))
    assert add(library).replaced == 1
    assert library.documents()[1] == 1
    assert cited(library, "blue") == ["a.png"]
    assert cited(library, "red") == []


def test_what_vanished_from_an_added_folder_is_taken_out(library: Library, folder: Path) -> None:
    picture(folder / "stays.png", PURPLE)
    picture(folder / "goes.png", BLUE)
    add(library)
    (folder / "goes.png").unlink()
    assert add(library).removed == 1
    assert cited(library, "blue") == ["stays.png"]


def test_what_is_ignored_later_leaves_the_library(library: Library, folder: Path) -> None:
    for name in ("stays.md", "goes.md", "out/goes.md", "out/deep/goes.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"A note called {name}.")
    add(library)
    assert library.documents()[1] == 4
    (folder / ".mmretrievalignore").write_text("goes.md\nout/\n")
    outcome = add(library)
    assert (outcome.removed, outcome.unchanged, outcome.skipped) == (3, 1, {".mmretrievalignore": 2, "hidden": 1})
    assert library.documents()[1] == 1
    assert add(library).removed == 0


def test_what_was_named_outright_though_it_is_ignored_stays(library: Library, folder: Path) -> None:
    (folder / ".gitignore").write_text("*.log\n")
    os.utime(folder / ".gitignore", (1e9, 1e9))
    (folder / "a.log").write_text("A log that was asked for.")
    add(library, "a.log")
    assert add(library).removed == 0
    assert library.documents()[1] == 1


def test_a_root_that_is_missing_as_a_whole_takes_nothing_out(library: Library, folder: Path, tmp_path: Path) -> None:
    picture(folder / "a.png")
    add(library)
    folder.rename(tmp_path / "unmounted")
    outcome = library.add().wait(PATIENCE)
    assert outcome.removed == 0
    (tmp_path / "unmounted").rename(folder)
    assert library.documents()[1] == 1


def test_a_bad_file_is_one_clear_line_and_the_others_go_on(library: Library, folder: Path) -> None:
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    (folder / "empty.pdf").touch()
    picture(folder / "good.png")
    outcome = add(library)
    assert outcome.added == 1
    assert {(Path(failure.path).name, failure.code) for failure in outcome.failed} == {
        ("broken.png", "corrupt"),
        ("empty.pdf", "empty"),
    }


def test_a_file_that_changes_while_it_is_read_is_refused_and_read_the_next_time(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = picture(folder / "a.png")

    def meddle(reader: ShapeReader, seen: Picture) -> str:
        path.write_bytes(path.read_bytes() + b"more")
        return ""

    with monkeypatch.context() as meddled:
        meddled.setattr(ShapeReader, "read", meddle)
        outcome = add(library)
    assert [(failure.code, failure.path) for failure in outcome.failed] == [("changed_while_read", str(path))]
    assert library.documents()[1] == 0
    assert add(library).added == 1


def test_a_link_out_of_the_roots_is_not_followed(library: Library, folder: Path, tmp_path: Path) -> None:
    (folder / "link.png").symlink_to(picture(tmp_path / "outside.png"))
    outcome = library.add([str(folder / "link.png")]).wait(PATIENCE)
    assert [failure.code for failure in outcome.failed] == ["not_found_or_not_allowed"]


def test_without_roots_nothing_can_be_read_and_the_error_says_so(open_library: OpenLibrary, folder: Path) -> None:
    library = open_library(roots=())
    outcome = library.add([str(picture(folder / "a.png"))]).wait(PATIENCE)
    assert outcome.state == "failed"
    assert "--root" in outcome.error


def test_subtitles_beside_a_film_are_its_words_and_changing_them_replaces_it(library: Library, folder: Path) -> None:
    film(folder / "clip.mp4", (RED, 3), (BLUE, 3))
    subtitles = folder / "clip.en.srt"
    subtitles.write_text("1\n00:00:01,000 --> 00:00:02,000\nThe harbour at dawn\n", encoding="utf-8")
    assert add(library).added == 1
    assert cited(library, "harbour", lanes=("words",)) == ["clip.mp4#t=1.0,2.0"]
    assert add(library).unchanged == 1
    subtitles.write_text("1\n00:00:01,000 --> 00:00:02,000\nThe market at noon\n", encoding="utf-8")
    assert library.add(dry_run=True).wait(PATIENCE).replaced == 1
    assert add(library).replaced == 1
    assert cited(library, "harbour", lanes=("words",)) == []
    assert cited(library, "market", lanes=("words",)) == ["clip.mp4#t=1.0,2.0"]


def test_subtitles_that_were_deleted_leave_and_a_dry_run_says_so(library: Library, folder: Path) -> None:
    recording(folder / "gone.wav", (440, 3.0))
    subtitles = folder / "gone.srt"
    subtitles.write_text("1\n00:00:01,000 --> 00:00:02,000\nThe carousel is turquoise\n", encoding="utf-8")
    add(library)
    assert cited(library, "carousel", lanes=("words",)) == ["gone.wav#t=1.0,2.0"]
    subtitles.unlink()
    assert library.add(dry_run=True).wait(PATIENCE).replaced == 1
    assert cited(library, "carousel", lanes=("words",)) == ["gone.wav#t=1.0,2.0"]
    assert add(library).replaced == 1
    assert cited(library, "carousel", lanes=("words",)) == []
    assert (library.add(dry_run=True).wait(PATIENCE).unchanged, add(library).unchanged) == (1, 1)


def test_subtitles_that_were_only_touched_change_nothing(library: Library, folder: Path) -> None:
    recording(folder / "call.wav", (440, 3.0))
    subtitles = folder / "call.srt"
    subtitles.write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n", encoding="utf-8")
    add(library)
    os.utime(subtitles, (1, 1))
    assert library.add(dry_run=True).wait(PATIENCE).unchanged == 1
    assert add(library).unchanged == 1


def test_more_subtitles_than_are_read_with_one_file_are_named_in_a_note(library: Library, folder: Path) -> None:
    recording(folder / "call.wav", (440, 3.0))
    words = "anchor bottle carpet dragon engine feather garden hammer island jacket kettle ladder magnet needle orange "
    words += "pepper quarrel volcano"
    for letter, word in zip("abcdefghijklmnopqr", words.split(), strict=True):
        text = f"1\n00:00:01,000 --> 00:00:02,000\n{word}\n"
        (folder / f"call.{letter}a.srt").write_text(text, encoding="utf-8")
    assert add(library).added == 1
    assert cited(library, "pepper", lanes=("words",))
    assert not cited(library, "quarrel", lanes=("words",))
    assert "call.qa.srt, call.ra.srt" in " ".join(library.documents()[0][0].notes)


def test_silence_is_added_and_found_by_nothing(library: Library, folder: Path) -> None:
    recording(folder / "silence.wav", (0.0, 3.0))
    assert add(library).added == 1
    assert cited(library, "tone") == []
    assert cited(library, filters=library.filters(modality=["audio"]), query="low") == []


def test_a_path_outside_the_roots_reads_like_one_that_is_missing(library: Library, tmp_path: Path) -> None:
    outside = picture(tmp_path / "outside.png")
    outcome = library.add([str(outside), str(tmp_path / "missing.png")]).wait(PATIENCE)
    first, second = (failure.reason.replace(failure.path, "PATH") for failure in outcome.failed)
    assert first == second
    with pytest.raises((NotAllowed, NotInLibrary)):
        library.search(like=str(outside))


def dry(library: Library, *paths: str, **given: str) -> Outcome:
    return library.add(paths, dry_run=True, **given).wait(PATIENCE)


def test_a_dry_run_says_what_adding_then_does_and_changes_nothing(library: Library, folder: Path) -> None:
    picture(folder / "stays.png", RED)
    picture(folder / "goes.png", BLUE)
    add(library)
    (folder / "goes.png").unlink()
    picture(folder / "stays.png", PURPLE, (65, 65))
    (folder / "note.md").write_text("new", encoding="utf-8")
    (folder / "office.doc").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    (folder / "empty.pdf").touch()
    before = library.documents()[0]
    foreseen = dry(library)
    assert library.documents()[0] == before
    done = add(library)
    for name in ("found", "added", "replaced", "unchanged", "removed", "failed"):
        assert getattr(foreseen, name) == getattr(done, name), name
    assert {failure.code for failure in foreseen.failed} == {"unsupported_type", "corrupt", "empty"}


def test_a_dry_run_reads_no_words(library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture(folder / "a.png", RED)
    recording(folder / "call.wav", (440, 4))

    def fail(*_: object) -> str:
        raise AssertionError("read in a dry run")

    with monkeypatch.context() as watched:
        watched.setattr(ShapeReader, "read", fail)
        watched.setattr(PitchTranscriber, "transcribe", fail)
        assert dry(library).added == 2


def test_a_file_that_is_too_large_fails_in_a_dry_run_too(open_library: OpenLibrary, folder: Path) -> None:
    library = open_library(max_file_mb=1)
    (folder / "long.txt").write_text("word " * 250_000, encoding="utf-8")
    assert [failure.code for failure in dry(library).failed] == ["too_large"]


def test_a_note_is_not_kept_by_a_dry_run(library: Library) -> None:
    assert dry(library, text="A note on the hedgehog.").added == 1
    assert library.documents()[1] == 0
    assert cited(library, "hedgehog") == []
    library.add(text="A note on the hedgehog.").wait(PATIENCE)
    assert dry(library, text="A note on the hedgehog.").unchanged == 1


def test_what_is_left_out_of_a_file_is_said_when_it_is_added_and_when_it_is_opened(
    open_library: OpenLibrary, folder: Path
) -> None:
    (folder / "long.pdf").write_bytes(pdf(["A page with a text layer that says enough."] * 3))
    library = open_library(max_pages=1)
    note = "Pages 2 to 3 were left out: the limit is 1 pages of one file."
    assert add(library).notes == (f"{folder / 'long.pdf'}: {note}",)
    assert library.look(str(folder / "long.pdf")).document_notes == (note,)
    assert add(library).notes == ()


def test_a_job_that_is_cancelled_ends_within_a_folder(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1_000):
        (folder / f"{number}.log").touch()
    asked = 0

    def cancelling(*_: object, **__: object) -> None:
        nonlocal asked
        asked += 1
        job.stop.set()

    monkeypatch.setattr("mcp_mmretrieval.adding.walk.LOOK_EVERY_STEPS", 5)
    monkeypatch.setattr("mcp_mmretrieval.adding.walk.ignoring_file", cancelling)
    job = library.add()
    assert job.wait(PATIENCE).state == "cancelled"
    assert asked < 10


def test_a_job_that_is_cancelled_ends_while_it_hashes(
    open_library: OpenLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "disk.img").touch()
    os.truncate(folder / "disk.img", 400_000_000_000)  # sparse
    library = open_library(max_file_mb=500_000)
    blocks, pread = 0, os.pread

    def cancelling(fd: int, size: int, offset: int) -> bytes:
        nonlocal blocks
        blocks += size == 1 << 20
        job.stop.set()
        return pread(fd, size, offset)

    monkeypatch.setattr(os, "pread", cancelling)
    job = library.add()
    assert job.wait(PATIENCE).state == "cancelled"
    assert blocks <= 1


def test_an_ignore_file_that_is_not_heeded_in_full_is_told(library: Library, folder: Path) -> None:
    (folder / ".gitignore").write_text("?" * 300 + "\n*.log\n")
    (folder / "a.log").touch()
    (note,) = add(library).notes
    assert note.startswith(f"{folder}/.gitignore: 1 pattern is not heeded")


def test_a_failed_file_whose_name_cannot_be_asked_about_is_not_there(library: Library, folder: Path) -> None:
    (folder / "a.docx").touch()
    paths = [str(folder / "a.docx"), str(folder / ("x" * 10_000)), f"{folder}/nul\0"]
    failed = [Failure(path=path, code="unsupported_type", reason="It is no file that is read.") for path in paths]
    assert [one.path for one in library._adder.still_unread(failed)] == paths[:1]


def test_how_many_files_there_are_is_known_before_the_first_is_read(library: Library, folder: Path) -> None:
    for number in range(3):
        (folder / f"{number}.md").write_text(f"Note {number}.")
    told: list[tuple[int, int]] = []
    job = Job("told")
    update = job.update

    def listen(**changes: object) -> None:
        update(**changes)
        told.append((job.outcome.found, job.outcome.added))

    job.update = listen  # type: ignore[method-assign]
    library._adder.files(job, [])
    assert {found for found, added in told if added} == {3}
    assert next(found for found, _ in told if found) == 3

"""The one rule for which files are read, and that everybody who reads keeps to it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_mmretrieval.errors import BadArgument, NotAllowed, UnreadableMedia
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.roots.readable import ReadableFiles
from tests.conftest import OpenLibrary
from tests.support.calls import add
from tests.support.files import RED, picture

SECRET = "the harbour master keeps the key"


def open_files() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def refused(files: ReadableFiles, path: Path) -> UnreadableMedia:
    before = open_files()
    with pytest.raises(UnreadableMedia) as failure:
        files.open(path)
    assert open_files() == before
    return failure.value


@pytest.mark.parametrize("name", ["id_rsa", ".env", ".ssh/config", ".ssh/deep/notes.txt"])
def test_keys_and_secrets_are_not_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SECRET)
    failure = refused(ReadableFiles(Roots([tmp_path])), path)
    assert failure.code == "not_found_or_not_allowed"
    assert str(failure).startswith(f"{path}: is never read (keys and secrets)")


def test_above_a_root_no_name_counts(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "notes.txt").write_text("what the person asks for")
    with ReadableFiles(Roots([tmp_path / ".ssh"])).open("notes.txt") as file:
        assert file.path == str(tmp_path / ".ssh" / "notes.txt")


def test_a_link_is_judged_by_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "id_rsa").write_text(SECRET)
    (tmp_path / "notes.txt").symlink_to("id_rsa")
    assert "keys and secrets" in str(refused(ReadableFiles(Roots([tmp_path])), tmp_path / "notes.txt"))


def test_the_library_itself_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "engine.log").write_text("2026 INFO")
    (tmp_path / "link").symlink_to("library")
    files = ReadableFiles(Roots([tmp_path]), tmp_path / "link")
    assert "the library itself" in str(refused(files, tmp_path / "library" / "engine.log"))


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "disk.img").touch()
    os.truncate(tmp_path / "disk.img", 400_000_000_000)  # sparse
    failure = refused(ReadableFiles(Roots([tmp_path]), None, 2_000_000_000), tmp_path / "disk.img")
    assert failure.code == "too_large"
    assert "400,000 MB, more than the limit of 2,000 MB" in str(failure)


READERS: dict[str, Callable[[Library, str], object]] = {
    "like": lambda library, path: library.search(like=path),
    "rerank": lambda library, path: library.rerank("harbour", [path]),
}


@pytest.fixture(params=["id_rsa", "library/engine.log", "disk.img"])
def kept_back(request: pytest.FixtureRequest, folder: Path) -> Path:
    """A key, a file of the library, and one that is too large."""
    path = folder / str(request.param)
    path.parent.mkdir(exist_ok=True)
    path.write_text(SECRET)
    if path.suffix == ".img":
        os.truncate(path, 400_000_000_000)  # sparse
    return path


@pytest.mark.parametrize("reader", READERS)
def test_who_searches_by_a_file_keeps_to_it(
    open_library: OpenLibrary, folder: Path, kept_back: Path, reader: str
) -> None:
    library = open_library(library=folder / "library", max_file_mb=1)
    with pytest.raises((UnreadableMedia, BadArgument), match=r"never read|more than the limit"):
        READERS[reader](library, str(kept_back))


def test_who_adds_keeps_to_it(open_library: OpenLibrary, folder: Path, kept_back: Path) -> None:
    outcome = open_library(library=folder / "library", max_file_mb=1).add([str(kept_back)]).wait(60)
    assert outcome.state == "done"
    assert (outcome.added, sum(outcome.skipped.values()) + len(outcome.failed)) == (0, 1)


def test_who_shows_keeps_to_it(open_library: OpenLibrary, folder: Path) -> None:
    (folder / ".aws").mkdir()
    path = picture(folder / ".aws" / "held.png", RED)
    library = open_library(roots=(folder / ".aws",))
    add(library)
    assert library.look(str(path)).content is not None
    look = library.within(Roots([folder])).look(str(path))
    assert look.content is None
    assert "never read (keys and secrets)" in look.note


def test_a_folder_that_is_swapped_for_a_link_after_the_walk_lets_nothing_in(
    open_library: OpenLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".ssh").mkdir()
    (folder / ".ssh" / "config.txt").write_text(SECRET)
    (folder / "notes").mkdir()
    (folder / "notes" / "config.txt").write_text("harmless")
    library = open_library()
    opening = Roots.open

    def swap(roots: Roots, path: str) -> object:
        if str(path).endswith("notes/config.txt") and not (folder / "notes").is_symlink():
            (folder / "notes").rename(folder / "before")
            (folder / "notes").symlink_to(".ssh")
        return opening(roots, path)

    monkeypatch.setattr(Roots, "open", swap)
    outcome = library.add([str(folder / "notes")]).wait(60)
    assert (outcome.added, [one.code for one in outcome.failed]) == (0, ["not_found_or_not_allowed"])
    assert "keys and secrets" in outcome.failed[0].reason


def test_outside_the_roots_it_is_as_if_nothing_lay_there(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "id_rsa").write_text(SECRET)
    with pytest.raises(NotAllowed, match="not found under the allowed folders"):
        ReadableFiles(Roots([tmp_path / "root"])).open(tmp_path / "id_rsa")

"""Adding again: what is gone is taken out and kept, what is only out of reach stays."""

import os
import shutil
from pathlib import Path

import pytest

from mcp_mmretrieval.adding import absence
from mcp_mmretrieval.errors import NotInLibrary
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.server.tools.results import add_result
from tests.conftest import OpenLibrary
from tests.support.calls import add, cited
from tests.support.files import BLUE, PURPLE, RED, picture
from tests.support.models import ShapeReader


@pytest.fixture
def tree(folder: Path) -> Path:
    """A root with a file of its own and a folder of one, which stands for a drive."""
    (folder / "drive").mkdir()
    (folder / "stays.md").write_text("The lighthouse stays.")
    (folder / "drive" / "away.md").write_text("The harbour is on a drive.")
    return folder


def on_a_drive(monkeypatch: pytest.MonkeyPatch, drive: Path) -> None:
    """What lies in a folder lies on a file system of its own, as long as the folder holds anything: it is mounted."""
    of = absence.device_of

    def device_of(path: str) -> int | None:
        return 7 if path.startswith(f"{drive}/") and os.path.lexists(path) else of(path)

    for module in ("adding.absence", "adding.files"):
        monkeypatch.setattr(f"mcp_mmretrieval.{module}.device_of", device_of)


def test_a_drive_that_is_not_mounted_takes_nothing_out(
    library: Library, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_drive(monkeypatch, tree / "drive")
    add(library)
    (tree / "drive" / "away.md").unlink()
    outcome = add(library)
    assert (outcome.removed, len(outcome.notes)) == (0, 1)
    assert "drive/away.md: 1 file is out of reach" in outcome.notes[0]
    assert cited(library, "harbour", lanes=("words",)) == ["drive/away.md#char=0,26"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_takes_nothing_out(library: Library, tree: Path) -> None:
    add(library)
    (tree / "drive").chmod(0)
    try:
        assert add(library).removed == 0
    finally:
        (tree / "drive").chmod(0o700)
    assert library.documents()[1] == 2


def test_a_folder_that_cannot_be_listed_is_a_line_and_takes_nothing_out(
    library: Library, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(library)
    inode = (tree / "drive").stat().st_ino
    scandir, listdir, lstat = os.scandir, os.listdir, os.lstat

    def fail(number: int) -> None:
        if os.fstat(number).st_ino == inode:
            raise OSError(5, "Input/output error")

    def scanning(of: int | str = ".") -> object:
        if isinstance(of, int):
            fail(of)
        return scandir(of)

    def listing(of: int | str = ".") -> list[str]:
        if isinstance(of, int):
            fail(of)
        return listdir(of)

    def asking(path: str, **more: int) -> os.stat_result:
        if str(path).startswith(f"{tree}/drive/"):
            raise FileNotFoundError(2, "No such file or directory")
        return lstat(path, **more)

    with monkeypatch.context() as failing:
        failing.setattr(os, "scandir", scanning)
        failing.setattr(os, "listdir", listing)
        failing.setattr(os, "lstat", asking)
        outcome = add(library)
    assert outcome.removed == 0
    assert [(one.path, one.code) for one in outcome.failed] == [(f"{tree}/drive", "internal")]
    assert library.documents()[1] == 2


def test_a_root_or_folder_in_which_nothing_is_left_is_a_question(library: Library, tree: Path) -> None:
    add(library)
    (tree / "drive" / "away.md").unlink()
    outcome = add(library, tree / "drive")
    assert (outcome.removed, len(outcome.notes)) == (0, 1)
    assert f"{tree}/drive: nothing is left here, though 1 file is held from here" in outcome.notes[0]
    assert "remove_documents" in outcome.notes[0]
    (tree / "stays.md").unlink()
    outcome = add(library)
    assert outcome.removed == 0
    assert add_result(outcome)["notes"][0] == outcome.notes[0]  # whole
    assert f"{tree}: nothing is left here, though 2 files are held" in outcome.notes[0]
    assert library.documents()[1] == 2
    assert library.remove(["drive"]).files == 1
    assert library.documents()[1] == 1


def test_what_is_gone_is_counted_told_and_found_no_more(library: Library, tree: Path) -> None:
    add(library)
    shutil.rmtree(tree / "drive")
    outcome = add(library)
    assert outcome.removed == 1
    assert "1 file is gone" in outcome.notes[0]
    assert "`mcp-mmretrieval restore` within 30 days" in outcome.notes[0]
    assert cited(library, "harbour", lanes=("words",)) == []
    assert library.status().documents == {"text": 1}
    assert [one.path for one in library.vanished()] == [f"{tree}/drive/away.md"]
    assert add(library).notes == ()


def test_what_a_person_restores_is_found_again_and_stays_until_it_is_removed(library: Library, tree: Path) -> None:
    add(library)
    (tree / "drive" / "away.md").unlink()
    assert add(library).removed == 1
    with pytest.raises(NotInLibrary, match="lists what is"):
        library.restore([str(tree / "drive"), str(tree / "stays.md")])
    assert [one.path for one in library.restore([str(tree / "drive")])] == [f"{tree}/drive/away.md"]
    assert library.vanished() == []
    for _ in range(2):
        assert cited(library, "harbour", lanes=("words",)) == ["drive/away.md#char=0,26"]
        assert add(library).removed == 0
    assert library.remove(["drive/away.md"]).files == 1
    assert library.documents()[1] == 1


def test_what_comes_back_is_held_again_without_being_read(
    library: Library, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(folder / "stays.png", PURPLE)
    for name, colour in (("here.png", RED), ("there.png", BLUE)):
        picture(folder / name, colour)
    add(library)
    for name in ("here.png", "there.png"):
        (folder / name).rename(tmp_path / name)
    assert add(library).removed == 2

    def fail(*_: object) -> str:
        raise AssertionError("read again")

    monkeypatch.setattr(ShapeReader, "read", fail)
    (tmp_path / "here.png").rename(folder / "here.png")
    (folder / "new").mkdir()
    (tmp_path / "there.png").rename(folder / "new" / "there.png")
    outcome = add(library)
    assert (outcome.added, outcome.failed) == (2, ())
    assert cited(library, "blue")[0] == "new/there.png"
    assert [one.path for one in library.vanished()] == [f"{folder}/there.png"]


def test_another_file_in_the_place_of_one_that_vanished_is_read(library: Library, tree: Path) -> None:
    add(library)
    (tree / "drive" / "away.md").unlink()
    assert add(library).removed == 1
    (tree / "drive" / "away.md").write_text("The market came instead.")
    assert add(library).added == 1
    assert cited(library, "market", lanes=("words",)) == ["drive/away.md#char=0,24"]
    assert library.vanished() == []


def test_a_library_of_before_takes_nothing_out_that_it_has_not_seen_since(
    open_library: OpenLibrary, tree: Path
) -> None:
    library = open_library()
    add(library)
    with library._catalog._database.writing() as db:
        db.execute("UPDATE files SET device = NULL")
    (tree / "drive" / "away.md").unlink()
    assert add(library).removed == 0
    (tree / "more.md").write_text("The market.")
    (tree / "stays.md").unlink()
    assert add(library).removed == 1
    assert [one.path for one in library.vanished()] == [f"{tree}/stays.md"]


def test_a_moved_file_is_moved_only_where_its_old_place_can_be_seen(
    library: Library, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_a_drive(monkeypatch, tree / "drive")
    add(library)
    (tree / "drive" / "away.md").rename(tree / "copy.md")
    outcome = add(library)
    assert (outcome.moved, outcome.added, outcome.removed) == (0, 1, 0)
    assert library.documents()[0][0].files == 2


def test_what_is_removed_outright_is_not_kept_even_if_it_vanished_before(library: Library, tree: Path) -> None:
    add(library)
    (tree / "drive" / "away.md").unlink()
    add(library)
    for target in ("drive/away.md", "drive"):
        assert library.remove([target], dry_run=True).files == 1
    assert library.remove(["drive"]).unknown == ()
    assert library.vanished() == []
    assert library.remove(["drive/away.md"]).unknown == ("drive/away.md",)

"""What a person added at a terminal is what the command line sees, and nothing that an assistant sees."""

import os
from pathlib import Path

import pytest

from mcp_mmretrieval.cli.added_folders import LOG_NAME, added_folders, folder_of, note_folders, with_roots


@pytest.fixture
def given(tmp_path: Path) -> dict[str, object]:
    return {"library": str(tmp_path / "library")}


def test_folders_are_seen_in_the_order_of_adding_until_they_are_taken_out(given: dict[str, object]) -> None:
    assert added_folders(given) == []
    note_folders(given, "added", ["/b", "/a", "/b"])
    note_folders(given, "added", ["/a", "/c"])
    assert added_folders(given) == ["/b", "/a", "/c"]
    note_folders(given, "removed", ["/a", "/never"])
    assert added_folders(given) == ["/b", "/c"]
    note_folders(given, "added", ["/a"])
    assert added_folders(given) == ["/b", "/c", "/a"]


def test_a_folder_within_another_is_no_root_of_its_own(given: dict[str, object]) -> None:
    note_folders(given, "added", ["/home/me/docs/trips", "/home/me/docs", "/home/me/docs2"])
    assert added_folders(given) == ["/home/me/docs", "/home/me/docs2"]


def test_a_line_that_a_crash_cut_short_and_a_name_that_is_no_utf8_cost_nothing(given: dict[str, object]) -> None:
    odd = os.fsdecode(b"/home/\xff\n\xc3\xbc")
    note_folders(given, "added", ["/a", odd])
    log = Path(str(given["library"])) / LOG_NAME
    with log.open("a") as file:
        file.write('["added", "/cut\n["added", 7]\n["lost", "/b"]\n["added", "relative"]\n[]\n')
    assert added_folders(given) == ["/a", odd]
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.parent.stat().st_mode & 0o777 == 0o700


def test_roots_that_are_given_stand_and_nothing_is_put_to_them(given: dict[str, object]) -> None:
    note_folders(given, "added", ["/a"])
    assert with_roots({**given, "roots": ["/r"]}, ["/elsewhere/x.pdf"])["roots"] == ["/r"]


def test_without_roots_what_was_added_is_seen_and_what_is_named(given: dict[str, object], tmp_path: Path) -> None:
    note_folders(given, "added", [str(tmp_path)])
    (tmp_path / "a.pdf").touch()
    named = [str(tmp_path / "a.pdf"), "/nowhere/b.pdf"]
    assert with_roots(given, named)["roots"] == [str(tmp_path), "/nowhere"]


def test_the_folder_of_a_file_a_folder_a_link_and_a_glob(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a[1].pdf").touch()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    real = str(tmp_path / "real")
    for named in ("real", "link", "real/a[1].pdf", "real/*.pdf", "link/**/*.md", "real/missing.pdf"):
        assert folder_of(str(tmp_path / named)) == real, named


def test_a_log_that_is_a_link_is_not_followed(given: dict[str, object], tmp_path: Path) -> None:
    library = Path(str(given["library"]))
    library.mkdir()
    (tmp_path / "victim").touch()
    (library / LOG_NAME).symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="symbolic"):
        note_folders(given, "added", ["/a"])
    assert (tmp_path / "victim").read_text() == ""

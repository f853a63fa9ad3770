"""Which files of a folder count."""

import os
import sys
import time
from pathlib import Path

import pytest

from mcp_mmretrieval.adding import walk as module
from mcp_mmretrieval.adding.ignore import MAX_WILDCARDS
from mcp_mmretrieval.adding.walk import (
    LOOK_EVERY_STEPS,
    FoundFile,
    NotedPath,
    RefusedPath,
    SkippedPath,
    StillWalking,
    walk,
    walk_changed,
    walked_folders,
)
from mcp_mmretrieval.roots import Roots
from tests.support.walking import found, found_changed, make, skipped


def refused(root: Path, *paths: str) -> list[RefusedPath]:
    return [item for item in walk(Roots([root]), paths) if isinstance(item, RefusedPath)]


# -- folders, files, globs ---------------------------------------------------------------------------------------------


def test_without_paths_all_files_of_the_roots_come_in_order_of_names(root: Path) -> None:
    make(root, "b.txt", "a/z.txt", "a/b/c.txt", "c.txt", "B.txt")
    assert found(root) == ["B.txt", "a/b/c.txt", "a/z.txt", "b.txt", "c.txt"]


def test_a_folder_comes_with_all_below_it_and_a_file_alone(root: Path) -> None:
    make(root, "a/1.txt", "a/deep/2.txt", "b/3.txt")
    assert found(root, "a") == ["a/1.txt", "a/deep/2.txt"]
    assert found(root, str(root / "b" / "3.txt")) == ["b/3.txt"]


def test_each_file_comes_once_however_often_it_is_named(root: Path) -> None:
    make(root, "a/1.txt", "a/2.txt")
    assert found(root, "a/2.txt", "a", ".", "**/*.txt") == ["a/2.txt", "a/1.txt"]


def test_what_is_outside_or_missing_is_refused_with_one_text(root: Path, tmp_path: Path) -> None:
    make(tmp_path, "secret.txt")
    for path in (str(tmp_path / "secret.txt"), "missing.txt", "../secret.txt", str(tmp_path), "https://x.org/a.pdf"):
        (only,) = refused(root, path)
        assert only.code == "not_found_or_not_allowed"
        assert "not found under the allowed folders" in only.reason
    for glob in ("../*.txt", f"{tmp_path}/*.txt", "/etc/*", "*.nothing", "/**/passwd", "\0*", "file:///etc/*"):
        (only,) = refused(root, glob)
        assert only.code == "not_found_or_not_allowed"


def test_a_path_may_be_written_as_a_uri_or_a_citation(root: Path) -> None:
    make(root, "a b.txt", "sub/c d.txt")
    for path in ("a%20b.txt", f"file://{root}/a%20b.txt", "a b.txt#page=3", "root/a%20b.txt"):
        assert found(root, path) == ["a b.txt"]
    assert found(root, f"file://{root}/sub") == ["sub/c d.txt"]
    assert found(root, "sub/c%20*.txt") == ["sub/c d.txt"]


def test_the_end_of_only_one_path_is_taken_and_near_names_are_told(root: Path) -> None:
    make(root, "notes/boiler.md", "a/plan.md", "b/plan.md", ".hidden/secret.md")
    assert found(root, "Boiler.md") == ["notes/boiler.md"]
    (several,) = refused(root, "plan.md")
    assert "Did you mean a/plan.md or b/plan.md?" in several.reason
    (misspelt,) = refused(root, "boilr.md")
    assert misspelt.reason == "boilr.md: not found under the allowed folders. Did you mean notes/boiler.md?"
    assert "Did you mean" not in refused(root, "secret.md")[0].reason


def test_a_root_that_is_missing_is_said_and_the_others_go_on(root: Path, tmp_path: Path) -> None:
    make(root, "a.txt")
    items = list(walk(Roots([tmp_path / "unplugged", root])))
    assert [type(item) for item in items] == [RefusedPath, FoundFile]


# -- what is left out --------------------------------------------------------------------------------------------------


def test_what_is_named_outright_need_not_keep_to_hidden_and_ignore_rules(root: Path) -> None:
    make(root, ".notes/a.txt", ".notes/.b.txt", "build/c.txt", "build/d.log", ".e.txt", "node_modules/f.txt")
    make(root, ".gitignore", text="build/\n*.log\n")
    assert found(root, ".notes", ".e.txt", "node_modules") == [".notes/a.txt", ".e.txt", "node_modules/f.txt"]
    assert found(root, "build/d.log") == ["build/d.log"]
    assert found(root, "build") == ["build/c.txt", "build/d.log"]  # it is all left out, so it was meant


# -- links and strange entries -----------------------------------------------------------------------------------------


@pytest.mark.timeout(10)
def test_links_in_circles_end(root: Path) -> None:
    make(root, "a/b/x.txt")
    (root / "a" / "b" / "up").symlink_to(root)
    (root / "a" / "self").symlink_to("self")
    (root / "a" / "b" / "here").symlink_to(".")
    assert found(root) == ["a/b/x.txt"]


@pytest.mark.timeout(20)
def test_a_very_deep_folder_is_no_trouble(root: Path) -> None:
    top = os.open(root, os.O_RDONLY)
    for _ in range(600):
        os.mkdir("d", dir_fd=top)
        below = os.open("d", os.O_RDONLY, dir_fd=top)
        os.close(top)
        top = below
    os.close(os.open("x.txt", os.O_CREAT | os.O_WRONLY, dir_fd=top))
    os.close(top)
    assert found(root) == ["d/" * 600 + "x.txt"]


@pytest.mark.skipif(sys.platform == "darwin", reason="names are UTF-8 there")
def test_names_that_are_not_utf8_are_found(root: Path) -> None:
    path = os.fsencode(root) + b"/caf\xe9.txt"
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    assert [os.fsencode(name) for name in found(root)] == [b"caf\xe9.txt"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look anywhere")
def test_a_folder_without_permission_is_one_line_and_the_others_go_on(root: Path) -> None:
    make(root, "a/x.txt", "b/y.txt")
    (root / "a").chmod(0)
    assert found(root) == ["b/y.txt"]
    assert "may not read" in refused(root)[0].reason


def test_a_walk_ends_after_its_number_of_entries_and_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WALK_ENTRIES", 5)
    make(root, *(f"{number}.txt" for number in range(9)))
    assert len(found(root)) == 5
    assert list(skipped(root).values()) == ["beyond 5 entries"]


def test_who_is_told_that_a_walk_ended_is_told_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WALK_ENTRIES", 4)
    make(root, "a/1.txt", "b/2.txt", "c/3.txt", "d/4.txt")
    left_out = [item for item in walk(Roots([root])) if isinstance(item, SkippedPath)]
    assert len(left_out) == 4
    assert [item.note for item in left_out if item.note] == [module.MORE_ENTRIES_NOTE]


# -- subtitles ---------------------------------------------------------------------------------------------------------


def sidecars(root: Path, *paths: str) -> dict[str, list[str]]:
    items = walk(Roots([root]), paths)
    return {
        os.path.relpath(item.path, root): [os.path.relpath(path, root) for path in item.sidecars]
        for item in items
        if isinstance(item, FoundFile)
    }


def test_subtitles_belong_to_the_recording_beside_them(root: Path) -> None:
    make(
        root, "talk.mp4", "talk.srt", "talk.en.srt", "talk.pt-BR.forced.vtt", "talk2.srt", "song.mp3", "song.lyrics.srt"
    )
    assert sidecars(root) == {
        "song.lyrics.srt": [],
        "song.mp3": [],
        "talk.mp4": ["talk.en.srt", "talk.pt-BR.forced.vtt", "talk.srt"],
        "talk2.srt": [],
    }


def test_a_recording_that_is_named_brings_its_subtitles(root: Path) -> None:
    make(root, "v/talk.MP4", "v/talk.en.srt", "v/other.srt")
    assert sidecars(root, "v/talk.MP4") == {"v/talk.MP4": ["v/talk.en.srt"]}
    assert sidecars(root, "v/*.MP4") == {"v/talk.MP4": ["v/talk.en.srt"]}
    assert sidecars(root, "v/talk.en.srt") == {}
    assert sidecars(root, "v/other.srt") == {"v/other.srt": []}


def test_folders_of_subtitles_belong_to_the_films_beside_them(root: Path) -> None:
    make(root, "a/film.mkv", "a/Subs/2_English.srt", "a/Subs/film/forced.srt", "a/Subs/notes.txt")
    make(root, "b/Subs/3_German.srt")
    belonging = {
        "a/Subs/notes.txt": [],
        "a/film.mkv": ["a/Subs/2_English.srt", "a/Subs/film/forced.srt"],
        "b/Subs/3_German.srt": [],
    }
    assert sidecars(root) == belonging
    assert sidecars(root, "a/*.mkv") == sidecars(root, "a/film.mkv") == {"a/film.mkv": belonging["a/film.mkv"]}
    assert sidecars(root, "a/Subs") == {"a/Subs/notes.txt": []}
    assert sidecars(root, "a/Subs/2_English.srt") == sidecars(root, "a/Subs/film/forced.srt") == {}


def test_ignored_subtitles_do_not_belong_and_those_of_an_ignored_film_stand_by_themselves(root: Path) -> None:
    make(root, ".gitignore", text="Subs/2_*\nother.mkv\n")
    make(root, "film.mkv", "Subs/2_English.srt", "Subs/film.de.srt", "Subs/other.srt", "other.mkv")
    assert sidecars(root) == {"film.mkv": ["Subs/film.de.srt"], "Subs/other.srt": []}


def test_subtitles_that_link_outside_do_not_belong(root: Path, tmp_path: Path) -> None:
    make(tmp_path, "secret.srt")
    make(root, "talk.mp4")
    (root / "talk.srt").symlink_to(tmp_path / "secret.srt")
    assert sidecars(root) == sidecars(root, "talk.mp4") == {"talk.mp4": []}


# -- size --------------------------------------------------------------------------------------------------------------


def test_ten_thousand_files_are_walked_in_well_under_two_seconds(root: Path) -> None:
    make(root, ".gitignore", text="".join(f"*.x{number}\n" for number in range(30)) + "build/\n")
    for folder in range(100):
        (root / f"f{folder}").mkdir()
        for number in range(100):
            os.close(os.open(root / f"f{folder}" / f"{number}.txt", os.O_CREAT | os.O_WRONLY))
    began = time.process_time()
    assert len(found(root, library=root / "library")) == 10_000
    assert time.process_time() - began < 2


def test_an_ignore_file_that_is_not_heeded_in_full_is_told_wherever_it_lies(root: Path) -> None:
    make(root, ".gitignore", "sub/.mmretrievalignore", text="?" * (MAX_WILDCARDS + 1) + "\n*.log\n")
    make(root, "a.log", "sub/b.log", "sub/c.txt")
    noted = [item for item in walk(Roots([root]), ["sub"]) if isinstance(item, NotedPath)]
    assert [item.path for item in noted] == [str(root / ".gitignore"), str(root / "sub" / ".mmretrievalignore")]
    assert noted[0].note.startswith("1 pattern is not heeded: too long, with too many wildcards")
    assert found(root) == ["sub/c.txt"]


@pytest.mark.parametrize("path", [".", "*.md", "no such file"])
def test_a_walk_comes_up_for_air_within_a_folder(root: Path, path: str) -> None:
    make(root, ".gitignore", text="*.log\n" * (LOOK_EVERY_STEPS // 10))
    for number in range(50):
        (root / f"{number}.txt").touch()
    items = walk(Roots([root]), [path])
    assert sum(isinstance(item, StillWalking) for item in items) >= 4


def test_a_root_may_be_called_like_a_folder_of_subtitles(tmp_path: Path) -> None:
    make(tmp_path, "Subs/a.txt", "Subs/b.srt")
    assert found(tmp_path / "Subs") == ["a.txt", "b.srt"]


# -- what changed ------------------------------------------------------------------------------------------------------


def test_of_what_changed_that_counts_which_a_walk_of_the_root_finds(root: Path) -> None:
    make(root, "a.txt", "b.txt", "sub/c.txt", ".hidden.txt", ".git/d.txt", "node_modules/e.txt", "id_rsa", "f.part")
    make(root, "env/pyvenv.cfg", "env/g.txt", "out/h.txt", "out/deep/i.txt", "sub/j.log")
    (root / ".gitignore").write_text("out\n*.log\n")
    everything = [os.path.relpath(path, root) for path in root.rglob("*") if path.is_file()]
    assert sorted(found_changed(root, *everything)) == sorted(found(root)) == ["a.txt", "b.txt", "sub/c.txt"]
    assert found_changed(root, "b.txt", "sub/none.txt", "none/none.txt") == ["b.txt"]


def test_a_folder_that_came_comes_with_all_below_it_by_its_rules(root: Path) -> None:
    make(root, "new/a.txt", "new/deep/b.txt", "new/deep/.c.txt", "old/d.txt", ".secret/e.txt")
    assert found_changed(root, "new", "new/a.txt", ".secret") == ["new/a.txt", "new/deep/b.txt"]
    assert found_changed(root, "") == found(root)


def test_what_changed_beyond_a_link_or_outside_is_judged_by_where_it_lies(root: Path, tmp_path: Path) -> None:
    make(root, "real/a.txt")
    make(tmp_path, "outside/b.txt")
    (root / "link").symlink_to(root / "real")
    (root / "out").symlink_to(tmp_path / "outside")
    assert found_changed(root, "link/a.txt") == ["real/a.txt"]
    assert found_changed(root, "out/b.txt", "../outside/b.txt") == []
    (root / "c.txt").symlink_to(root / "real" / "a.txt")
    assert found_changed(root, "c.txt") == ["real/a.txt"]


def test_subtitles_that_changed_or_went_bring_their_recordings(root: Path) -> None:
    make(root, "film.mp4", "film.en.srt", "other.txt", "show/one.mp4", "show/Subs/one.srt")
    items = [*walk_changed(Roots([root]), [str(root / "film.en.srt")])]
    assert [(item.path, item.sidecars) for item in items if isinstance(item, FoundFile)] == [
        (str(root / "film.mp4"), (str(root / "film.en.srt"),))
    ]
    (root / "film.en.srt").unlink()
    assert found_changed(root, "film.en.srt") == ["film.mp4"]
    assert found_changed(root, "show/Subs/one.srt") == ["show/one.mp4"]


def test_what_a_rule_leaves_out_says_since_when(root: Path) -> None:
    make(root, "a.log", "b.log")
    (root / ".gitignore").write_text("*.log")
    items = [*walk_changed(Roots([root]), [str(root / "a.log")])]
    assert [(item.path, item.since is not None) for item in items if isinstance(item, SkippedPath)] == [
        (str(root / "a.log"), True)
    ]


def test_the_folders_that_a_walk_comes_to_are_told_without_what_rules_leave_out(root: Path) -> None:
    make(root, "a/b/c.txt", "d/e.txt", ".git/f", "node_modules/g/h", "out/i", "library/j")
    (root / ".gitignore").write_text("out")
    folders = walked_folders(Roots([root]), str(root), library=root / "library")
    assert [os.path.relpath(folder, root) for folder in folders] == [".", "a", "a/b", "d"]

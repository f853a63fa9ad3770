"""Ignore files, links and the library's own folder on the way through folders."""

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.support.walking import found, make, skipped


def test_ignore_files_hold_for_their_folder_and_the_nearest_decides(root: Path) -> None:
    make(root, "a.log", "keep.log", "sub/b.log", "sub/keep.txt", "sub/deep/c.txt", "out/x.txt", "sub/out/y.txt")
    make(root, ".gitignore", text="*.log\n!keep.log\n/out/\n# a comment\n\n")
    make(root, "sub/.gitignore", text="!b.log\n")
    make(root, "sub/.mmretrievalignore", text="deep/\n")
    assert found(root) == ["keep.log", "sub/b.log", "sub/keep.txt", "sub/out/y.txt"]
    rules = Counter(skipped(root).values())
    assert rules[".gitignore"] == 2
    assert rules[".mmretrievalignore"] == 1


def test_ignore_files_above_a_named_folder_hold_too(root: Path) -> None:
    make(root, "sub/a.log", "sub/b.txt")
    make(root, ".gitignore", text="*.log\n")
    assert found(root, "sub") == ["sub/b.txt"]


def test_a_damaged_ignore_file_spoils_nothing_but_its_bad_lines(root: Path) -> None:
    (root / ".gitignore").write_bytes(b"!\n\xff\xfe\0[\n*.log\n[z-a]\n" + b"x" * 100_000)
    make(root, "a.txt", "b.log")
    assert found(root) == ["a.txt"]


@pytest.mark.timeout(10)
def test_an_ignore_file_made_to_take_for_ever_does_not(root: Path) -> None:
    make(root, ".gitignore", text="*a" * 20 + "b\n" + "**/a/" * 20 + "b\n*.log\n")
    make(root, "a" * 200 + ".txt", "/".join("a" * 100) + "/x.txt", "y.log")
    assert len(found(root)) == 2


def test_an_ignore_file_that_links_outside_is_not_read(root: Path, tmp_path: Path) -> None:
    make(tmp_path, "patterns", text="*\n")
    (root / ".gitignore").symlink_to(tmp_path / "patterns")
    make(root, "a.txt")
    assert found(root) == ["a.txt"]


def test_the_library_folder_is_left_out_even_when_it_is_named(root: Path) -> None:
    make(root, "a.txt", "library/catalog.db", "library/deep/x.txt", "library2/b.txt")
    assert found(root, library=root / "library") == ["a.txt", "library2/b.txt"]
    assert found(root, "library", "library/deep/x.txt", library=root / "library") == []
    assert skipped(root, library=root / "library") == {"library": "the library itself"}
    (root / "alias").symlink_to("library")
    assert found(root, "alias/deep/x.txt", "alias", library=root / "library") == []


def test_rules_that_a_repository_keeps_for_itself_hold_too(root: Path) -> None:
    make(root, "a.txt", "b.txt", "r/a.txt", "r/b.txt", "r/.git/config")
    make(root, "r/.git/info/exclude", text="a.txt\n")
    make(root, "w/.git", "w/a.txt", text="gitdir: elsewhere\n")
    assert found(root) == ["a.txt", "b.txt", "r/b.txt", "w/a.txt"]
    assert found(root, "r") == ["r/b.txt"]


def test_links_are_followed_within_the_roots_and_nowhere_else(root: Path, tmp_path: Path) -> None:
    make(tmp_path, "secret.txt", "outside/b.txt")
    make(root, "real/a.txt")
    (root / "again.txt").symlink_to("real/a.txt")
    (root / "out.txt").symlink_to(tmp_path / "secret.txt")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "dangling").symlink_to("nowhere")
    os.mkfifo(root / "pipe")
    assert found(root) == ["real/a.txt"]
    assert set(skipped(root)) == {"out.txt", "out", "dangling", "pipe"}

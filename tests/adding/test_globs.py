"""Which paths a glob names."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.walking import found, make


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("*.txt", ["1.txt"]),
        ("**/*.txt", ["1.txt", "a/2.txt", "a/b/3.txt"]),
        ("a/*.txt", ["a/2.txt"]),
        ("*/*.txt", ["a/2.txt"]),
        ("a/**", ["a/2.txt", "a/b/3.txt", "a/b/4.md"]),
        ("**/b/?.md", ["a/b/4.md"]),
        ("a/b/[34].*", ["a/b/3.txt", "a/b/4.md"]),
        ("a/b/[!3].*", ["a/b/4.md"]),
        ("**/**/**/4.md", ["a/b/4.md"]),
    ],
)
def test_a_glob_finds_what_it_names(root: Path, glob: str, expected: Sequence[str]) -> None:
    make(root, "1.txt", "a/2.txt", "a/b/3.txt", "a/b/4.md")
    assert found(root, glob) == expected
    assert found(root, f"{root}/{glob}") == expected


def test_a_file_whose_name_looks_like_a_glob_is_taken_by_its_name(root: Path) -> None:
    make(root, "a[1].txt", "a1.txt")
    assert found(root, "a[1].txt") == ["a[1].txt"]


def test_a_glob_does_not_hide_files_from_the_next_path(root: Path) -> None:
    make(root, "a.txt", "b.md")
    assert found(root, "*.md", ".") == ["b.md", "a.txt"]


@pytest.mark.timeout(10)
def test_no_glob_takes_longer_than_its_length(root: Path) -> None:
    make(root, "a" * 200 + ".txt", "/".join("a" * 30) + "/x.txt")
    assert found(root, "*a" * 60 + "b") == []
    assert found(root, "**/a/" * 40 + "b") == []

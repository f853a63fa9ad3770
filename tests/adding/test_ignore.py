"""Ignore files mean what they mean to Git."""

import os
import random
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from mcp_mmretrieval.adding.ignore import (
    MAX_IGNORE_BYTES,
    MAX_PATTERN_CHARACTERS,
    MAX_PATTERNS,
    MAX_WILDCARDS,
    IgnoreRules,
)
from mcp_mmretrieval.adding.walk import FoundFile, walk
from mcp_mmretrieval.roots import Roots

NAMES = (
    "a.md",
    "b.txt",
    "foo/keep.md",
    "foo/x.txt",
    "foo/bar/y.md",
    "d/e/f.md",
    "d/a.md",
    "7.log",
    "x y",
    "build/z.md",
)
TABLE = (
    "*\n!*/\n!*.md\n",
    "foo/**\n!foo/keep.md\n",
    "foo/\n!foo/keep.md\n",
    "foo/*\n!foo/keep.md\n",
    "\ufeffa.md\nb.txt\n",
    "a.md\x0bb.txt\n",
    "a.md\x85b.txt\n",
    "a.md\r\nb.txt\r\n",
    "/a.md\n",
    "d/a.md\n",
    "e/\n",
    "/e/\n",
    "**/e\n",
    "d/**\n",
    "d/**/\n",
    "d/**/f.md\n",
    "**\n!**/\n!*.txt\n",
    "[[:digit:]].log\n",
    "[!a].md\n",
    "[z-a].md\n*.txt\n",
    "a.md\\\nb.txt\n",
    "[a\nb.txt\n",
    "x\\ y\n",
    "x y   \n",
    "\\a.md\n",
    "#a.md\n\\#b\n!\n/\n",
    "*.md\n!d/\n!a.md\n",
    "d\n!d/a.md\n",
    "*a*.*m*d*\n",
    "d/[a/]*\n",
    "a**.md\nd**f.md\n",
)
PIECES = (
    "*",
    "**",
    "?",
    "/",
    "a",
    "d",
    "e",
    "f",
    "foo",
    "bar",
    ".md",
    ".txt",
    "[a-e]",
    "[!a]",
    "!",
    "\\",
    "[[:alpha:]]",
    "x",
)


def plant(folder: Path, rules: str, deeper: str = "") -> None:
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    (folder / ".gitignore").write_bytes(rules.encode())
    if deeper:
        (folder / "d" / ".gitignore").write_bytes(deeper.encode())


def kept_by_git(repository: Path) -> set[str]:
    git = ("git", "-c", "core.excludesFile=", "-c", "safe.directory=*", "-C", str(repository))
    subprocess.run([*git, "init", "-q"], check=True)
    listed = subprocess.run(
        [*git, "ls-files", "--others", "--exclude-standard", "-z"], check=True, capture_output=True, text=True
    )
    return {name for name in listed.stdout.split("\0") if name and not name.endswith(".gitignore")}


@pytest.mark.skipif(shutil.which("git") is None, reason="Git is not installed")
def test_what_git_leaves_out_is_left_out_and_nothing_else(tmp_path: Path) -> None:
    dice = random.Random(3)
    root = tmp_path / "root"

    def invented() -> str:
        return "".join(
            "".join(dice.choices(PIECES, k=dice.randrange(1, 5))) + "\n" for _ in range(dice.randrange(1, 4))
        )

    for number, rules in enumerate(TABLE):
        plant(root / f"table{number}", rules)
    for number in range(120):
        plant(root / f"dice{number}", invented(), invented() if number % 3 == 0 else "")
    wanted = kept_by_git(root)
    found = {os.path.relpath(item.path, root) for item in walk(Roots([root])) if isinstance(item, FoundFile)}
    differing = {name.split("/")[0] for name in wanted ^ found}
    shown = {name: (root / name / ".gitignore").read_text() for name in sorted(differing)}
    assert found == wanted, (shown, sorted(wanted ^ found))


@pytest.mark.parametrize(
    ("rules", "left_out"),
    [
        ("*\n!*/\n!*.md\n", ["a.txt", "d/a.txt"]),
        ("\ufeffprivate.md\n", ["private.md"]),
        ("foo/**\n!foo/keep.md\n", ["foo/x.md"]),
        ("dir/\n", ["dir"]),
    ],
)
def test_the_last_pattern_that_matches_counts(rules: str, left_out: Sequence[str]) -> None:
    asked = IgnoreRules(rules.encode())
    paths = {
        "a.txt": False,
        "d/a.txt": False,
        "private.md": False,
        "foo": True,
        "foo/x.md": False,
        "dir": True,
        "d": True,
    }
    paths["foo/keep.md"] = False
    out = [path for path, is_folder in paths.items() if asked.ignores(path, is_folder=is_folder)]
    assert out == left_out


def test_no_pattern_takes_longer_than_its_length() -> None:
    rules = IgnoreRules(b"*a" * 100 + b"b\n" + b"**/a/" * 100 + b"b\n" + b"[" * 5000 + b"\n")
    began = time.process_time()
    for name in ("a" * 250, "/".join("a" * 100)):
        assert rules.ignores(name, is_folder=False) is None
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("data", "left_out", "heeded"),
    [
        (b"x" * (MAX_PATTERN_CHARACTERS + 1) + b"\n*.log\n", 1, True),
        (b"?" * (MAX_WILDCARDS + 1) + b"\n*.log\n", 1, True),
        (b"#" + b"*" * 2_000 + b"\n*.log\n", 0, True),
        (b"*.log\n" + b"a.txt\n" * MAX_PATTERNS, 1, False),
        (b"a.txt\n" * MAX_PATTERNS + b"*.log\n", 1, True),
    ],
    ids=["long", "wildcards", "comment", "many", "the last ones stay"],
)
def test_patterns_beyond_the_bounds_are_left_out_and_counted(data: bytes, left_out: int, heeded: bool) -> None:
    rules = IgnoreRules(data)
    assert (rules.left_out, rules.cut) == (left_out, False)
    assert rules.ignores("y.log", is_folder=False) is (True if heeded else None)


def test_a_file_that_is_cut_ends_with_its_last_whole_pattern() -> None:
    rules = IgnoreRules(b"*.log\n" + b"#" * (MAX_IGNORE_BYTES - 8) + b"\n*.txt\n")
    assert (rules.left_out, rules.cut) == (0, True)
    assert rules.ignores("y.log", is_folder=False) is True
    assert rules.ignores("*", is_folder=False) is None
    assert rules.ignores("y.txt", is_folder=False) is None

"""The n-th operation on the disk fails, for n = 1, 2, ... until a run gets to its end without meeting one.

Whatever fails, what was acknowledged is found afterwards, nothing is held by half or twice, and adding again completes
it.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import RetrievalError
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.store import Catalog
from tests.attack.forms import FULL
from tests.support.models import ModelsByHand

SHORT = 24
"""Failures of each sort in the short form, by chance; the full form makes each."""
NOTES = {"one.md": "alphaq red", "two.md": "betaq red", "three.md": "gammaq red"}
LATER = {"two.md": "deltaq red", "four.md": "epsilonq red"}
"""What is written before adding again; `three.md` is deleted then."""


class Failing:
    """Counts operations, and makes one of them fail."""

    def __init__(self) -> None:
        self.at = 0
        """Which one fails, from 1; 0 for none."""
        self.count = 0

    @contextmanager
    def failing(self, at: int) -> Iterator[None]:
        self.at, self.count = at, 0
        try:
            yield
        finally:
            self.at = 0

    def strikes(self) -> bool:
        self.count += 1
        return self.count == self.at


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Failing:
    """SQLite's statements fail as on a broken disk."""
    failing = Failing()

    class Connection(sqlite3.Connection):
        def execute(self, *given: Any) -> sqlite3.Cursor:
            if failing.strikes():
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorcode = sqlite3.SQLITE_IOERR
                raise error
            return super().execute(*given)

    connect = sqlite3.connect

    def connecting(*given: Any, **named: Any) -> sqlite3.Connection:
        return connect(*given, factory=Connection, **named)

    monkeypatch.setattr(sqlite3, "connect", connecting)
    return failing


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Failing:
    """The system's calls on the person's files fail as on a broken disk."""
    failing = Failing()

    def spoilt(call: Callable[..., Any]) -> Callable[..., Any]:
        def calling(what: Any = ".", *given: Any, **named: Any) -> Any:
            if _is_under(what, folder) and failing.strikes():
                raise OSError(errno.EIO, os.strerror(errno.EIO), what if isinstance(what, str) else None)
            return call(what, *given, **named)

        return calling

    for name in ("open", "stat", "lstat", "fstat", "pread", "scandir"):
        monkeypatch.setattr(os, name, spoilt(getattr(os, name)))
    return failing


def _is_under(what: object, folder: Path) -> bool:
    """Whether a path or a descriptor is of a file or folder under the root."""
    if isinstance(what, int):
        try:
            what = str(Path(f"/proc/self/fd/{what}").readlink())
        except OSError:
            return False
    return isinstance(what, str | bytes | os.PathLike) and os.fsdecode(what).startswith(str(folder))


def numbers(last: int) -> list[int]:
    """Which operations fail, of `last`."""
    each = range(1, last + 1)
    return list(each) if FULL or last <= SHORT else sorted(random.Random(5).sample(each, SHORT))


class Scene:
    """A library over three notes, of which one is changed, one deleted and one joined by another."""

    def __init__(self, tmp_path: Path, folder: Path) -> None:
        self._folder = folder
        self._settings = Settings(library=tmp_path / "library", roots=(folder,), workers=1)

    def begin(self) -> None:
        shutil.rmtree(self._settings.library, ignore_errors=True)
        shutil.rmtree(self._folder)
        self._folder.mkdir()
        self._write(NOTES)

    def play(self) -> set[str]:
        """Add, change, add again, search and remove as far as it goes. Words that were acknowledged and not undone."""
        kept: set[str] = set()
        try:
            with self._open() as library:
                if complete(library):
                    kept = {"alphaq", "betaq", "gammaq"}
                self._write(LATER)
                (self._folder / "three.md").unlink()
                kept -= {"betaq", "gammaq"}  # from here on either may be seen
                if complete(library):
                    kept |= {"deltaq", "epsilonq"}
                with suppress(RetrievalError):
                    library.search("alphaq")
                kept.discard("alphaq")
                with suppress(RetrievalError):
                    library.remove([str(self._folder / "one.md")])
        except RetrievalError:
            pass  # the library does not open, and says so
        return kept

    def judge(self, kept: set[str]) -> None:
        catalog = Catalog(self._settings.library / "catalog.db")
        assert catalog.check() == []
        catalog.close()
        with self._open() as library:
            for word in kept:
                assert len(library.search(word, lanes=("words",)).hits) == 1, word
            complete(library)  # joins a job whose end was not kept, before files change under it
            self._write(NOTES)
            assert complete(library)
            assert library.settle(30)
            expected = {"alphaq", "betaq", "gammaq"} | ({"epsilonq"} if (self._folder / "four.md").exists() else set())
            for word in expected:
                assert len(library.search(word, lanes=("words",)).hits) == 1, word
            assert len(library.search("red", lanes=("text",)).hits) == len(expected)
            assert not library.search("deltaq", lanes=("words",)).hits

    def _open(self) -> Library:
        return Library.open(settings=self._settings, models=ModelsByHand(self._settings))

    def _write(self, notes: dict[str, str]) -> None:
        for name, text in notes.items():
            (self._folder / name).write_text(text + "\n", encoding="utf-8")


def complete(library: Library) -> bool:
    """Whether the root was added, and that was acknowledged of each of its files."""
    try:
        outcome = library.add().wait(30)
    except RetrievalError:
        return False
    return outcome.state == "done" and not outcome.failed


@pytest.mark.timeout(3_600 if FULL else 300)
@pytest.mark.parametrize("sort", ["statements", "files"])
def test_whatever_fails_nothing_acknowledged_is_lost(
    tmp_path: Path, folder: Path, sort: str, request: pytest.FixtureRequest
) -> None:
    failing: Failing = request.getfixturevalue(sort)
    scene = Scene(tmp_path, folder)
    scene.begin()
    with failing.failing(10**9):
        kept = scene.play()
    assert kept == {"deltaq", "epsilonq"}
    scene.judge(kept)
    last = failing.count
    assert last > SHORT
    for number in numbers(last):
        scene.begin()
        with failing.failing(number):
            kept = scene.play()
        print(f"number {number} of {last}")  # shown where it is the last one
        scene.judge(kept)

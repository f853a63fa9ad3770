"""Counting what was never added: on where it stopped, and only what is not held by now."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_mmretrieval.adding import not_added
from mcp_mmretrieval.adding import walk as walking
from mcp_mmretrieval.adding.not_added import FILES_LOOKED_UP, REMEMBERED_SECONDS, NotAddedFiles
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.store import Catalog
from tests.support.rows import put

LOTS = 2 * FILES_LOOKED_UP + 10
"""Files: more than are looked up together."""
LONG = 1e6


class Clock:
    """Seconds, of which some pass each time that somebody looks."""

    def __init__(self) -> None:
        self.now, self.step = 0.0, 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(tmp_path / "catalog.db")
    yield catalog
    catalog.close()


@pytest.fixture
def counted(root: Path, tmp_path: Path, catalog: Catalog, clock: Clock) -> NotAddedFiles:
    for number in range(LOTS):
        (root / f"{number:04}.txt").touch()
    return NotAddedFiles(catalog, Roots([root]), tmp_path / "library", clock)


def test_what_was_added_or_is_told_otherwise_does_not_count(
    counted: NotAddedFiles, catalog: Catalog, root: Path
) -> None:
    put(catalog, str(root / "0001.txt"))
    assert counted.count(LONG) == (LOTS - 1, True)
    assert counted.count(LONG, but={str(root / "0002.txt"), str(root / "0003.txt")}) == (LOTS - 3, True)


def test_counting_goes_on_where_its_time_had_ended(counted: NotAddedFiles, clock: Clock) -> None:
    clock.step = 1.0
    seen = [counted.count(1.5), *(counted.count(1.5 / not_added.GOING_ON_SHARE) for _ in range(2))]
    assert seen == [(FILES_LOOKED_UP, False), (2 * FILES_LOOKED_UP, False), (LOTS, True)]


def test_a_long_count_is_good_for_a_minute_but_for_what_was_added_since(
    counted: NotAddedFiles, catalog: Catalog, clock: Clock, root: Path
) -> None:
    clock.step = 1.0
    assert counted.count(LONG) == (LOTS, True)
    clock.step = 0.0
    (root / "new.txt").touch()
    put(catalog, str(root / "0001.txt"))
    assert counted.count(LONG) == (LOTS - 1, True)
    clock.now += REMEMBERED_SECONDS
    assert counted.count(LONG) == (LOTS, True)


def test_a_short_count_is_made_anew_each_time(counted: NotAddedFiles, root: Path) -> None:
    assert counted.count(LONG) == (LOTS, True)
    (root / "new.txt").touch()
    assert counted.count(LONG) == (LOTS + 1, True)


def test_without_time_nothing_is_known(counted: NotAddedFiles) -> None:
    assert counted.count(0.0) == (0, False)


def test_who_comes_while_it_is_counted_is_told_what_is_known(counted: NotAddedFiles) -> None:
    with counted._walking:
        assert counted.count(LONG) == (0, False)


def test_the_clock_is_looked_at_within_a_folder_of_which_nothing_counts(
    counted: NotAddedFiles, clock: Clock, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "LOOK_EVERY_STEPS", 5)
    asked: list[str] = []

    def late(rules: object, path: str, *, is_folder: bool) -> None:
        asked.append(path)
        clock.now += 1.0

    monkeypatch.setattr(walking, "ignoring_file", late)
    assert counted.count(3.0) == (0, False)
    assert 3 <= len(asked) <= 8

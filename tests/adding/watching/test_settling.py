"""When a path is at rest, by a clock that the tests turn."""

from collections.abc import Hashable

from mcp_mmretrieval.adding.watching.settling import BURST_SECONDS, MOST_QUIET_SECONDS, QUIET_SECONDS, SettlingPaths


class Disk:
    """Sizes of files by path, and what waits for them to rest."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self.paths = SettlingPaths(self.state)

    def state(self, path: str) -> Hashable:
        return self.sizes.get(path)

    def write(self, path: str, now: float, *, told: bool = True) -> None:
        self.sizes[path] = self.sizes.get(path, 0) + 1
        if told:
            self.paths.note(path, now)


def test_a_file_is_taken_once_when_it_was_quiet_for_a_while() -> None:
    disk = Disk()
    disk.write("a", 10.0)
    assert disk.paths.due() == 10.0 + QUIET_SECONDS
    assert disk.paths.take(10.9) == []
    assert disk.paths.take(11.0) == ["a"]
    assert (disk.paths.take(12.0), disk.paths.due(), len(disk.paths)) == ([], None, 0)


def test_a_download_that_grows_for_a_minute_is_taken_once_when_it_rests() -> None:
    disk, taken = Disk(), []
    for step in range(60 * 4):
        disk.write("film", step / 4)
        taken += disk.paths.take(step / 4)
    assert taken == []
    assert "film" in disk.paths
    assert disk.paths.take(59.75 + QUIET_SECONDS) == ["film"]


def test_one_that_pauses_is_waited_for_twice_as_long_but_not_for_ever() -> None:
    disk = Disk()
    disk.write("film", 0.0)
    disk.write("film", 0.9)
    assert disk.paths.take(2.0) == []
    disk.write("film", 2.5)
    assert disk.paths.take(5.6) == []
    disk.write("film", 5.6)
    assert disk.paths.take(5.6 + MOST_QUIET_SECONDS - 0.1) == []
    assert disk.paths.take(5.6 + MOST_QUIET_SECONDS) == ["film"]


def test_one_that_grew_without_a_word_is_waited_for_longer() -> None:
    disk = Disk()
    disk.write("map", 0.0)
    disk.write("map", 0.5, told=False)
    assert disk.paths.take(1.0) == []
    assert disk.paths.take(2.0) == []
    assert disk.paths.take(3.0) == ["map"]


def test_what_is_gone_rests_too() -> None:
    disk = Disk()
    disk.write("a", 0.0)
    del disk.sizes["a"]
    disk.paths.note("a", 0.2)
    assert disk.paths.take(1.2) == ["a"]


def test_an_editor_that_swaps_the_file_makes_one_change() -> None:
    disk = Disk()
    disk.write(".a.tmp", 0.0)
    disk.write("a", 0.05)
    del disk.sizes[".a.tmp"]
    disk.paths.note(".a.tmp", 0.05)
    assert disk.paths.take(1.1) == [".a.tmp", "a"]


def test_thousands_that_come_one_after_the_other_are_taken_together() -> None:
    disk, taken = Disk(), []
    for number in range(2_000):
        disk.write(f"{number}", number / 1_000)
        taken.append(disk.paths.take(number / 1_000))
    assert not any(taken)
    assert len(disk.paths.take(2.0 + QUIET_SECONDS)) == 2_000


def test_in_a_burst_without_end_what_rests_waits_a_bounded_time() -> None:
    disk, batches = Disk(), []
    for number in range(1_000):
        now = number / 100
        disk.write(f"{number}", now)
        if batch := disk.paths.take(now):
            batches.append((now, len(batch)))
    first, count = batches[0]
    assert first <= QUIET_SECONDS + BURST_SECONDS + 0.01
    assert count > 250
    assert len(batches) <= 4


def test_a_file_that_is_always_written_to_holds_nothing_else_back() -> None:
    disk, taken = Disk(), []
    disk.write("log", 0.0)
    disk.write("letter", 1.0)
    for step in range(1, 40):
        disk.write("log", step / 10)
        taken += disk.paths.take(step / 10)
    assert taken == ["letter"]

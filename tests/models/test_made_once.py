"""A folder is made once, proves whole when it is used, and is made anew where it does not."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_mmretrieval.models.made_once import made_once
from tests.support.threads import beside

OF = {"weights": "abc", "format": "1"}


@pytest.fixture
def made() -> list[Path]:
    """The empty folders that were filled."""
    return []


@pytest.fixture
def fill(made: list[Path]) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        assert list(folder.iterdir()) == []
        made.append(folder)
        (folder / "model.bin").write_bytes(b"numbers")

    return fill


def test_a_folder_is_made_once(tmp_path: Path, made: list[Path], fill: Callable[[Path], None]) -> None:
    target = tmp_path / "cache" / "model"
    assert made_once(target, OF, fill) == made_once(target, OF, fill) == target
    assert len(made) == 1
    assert (target / "model.bin").read_bytes() == b"numbers"
    assert list(target.parent.iterdir()) == [target]


def spoil(target: Path) -> None:
    (target / "model.bin").write_bytes(b"torn by a full disk")


def empty(target: Path) -> None:
    (target / "model.bin").unlink()


def forget(target: Path) -> None:
    (target / "made.json").unlink()


def garble(target: Path) -> None:
    (target / "made.json").write_text("[]", encoding="utf-8")


def replace(target: Path) -> None:
    record = json.loads((target / "made.json").read_text(encoding="utf-8"))
    (target / "made.json").write_text(json.dumps({**record, "of": {"weights": "of somebody else"}}), encoding="utf-8")


@pytest.mark.parametrize("harm", [spoil, empty, forget, garble, replace])
def test_a_damaged_or_foreign_folder_is_made_anew(
    harm: Callable[[Path], None], tmp_path: Path, made: list[Path], fill: Callable[[Path], None]
) -> None:
    target = made_once(tmp_path / "model", OF, fill)
    harm(target)
    made_once(target, OF, fill)
    assert len(made) == 2
    assert (target / "model.bin").read_bytes() == b"numbers"
    made_once(target, OF, fill)
    assert len(made) == 2
    assert list(tmp_path.iterdir()) == [target]


def test_what_is_made_of_something_else_is_made_anew(
    tmp_path: Path, made: list[Path], fill: Callable[[Path], None]
) -> None:
    made_once(tmp_path / "model", OF, fill)
    made_once(tmp_path / "model", {**OF, "format": "2"}, fill)
    assert len(made) == 2


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "model.bin").write_bytes(b"half of the num")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        made_once(tmp_path / "model", OF, fail)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_behind_is_deleted_later(tmp_path: Path, fill: Callable[[Path], None]) -> None:
    old, young, other = (tmp_path / name for name in (".model.old", ".model.young", ".others.old"))
    for left in (old, young, other):
        (left / "made").mkdir(parents=True)
    for left in (old, other):
        os.utime(left, (0, 0))
    made_once(tmp_path / "model", OF, fill)
    assert (old.exists(), young.exists(), other.exists()) == (False, True, True)


@pytest.mark.parametrize("damaged", [False, True])
def test_two_who_make_it_at_once_both_get_a_whole_one(
    damaged: bool, tmp_path: Path, made: list[Path], fill: Callable[[Path], None]
) -> None:
    target, together = tmp_path / "model", threading.Barrier(2)
    if damaged:
        spoil(made_once(target, OF, fill))
        made.clear()

    def fill_together(folder: Path) -> None:
        together.wait(60)
        fill(folder)

    found: list[Path] = []
    threads = [beside(lambda: found.append(made_once(target, OF, fill_together))) for _ in range(2)]
    for thread in threads:
        thread.join(60)
    assert (found, len(made)) == ([target, target], 2)
    assert made_once(target, OF, fill) == target
    assert len(made) == 2
    assert list(tmp_path.iterdir()) == [target]

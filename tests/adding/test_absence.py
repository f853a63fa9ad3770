"""Which held files are gone, and which are only out of reach."""

import errno
import os
import subprocess
from pathlib import Path

import pytest

from mcp_mmretrieval.adding.absence import AbsenceJudge, device_of
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.store import File


def judge(root: Path, path: Path, *, device: int | None = -1) -> str:
    on = root.stat().st_dev if device == -1 else device
    file = File(path=str(path), document="0" * 64, size=1, mtime_ns=0, device=on)
    return AbsenceJudge(Roots([root])).judge(file)


def test_gone_is_what_its_folder_or_one_above_lists_no_more(root: Path) -> None:
    (root / "there.txt").touch()
    assert judge(root, root / "there.txt") == "there"
    assert judge(root, root / "gone.txt") == "gone"
    assert judge(root, root / "folder" / "deep" / "gone.txt") == "gone"
    (root / "folder").touch()  # a file by now
    assert judge(root, root / "folder" / "deep" / "gone.txt") == "gone"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE, errno.ELOOP, errno.ENAMETOOLONG])
def test_what_the_system_cannot_tell_is_out_of_reach(root: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: str) -> os.stat_result:
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr("mcp_mmretrieval.adding.absence.os.lstat", fail)
    assert judge(root, root / "a.txt") == "out of reach"


def test_below_a_folder_that_cannot_be_listed_all_is_out_of_reach(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: int) -> list[str]:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("mcp_mmretrieval.adding.absence.os.listdir", fail)
    assert judge(root, root / "a.txt") == "out of reach"


def test_below_a_folder_on_another_file_system_all_is_out_of_reach(root: Path) -> None:
    assert judge(root, root / "a.txt", device=root.stat().st_dev + 1) == "out of reach"
    assert judge(root, root / "a.txt", device=None) == "out of reach"


def test_a_link_in_the_place_of_a_folder_says_nothing(root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (root / "moved").symlink_to(tmp_path / "elsewhere")
    (root / "hanging").symlink_to(tmp_path / "nowhere")
    assert judge(root, root / "moved" / "a.txt") == "out of reach"
    assert judge(root, root / "hanging" / "a.txt") == "out of reach"


def test_a_file_system_that_got_another_number_is_known_by_a_file_that_lies_there_still(root: Path) -> None:
    (root / "stays.txt").touch()
    stays, goes = (
        File(path=str(root / name), document="0" * 64, size=0, mtime_ns=0, device=7)
        for name in ("stays.txt", "goes.txt")
    )
    judge = AbsenceJudge(Roots([root]))
    assert judge.judge(goes) == "out of reach"
    judge.seen(stays)
    assert judge.judge(goes) == "gone"
    assert judge.moved == {str(root / "stays.txt"): device_of(str(root / "stays.txt"))}


def test_a_number_that_another_file_system_had_before_is_not_taken_for_its_own(root: Path) -> None:
    (root / "stays.txt").touch()
    now = root.stat().st_dev
    stays = File(path=str(root / "stays.txt"), document="0" * 64, size=0, mtime_ns=0, device=7)
    on_a_drive = File(path=str(root / "drive" / "a.txt"), document="0" * 64, size=0, mtime_ns=0, device=now)
    judge = AbsenceJudge(Roots([root]))
    judge.seen(stays)
    assert judge.judge(on_a_drive) == "out of reach"


def test_of_a_drive_something_has_to_be_there_still(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mounted(path: str) -> int | None:
        return 99 if path == str(root) else device_of(path)  # what holds the root lies elsewhere

    monkeypatch.setattr("mcp_mmretrieval.adding.absence.device_of", mounted)
    (root / "folder").mkdir()
    (root / "folder" / "stays.txt").touch()
    stays, goes = (
        File(path=str(root / name), document="0" * 64, size=0, mtime_ns=0, device=root.stat().st_dev)
        for name in ("folder/stays.txt", "goes.txt")
    )
    judge = AbsenceJudge(Roots([root]))
    assert judge.judge(goes) == "out of reach"
    judge.seen(stays)
    assert judge.judge(goes) == "gone"


def test_folders_may_be_as_deep_as_the_system_lets_them(root: Path) -> None:
    folder = root
    for _ in range((4_000 - len(str(root))) // 2):
        folder = folder / "d"
        folder.mkdir()
    seen = File(path=str(folder / "a"), document="0" * 64, size=1, mtime_ns=0, device=None)
    watched = AbsenceJudge(Roots([root]))
    watched.seen(seen)
    assert watched.moved == {seen.path: root.stat().st_dev}
    subprocess.run(["rm", "-r", str(root / "d")], check=True)  # too deep for Python, and so for pytest

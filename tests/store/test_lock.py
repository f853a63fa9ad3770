import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.store import LibraryLock, Store

HOLD = """
import sys
from pathlib import Path
from mcp_mmretrieval.store import LibraryLock
lock = LibraryLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_told_who_has_the_library(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LibraryUnavailable) as refused:
            Store.open(folder)
        assert f"pid {holder.pid}" in str(refused.value)
        assert str(folder) in str(refused.value)
        holder.kill()
        holder.wait()
    LibraryLock(folder).close()


DIE = """
import os, signal, subprocess, sys
from pathlib import Path
from mcp_mmretrieval.store import LibraryLock
lock = LibraryLock(Path(sys.argv[1]))
subprocess.Popen(["sleep", "1.5"], pass_fds=[lock._file], stdout=subprocess.DEVNULL)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_program_that_a_killed_process_was_starting_keeps_the_library_for_a_moment_only(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", DIE, str(tmp_path)], check=False)
    with (tmp_path / "lock").open("rb") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the one who died left somebody who has it
    LibraryLock(tmp_path).close()


def test_a_library_that_was_closed_can_be_opened_again(tmp_path: Path) -> None:
    for _ in range(2):
        lock = LibraryLock(tmp_path / "deep" / "library")
        with pytest.raises(LibraryUnavailable, match=f"pid {os.getpid()}"):
            LibraryLock(tmp_path / "deep" / "library")
        lock.close()
        lock.close()


def test_the_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    folder.mkdir(mode=0o755)
    LibraryLock(folder).close()
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    with pytest.raises(LibraryUnavailable, match="another user"):
        LibraryLock(folder)
    assert list(folder.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "library").write_text("mine", encoding="utf-8")
    with pytest.raises(LibraryUnavailable, match="cannot be used"):
        LibraryLock(tmp_path / "library")


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("keep", encoding="utf-8")
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "lock").symlink_to(target)
    with pytest.raises(LibraryUnavailable):
        LibraryLock(tmp_path / "library")
    assert target.read_text(encoding="utf-8") == "keep"


def test_importing_the_store_loads_neither_chroma_nor_numpy() -> None:
    code = "import sys, mcp_mmretrieval.store; print({'chromadb', 'numpy'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"

import os
import stat
from pathlib import Path

import pytest

from mcp_mmretrieval.front.own_folder import make_own_folder
from mcp_mmretrieval.store.lock import LibraryLock


def modes(*folders: Path) -> set[int]:
    return {stat.S_IMODE(folder.stat().st_mode) for folder in folders}


def test_missing_parents_are_their_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make_own_folder(str(tmp_path / "a" / "b" / "c"))
        LibraryLock(tmp_path / "d" / "library").close()
    finally:
        os.umask(before)
    a, d = tmp_path / "a", tmp_path / "d"
    assert modes(a, a / "b", a / "b" / "c", d, d / "library") == {0o700}


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_own_folder(str(tmp_path))
    assert modes(tmp_path) == {0o755}


def test_a_file_in_its_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    for place in ("a", "a/b"):
        with pytest.raises(OSError, match="Not a directory"):
            make_own_folder(str(tmp_path / place))

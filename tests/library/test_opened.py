import time
from pathlib import Path
from unittest.mock import Mock

import pytest

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.store import vanished
from tests.conftest import OpenLibrary
from tests.support.calls import add


def test_a_library_that_could_not_be_opened_can_be_opened_again(
    open_library: OpenLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as short_of_files:
        short_of_files.setattr(Workers, "__init__", Mock(side_effect=OSError("Too many open files")))
        with pytest.raises(OSError, match="open files"):
            open_library()
    assert open_library().documents() == ([], 0)


def test_what_vanished_long_ago_is_forgotten_at_the_start_and_a_full_disk_is_no_obstacle(
    open_library: OpenLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = open_library()
    for name in ("goes.md", "stays.md"):
        (folder / name).write_text(name)
    add(library)
    (folder / "goes.md").unlink()
    add(library)
    (kept,) = library.vanished()
    library.close()
    monkeypatch.setattr(time, "time", lambda: kept.until + 1)
    with monkeypatch.context() as full:
        full.setattr(vanished, "_purge", Mock(side_effect=LibraryUnavailable("disk full")))
        library = open_library()
        assert library.vanished() == [kept]
        library.close()
    assert open_library().vanished() == []

import time
from pathlib import Path
from unittest.mock import Mock

import pytest

from mcp_mmretrieval.errors import LibraryUnavailable
from mcp_mmretrieval.library import Library, opened
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.store import vanished
from tests.conftest import OpenLibrary
from tests.support.calls import add
from tests.support.engines import until


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


SECRET = "zanzibarquokka"


def with_secrets(open_library: OpenLibrary, folder: Path) -> tuple[Library, Path]:
    """A library that held a note and a file with a secret, and its folder."""
    library = open_library()
    (folder / "note.txt").write_text(f"red {SECRET}")
    (folder / "kept.txt").write_text("blue lighthouse")
    library.add().wait(60)
    library.add(text=f"green {SECRET}", title=SECRET).wait(60)
    assert library.settle(60)
    hits = library.search(SECRET).hits
    assert len(hits) >= 2
    assert library.remove([hit.segment.document for hit in hits if SECRET in hit.snippet]).documents == 2
    return library, library.settings.library


def files_with_secrets(library: Path) -> list[str]:
    return [path.name for path in library.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


def test_what_was_removed_stands_in_no_file_of_the_library_after_a_while(
    open_library: OpenLibrary, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened, "REST_EVERY_SECONDS", 0.05)
    _, place = with_secrets(open_library, folder)
    until(lambda: not files_with_secrets(place))


def test_nor_once_it_was_closed(open_library: OpenLibrary, folder: Path) -> None:
    library, place = with_secrets(open_library, folder)
    library.close()
    assert files_with_secrets(place) == []

"""Whose recording is opened to be played whole, by the same rules as for all that is read."""

import os
import zipfile
from pathlib import Path

import pytest

from mcp_mmretrieval.errors import NotInLibrary, UnreadableMedia
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.roots import Roots
from tests.support import recordings
from tests.support.calls import add


def heard(library: Library, target: str) -> tuple[bytes, str]:
    """All that a browser would get, and as what."""
    recording = library.recording(target)
    with recording.file as file:
        return os.pread(file.fd, file.size, 0), recording.media_type


@pytest.fixture
def song(library: Library, folder: Path) -> bytes:
    data = recordings.sound("mp3", 4.0)
    (folder / "song.mp3").write_bytes(data)
    add(library)
    return data


def test_a_citation_an_id_and_a_path_open_the_file_that_was_read(library: Library, folder: Path, song: bytes) -> None:
    id = library.documents()[0][0].id
    for target in ("song.mp3#t=0.0,4.0", "song.mp3", id, str(folder / "song.mp3")):
        assert heard(library, target) == (song, "audio/mpeg")


def test_nothing_outside_the_roots_is_opened(library: Library, folder: Path, tmp_path: Path, song: bytes) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "secret.mp3").write_bytes(song)
    (folder / "link.mp3").symlink_to(tmp_path / "other" / "secret.mp3")
    for target in ("../other/secret.mp3", str(tmp_path / "other" / "secret.mp3"), "link.mp3", "/etc/passwd", ""):
        with pytest.raises(NotInLibrary):
            library.recording(target)
    with pytest.raises(NotInLibrary):
        library.within(Roots([tmp_path / "other"])).recording("song.mp3")


def test_a_link_that_was_swapped_in_is_not_followed(
    library: Library, folder: Path, tmp_path: Path, song: bytes
) -> None:
    (tmp_path / "secret.mp3").write_bytes(song)
    (folder / "song.mp3").unlink()
    (folder / "song.mp3").symlink_to(tmp_path / "secret.mp3")
    with pytest.raises((UnreadableMedia, NotInLibrary)):
        library.recording("song.mp3")


def test_a_file_that_changed_since_it_was_read_is_not_opened(library: Library, folder: Path, song: bytes) -> None:
    (folder / "song.mp3").write_bytes(song + b"more")
    with pytest.raises(UnreadableMedia, match="changed since"):
        library.recording("song.mp3")


def test_what_is_no_recording_or_is_not_played_everywhere_is_told(library: Library, folder: Path) -> None:
    (folder / "note.txt").write_text("red")
    (folder / "film.mkv").write_bytes(recordings.film("mkv", 4.0))
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        archive.writestr("song.mp3", recordings.sound("mp3", 4.0))
    add(library)
    within = next(one for one in library.documents()[0] if one.path.endswith("all.zip"))
    for target, reason in (
        ("note.txt", "no file of sound"), ("film.mkv", "not every browser"),
        (within.id, "no file of sound"), ("all.zip#part=song.mp3", "no file of sound"),
    ):  # fmt: skip
        with pytest.raises(UnreadableMedia, match=reason):
            library.recording(target)

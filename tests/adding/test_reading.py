"""Reading one file: what was read once is not read again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_mmretrieval.adding.reading import FileReader, FileToRead
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.models import RecognisedText, TextReader
from mcp_mmretrieval.roots import OpenFile, Roots
from mcp_mmretrieval.types import Picture, Segment
from tests.support.files import BLUE, GREEN, RED, film, scanned_pdf
from tests.support.models import ModelsByHand, ShapeReader

ID = "a" * 64


class CountingReader(ShapeReader):
    """Reads off each picture how many were read before it."""

    def __init__(self) -> None:
        self.read_so_far = 0

    def read(self, picture: Picture) -> str:
        self.read_so_far += 1
        return f"picture {self.read_so_far}"

    def recognise(self, picture: Picture) -> RecognisedText:
        return RecognisedText(self.read(picture))


class CountingModels(ModelsByHand):
    def __init__(self, library: Path) -> None:
        super().__init__(Settings(library=library))
        self.reader = CountingReader()

    def text_reader(self, timeout: float | None = None) -> TextReader | None:
        return self.reader


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers(Limits(), 1)
    yield workers
    workers.close()


def opened(path: Path) -> OpenFile:
    return Roots([path.parent]).open(str(path))


def test_a_frame_in_two_windows_of_a_film_is_read_once(tmp_path: Path, workers: Workers) -> None:
    models = CountingModels(tmp_path)
    with opened(film(tmp_path / "clip.mp4", (RED, 14), (GREEN, 14), (BLUE, 14))) as file:
        read = FileReader(workers, models).read(FileToRead(file, ID))
    frames = [time for segment in read.segments for time in segment.frames]
    assert len(read.segments) == 2
    assert len(set(frames)) < len(frames)
    assert models.reader.read_so_far == len(set(frames))


def test_a_file_is_taken_up_behind_what_was_staged(tmp_path: Path, workers: Workers) -> None:
    models = CountingModels(tmp_path)
    staged: dict[int, Segment] = {}
    path = scanned_pdf(tmp_path / "scan.pdf", [RED, GREEN, BLUE])
    with opened(path) as file:
        whole = FileReader(workers, models).read(
            FileToRead(file, ID), stage=lambda ordinal, some: staged.update(enumerate(some, ordinal))
        )
    assert sorted(staged) == [0, 1, 2]
    models.reader.read_so_far = 2
    with opened(path) as file:
        again = FileReader(workers, models).read(FileToRead(file, ID), staged=[staged[0], staged[1]])
    assert models.reader.read_so_far == 3
    assert again.segments == whole.segments


def test_only_as_much_is_read_as_is_asked_for(tmp_path: Path, workers: Workers) -> None:
    models = CountingModels(tmp_path)
    with opened(scanned_pdf(tmp_path / "scan.pdf", [RED, GREEN, BLUE])) as file:
        read = FileReader(workers, models).read(FileToRead(file, ID), most=2)
    assert [segment.place.page for segment in read.segments] == [1, 2]

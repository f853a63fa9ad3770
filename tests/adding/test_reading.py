"""Reading one file: what was read once is not read again, and every line of sound and film has its seconds."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mcp_mmretrieval.adding.reading import FileReader, FileToRead
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.models import RecognisedText, TextReader, Transcriber, Transcript
from mcp_mmretrieval.roots import OpenFile, Roots
from mcp_mmretrieval.types import Cue, Picture, Segment, Sound
from tests.support import recordings
from tests.support.files import BLUE, GREEN, RED, film, scanned_pdf
from tests.support.media_files import illustrated_pdf, pdf
from tests.support.models import ModelsByHand, PitchTranscriber, ShapeReader
from tests.support.recordings import TrackMade, srt

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


class LoudnessTranscriber(PitchTranscriber):
    """Hears one sentence in each sound, from its 2nd to its 3rd second: which one tells the pitch."""

    def transcribe(self, sound: Sound, language: str = "") -> Transcript:
        return Transcript([Cue(2.0, 3.0, f"it is {cue.text}") for cue in super().transcribe(sound).cues])


class ListeningModels(CountingModels):
    def transcriber(self, timeout: float | None = None) -> Transcriber | None:
        return LoudnessTranscriber()


def lines(path: Path, workers: Workers, *sidecars: Path) -> list[list[tuple[float, float, str]]]:
    """The lines of each segment with their seconds."""
    with ExitStack() as stack:
        source = FileToRead(
            stack.enter_context(opened(path)), ID, [stack.enter_context(opened(sidecar)) for sidecar in sidecars]
        )
        read = FileReader(workers, ListeningModels(path.parent)).read(source)
    return [
        [(start, end, text) for (start, end), text in zip(segment.times, segment.text.split("\n"), strict=True)]
        for segment in read.segments
    ]


def test_captions_speech_and_what_is_shown_are_lines_with_their_seconds(tmp_path: Path, workers: Workers) -> None:
    clip = film(tmp_path / "clip.mp4", (RED, 10), (GREEN, 10), hertz=300)
    subtitles = tmp_path / "clip.srt"
    subtitles.write_bytes(srt([(12.0, 15.0, "guten Morgen")]))
    (found,) = lines(clip, workers, subtitles)
    assert found[:2] == [(12.0, 15.0, "guten Morgen"), (2.0, 3.0, "it is a low tone")]
    assert found[2][2] == "picture 1" and found[2][0] == 0.0 and found[2][1] == found[3][0] and found[-1][1] >= 20.0
    subtitles.write_bytes(srt([(1.5, 3.0, "It is a low tone!")]))
    (found,) = lines(clip, workers, subtitles)
    assert [text for _, _, text in found[:2]] == ["It is a low tone!", "picture 1"]


def test_what_is_said_on_every_track_is_read(tmp_path: Path, workers: Workers) -> None:
    path = tmp_path / "two.mka"
    rising = recordings.chirp(6.0, 48_000)
    beep = np.where(np.arange(len(rising)) < 200_000, 0.4 * np.sin(np.arange(len(rising)) / 4), 0).astype(np.float32)
    path.write_bytes(recordings.tracks(TrackMade(samples=rising), TrackMade(samples=beep)))
    assert lines(path, workers) == [[(2.0, 3.0, "it is a low tone"), (2.0, 3.0, "it is a high tone")]]


def test_what_ocr_reads_on_a_stamped_scan_joins_the_stamp(tmp_path: Path, workers: Workers) -> None:
    path = tmp_path / "stamped.pdf"
    path.write_bytes(
        illustrated_pdf([("Scanned with CamScanner", [(Image.new("RGB", (60, 80), RED), (0, 0, 612, 792))])])
    )
    with opened(path) as file:
        read = FileReader(workers, CountingModels(tmp_path)).read(FileToRead(file, ID))
    assert [segment.text for segment in read.segments] == ["Scanned with CamScanner\npicture 1"]


def test_the_numbers_printed_on_pages_are_their_labels(tmp_path: Path, workers: Workers) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf([f"The report goes on for a while and then stops.\n{number}" for number in range(11, 17)]))
    with opened(path) as file:
        read = FileReader(workers, CountingModels(tmp_path)).read(FileToRead(file, ID))
    assert [segment.label for segment in read.segments] == ["11", "12", "13", "14", "15", "16"]

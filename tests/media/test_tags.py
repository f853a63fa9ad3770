"""What the tags of a recording say: title, people, date, chapters."""

import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import av
import pytest

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media import audio, container, tags
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.types import Cue, DocumentMetadata, Place, Segment, SplitPart
from tests.support import recordings
from tests.support.recordings import TrackMade

TAGS = {"title": "Sledge", "artist": "Ida Lind", "album": "Northern Tales", "comment": "Read by the author"}
CHAPTERS = ((0.0, 20.0, "Wolves of Kiruna"), (20.0, 32.0, "The Frozen Lake"), (32.0, 40.0, "00:00:32.000"))


@pytest.fixture
def opened(request: pytest.FixtureRequest) -> Iterator[av.container.InputContainer]:
    with container.open_container(io.BytesIO(request.param)) as box:
        yield box


def book(name: str, **more: str) -> bytes:
    return recordings.sound(name, 40.0, tags=tuple({**TAGS, **more}.items()), chapters=CHAPTERS)


def split(data: bytes) -> tuple[list[Segment], DocumentMetadata]:
    steps = list(audio.split(Source(file=io.BytesIO(data), name="book", document="ab" * 32), Limits()))
    (about,) = [step for step in steps if isinstance(step, DocumentMetadata)][:1]
    return [step.segment for step in steps if isinstance(step, SplitPart)], about


@pytest.mark.parametrize("name", ["mp3", "m4a", "mka", "opus", "flac"])
def test_title_people_album_and_comment_are_told_whatever_the_format_calls_them(name: str) -> None:
    _, about = split(book(name, date="2019-03-04"))
    assert about.title == "Sledge"
    assert about.keywords == "Ida Lind\nNorthern Tales\nRead by the author"
    assert about.dated == datetime(2019, 3, 4, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("name", ["mp3", "m4a", "mka", "opus"])
def test_a_chapter_is_told_once_with_its_seconds_and_labels_its_windows(name: str) -> None:
    segments, _ = split(book(name))
    first, second = segments
    assert first.text == "Wolves of Kiruna\nThe Frozen Lake"
    assert first.times == ((0.0, 20.0), (20.0, 30.0))
    assert (second.text, second.times) == ("", ())
    assert (first.label, second.label) == ("The Frozen Lake", "The Frozen Lake")


@pytest.mark.parametrize(
    "opened",
    [
        recordings.tracks(
            TrackMade(samples=recordings.chirp(3.0, 48_000), tags={"title": "Surround 5.1"}),
            TrackMade(cues=[(0.5, 1.0, "hello")], tags={"title": "Signs & Songs"}),
        )
    ],
    indirect=True,
)
def test_the_name_of_a_track_is_no_title(opened: av.container.InputContainer) -> None:
    assert tags.title(opened) == tags.keywords(opened) == ""


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"creation_time": "2023-05-06T07:08:09Z"}, "2023-05-06T07:08:09+00:00"),
        ({"com.apple.quicktime.creationdate": "2023-05-06T07:08:09+0200"}, "2023-05-06T05:08:09+00:00"),
        ({"date": "20240131"}, "2024-01-31T00:00:00+00:00"),
        ({"date": "1973"}, "1973-01-01T00:00:00+00:00"),
        ({"date": "1973", "artist": "Ida", "creation_time": "2023-05-06T07:08:09Z"}, "1973-01-01T00:00:00+00:00"),
        ({"date": "1973", "creation_time": "2023-05-06T07:08:09Z"}, "2023-05-06T07:08:09+00:00"),
        ({"origination_date": "2020-02-29", "origination_time": "10:11:12"}, "2020-02-29T10:11:12+00:00"),
        ({"creation_time": "1904-01-01T00:00:00.000000Z"}, None),
        ({"creation_time": "1970-01-01T00:00:00.000000Z"}, None),
        ({"date": "2023-02-31"}, None),
        ({"date": "9999"}, None),
        ({"date": "last summer"}, None),
        ({}, None),
    ],
)
def test_a_recording_is_dated_by_its_own_word(told: Mapping[str, str], expected: str | None) -> None:
    dated = tags.date_of(told)
    assert (None if dated is None else datetime.fromtimestamp(dated, UTC).isoformat()) == expected


def test_what_programs_keep_in_comments_is_no_keyword() -> None:
    told = {"comment": " 00000A21 00000B0C 00006E2F", "lyrics-eng": "Row, row", "encoder": "Lavf", "artist": "Ada"}
    assert tags.words_of(told) == "Ada\nRow, row"


def test_lines_of_a_chapter_stand_before_what_is_said() -> None:
    with container.open_container(io.BytesIO(book("mka"))) as box:
        about = tags.AboutRecording(box)
    segment = Segment(document="ab" * 32, modality="audio", place=Place(start=0.0, end=30.0))
    told = about.told(segment, [Cue(1.0, 2.0, "howling")], last=False)
    assert told.text.split("\n") == ["Wolves of Kiruna", "The Frozen Lake", "howling"]
    assert told.times[-1] == (1.0, 2.0)

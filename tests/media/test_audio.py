import numpy as np
import pytest
from av.stream import Disposition
from numpy.typing import NDArray

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import audio
from mcp_mmretrieval.media.recording_kind import recording_kind
from mcp_mmretrieval.types import DocumentMetadata, Place, Segment, Sound
from tests.support import recordings
from tests.support.hearing import LIMITS, hertz, notes, places, samples, source, split, stretch
from tests.support.recordings import TrackMade


def silence(seconds: float, rate: int) -> NDArray[np.float32]:
    return np.zeros(round(seconds * rate), np.float32)


@pytest.mark.parametrize("name", recordings.SOUND)
def test_every_usual_format_becomes_windows_of_sixteen_kilohertz_mono(name: str) -> None:
    data = recordings.sound(name, 61.0)
    parts, abouts = split(data)
    assert recording_kind(source(data)) == "audio"
    assert [place.split(",")[0] for place in places(parts)] == ["t=0.0", "t=25.0", "t=50.0"]
    assert abouts[-1].seconds == pytest.approx(61.0, abs=0.1)
    assert {part.segment.modality for part in parts} == {"audio"}
    assert [len(samples(part)) for part in parts[:2]] == [480_000, 480_000]
    assert samples(parts[0])[400_000:].tolist() == samples(parts[1])[:80_000].tolist()


@pytest.mark.parametrize("name", recordings.SOUND)
def test_loading_a_place_gives_the_samples_that_split_gave(name: str) -> None:
    data = recordings.sound(name, 62.3, rate=48_000 if "opus" in recordings.SOUND[name][1] else 44_100)
    for part in split(data)[0]:
        loaded = audio.load(source(data), part.segment, LIMITS)
        expected = samples(part)
        assert len(loaded.samples) == len(expected)
        assert np.abs(loaded.samples - expected).max() < 0.02  # AAC decodes its noise a little differently each time


def test_a_resumed_split_gives_the_same_later_parts() -> None:
    data = recordings.sound("mp3", 90.0)
    whole, resumed = split(data)[0], split(data, start=2)[0]
    assert places(resumed) == places(whole)[2:]
    assert all(np.array_equal(samples(a), samples(b)) for a, b in zip(whole[2:], resumed, strict=True))


def test_the_title_of_the_tags_is_told_and_heads_the_parts() -> None:
    parts, abouts = split(recordings.sound("flac", title="Weekly  call"))
    assert abouts[0] == DocumentMetadata(modality="audio", title="Weekly call")
    assert parts[0].segment.heading == "Weekly call"


def test_a_silent_recording_says_so_and_has_nothing_to_hear() -> None:
    parts, abouts = split(recordings.sound(wave=silence))
    assert [part.content for part in parts] == [None]
    assert "silent" in notes(abouts)


def test_a_recording_beyond_the_limit_is_cut_with_a_note() -> None:
    parts, abouts = split(recordings.sound(seconds=90.0), limits=Limits(seconds=40.0))
    assert places(parts) == ["t=0.0,30.0", "t=25.0,40.0"]
    assert abouts[-1].seconds == 40.0 and "Only the first 0:00:40 were read" in notes(abouts)


@pytest.mark.parametrize("name", recordings.SOUND)
def test_a_recording_cut_short_gives_what_there_is(name: str) -> None:
    data = recordings.sound(name, 40.0)
    try:
        parts, abouts = split(data[: len(data) // 2])
    except UnreadableMedia as error:
        assert name == "m4a" and error.code == "corrupt"  # its index stands at the end
    else:
        assert abouts[-1].seconds == pytest.approx(20.0, abs=2.0) and parts


@pytest.mark.parametrize("name", recordings.SOUND)
def test_damaged_bytes_end_in_parts_or_in_a_clear_code(name: str) -> None:
    data = np.frombuffer(recordings.sound(name, 8.0), np.uint8)
    random = np.random.default_rng(7)
    for share in (0.0005, 0.01, 0.2):
        broken = np.where(random.random(len(data)) < share, random.integers(0, 256, len(data)), data).astype(np.uint8)
        try:
            split(broken.tobytes())
        except UnreadableMedia as error:
            assert error.code in ("corrupt", "unsupported_type")


def test_a_place_beyond_the_end_has_no_sound() -> None:
    segment = Segment(document="ab" * 32, modality="audio", place=Place(start=500.0, end=530.0))
    with pytest.raises(UnreadableMedia, match="no sound at t=500"):
        audio.load(source(recordings.sound()), segment, LIMITS)


def test_a_whole_recording_loads_as_its_first_window() -> None:
    whole = Segment(document="ab" * 32, modality="audio", place=Place())
    assert len(audio.load(source(recordings.sound(seconds=50.0)), whole, LIMITS).samples) == 480_000


# -- tracks ------------------------------------------------------------------------------------------------------------


def tone(frequency: float, seconds: float = 6.0, rate: int = 48_000) -> NDArray[np.float32]:
    """A tone that is loud and soft in a rhythm of its own."""
    time = np.arange(round(seconds * rate)) / rate
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * frequency / 700 * time)
    return (0.5 * swell * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def test_the_default_track_comes_first_then_what_else_is_heard() -> None:
    data = recordings.tracks(
        TrackMade(samples=tone(300), flags=Disposition.comment, tags={"title": "Director commentary"}),
        TrackMade(samples=tone(500)),
        TrackMade(samples=tone(900), flags=Disposition.default),
        TrackMade(samples=tone(1500), tags={"language": "fra"}),
    )
    parts, abouts = split(data)
    (part,) = parts
    assert isinstance(part.content, Sound)
    assert [round(hertz(sound), -2) for sound in (part.content, *part.more)] == [900, 500, 1500]
    assert 'not heard: track 1 ("Director commentary", comment)' in notes(abouts)


def test_the_same_sound_on_two_tracks_is_heard_once() -> None:
    stereo = TrackMade(samples=tone(500), layout="stereo")
    parts, _ = split(recordings.tracks(TrackMade(samples=0.7 * tone(500)), stereo, TrackMade(samples=tone(900))))
    assert [round(hertz(sound), -2) for sound in parts[0].more] == [900]


def test_where_the_first_track_is_silent_the_next_one_is_heard_and_shown() -> None:
    data = recordings.tracks(
        TrackMade(samples=silence(6.0, 48_000), flags=Disposition.default), TrackMade(samples=tone(900))
    )
    part = split(data)[0][0]
    assert isinstance(part.content, Sound) and round(hertz(part.content), -2) == 900
    assert part.more == ()
    assert round(hertz(audio.load(source(data), stretch(1.0, 5.0), LIMITS)), -2) == 900

import io
import struct

import av
import numpy as np
import pytest
from av.stream import Disposition
from numpy.typing import NDArray

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import audio, container
from mcp_mmretrieval.media.source import Sidecar, Source
from mcp_mmretrieval.types import DocumentMetadata, Place, Segment, Sound, SplitPart
from tests.support import recordings
from tests.support.recordings import TrackMade

LIMITS = Limits()


def source(data: bytes, *subtitles: bytes) -> Source:
    sidecars = tuple(Sidecar(name="talk.srt", file=io.BytesIO(data)) for data in subtitles)
    return Source(file=io.BytesIO(data), name="talk", document="ab" * 32, sidecars=sidecars)


def split(
    data: bytes, *subtitles: bytes, limits: Limits = LIMITS, start: int = 0
) -> tuple[list[SplitPart], list[DocumentMetadata]]:
    steps = list(audio.split(source(data, *subtitles), limits, start))
    return [step for step in steps if isinstance(step, SplitPart)], [
        step for step in steps if isinstance(step, DocumentMetadata)
    ]


def places(parts: list[SplitPart]) -> list[str]:
    return [part.segment.place.fragment for part in parts]


def samples(part: SplitPart) -> NDArray[np.float32]:
    assert isinstance(part.content, Sound)
    return part.content.samples


def notes(abouts: list[DocumentMetadata]) -> str:
    return " ".join(about.note for about in abouts)


def silence(seconds: float, rate: int) -> NDArray[np.float32]:
    return np.zeros(round(seconds * rate), np.float32)


def wav(rate: int, channels: int, claimed: int, data: bytes) -> bytes:
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2 & 0xFFFFFFFF, channels * 2 & 0xFFFF, 16)
    return (
        b"RIFF"
        + struct.pack("<I", claimed + 36)
        + b"WAVEfmt \x10\0\0\0"
        + form
        + b"data"
        + struct.pack("<I", claimed)
        + data
    )


@pytest.mark.parametrize("name", recordings.SOUND)
def test_every_usual_format_becomes_windows_of_sixteen_kilohertz_mono(name: str) -> None:
    data = recordings.sound(name, 61.0)
    parts, abouts = split(data)
    assert container.recording_kind(source(data)) == "audio"
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


def test_samples_are_those_that_were_recorded() -> None:
    parts, _ = split(recordings.sound("wav", 40.0))
    expected = recordings.chirp(40.0, 16_000)
    assert np.abs(samples(parts[1])[100:-100] - expected[400_100:-100]).max() < 0.01


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


def test_a_header_that_promises_ten_hours_is_not_believed() -> None:
    parts, abouts = split(wav(16_000, 1, 16_000 * 2 * 36_000, b"\x10\x20" * 16_000))
    assert places(parts) == ["t=0.0,1.0"] and abouts[-1].seconds == 1.0


@pytest.mark.parametrize(("rate", "channels"), [(2**31 - 1, 1), (800_000, 1), (16_000, 17), (16_000, 65_535)])
def test_absurd_rates_and_channels_are_refused(rate: int, channels: int) -> None:
    with pytest.raises(UnreadableMedia) as refusal:
        split(wav(rate, channels, 4000, b"\x10\x20" * 2000))
    assert refusal.value.code in ("unsupported_type", "corrupt")


@pytest.mark.parametrize("name", recordings.SOUND)
def test_damage_in_the_middle_costs_a_moment_and_what_follows_stays_in_place(name: str) -> None:
    data = bytearray(recordings.sound(name, 60.0))
    middle = len(data) // 2
    data[middle : middle + 2000] = np.random.default_rng(1).bytes(2000)
    parts, abouts = split(bytes(data))
    assert abouts[-1].seconds == pytest.approx(60.0, abs=0.5)
    second = samples(parts[1])[20 * 16_000 : 21 * 16_000]  # the forty-sixth of the recording
    assert np.abs(np.fft.rfft(second)).argmax() == pytest.approx(200 + 20 * 45.5, abs=20)
    assert name not in ("mp3", "m4a", "aac", "mka") or "damaged packets" in notes(abouts)


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


# -- channels, tracks, clocks ------------------------------------------------------------------------------------------


def peak(sound: Sound) -> float:
    return float(np.abs(sound.samples).max())


def hertz(sound: Sound) -> float:
    """The loudest frequency."""
    return float(np.abs(np.fft.rfft(sound.samples)).argmax()) / (len(sound.samples) / sound.rate)


def tone(frequency: float, seconds: float = 6.0, rate: int = 48_000) -> NDArray[np.float32]:
    """A tone that is loud and soft in a rhythm of its own."""
    time = np.arange(round(seconds * rate)) / rate
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * frequency / 700 * time)
    return (0.5 * swell * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def stretch(start: float, end: float) -> Segment:
    return Segment(document="ab" * 32, modality="audio", place=Place(start=start, end=end))


def test_two_channels_that_cancel_each_other_are_heard() -> None:
    voice = recordings.chirp(6.0, 16_000)
    data = recordings.pcm([voice, -voice])
    parts, abouts = split(data)
    assert np.abs(samples(parts[0]) - voice).max() < 0.01
    assert "silent" not in notes(abouts)
    assert np.abs(audio.load(source(data), stretch(2.0, 4.0), LIMITS).samples - voice[32_000:64_000]).max() < 0.01


def test_loud_channels_are_mixed_without_clipping() -> None:
    voice = 1.9 * recordings.chirp(3.0, 16_000)
    parts, _ = split(recordings.pcm([voice, voice]))
    assert np.abs(samples(parts[0]) - voice).max() < 0.01


@pytest.mark.parametrize("count", [3, 4, 6, 8])
def test_every_microphone_of_a_recording_that_names_none_is_heard_alike(count: int) -> None:
    voices = [np.zeros(48_000, np.float32)] * (count - 1) + [recordings.chirp(3.0, 16_000)]
    heard = samples(split(recordings.pcm(voices))[0][0])
    assert float(np.abs(heard).max()) == pytest.approx(0.5 / count, rel=0.02)


def test_channels_that_are_named_count_as_in_a_room_and_the_deepest_not_at_all() -> None:
    surround = audio.mixing_weights(av.AudioLayout("5.1"))
    assert surround.tolist() == pytest.approx([0.207, 0.207, 0.293, 0.0, 0.146, 0.146], abs=0.001)
    assert audio.mixing_weights(av.AudioLayout("stereo")).tolist() == [0.5, 0.5]
    assert audio.mixing_weights(av.AudioLayout("mono")).tolist() == [1.0]


def test_sixteen_channels_are_read_from_the_middle_on() -> None:
    track = TrackMade(samples=recordings.chirp(8.0, 48_000), codec="wavpack", layout="hexadecagonal")
    data = recordings.tracks(track)
    whole = samples(split(data)[0][0])
    loaded = audio.load(source(data), stretch(3.3, 5.1), LIMITS).samples
    assert np.abs(loaded - whole[52_800:81_600]).max() < 0.02


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
    assert "not heard: track 1 (Director commentary, comment)" in notes(abouts)


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


@pytest.mark.parametrize("name", ["opus"])
def test_every_window_of_recordings_that_were_joined_can_be_opened(name: str) -> None:
    data = recordings.sound(name, 40.0) + recordings.sound(name, 41.0)
    for part in split(data)[0]:
        loaded = audio.load(source(data), part.segment, LIMITS)
        assert np.abs(loaded.samples - samples(part)).max() < 0.02


def test_a_clock_that_runs_slow_is_kept_to() -> None:
    data = recordings.tracks(TrackMade(samples=recordings.chirp(60.0, 48_000), codec="pcm_s16le", pace=0.9))
    parts, abouts = split(data)
    assert abouts[-1].seconds == pytest.approx(54.0, abs=0.4)
    last = parts[-1].segment.place
    assert last.end is not None and last.end <= 54.5
    heard = audio.load(source(data), stretch(50.0, 52.0), LIMITS)
    assert len(heard.samples) == 32_000
    # at the 51st second by the clock the chirp is in its 56.7th; played faster it is that much higher
    for sound in (heard, Sound(samples(parts[1])[400_000:432_000], 16_000)):
        assert hertz(sound) == pytest.approx((200 + 20 * 56.7) / 0.9, abs=40)


def test_every_codec_that_is_read_has_a_decoder() -> None:
    for names in container._CODECS.values():
        for name in names.split():
            assert av.codec.Codec(name, "r")

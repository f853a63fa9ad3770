"""The samples of one track: where they stand, whatever the container, its damage and its clock."""

import struct

import numpy as np
import pytest

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import audio
from mcp_mmretrieval.types import Sound
from tests.support import recordings
from tests.support.hearing import LIMITS, hertz, notes, places, samples, source, split, stretch
from tests.support.recordings import TrackMade


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


def test_samples_are_those_that_were_recorded() -> None:
    parts, _ = split(recordings.sound("wav", 40.0))
    expected = recordings.chirp(40.0, 16_000)
    assert np.abs(samples(parts[1])[100:-100] - expected[400_100:-100]).max() < 0.01


def test_a_header_that_promises_ten_hours_is_not_believed() -> None:
    parts, abouts = split(wav(16_000, 1, 16_000 * 2 * 36_000, b"\x10\x20" * 16_000))
    assert places(parts) == ["t=0.0,1.0"] and abouts[-1].seconds == 1.0


@pytest.mark.parametrize(("rate", "channels"), [(2**31 - 1, 1), (800_000, 1), (16_000, 17), (16_000, 65_535)])
def test_absurd_rates_and_channels_are_refused(rate: int, channels: int) -> None:
    with pytest.raises(UnreadableMedia) as refusal:
        split(wav(rate, channels, 4000, b"\x10\x20" * 2000))
    assert refusal.value.code in ("unsupported_type", "corrupt")


@pytest.mark.parametrize("rate", [1, 8, 999])
def test_a_rate_at_which_nothing_is_heard_is_refused_with_a_clear_line(rate: int) -> None:
    with pytest.raises(UnreadableMedia, match=rf"{rate} Hz and 1 channels; 1,000 to 768,000 Hz") as refusal:
        split(wav(rate, 1, 4000, b"\x10\x20" * 2000))
    assert refusal.value.code == "unsupported_type"


def test_the_lowest_rate_is_read() -> None:
    parts, _ = split(wav(1_000, 1, 4000, b"\x10\x20" * 2000))
    assert places(parts) == ["t=0.0,2.0"]


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


def test_sixteen_channels_are_read_from_the_middle_on() -> None:
    track = TrackMade(samples=recordings.chirp(8.0, 48_000), codec="wavpack", layout="hexadecagonal")
    data = recordings.tracks(track)
    whole = samples(split(data)[0][0])
    loaded = audio.load(source(data), stretch(3.3, 5.1), LIMITS).samples
    assert np.abs(loaded - whole[52_800:81_600]).max() < 0.02


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

"""Many channels as one."""

import av
import numpy as np
import pytest

from mcp_mmretrieval.media import audio, downmix
from tests.support import recordings
from tests.support.hearing import LIMITS, notes, samples, source, split, stretch


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
    surround = downmix.mixing_weights(av.AudioLayout("5.1"))
    assert surround.tolist() == pytest.approx([0.207, 0.207, 0.293, 0.0, 0.146, 0.146], abs=0.001)
    assert downmix.mixing_weights(av.AudioLayout("stereo")).tolist() == [0.5, 0.5]
    assert downmix.mixing_weights(av.AudioLayout("mono")).tolist() == [1.0]

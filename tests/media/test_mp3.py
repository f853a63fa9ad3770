import io
from typing import Any

import av
import numpy as np
import pytest

from mcp_mmretrieval.media.mp3 import BITS_PER_SECOND, encode_mp3
from mcp_mmretrieval.types import Sound

RATE = 16_000


def decoded(data: bytes) -> tuple[Any, float]:
    with av.open(io.BytesIO(data), "r") as container:
        frames = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
        return np.concatenate(frames), container.streams.audio[0].rate


@pytest.mark.parametrize("seconds", [0.05, 5.0])
def test_sound_comes_back_from_mp3_as_long_and_as_high(seconds: float) -> None:
    times = np.arange(round(seconds * RATE)) / RATE
    sound = Sound((0.5 * np.sin(2 * np.pi * 440 * times)).astype(np.float32), RATE)
    data = encode_mp3(sound)
    heard, rate = decoded(data)
    assert rate == RATE
    assert abs(len(heard) / RATE - seconds) < 0.15  # MP3 has whole frames
    peak = np.argmax(np.abs(np.fft.rfft(heard))) * RATE / len(heard)
    assert abs(peak - 440) < 20
    assert len(data) <= seconds * BITS_PER_SECOND / 8 + 1_500


def test_samples_that_are_no_numbers_are_silence() -> None:
    heard, _ = decoded(encode_mp3(Sound(np.full(RATE, np.nan, np.float32), RATE)))
    assert np.abs(heard).max() < 1e-3

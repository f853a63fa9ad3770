"""Where somebody speaks, and how it is cut."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mcp_mmretrieval.demo_media.film import DEMO_SAMPLE_RATE_HZ as RECORDED
from mcp_mmretrieval.demo_media.film import read_recording
from mcp_mmretrieval.models import vad
from mcp_mmretrieval.types import Sound
from tests.support.drawings import silence, tone

RATE = vad.VAD_RATE_HZ


@pytest.fixture(scope="module")
def log() -> NDArray[np.float32]:
    samples = (read_recording("engine-log.ogg") / 32_768).astype(np.float32)
    return vad.resampled(Sound(samples, RECORDED), RATE)


@pytest.fixture(params=["silero", "loudness"])
def detector(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "silero":
        pytest.importorskip("faster_whisper")
    monkeypatch.setattr(vad, "voice_detector_name", lambda: request.param)
    return str(request.param)


def test_a_voice_between_silences_is_found_where_it_is(detector: str, log: NDArray[np.float32]) -> None:
    quiet = np.zeros(5 * RATE, np.float32)
    found = vad.speech_spans(np.concatenate([quiet, log[: 4 * RATE], quiet]))
    assert 4.5 < found[0][0] < 5.6
    assert 8 < found[-1][1] < 9.6


@pytest.mark.parametrize("sound", [silence(3), Sound(np.full(RATE, np.nan, np.float32), RATE), tone(100, 3)])
def test_silence_and_what_hums_on_is_no_voice(detector: str, sound: Sound) -> None:
    assert vad.speech_spans(vad.resampled(sound, RATE)) == []


def test_a_long_stretch_is_cut_where_it_is_quietest() -> None:
    samples = np.full(70 * RATE, 0.5, np.float32)
    for second in (27, 53):
        samples[second * RATE : second * RATE + RATE // 4] = 0.01
    cut = vad.speech_windows([(0.0, 70.0)], samples, 30.0, together=True)
    assert [round(end) for _, end in cut] == [27, 53, 70]
    assert [start for start, _ in cut[1:]] == [end for _, end in cut[:-1]]


def test_short_stretches_share_a_window_where_a_model_takes_as_long_for_any() -> None:
    samples = np.zeros(90 * RATE, np.float32)
    spans = [(1.0, 5.0), (8.0, 20.0), (25.0, 33.0), (60.0, 61.0)]
    assert vad.speech_windows(spans, samples, 30.0, together=True) == [(1.0, 20.0), (25.0, 33.0), (60.0, 61.0)]
    assert vad.speech_windows(spans, samples, 30.0, together=False) == spans

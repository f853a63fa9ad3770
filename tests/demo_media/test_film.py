import sys
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from mcp_mmretrieval.demo_media.film import SAFETY_DRILL_SCENES, SCENE_SECONDS, read_recording


def test_the_log_is_spoken_for_some_twenty_five_seconds(demo_files: Path) -> None:
    with wave.open(str(demo_files / "engine-log.wav")) as sound:
        assert 24 < sound.getnframes() / sound.getframerate() < 27
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    assert np.abs(samples).max() > 8_000


def test_the_film_has_a_scene_for_each_title_and_a_voice(demo_files: Path) -> None:
    seconds = SCENE_SECONDS * len(SAFETY_DRILL_SCENES)
    with av.open(str(demo_files / "safety-drill.mp4")) as film:
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert len(frames) == 12 * seconds
    assert all(np.abs(a.astype(int) - b).mean() > 20 for a, b in zip(frames[24::96], frames[72::96], strict=False))
    with av.open(str(demo_files / "safety-drill.mp4")) as film:
        heard = sum(frame.samples / frame.sample_rate for frame in film.decode(audio=0))
    assert heard == pytest.approx(seconds, abs=0.2)


def test_the_recordings_are_small_and_as_long_as_the_film(demo_files: Path) -> None:
    data = Path(sys.modules["mcp_mmretrieval.demo_media"].__path__[0]) / "data"
    assert sum(path.stat().st_size for path in data.iterdir()) < 120_000
    assert len(read_recording("safety-drill.ogg")) / 16_000 == pytest.approx(12, abs=0.1)

"""What is said, and nothing where nobody speaks."""

from itertools import pairwise

import numpy as np
import pytest

from mcp_mmretrieval.demo_media.film import DEMO_SAMPLE_RATE_HZ as RECORDED
from mcp_mmretrieval.demo_media.film import read_recording
from mcp_mmretrieval.models import Transcriber
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.types import Sound
from tests.support.drawings import RATE, noise, silence, tone

pytestmark = pytest.mark.builtin


@pytest.fixture(scope="module")
def transcriber(models: ModelPool) -> Transcriber:
    transcriber = models.transcriber()
    assert transcriber is not None
    return transcriber


@pytest.fixture(scope="module")
def log() -> Sound:
    """25 s of an engine room log, read aloud."""
    return Sound((read_recording("engine-log.ogg") / 32_768).astype(np.float32), RECORDED)


def test_speech_is_written_down_with_its_times(transcriber: Transcriber, log: Sound) -> None:
    cues = transcriber.transcribe(log)
    (gearbox,) = [cue for cue in cues if "gearbox was too hot" in cue.text]
    assert 2 < gearbox.start < gearbox.end < 9
    assert all(before.end <= after.start for before, after in pairwise(cues))
    assert cues[-1].end <= len(log.samples) / log.rate


def test_times_count_from_the_beginning_of_the_sound_silence_included(transcriber: Transcriber, log: Sound) -> None:
    quiet = np.zeros(12 * log.rate, np.float32)
    first = transcriber.transcribe(Sound(np.concatenate([quiet, log.samples[: 4 * log.rate]]), log.rate))[0]
    assert 11 < first.start < 13
    assert "northern star" in first.text.lower()


def test_the_same_sound_gives_the_same_text(transcriber: Transcriber, log: Sound) -> None:
    assert transcriber.transcribe(log) == transcriber.transcribe(log)


@pytest.mark.parametrize(
    "sound",
    [silence(30), silence(5, 44_100), noise(0.001, 10), noise(0.1, 10), tone(440, 10), tone(60, 3)],
    ids=["silence", "silence at 44.1 kHz", "hiss", "loud noise", "a tone", "mains hum"],
)
def test_where_nobody_speaks_nothing_is_written(transcriber: Transcriber, sound: Sound) -> None:
    assert transcriber.transcribe(sound) == []


@pytest.mark.parametrize("rate", [RATE, 8_000, 48_000])
@pytest.mark.parametrize("samples", [0, 1, 2, 700])
def test_a_moment_too_short_to_speak_in_is_empty(transcriber: Transcriber, samples: int, rate: int) -> None:
    assert transcriber.transcribe(Sound(np.ones(samples, np.float32), rate)) == []


def test_damaged_samples_are_silence(transcriber: Transcriber) -> None:
    assert transcriber.transcribe(Sound(np.full(RATE, np.nan, np.float32), RATE)) == []


def test_the_identity_is_the_one_that_was_named_before_loading(transcriber: Transcriber, models: ModelPool) -> None:
    assert " ".join(map(str, transcriber.identity.values())) == models.reading["speech"]

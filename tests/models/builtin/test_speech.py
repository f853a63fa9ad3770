"""What is said, and nothing where nobody speaks."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

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
    cues = transcriber.transcribe(log).cues
    (gearbox,) = [cue for cue in cues if "gearbox was too hot" in cue.text]
    assert 2 < gearbox.start < gearbox.end < 9
    assert all(before.end <= after.start for before, after in pairwise(cues))
    assert cues[-1].end <= len(log.samples) / log.rate


def test_times_count_from_the_beginning_of_the_sound_silence_included(transcriber: Transcriber, log: Sound) -> None:
    quiet = np.zeros(12 * log.rate, np.float32)
    first = transcriber.transcribe(Sound(np.concatenate([quiet, log.samples[: 4 * log.rate]]), log.rate)).cues[0]
    assert 11 < first.start < 13
    assert "northern star" in first.text.lower()


def test_the_same_sound_gives_the_same_text(transcriber: Transcriber, log: Sound) -> None:
    assert transcriber.transcribe(log).cues == transcriber.transcribe(log).cues


@pytest.mark.parametrize(
    ("languages", "written", "expected"),
    [
        ([("de", 0.56), ("en", 0.31)], {"de": ("Pyson", -1.1, 1.0), "en": ("Bison", -0.7, 1.0)}, ("Bison", "en")),
        ([("de", 0.56), ("en", 0.31)], {"de": ("Bison", -0.7, 1.0), "en": ("Pyson", -1.1, 1.0)}, ("Bison", "de")),
        ([("de", 0.90), ("en", 0.05)], {"de": ("Pyson", -1.1, 1.0), "en": ("Bison", -0.7, 1.0)}, ("Pyson", "de")),
        (
            [("en", 0.49), ("pl", 0.30)],
            {"en": ("came home", -0.7, 1.0), "pl": ("go" * 99, -0.2, 9.0)},
            ("came home", "en"),
        ),
        ([("ja", 0.27), ("en", 0.20)], {"ja": ("go" * 99, -0.1, 9.0), "en": ("the oil", -0.9, 1.0)}, ("the oil", "en")),
    ],
    ids=[
        "the likelier text",
        "the likelier text, again",
        "one language is sure",
        "no text in circles",
        "nor the first",
    ],
)
def test_what_may_be_another_language_is_written_in_both_and_the_likelier_text_counts(
    transcriber: Transcriber,
    monkeypatch: pytest.MonkeyPatch,
    log: Sound,
    languages: list[tuple[str, float]],
    written: dict[str, tuple[str, float, float]],
    expected: tuple[str, str],
) -> None:
    def transcribe(samples: Any, *, language: str | None, **_: Any) -> tuple[list[Any], Any]:
        text, likelihood, compression = written[language or languages[0][0]]
        said = SimpleNamespace(
            start=0.0, end=1.0, text=text, no_speech_prob=0.0, avg_logprob=likelihood, compression_ratio=compression
        )
        about = SimpleNamespace(
            language=language or languages[0][0],
            language_probability=1.0 if language else languages[0][1],
            all_language_probs=None if language else languages,
        )
        return [said], about

    monkeypatch.setattr(transcriber._model, "transcribe", transcribe)  # type: ignore[attr-defined]
    heard = transcriber.transcribe(log)
    assert (heard.cues[0].text, heard.language) == expected
    assert heard.probability == dict(languages)[heard.language]


def test_speech_is_written_in_the_language_that_is_asked_for(transcriber: Transcriber, log: Sound) -> None:
    heard = transcriber.transcribe(log, "de")
    assert heard.language == "de" and heard.cues != transcriber.transcribe(log).cues


@pytest.mark.parametrize(
    "sound",
    [silence(30), silence(5, 44_100), noise(0.001, 10), noise(0.1, 10), tone(440, 10), tone(60, 3)],
    ids=["silence", "silence at 44.1 kHz", "hiss", "loud noise", "a tone", "mains hum"],
)
def test_where_nobody_speaks_nothing_is_written(transcriber: Transcriber, sound: Sound) -> None:
    assert transcriber.transcribe(sound).cues == []


@pytest.mark.parametrize("rate", [RATE, 8_000, 48_000])
@pytest.mark.parametrize("samples", [0, 1, 2, 700])
def test_a_moment_too_short_to_speak_in_is_empty(transcriber: Transcriber, samples: int, rate: int) -> None:
    assert transcriber.transcribe(Sound(np.ones(samples, np.float32), rate)).cues == []


def test_damaged_samples_are_silence(transcriber: Transcriber) -> None:
    assert transcriber.transcribe(Sound(np.full(RATE, np.nan, np.float32), RATE)).cues == []


def test_the_identity_is_the_one_that_was_named_before_loading(transcriber: Transcriber, models: ModelPool) -> None:
    assert " ".join(map(str, transcriber.identity.values())) == models.reading["speech"]

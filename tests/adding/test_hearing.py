"""A stretch whose language is open is heard in that of its track; one that is sure is left as it is."""

from collections.abc import Iterator

import numpy as np

from mcp_mmretrieval.adding.hearing import FileListener
from mcp_mmretrieval.models import Transcript
from mcp_mmretrieval.types import Cue, Identity, Sound

SOUND = Sound(np.zeros(160, np.float32), 16_000)


class Polyglot:
    """Tells the languages that it is given, one a stretch; asked for one, it writes that."""

    def __init__(self, guesses: Iterator[tuple[str, float]]) -> None:
        self._guesses = guesses

    @property
    def identity(self) -> Identity:
        return {"name": "polyglot"}

    def transcribe(self, sound: Sound, language: str = "") -> Transcript:
        guess, probability = (language, 1.0) if language else next(self._guesses)
        return Transcript([Cue(0.0, 1.0, f"said in {guess}")], guess, probability)


def said(guesses: list[tuple[str, float]], tracks: list[int] | None = None) -> list[str]:
    polyglot = Polyglot(iter(guesses))
    listener = FileListener(lambda: polyglot)
    return [
        cue.text.removeprefix("said in ")
        for track in tracks or [0] * len(guesses)
        for cue in listener.heard(SOUND, track)
    ]


def test_a_stretch_that_is_unsure_is_heard_in_the_language_of_the_track() -> None:
    assert said([("de", 0.97), ("nl", 0.41), ("de", 0.99)]) == ["de", "de", "de"]


def test_who_surely_speaks_another_language_is_left_so() -> None:
    assert said([("de", 0.97), ("en", 0.95)]) == ["de", "en"]


def test_most_of_a_track_decides_what_its_language_is() -> None:
    assert said([("en", 0.9), ("de", 0.9), ("de", 0.9), ("cy", 0.3)]) == ["en", "de", "de", "de"]


def test_a_file_of_one_unsure_stretch_is_heard_as_it_sounds() -> None:
    assert said([("nn", 0.3)]) == ["nn"]


def test_tracks_have_languages_of_their_own() -> None:
    assert said([("de", 0.97), ("fr", 0.96), ("nl", 0.4), ("oc", 0.4)], [0, 1, 0, 1]) == ["de", "fr", "de", "fr"]


def test_without_a_transcriber_nothing_is_heard() -> None:
    assert FileListener(lambda: None).heard(SOUND, 0) == []

"""Hears one file: a stretch of a track that leaves its language open is heard in that of the rest of the track."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable

from mcp_mmretrieval.models import Transcriber
from mcp_mmretrieval.types import Cue, Sound

SURE_OF_LANGUAGE = 0.6
"""Probability of a language from which on it is taken for sure."""


class FileListener:
    """What is said in the tracks of one file, stretch after stretch."""

    def __init__(self, transcriber: Callable[[], Transcriber | None]) -> None:
        """`transcriber`: gives what hears; None where nothing does."""
        self._transcriber = transcriber
        self._languages: defaultdict[int, Counter[str]] = defaultdict(Counter)
        """By track how many stretches were surely in which language."""

    def heard(self, sound: Sound, track: int) -> list[Cue]:
        """What is said in the next stretch of a track (from 0), with seconds from its beginning."""
        transcriber = self._transcriber()
        if transcriber is None:
            return []
        heard = transcriber.transcribe(sound)
        sure = self._languages[track]
        if heard.probability >= SURE_OF_LANGUAGE:
            sure[heard.language] += bool(heard.cues)
        elif sure and (usual := sure.most_common(1)[0][0]) != heard.language:
            heard = transcriber.transcribe(sound, usual)
        return heard.cues

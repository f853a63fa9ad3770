"""Where somebody speaks in a sound, for models that invent words where nobody does.

Silero's voice activity detection, which comes with faster-whisper, says it; without that package, loudness does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mcp_mmretrieval.models.identity import voice_detector_name
from mcp_mmretrieval.types import Sound

AudioSamples = NDArray[np.float32]
TimeSpan = tuple[float, float]
"""Seconds from the beginning of the sound, from and to."""

VAD_RATE_HZ = 16_000
"""Samples a second that Silero was trained on, and most models of speech."""
_PAUSE = 1.0
"""Seconds of silence that part two stretches."""
_PAD = 0.3
"""Seconds kept around a stretch: words begin softly."""
_SHORTEST = 0.1
"""Seconds in which nobody says a word."""
_FRAME = VAD_RATE_HZ // 50
"""Samples whose loudness is one figure."""
_QUIET = 0.004
"""Root mean square of what is silence in any recording: 48 dB below the loudest."""
_ABOVE = 2.5
"""Loudness of a voice to that of the quietest tenth: what hums on is no voice."""
_AROUND = 5.0
"""Seconds before the end of a window in which a pause is looked for to cut at."""


def resampled(sound: Sound, rate: int) -> AudioSamples:
    """Its samples at another rate, finite."""
    samples = np.nan_to_num(np.asarray(sound.samples, np.float32), posinf=0.0, neginf=0.0)
    if sound.rate == rate or samples.size == 0:
        return samples
    import torch
    import torchaudio.functional  # type: ignore[import-untyped]

    made = torchaudio.functional.resample(torch.from_numpy(samples), sound.rate, rate)
    return np.asarray(made.numpy(), np.float32)


def speech_spans(samples: AudioSamples) -> list[TimeSpan]:
    """Stretches in which somebody speaks, in order; `samples` at `VAD_RATE_HZ`."""
    if len(samples) < _SHORTEST * VAD_RATE_HZ:
        return []
    return _by_silero(samples) if voice_detector_name() != "loudness" else _by_loudness(samples)


def speech_windows(
    spans: Sequence[TimeSpan], samples: AudioSamples, longest: float, *, together: bool
) -> list[TimeSpan]:
    """The stretches cut into windows of at most `longest` seconds, where it is quietest; `samples` at `VAD_RATE_HZ`.

    `together`: short ones share a window, with the silence between them, for models that take as long for any.
    """
    made: list[TimeSpan] = []
    for span in spans:
        for start, end in _pieces(span, samples, longest):
            if together and made and end - made[-1][0] <= longest:
                made[-1] = (made[-1][0], end)
            else:
                made.append((start, end))
    return made


def _pieces(span: TimeSpan, samples: AudioSamples, longest: float) -> Iterator[TimeSpan]:
    start, end = span
    while end - start > longest:
        first = int((start + max(longest - _AROUND, longest / 2)) * VAD_RATE_HZ)
        loud = _loudness(samples[first : int((start + longest) * VAD_RATE_HZ)])
        cut = (first + (int(loud.argmin()) + 0.5) * _FRAME) / VAD_RATE_HZ if len(loud) else start + longest
        yield start, cut
        start = cut
    yield start, end


def _by_silero(samples: AudioSamples) -> list[TimeSpan]:
    from faster_whisper.vad import VadOptions, get_speech_timestamps  # type: ignore[import-untyped]

    options = VadOptions(min_silence_duration_ms=int(_PAUSE * 1000), speech_pad_ms=int(_PAD * 1000))
    found = get_speech_timestamps(samples, options)
    return [(span["start"] / VAD_RATE_HZ, min(span["end"], len(samples)) / VAD_RATE_HZ) for span in found]


def _by_loudness(samples: AudioSamples) -> list[TimeSpan]:
    loud = _loudness(samples)
    voiced = np.flatnonzero(loud > max(_QUIET, _ABOVE * float(np.quantile(loud, 0.1))))
    spans: list[TimeSpan] = []
    for frame in voiced:
        start, end = frame * _FRAME / VAD_RATE_HZ - _PAD, (frame + 1) * _FRAME / VAD_RATE_HZ + _PAD
        if spans and start - spans[-1][1] <= _PAUSE - 2 * _PAD:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    whole = len(samples) / VAD_RATE_HZ
    return [(max(0.0, start), min(whole, end)) for start, end in spans]


def _loudness(samples: AudioSamples) -> NDArray[np.float64]:
    """Root mean square of each frame, a rest that fills none left out."""
    count = len(samples) // _FRAME
    frames = samples[: count * _FRAME].reshape(count, _FRAME).astype(np.float64)
    return np.asarray(np.sqrt(np.square(frames).mean(axis=1)))

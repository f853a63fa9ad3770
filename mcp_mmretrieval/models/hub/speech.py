"""Speech recognition by models from the Hub: Whisper's family, other sequence-to-sequence models, and CTC.

We cut the sound ourselves: transformers would drop what lies behind the seconds that a model takes in, or cut in words.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCTC, AutoModelForSpeechSeq2Seq
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CTC_MAPPING_NAMES,
    MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES,
)

from mcp_mmretrieval.config.profiles import Dtype, ModelSpec
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import Transcript, vad
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.hub import from_files
from mcp_mmretrieval.models.hub.generation import YieldBetweenTokens, to_model_device
from mcp_mmretrieval.models.identity import transcriber_identity
from mcp_mmretrieval.models.vad import AudioSamples, TimeSpan
from mcp_mmretrieval.types import Cue, Identity, Sound

SPEECH_WINDOW_SECONDS = 30.0
"""Seconds of a window: what Whisper takes in, and as much as others were trained on."""
REPETITION_COMPRESSION_RATIO = 2.4
"""Compression ratio of a text that goes round in circles; OpenAI's threshold."""
_REMEDY = "Set MMRETRIEVAL_SPEECH to another model, or to builtin."
_TOKENS_A_SECOND = 50
"""What a second costs: steps of Whisper's and of wav2vec 2.0's encoder."""
_TIME_STEP = 0.02
"""Seconds between two of Whisper's times."""
_WORDS_A_SECOND = 8
"""Tokens written in a second at most, by models that do not say how many they can."""


class HubTranscriber:
    """A `Transcriber`, loaded. Safe to call from several threads; they take turns on the device, a batch at a time."""

    def __init__(self, spec: ModelSpec, device: Device, dtype: Dtype, threads: int) -> None:
        """Raises ModelUnavailable when the model is missing, does not load, or does not recognise speech."""
        folder, revision = from_files.locate_quietly(spec)
        torch.set_num_threads(threads)
        self._spec = spec
        self._device = device
        self._identity = transcriber_identity(spec, revision)
        with from_files.load_errors_told(spec, remedy=_REMEDY):
            self._model, self._processor = _loaded(folder, device, dtype)
            self._rate = int(_listener(self._processor).sampling_rate)
            self._whisper = self._model.config.model_type == "whisper"
            self._write = self._heard if hasattr(self._model, "generate") else self._spelled
            if hasattr(self._model, "generate"):  # each is warned of where the other is told too
                self._model.generation_config.max_length = None
                if self._whisper:
                    self._model.generation_config.max_length = self._model.config.max_target_positions
            with device.turns:
                self._tell(np.zeros(self._rate, np.float32))  # a first pass takes ten times as long as the next

    @property
    def identity(self) -> Identity:
        """Weights and settings that decide what is written down."""
        return self._identity

    def transcribe(self, sound: Sound, language: str = "") -> Transcript:
        """What is said. Each window in the language that it sounds like: `language` is not looked at."""
        at_voice = vad.resampled(sound, vad.VAD_RATE_HZ)
        spans = vad.speech_windows(vad.speech_spans(at_voice), at_voice, SPEECH_WINDOW_SECONDS, together=self._whisper)
        if not spans:
            return Transcript([])
        samples = at_voice if self._rate == vad.VAD_RATE_HZ else vad.resampled(sound, self._rate)
        pieces = [samples[int(start * self._rate) : math.ceil(end * self._rate)] for start, end in spans]
        sizes = [
            _TOKENS_A_SECOND * (SPEECH_WINDOW_SECONDS if self._whisper else len(piece) / self._rate) for piece in pieces
        ]
        told: dict[int, list[Cue]] = {}
        # one after the other: padded together, what is heard in one would depend on how long the others are
        for rows, found in self._device.each(
            self._spec.model, sizes, lambda rows: [self._tell(pieces[row]) for row in rows]
        ):
            told |= dict(zip(rows, found, strict=True))
        return Transcript([cue for row, span in enumerate(spans) for cue in _placed(told[row], span)])

    def _tell(self, samples: AudioSamples) -> list[Cue]:
        """What is said in one window, with seconds from its beginning."""
        with torch.inference_mode():
            return [cue for cue in self._write(samples) if _said(cue.text)]

    def _features(self, samples: AudioSamples) -> dict[str, Any]:
        return to_model_device(self._processor(samples, sampling_rate=self._rate, return_tensors="pt"), self._model)

    def _heard(self, samples: AudioSamples) -> list[Cue]:
        """The cues of a model that writes as it listens (sequence to sequence)."""
        options: dict[str, Any] = {"do_sample": False, "stopping_criteria": [YieldBetweenTokens(self._device.turns)]}
        times = self._whisper and hasattr(self._model.generation_config, "no_timestamps_token_id")
        if not self._whisper:
            options["max_new_tokens"] = math.ceil(_WORDS_A_SECOND * (1 + len(samples) / self._rate))
        else:
            options |= {"return_timestamps": times, "force_unique_generate_call": True}
            if getattr(self._model.generation_config, "is_multilingual", False):
                options["task"] = "transcribe"
        tokens = self._model.generate(**self._features(samples), **options)[0].tolist()
        first_time = self._model.generation_config.no_timestamps_token_id + 1 if times else math.inf
        return [
            Cue(start, end, self._processor.decode(piece, skip_special_tokens=True).strip())
            for start, end, piece in _timed(tokens, first_time, len(samples) / self._rate)
        ]

    def _spelled(self, samples: AudioSamples) -> list[Cue]:
        """The one cue of a model that says for each moment which letter it is (CTC)."""
        letters = self._model(**self._features(samples)).logits[0].argmax(dim=-1)
        return [Cue(0.0, len(samples) / self._rate, self._processor.decode(letters).strip())]


def _loaded(folder: Path, device: Device, dtype: Dtype) -> tuple[Any, Any]:
    """The model and its processor. Raises ModelUnavailable for one of another kind."""
    config = AutoConfig.from_pretrained(folder, **from_files.SAFE_OPTIONS)
    load: Callable[..., Any]
    if config.model_type in MODEL_FOR_CTC_MAPPING_NAMES:
        load = AutoModelForCTC.from_pretrained
    elif config.model_type in MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES:
        load = AutoModelForSpeechSeq2Seq.from_pretrained
    else:
        raise ModelUnavailable(
            f"{folder}: a {config.model_type} recognises no speech that can be asked for here. Set MMRETRIEVAL_SPEECH "
            "to builtin, or to a model such as Whisper or wav2vec 2.0."
        )
    return from_files.model_and_processor(load, folder, device, dtype)


def _listener(processor: Any) -> Any:
    """The part of a processor that takes sound."""
    return getattr(processor, "feature_extractor", processor)


def _timed(tokens: Sequence[int], first_time: float, seconds: float) -> Iterator[tuple[float, float, list[int]]]:
    """Pieces of what was written with their times, which stand between them; the last may lack its end.

    `first_time`: the token that stands for 0 s; each after it is 20 ms later.
    """
    start, piece = 0.0, list[int]()
    for token in tokens:
        if token < first_time:
            piece.append(token)
            continue
        time = min((token - first_time) * _TIME_STEP, seconds)
        if piece:
            yield start, max(start, time), piece
        start, piece = time, []
    if piece:
        yield start, seconds, piece


def _placed(cues: list[Cue], span: TimeSpan) -> Iterator[Cue]:
    """Cues of a window at their place in the sound."""
    start, last = span
    for cue in cues:
        yield Cue(min(start + cue.start, last), min(start + cue.end, last), cue.text)


def _said(text: str) -> bool:
    """Whether it is words, and not what a model writes when it is lost."""
    written = text.encode()
    return any(map(str.isalnum, text)) and len(written) <= REPETITION_COMPRESSION_RATIO * len(zlib.compress(written))

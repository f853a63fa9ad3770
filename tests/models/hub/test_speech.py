"""Speech recognition by models of real architectures with random weights: they write what transformers writes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from numpy.typing import NDArray

from mcp_mmretrieval.config.profiles import ModelSpec
from mcp_mmretrieval.demo_media.film import DEMO_SAMPLE_RATE_HZ as RECORDED
from mcp_mmretrieval.demo_media.film import read_recording
from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models import vad
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.hub.speech import HubTranscriber
from mcp_mmretrieval.types import Cue, Sound
from tests.support.drawings import noise, silence, tone
from tests.support.tiny import bert, ocr, speech

RATE = vad.VAD_RATE_HZ


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = tmp_path_factory.mktemp("speech")
    return {
        "whisper": speech.whisper(made / "whisper", seed=1),
        "whisper without times": speech.whisper(made / "timeless", seed=3, times=False),
        "wav2vec2": speech.wav2vec2(made / "wav2vec2"),
    }


@pytest.fixture(scope="module")
def log() -> NDArray[np.float32]:
    """25 s of an engine room log, read aloud."""
    samples = (read_recording("engine-log.ogg") / 32_768).astype(np.float32)
    return vad.resampled(Sound(samples, RECORDED), RATE)


def loaded(folder: Path) -> HubTranscriber:
    return HubTranscriber(ModelSpec(model=str(folder)), Device(), "float32", 1)


def spans(samples: NDArray[np.float32], *, together: bool) -> list[tuple[float, float]]:
    return vad.speech_windows(vad.speech_spans(samples), samples, 30.0, together=together)


def piece(samples: NDArray[np.float32], span: tuple[float, float]) -> NDArray[np.float32]:
    return samples[int(span[0] * RATE) : int(np.ceil(span[1] * RATE))]


def letters(cues: list[Cue]) -> str:
    return "".join(cue.text for cue in cues)


def test_whisper_writes_what_transformers_writes(folders: dict[str, Path], log: NDArray[np.float32]) -> None:
    cues = loaded(folders["whisper"]).transcribe(Sound(log, RATE)).cues
    (span,) = spans(log, together=True)
    model: Any = transformers.WhisperForConditionalGeneration.from_pretrained(folders["whisper"])
    processor: Any = transformers.WhisperProcessor.from_pretrained(folders["whisper"])
    given = processor(piece(log, span), sampling_rate=RATE, return_tensors="pt")
    tokens = model.generate(**given, return_timestamps=True, force_unique_generate_call=True)
    assert letters(cues) == processor.decode(tokens[0], skip_special_tokens=True)
    assert all(span[0] <= cue.start <= cue.end <= span[1] for cue in cues)
    assert len({cue.start for cue in cues}) > 1


def test_a_model_without_times_gives_each_window_as_one(folders: dict[str, Path], log: NDArray[np.float32]) -> None:
    short = np.concatenate([log[: 4 * RATE], np.zeros(RATE, np.float32)])
    transcriber = loaded(folders["whisper without times"])
    (cue,) = transcriber.transcribe(Sound(short, RATE)).cues
    ((start, end),) = spans(short, together=True)
    assert (cue.start, cue.end) == (start, end)


def test_letters_of_ctc_are_those_of_transformers(folders: dict[str, Path], log: NDArray[np.float32]) -> None:
    short = log[: 6 * RATE]
    cues = loaded(folders["wav2vec2"]).transcribe(Sound(short, RATE)).cues
    model: Any = transformers.Wav2Vec2ForCTC.from_pretrained(folders["wav2vec2"])
    processor: Any = transformers.Wav2Vec2Processor.from_pretrained(folders["wav2vec2"])
    expected = []
    for span in spans(short, together=False):
        given = processor(piece(short, span), sampling_rate=RATE, return_tensors="pt")
        with torch.inference_mode():
            expected.append((span, processor.decode(model(**given).logits[0].argmax(dim=-1)).strip()))
    assert [((cue.start, cue.end), cue.text) for cue in cues] == expected


def test_what_is_said_does_not_depend_on_what_is_said_around_it(
    folders: dict[str, Path], log: NDArray[np.float32]
) -> None:
    transcriber = loaded(folders["whisper"])
    long = np.concatenate([log, np.zeros(20 * RATE, np.float32), log, np.zeros(RATE, np.float32)])
    windows = spans(long, together=True)
    assert len(windows) == 2
    alone = [letters(transcriber._tell(piece(long, window))) for window in windows]
    cues = transcriber.transcribe(Sound(long, RATE)).cues
    assert [letters([cue for cue in cues if cue.start < 40]), letters([cue for cue in cues if cue.start > 40])] == alone


@pytest.mark.parametrize("model", ["whisper", "wav2vec2"])
@pytest.mark.parametrize("sound", [silence(35), silence(5, 44_100), tone(440, 3), noise(0.0001, 5)])
def test_where_nobody_speaks_nothing_is_written(folders: dict[str, Path], model: str, sound: Sound) -> None:
    assert loaded(folders[model]).transcribe(sound).cues == []


@pytest.mark.parametrize("rate", [RATE, 8_000, 48_000])
@pytest.mark.parametrize("samples", [0, 1, 2, 700])
def test_a_moment_too_short_to_speak_in_is_empty(folders: dict[str, Path], samples: int, rate: int) -> None:
    assert loaded(folders["wav2vec2"]).transcribe(Sound(np.ones(samples, np.float32), rate)).cues == []


def test_a_model_that_does_not_listen_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"a bert recognises no speech.*MMRETRIEVAL_SPEECH"):
        loaded(bert(tmp_path / "bert"))
    with pytest.raises(ModelUnavailable, match=r"MMRETRIEVAL_SPEECH"):
        loaded(ocr.trocr(tmp_path / "trocr"))


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    folder = speech.wav2vec2(tmp_path / "model")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelUnavailable, match="pickled"):
        loaded(folder)

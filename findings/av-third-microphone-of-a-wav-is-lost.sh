#!/usr/bin/env bash
# A WAV of three microphones, mixed down to mono by FFmpeg: the third one is silent.
#
# A plain WAV header (format tag 1) says how many channels there are and not what they are. FFmpeg calls such a file
# "3 channels", without a layout; yet when it is resampled to mono, the channels are taken for those of 2.1 sound, and the
# third, as a subwoofer, is left out. A field recorder's third voice is in no transcript. Six channels lose their fourth.
# Seen with PyAV 18.1.0 (FFmpeg 8.1): the share of a tone in the mono mix is 1.0, 1.0 and 0.0 for microphones 1 to 3.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q "av==18.1.0" "numpy<3" 2>"$work/pip.log" || { cat "$work/pip.log"; exit 1; }
cat >"$work/look.py" <<'PY'
import io
import wave

import av
import numpy as np

RATE = 16_000
tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)


def mono_level(microphone: int) -> float:
    """How loud the mono mix is where one of three microphones hears a tone."""
    channels = np.zeros((RATE, 3))
    channels[:, microphone] = tone * 0.5
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(3)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((channels * 32767).astype("<i2").tobytes())
    file.seek(0)
    with av.open(file) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        frames = [mixed for frame in container.decode(audio=0) for mixed in resampler.resample(frame)]
        return float(np.abs(np.concatenate([frame.to_ndarray().ravel() for frame in frames])).max())


levels = [mono_level(microphone) for microphone in range(3)]
print("peak of the mono mix by microphone:", [round(level, 2) for level in levels])
assert min(levels[:2]) > 0.1, "the first two are lost too"
assert levels[2] < 0.01, "the third is heard now"
PY
"$work/venv/bin/python" "$work/look.py"

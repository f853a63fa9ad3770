"""Small real files, made by the tests."""

import wave
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
from PIL import Image

RED, GREEN, BLUE, PURPLE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (150, 0, 255)
Colour = tuple[int, int, int]
RATE = 16_000
FPS = 5


def picture(path: Path, colour: Colour = RED, size: tuple[int, int] = (64, 64)) -> Path:
    Image.new("RGB", size, colour).save(path)
    return path


def scanned_pdf(path: Path, colours: Sequence[Colour]) -> Path:
    """One page a colour, without a text layer."""
    pages = [Image.new("RGB", (200, 280), colour) for colour in colours]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    return path


def tone(hertz: float, seconds: float) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    times = np.arange(int(seconds * RATE)) / RATE
    return (np.sin(2 * np.pi * hertz * times) * 12_000).astype(np.int16)


def recording(path: Path, *tones: tuple[float, float]) -> Path:
    """A WAV of (hertz, seconds) one after the other."""
    samples = np.concatenate([tone(hertz, seconds) for hertz, seconds in tones])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return path


def film(path: Path, *scenes: tuple[Colour, float], hertz: float | None = None) -> Path:
    """An MP4 of (colour, seconds) scenes, with a tone where `hertz` is given."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("h264", rate=FPS)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        sound = container.add_stream("aac", rate=RATE, layout="mono") if hertz is not None else None
        for colour, seconds in scenes:
            still = av.VideoFrame.from_ndarray(np.full((64, 96, 3), colour, np.uint8), format="rgb24")
            for _ in range(int(seconds * FPS)):
                container.mux(video.encode(still))
        container.mux(video.encode())
        if sound is not None and hertz is not None:
            samples = tone(hertz, sum(seconds for _, seconds in scenes))
            frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
            frame.sample_rate = RATE
            container.mux(sound.encode(frame))
            container.mux(sound.encode())
    return path

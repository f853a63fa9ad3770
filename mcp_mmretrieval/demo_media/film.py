"""A spoken log, and a short film with its titles and its voice."""

from __future__ import annotations

import math
import wave
from collections.abc import Callable, Iterator
from contextlib import closing
from fractions import Fraction
from importlib.resources import as_file, files
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mcp_mmretrieval.demo_media.canvas import CORAL, GREY, INK, NAVY, PAPER, SAND, TEAL, Canvas

DEMO_SAMPLE_RATE_HZ = 16_000
"""Samples per second of the recording and of the film's sound."""

ENGINE_LOG_TRANSCRIPT = (
    "This is the engine room log of the ferry Northern Star. After two hours at sea, the gearbox was too hot. The "
    "temperature was eighty seven degrees. We found small pieces of metal in the oil filter. A bearing is worn out. We "
    "changed the oil, and came home slowly. The new bearing will arrive on Thursday. Until then, the ferry must run at "
    "half speed."
)
"""What data/engine-log.ogg says: espeak-ng -v en-us -s 145, then Opus at 26 kbit/s."""

SAFETY_DRILL_SCENES = (
    ("Put on the life jacket", "Safety drill. Put on your life jacket."),
    ("Meeting point: upper deck", "Then walk to the meeting point on the upper deck."),
    ("Lower the rescue boat", "The crew lowers the rescue boat with the crane."),
)
"""A scene's title and what data/safety-drill.ogg says in it: the same voice, each 0.35 s into its scene."""

SCENE_SECONDS = 4
FRAMES_PER_SECOND = 12


def read_recording(name: str) -> NDArray[np.int16]:
    """Samples of one of the package's recordings: mono, `DEMO_SAMPLE_RATE_HZ` a second."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=DEMO_SAMPLE_RATE_HZ)
    with as_file(files(__package__) / "data" / name) as path, av.open(path) as container:
        pieces = [piece for frame in container.decode(audio=0) for piece in resampler.resample(frame)]
    pieces += resampler.resample(None)
    return np.concatenate([piece.to_ndarray()[0] for piece in pieces]).astype(np.int16)


def write_sound(path: Path, samples: NDArray[np.int16]) -> None:
    """Write mono samples as WAV."""
    with closing(wave.open(str(path), "wb")) as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(DEMO_SAMPLE_RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())


def write_film(path: Path) -> None:
    """Write three scenes with their titles, H.264 and AAC in MP4."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("h264", rate=FRAMES_PER_SECOND, options={"preset": "veryfast", "crf": "23"})
        video.width, video.height, video.pix_fmt = 640, 360, "yuv420p"
        audio = container.add_stream("aac", rate=DEMO_SAMPLE_RATE_HZ, layout="mono")
        for picture in film_pictures():
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")))
        container.mux(video.encode(None))
        for frame in _sound_frames(read_recording("safety-drill.ogg")):
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))


def _sound_frames(samples: NDArray[np.int16]) -> Iterator[av.AudioFrame]:
    """The samples in frames of 1024, as AAC takes them."""
    for start in range(0, len(samples), 1024):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = DEMO_SAMPLE_RATE_HZ, start, Fraction(1, DEMO_SAMPLE_RATE_HZ)
        yield frame


def film_pictures() -> Iterator[Image.Image]:
    """Every picture of the film."""
    for number, draw in enumerate((_jacket, _meeting_point, _rescue_boat)):
        for index in range(SCENE_SECONDS * FRAMES_PER_SECOND):
            yield _film_picture(number, draw, index / (SCENE_SECONDS * FRAMES_PER_SECOND))


def _film_picture(number: int, draw: Callable[[Canvas, float], None], done: float) -> Image.Image:
    """One picture: the scene's drawing, the sea in front of it, its title. `done` runs from 0 to 1."""
    canvas = Canvas(640, 360, ("#cfe3ee", "#dfe9e2", "#f3e3c8")[number])
    draw(canvas, done)
    swell = [(x, 292 + 6 * math.sin(x / 38 + done * 9)) for x in range(0, 641, 8)]
    canvas.shape([*swell, (640, 360), (0, 360)], NAVY)
    title = SAFETY_DRILL_SCENES[number][0]
    canvas.words(32, 330, f"{number + 1}", size=26, colour=SAND)
    canvas.words(62, 330, title, size=26, colour=PAPER)
    return canvas.picture()


def _jacket(canvas: Canvas, done: float) -> None:
    """A life jacket; the strap's buckle closes."""
    canvas.box(226, 50, 310, 262, CORAL, corner=26)
    canvas.box(330, 50, 414, 262, CORAL, corner=26)
    canvas.shape([(270, 50), (370, 50), (320, 130)], CORAL)
    canvas.shape([(290, 48), (350, 48), (320, 108)], "#cfe3ee")
    canvas.box(226, 98, 310, 112, SAND)
    canvas.box(330, 98, 414, 112, SAND)
    gap = 34 * max(0.0, 1 - 1.6 * done)
    canvas.box(212, 196, 316 - gap / 2, 214, INK, corner=4)
    canvas.box(324 + gap / 2, 196, 428, 214, INK, corner=4)
    canvas.box(300 - gap / 2, 190, 322 - gap / 2, 220, GREY, corner=4)
    canvas.box(318 + gap / 2, 190, 340 + gap / 2, 220, GREY, corner=4)


def _meeting_point(canvas: Canvas, done: float) -> None:
    """The sign of the meeting point on a ship's upper deck; people walk towards it."""
    canvas.shape([(60, 218), (600, 218), (560, 310), (100, 310)], PAPER)
    canvas.box(60, 206, 600, 218, NAVY)
    canvas.box(430, 60, 566, 196, TEAL, corner=8)
    for x, y in ((468, 106), (498, 96), (528, 106)):
        canvas.dot(x, y, 9, PAPER)
        canvas.box(x - 10, y + 13, x + 10, y + 52, PAPER, corner=6)
    canvas.box(494, 196, 502, 206, GREY)
    for index in range(4):
        person = 90 + 58 * index + 110 * done
        canvas.dot(person, 140, 11, INK)
        canvas.box(person - 13, 156, person + 13, 205, (CORAL, SAND, CORAL, NAVY)[index], corner=7)


def _rescue_boat(canvas: Canvas, done: float) -> None:
    """An orange boat that hangs from two cranes and comes down."""
    canvas.box(0, 40, 150, 310, PAPER)
    for porthole in (80, 140, 200):
        canvas.dot(75, porthole, 16, NAVY)
    y = 130 + 110 * done
    for x in (250, 470):
        canvas.line([(150, 60), (x, 60), (x, y)], GREY, width=4)
    canvas.shape([(200, y), (520, y), (480, y + 56), (240, y + 56)], CORAL)
    canvas.box(270, y - 38, 450, y, PAPER, corner=12)
    for x in (300, 345, 390):
        canvas.box(x, y - 26, x + 28, y - 10, NAVY, corner=3)

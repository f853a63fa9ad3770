"""Recordings split and loaded, and what is heard in them."""

import io

import numpy as np
from numpy.typing import NDArray

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media import audio
from mcp_mmretrieval.media.source import Sidecar, Source
from mcp_mmretrieval.types import DocumentMetadata, Place, Segment, Sound, SplitPart

LIMITS = Limits()


def source(data: bytes, *subtitles: bytes) -> Source:
    sidecars = tuple(Sidecar(name="talk.srt", file=io.BytesIO(data)) for data in subtitles)
    return Source(file=io.BytesIO(data), name="talk", document="ab" * 32, sidecars=sidecars)


def split(
    data: bytes, *subtitles: bytes, limits: Limits = LIMITS, start: int = 0
) -> tuple[list[SplitPart], list[DocumentMetadata]]:
    steps = list(audio.split(source(data, *subtitles), limits, start))
    return [step for step in steps if isinstance(step, SplitPart)], [
        step for step in steps if isinstance(step, DocumentMetadata)
    ]


def places(parts: list[SplitPart]) -> list[str]:
    return [part.segment.place.fragment for part in parts]


def samples(part: SplitPart) -> NDArray[np.float32]:
    assert isinstance(part.content, Sound)
    return part.content.samples


def notes(abouts: list[DocumentMetadata]) -> str:
    return " ".join(about.note for about in abouts)


def hertz(sound: Sound) -> float:
    """The loudest frequency."""
    return float(np.abs(np.fft.rfft(sound.samples)).argmax()) / (len(sound.samples) / sound.rate)


def stretch(start: float, end: float) -> Segment:
    return Segment(document="ab" * 32, modality="audio", place=Place(start=start, end=end))

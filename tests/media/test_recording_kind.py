"""Which bytes are taken for sound or film."""

import io
from types import ModuleType

import pytest

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media import audio, video
from mcp_mmretrieval.media.recording_kind import recording_kind
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.types import SplitPart
from tests.support import recordings


def source(data: bytes) -> Source:
    return Source(file=io.BytesIO(data), name="talk", document="ab" * 32)


def split(module: ModuleType, data: bytes) -> list[SplitPart]:
    return [step for step in module.split(source(data), Limits()) if isinstance(step, SplitPart)]


def test_a_cover_picture_makes_no_film() -> None:
    data = recordings.cover()
    assert audio.recognises(source(data)) and not video.recognises(source(data))
    assert split(audio, data)


@pytest.mark.parametrize(
    "head",
    [
        b"\0\0\0\x18ftypavif",
        b"\0\0\0\x18ftypheic",
        b"\0\0\0\x18ftypmif1",
        b"RIFF\x10\0\0\0WEBP",
        b"just text " * 99,
        (b"G" + b"ATTACA" * 31 + b"T") * 3,
        b"",
    ],
)
def test_pictures_and_texts_are_not_taken_for_films(head: bytes) -> None:
    assert recording_kind(source(head + b"\0" * 99)) is None

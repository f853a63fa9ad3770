"""What a worker says is checked value by value: it has read a stranger's file."""

import socket

import numpy as np
import pytest

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media import wire
from mcp_mmretrieval.types import DocumentMetadata, Place, Segment, Sound, SplitPart
from tests.support.parsing import DOCUMENT

BOUNDS = wire.AnswerBounds.of(Limits())

GOOD: wire.Header = {
    "modality": "page",
    "place": [1, None, None, None, None, "", None, None],
    "text": "",
    "heading": "",
    "frames": [],
    "label": "",
    "times": [],
    "turn": 0,
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"modality": "secret"},
        {"modality": []},
        {"place": [0, None, None, None, None, "", None, None]},
        {"place": [True, None, None, None, None, "", None, None]},
        {"place": [1]},
        {"place": [None, 5.0, 2.0, None, None, "", None, None]},
        {"place": [None, -1.0, 2.0, None, None, "", None, None]},
        {"place": [None, 1.0, 1e999, None, None, "", None, None]},
        {"place": [None, 1.0, None, None, None, "", None, None]},
        {"place": [None, None, None, 9, 3, "", None, None]},
        {"place": [None, None, None, None, None, "", 9, 3]},
        {"place": [None, None, None, None, None, "", 0, 3]},
        {"place": [None, None, None, None, None, "", 2, None]},
        {"place": [None, None, None, None, None, "slide=4&page=2", None, None]},
        {"place": [None, None, None, None, None, "sheet=a b", None, None]},
        {"place": [None, None, None, None, None, "member=" + 17_000 * "a", None, None]},
        {"place": [None, None, None, None, None, "nowhere", None, None]},
        {"place": [None, None, None, None, None, 4, None, None]},
        {"text": None},
        {"text": "\ud800"},
        {"frames": [float("nan")]},
        {"frames": [1.0] * 1000},
        {"frames": "12"},
        {"times": [[2.0, 1.0]]},
        {"turn": 45},
        {"region": [0.0, 50.0]},
        {"region": "all of it"},
        {"region": [0.0, 0.0, float("nan"), 50.0]},
        {"times": [1.0]},
    ],
)
def test_a_segment_that_makes_no_sense_is_nonsense(wrong: wire.Header) -> None:
    assert wire.decode_segment(GOOD, DOCUMENT).place.page == 1
    with pytest.raises(wire.ProtocolError):
        wire.decode_segment(GOOD | wrong, DOCUMENT)


def test_the_region_that_a_worker_is_asked_for_arrives() -> None:
    asked = Segment(document=DOCUMENT, modality="page", place=Place(page=1, region=(0.0, 50.0, 33.3, 25.0)))
    assert wire.decode_segment(wire.encode_segment(asked), DOCUMENT) == asked


@pytest.mark.parametrize(
    ("header", "size"),
    [
        ({"kind": "picture", "shape": [4, 4]}, 47),
        ({"kind": "picture", "shape": [4, 4]}, 49),
        ({"kind": "picture", "shape": [10**9, 10**9]}, 48),
        ({"kind": "picture", "shape": [-4, -4]}, 48),
        ({"kind": "sound", "rate": 16_000, "samples": 10**12}, 48),
        ({"kind": "sound", "rate": 0, "samples": 1}, 4),
        ({"kind": "film", "pictures": [[1, 1]], "times": [], "sound": None}, 3),
        ({"kind": "film", "pictures": [[1, 1]] * 999, "times": [1] * 999, "sound": None}, 2997),
        ({"kind": "pickle"}, 0),
        ([], 0),
    ],
)
def test_content_whose_bytes_do_not_fit_is_nonsense(header: wire.Header, size: int) -> None:
    with pytest.raises(wire.ProtocolError):
        wire.decode_content(header, memoryview(bytes(size)), wire.AnswerBounds.of(Limits()))


# -- frames and steps --------------------------------------------------------------------------------------------------


def no_wait() -> None:
    raise AssertionError("nothing is late here")


def received(frame: bytes, *, lump: int = 0) -> tuple[wire.Header, bytes]:
    """What the other end of a socket makes of these bytes, after which nothing more comes."""
    here, there = socket.socketpair()
    with here, there:
        here.sendall(frame)
        here.shutdown(socket.SHUT_WR)
        header, data = wire.receive_frame(there, lump=lump, wait=no_wait)
        return header, bytes(data)


def test_a_frame_arrives_with_its_header_and_its_bytes() -> None:
    assert received(wire.pack_frame({"said": "ü\ud800"}, 3) + b"abc", lump=3) == ({"said": "ü?"}, b"abc")


@pytest.mark.parametrize(
    "frame",
    [
        wire.pack_frame({}, 4) + b"abcd",
        wire.FRAME_PREFIX.pack(wire.MAX_HEADER_BYTES + 1, 0),
        wire.FRAME_PREFIX.pack(2, 0) + b"[]",
        wire.FRAME_PREFIX.pack(2, 0) + b"{x",
        wire.FRAME_PREFIX.pack(9, 0) + b'{"a":NaN}',
        wire.FRAME_PREFIX.pack(9_000, 0) + b"[" * 9_000,
    ],
    ids=["lump", "header", "list", "no json", "constant", "nested"],
)
def test_a_frame_that_is_too_large_or_no_object_is_nonsense(frame: bytes) -> None:
    with pytest.raises(wire.ProtocolError):
        received(frame, lump=3)


def test_a_frame_that_ends_too_soon_is_an_end() -> None:
    whole = wire.pack_frame({"said": "words"}, 3) + b"abc"
    for length in (0, 5, len(whole) - 4, len(whole) - 1):
        with pytest.raises(EOFError):
            received(whole[:length], lump=3)


def test_steps_come_back_as_they_were() -> None:
    place = Place(part="part=2.1&member=a/b%26c.mp4", start=1.0, end=3.05)
    segment = Segment(document=DOCUMENT, modality="video", place=place, text="ü\nx", heading="A", frames=(1.25,))
    sound = Sound(np.linspace(-1, 1, 7, dtype=np.float32), 16_000)
    steps: list[SplitPart | DocumentMetadata] = [
        SplitPart(segment=segment),
        SplitPart(segment=segment, content="words"),
        DocumentMetadata(modality="page", title="T", pages=3, seconds=2.5, note="cut"),
        DocumentMetadata(),
    ]
    for step in steps:
        header, lump = wire.encode_step(step)
        assert wire.decode_step(header, memoryview(b"".join(lump)), DOCUMENT, BOUNDS) == step
    header, lump = wire.encode_step(SplitPart(segment=segment, content=sound))
    heard = wire.decode_step(header, memoryview(b"".join(lump)), DOCUMENT, BOUNDS)
    assert isinstance(heard, SplitPart) and isinstance(heard.content, Sound)
    assert np.array_equal(heard.content.samples, sound.samples)


def test_a_failure_keeps_its_code_and_a_code_that_there_is_not_is_nonsense() -> None:
    error = wire.decode_error({"error": {"code": "encrypted", "reason": "it wants a password" * 100}})
    assert error.code == "encrypted" and len(str(error)) <= 500
    with pytest.raises(wire.ProtocolError):
        wire.decode_error({"error": {"code": "secret", "reason": ""}})


def test_the_other_tracks_of_a_part_travel_with_it() -> None:
    segment = Segment(document=DOCUMENT, modality="audio", place=Place(start=0.0, end=1.0))
    sounds = [Sound(np.full(count, count / 10, np.float32), 16_000) for count in (3, 4, 5)]
    header, lump = wire.encode_step(SplitPart(segment=segment, content=sounds[0], more=tuple(sounds[1:])))
    sent = memoryview(b"".join(lump))
    heard = wire.decode_step(header, sent, DOCUMENT, BOUNDS)
    assert isinstance(heard, SplitPart) and isinstance(heard.content, Sound)
    assert [sound.samples.tolist() for sound in (heard.content, *heard.more)] == [s.samples.tolist() for s in sounds]
    for wrong in (header | {"more": header["more"] * 9}, header | {"more": []}, header | {"more": [{"rate": 1}]}):
        with pytest.raises(wire.ProtocolError):
            wire.decode_step(wrong, sent, DOCUMENT, BOUNDS)

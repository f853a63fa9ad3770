"""Film with a high dynamic range has the colours of the same film without it."""

import io
from collections.abc import Callable

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from mcp_mmretrieval.media import hdr, video

Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]
LIGHT = np.array([[0.05, 0.05, 0.05], [0.5, 0.5, 0.5], [1.0, 1.0, 1.0], [0.8, 0.05, 0.05], [0.05, 0.1, 0.8]])
"""Of BT.709, as a share of reference white."""
SHOWN = np.array([[63, 63, 63], [188, 188, 188], [255, 255, 255], [231, 63, 63], [63, 89, 231]])
"""The same in sRGB."""
TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])


def pq(light: NDArray[np.float64]) -> NDArray[np.float64]:
    power = np.power(light * 203 / 10_000, 1305 / 8192)
    return np.power((107 / 128 + 2413 / 128 * power) / (1 + 2392 / 128 * power), 2523 / 32)


def hlg(light: NDArray[np.float64]) -> NDArray[np.float64]:
    scene = 0.26496 * light
    high = 0.17883277 * np.log(np.maximum(12 * scene, 1) - 0.28466892) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), high)


def frame(curve: Curve, transfer: int, light: NDArray[np.float64]) -> av.VideoFrame:
    """A field of 8 x 8 pixels for each light."""
    codes = np.round(curve(light @ TO_BT2020.T) * 65_535).astype(np.uint16)
    pixels = np.repeat(np.repeat(codes[np.newaxis], 8, axis=0), 8, axis=1)
    made = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb48le")
    made.color_trc, made.color_primaries = transfer, 9
    return made


@pytest.mark.parametrize(("curve", "transfer"), [(pq, 16), (hlg, 18)])
def test_reference_white_is_white_and_colours_are_those_of_the_ordinary_film(curve: Curve, transfer: int) -> None:
    coded = frame(curve, transfer, LIGHT)
    assert hdr.is_hdr(coded)
    picture = video.picture_of_frame(coded, 64)
    assert picture.dtype == np.uint8 and picture.shape == (8, 40, 3)
    assert np.abs(picture[4, 4::8].astype(int) - SHOWN).max() <= 3


def test_what_is_brighter_than_white_is_white() -> None:
    assert video.picture_of_frame(frame(pq, 16, 5.0 * LIGHT[2:3]), 64).min() == 255


def test_ordinary_film_is_left_as_it_is() -> None:
    plain = av.VideoFrame.from_ndarray(np.full((8, 8, 3), 147, np.uint8), format="rgb24")
    assert not hdr.is_hdr(plain)
    assert (video.picture_of_frame(plain, 64) == 147).all()


def test_a_film_in_ten_bits_that_says_it_is_pq_is_mapped() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as box:
        stream = box.add_stream("libx264", rate=5, options={"preset": "ultrafast", "qp": "4"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p10le"
        context = stream.codec_context
        context.color_trc, context.color_primaries, context.colorspace, context.color_range = 16, 9, 9, 1
        white = av.VideoFrame.from_ndarray(np.full((64, 64, 3), round(0.58 * 65_535), np.uint16), format="rgb48le")
        for number in range(5):
            one = white.reformat(format="yuv420p10le")
            one.pts = number
            box.mux(stream.encode(one))
        box.mux(stream.encode(None))
    with av.open(io.BytesIO(file.getvalue()), "r") as written:
        decoded = next(written.decode(video=0))
        assert video.picture_of_frame(decoded, 64).mean() > 245

"""Writes HEIF files (ISO/IEC 23008-12): pictures that PyAV codes in HEVC, with the boxes that phones write around them.

Nothing that the product installs can write them, so that the boxes are put together here.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True)
class HeifPicture:
    """One picture of the file, and its properties."""

    image: Image.Image | NDArray[np.uint16]
    """RGB of eight bits, or of sixteen, shape (height, width, 3), which is coded in ten."""
    turn: int = 0
    """Of `irot`: how often it is turned by 90 degrees, against the clock."""
    mirror: int | None = None
    """Of `imir`: 0 for top and bottom exchanged, 1 for left and right."""
    transfer: int = 13
    """Transfer characteristics of `nclx` (ITU-T H.273): 16 is PQ, 18 is HLG."""
    primaries: int = 1
    """Colour primaries of `nclx`: 9 is BT.2020."""
    said_size: tuple[int, int] | None = None
    """Of `ispe`, where it tells a lie."""
    kind: str = ""
    """Of `auxC`: what an auxiliary picture of the first one is; `thumbnail` for one of those."""


def heif(
    *pictures: HeifPicture, primary: int = 1, exif: bytes = b"", xmp: bytes = b"", brand: bytes = b"heic"
) -> bytes:
    """A file of these pictures, numbered from 1; EXIF (a TIFF block) and XMP are the first one's."""
    coded = [_coded(one) for one in pictures]
    items = [(b"hvc1", data) for _, data in coded]
    if exif:
        items.append((b"Exif", struct.pack(">I", 0) + exif))
    if xmp:
        items.append((b"mime", xmp))
    properties: list[bytes] = []
    uses: list[list[int]] = []
    for one, (configuration, _) in zip(pictures, coded, strict=True):
        own = [_box(b"hvcC", configuration), *_properties(one)]
        uses.append([len(properties) + at for at in range(1, len(own) + 1)])
        properties += own
    references = [
        _box(b"thmb" if one.kind == "thumbnail" else b"auxl", struct.pack(">HHH", number, 1, 1))
        for number, one in enumerate(pictures, 1)
        if one.kind
    ]
    references += [_box(b"cdsc", struct.pack(">HHH", at, 1, 1)) for at in range(len(pictures) + 1, len(items) + 1)]
    associations = b"".join(
        struct.pack(">HB", number, len(used)) + bytes(0x80 | at for at in used) for number, used in enumerate(uses, 1)
    )
    entries = b"".join(_entry(number, kind) for number, (kind, _) in enumerate(items, 1))
    inner = [
        _full(b"hdlr", struct.pack(">I4s12xx", 0, b"pict")),
        _full(b"pitm", struct.pack(">H", primary)),
        _full(b"iinf", struct.pack(">H", len(items)) + entries),
        *([_full(b"iref", b"".join(references))] if references else []),
        _box(
            b"iprp",
            _box(b"ipco", b"".join(properties)) + _full(b"ipma", struct.pack(">I", len(pictures)) + associations),
        ),
    ]
    head = _box(b"ftyp", brand + bytes(4) + b"mif1heic")
    length = len(_full(b"meta", b"".join(inner) + _places(items, 0)))
    places = _places(items, len(head) + length + 8)
    return head + _full(b"meta", b"".join(inner) + places) + _box(b"mdat", b"".join(data for _, data in items))


def _properties(one: HeifPicture) -> list[bytes]:
    width, height = one.said_size or _size(one.image)
    made = [
        _full(b"ispe", struct.pack(">II", width, height)),
        _box(b"colr", b"nclx" + struct.pack(">HHHB", one.primaries, one.transfer, 9 if one.primaries == 9 else 1, 0)),
    ]
    if one.kind and one.kind != "thumbnail":
        made.append(_full(b"auxC", one.kind.encode() + b"\0"))
    if one.turn:
        made.append(_box(b"irot", bytes([one.turn])))
    if one.mirror is not None:
        made.append(_box(b"imir", bytes([one.mirror])))
    return made


def _coded(one: HeifPicture) -> tuple[bytes, bytes]:
    """The decoder's configuration (`hvcC`) and the slices, as an MP4 file of one frame has them."""
    data = film_of(one)
    return _found(data, b"hvcC"), _found(data, b"mdat")


def film_of(one: HeifPicture) -> bytes:
    """An MP4 file of one frame."""
    width, height = _size(one.image)
    deep = not isinstance(one.image, Image.Image)
    format = "yuv420p10le" if deep else "yuv420p"
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as box:
        options = {"preset": "ultrafast", "x265-params": "log-level=none:keyint=1:qp=6"}
        stream = box.add_stream("libx265", rate=1, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, format
        given: Any = np.asarray(one.image)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(given), format="rgb48le" if deep else "rgb24")
        box.mux(stream.encode(frame.reformat(format=format, dst_colorspace=9 if one.primaries == 9 else 1)))
        box.mux(stream.encode(None))
    return file.getvalue()


def _size(image: Image.Image | NDArray[np.uint16]) -> tuple[int, int]:
    return image.size if isinstance(image, Image.Image) else (image.shape[1], image.shape[0])


def _found(data: bytes, kind: bytes) -> bytes:
    at = data.index(kind) - 4
    (length,) = struct.unpack_from(">I", data, at)
    return data[at + 8 : at + length]


def _entry(number: int, kind: bytes) -> bytes:
    named = b"application/rdf+xml\0" if kind == b"mime" else b""
    return _box(b"infe", struct.pack(">BxxxHH4sx", 2, number, 0, kind) + named)


def _places(items: Sequence[tuple[bytes, bytes]], at: int) -> bytes:
    written = struct.pack(">BBH", 0x44, 0, len(items))
    for number, (_, data) in enumerate(items, 1):
        written += struct.pack(">HHHII", number, 0, 1, at, len(data))
        at += len(data)
    return _full(b"iloc", written)


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 8) + kind + data


def _full(kind: bytes, data: bytes) -> bytes:
    return _box(kind, bytes(4) + data)

"""Pictures: photos, charts, drawings. Pillow decodes pixels; SVG is drawn by `svg`."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from PIL import (  # noqa: F401  # LAB pictures need ImageCms; a locked worker could import none of them any more
    AvifImagePlugin,
    Image,
    ImageCms,
    Jpeg2KImagePlugin,
    MpoImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import flatten, heif, svg
from mcp_mmretrieval.media.animation import distinct_pictures, picture_count
from mcp_mmretrieval.media.image_metadata import describe_image, exif_tags
from mcp_mmretrieval.media.region import WHOLE, pixel_box
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.small_print import LEGIBLE_SIDE_PIXELS, has_even_ground, small_print
from mcp_mmretrieval.types import DocumentMetadata, Place, Segment, SplitPart

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

# Pillow's own bound warns, and raises at twice as much; ours is a setting, and checked before anything is decoded
Image.MAX_IMAGE_PIXELS = None
Image.preinit()  # imports the plugins of the commonest formats, which a locked worker could not; the others are above

IMAGE_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "JPEG2000", "AVIF", "HEIF")
"""All that Pillow may try, in this order; each has its plugin above, HEIF in `heif`.

Among those left out: EPS, which would start Ghostscript."""

MIN_DRAWING_CHARACTERS = 20
"""A drawing whose source holds so many characters of text needs no OCR."""

STRIPS_FROM = 5
"""Longer side over shorter side from which on a picture is shown cut into strips."""

_HEAD = 65_536
_DRAWN_SIDE = 6_000
"""Longer side, in pixels, of a drawing of which a region is shown."""
_ANIMATED = {"GIF", "PNG", "WEBP", "AVIF"}
_JPEG_2000 = (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")
"""How its container begins, and its bare codestream (ITU-T T.800)."""
_BMP_HEADERS = {12, 40, 52, 56, 64, 108, 124}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How a picture is turned upright, by EXIF orientation."""
_NEW_SUBFILE_TYPE = 254
_NO_PAGE = 1 | 4
"""Bits of that tag: a smaller version of another picture of the file, or a mask for one."""
_DOTS = (1.2, 4.0)
"""How unequal the dots of a picture may be across and down to be believed: a fax has 204 x 98 in an inch."""
_STRIP_OVERLAP = 1 / 24
"""Share of a strip that stands in the next one too, so that no line is cut in both."""
_LEAST_STRIP = 100
"""Pixels of the shorter side of a picture that is cut."""
_STRIP_GAP = 12
"""Pixels between two strips."""


def recognises(source: Source) -> bool:
    """By the first bytes."""
    source.file.seek(0)
    head = source.file.read(_HEAD)
    return (
        head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", *_JPEG_2000))
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
        or (head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS)
        or heif.is_heif(head)
        or (head[4:8] == b"ftyp" and (head[8:12] in (b"avif", b"avis") or b"avif" in head[16:64]))
        or svg.recognises(head)
    )


def split(source: Source, limits: Limits, start: int = 0) -> Iterator[SplitPart | DocumentMetadata]:
    """One part; of a TIFF one a page, of an animation one for each picture that shows something else. With its pixels.

    Those are as many as `limits.reading_pixels` where there is small print, else at most `limits.side` a side.
    """
    if drawing := _drawing(source):
        title, description, drawn = svg.svg_words(drawing)
        yield DocumentMetadata(title=title[:200])
        if start == 0:
            picture = svg.render_svg(drawing, source.name, limits.side)
            text = "\n".join(filter(None, (title, description, drawn)))
            yield SplitPart(
                segment=_segment(source, Place(), text),
                content=picture if len(drawn) < MIN_DRAWING_CHARACTERS else None,
            )
        return
    with _decoding(source):
        frames, about = _look_at(source, limits)
    yield from about
    for page, frame in frames[start:]:
        yield SplitPart(segment=_segment(source, Place(page=page)), content=_for_reading(source, frame, limits))


def load(source: Source, segment: Segment, limits: Limits) -> Picture:
    """The picture, upright, on an even ground, its longer side at most `limits.side`; drawings exactly.

    A very long one is cut into strips that stand side by side. Of a region the pixels are those of the file, as far as
    they fit.
    """
    region = segment.place.region or WHOLE
    _, _, across, down = (share / 100 for share in region)
    if drawing := _drawing(source):
        side = min(round(limits.side / min(across, down)), max(limits.side, _DRAWN_SIDE))
        drawn = svg.render_svg(drawing, source.name, side)
        upright = Image.fromarray(np.rot90(drawn, -segment.turn // 90))
        return np.asarray(_shrunken(upright.crop(pixel_box(region, *upright.size)), limits.side))
    with _decoding(source):
        with _opened(source) as image:
            frames = _pages(image)
        page = (segment.place.page or 1) - 1
        if page >= len(frames):
            raise UnreadableMedia("corrupt", f"{source.name}: has {len(frames):,} pages, no page {page + 1:,}.")
        least = min(limits.pixels, math.ceil(limits.side**2 / (across * down)))
        upright = _flat(source, frames[page], limits, least).rotate(-segment.turn, expand=True)
        cut = upright.crop(pixel_box(region, *upright.size))
        return np.asarray(_shrunken(_in_strips(cut, limits.side), limits.side))


def _segment(source: Source, place: Place, text: str = "") -> Segment:
    return Segment(document=source.document, modality="image", place=place, text=text)


def _drawing(source: Source) -> str:
    """The source of an SVG drawing, or empty for other pictures."""
    source.file.seek(0)
    if not svg.recognises(source.file.read(_HEAD)):
        return ""
    source.file.seek(0)
    data = source.file.read(svg.MAX_SVG_BYTES + 1)
    if len(data) > svg.MAX_SVG_BYTES:
        raise UnreadableMedia("too_large", f"{source.name}: a drawing of more than {svg.MAX_SVG_BYTES / 1e6:.0f} MB.")
    return svg.decode_svg(data)


def _look_at(source: Source, limits: Limits) -> tuple[list[tuple[int | None, int]], list[DocumentMetadata]]:
    """Which pictures of the file are read, each with its page, and what there is to say of it."""
    with _opened(source) as image:
        about = [describe_image(image)]
        frames = _pages(image)
        if image.format == "HEIF" and (held := picture_count(image)) > 1:
            about.append(DocumentMetadata(note=f"{held:,} pictures are in the file, of which the main one was read."))
        if len(frames) == 1:
            return [(None, frames[0])], about
        if image.format in _ANIMATED:
            _check_pixels(source, image, limits)
            read, whole = distinct_pictures(image, len(frames))
            read = read[: limits.pages]
            which = f"{len(read)} that differ were" if len(read) > 1 else "the first was"
            about.append(DocumentMetadata(note=f"An animation of {len(frames):,} pictures, of which {which} read."))
            if not whole:
                about.append(DocumentMetadata(note="The animation is damaged or cut short: its end was not read."))
            return [(number + 1 if len(read) > 1 else None, number) for number in read], about
        about.append(DocumentMetadata(pages=len(frames)))
        if len(frames) > limits.pages:
            note = f"Pages {limits.pages + 1:,} to {len(frames):,} were left out: the limit is {limits.pages:,} pages."
            about.append(DocumentMetadata(note=note))
        return list(enumerate(frames[: limits.pages], 1)), about


def _pages(image: Image.Image) -> list[int]:
    """The numbers, from 0, of the pictures that are pages: of a TIFF all but small versions of others, and masks.

    Of HEIF the main one: the others are takes of the same moment.
    """
    if image.format == "HEIF":
        return [image.tell()]
    if image.format in _ANIMATED:
        return list(range(picture_count(image)))
    count: int = getattr(image, "n_frames", 1)
    if count == 1 or image.format != "TIFF":
        return [0]
    kinds, areas = [], []
    for number in range(count):
        image.seek(number)
        kind = image.tag_v2.get(_NEW_SUBFILE_TYPE, 0)  # type: ignore[attr-defined]
        kinds.append(kind if isinstance(kind, int) else 0)
        areas.append(image.width * image.height)
    whole = [number for number, kind in enumerate(kinds) if not kind & _NO_PAGE]
    return whole or [max(range(count), key=areas.__getitem__)]


def _for_reading(source: Source, frame: int, limits: Limits) -> Picture:
    """One picture of the file for OCR. Raises UnreadableMedia."""
    with _decoding(source):
        flat = _flat(source, frame, limits, limits.side**2)
        with _opened(source) as image:
            image.seek(frame)
            size = image.size
        if max(size) > LEGIBLE_SIDE_PIXELS and has_even_ground(flat.convert("L")):
            if max(flat.size) < max(size):  # it was scaled while it was decoded
                flat = _flat(source, frame, limits, limits.reading_pixels)
            if flat.width * flat.height > limits.reading_pixels:
                scale = math.sqrt(limits.reading_pixels / (flat.width * flat.height))
                flat.thumbnail((flat.width * scale, flat.height * scale), Image.Resampling.LANCZOS, reducing_gap=3.0)
            if small_print(flat.convert("L")).any():
                return np.asarray(flat)
        return np.asarray(_shrunken(flat, limits.side))


def _flat(source: Source, frame: int, limits: Limits, least: int) -> Image.Image:
    """One picture of the file, upright, RGB, with square dots and `least` pixels or more where it has them."""
    with _opened(source) as image:
        if frame:
            image.seek(frame)
        scale = min(1.0, math.sqrt(least / (image.width * image.height)))
        image.draft(None, (math.ceil(image.width * scale), math.ceil(image.height * scale)))
        _check_pixels(source, image, limits)
        deep = _eight_bits(source, image)
        turn = exif_tags(image).get("Orientation")
        if (many := math.isqrt(deep.width * deep.height // max(least, limits.reading_pixels))) > 1:
            deep = deep.convert({"P": "RGBA", "1": "RGB"}.get(deep.mode)).reduce(many)
        square = _with_square_dots(deep, image.info)
        upright = square.transpose(_TURNS[turn]) if isinstance(turn, int) and turn in _TURNS else square
        return flatten.on_even_ground(upright)


def _eight_bits(source: Source, image: Image.Image) -> Image.Image:
    """An opened picture, decoded, in values of eight bits."""
    if heif.is_hdr_picture(image):
        return heif.tone_mapped_picture(source.file, image)
    image.load()
    # of the second picture of a grey GIF Pillow says that it had a palette
    return flatten.eight_bits(image.convert("L") if image.mode == "P" and image.palette is None else image)


def _with_square_dots(image: Image.Image, info: dict[str | tuple[int, int], object]) -> Image.Image:
    """A picture whose dots lie closer in one direction, stretched along the other one: a fax, some scans."""
    dots = info.get("dpi") or info.get("resolution") or info.get("aspect")
    try:
        across, down = (float(value) for value in dots)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return image
    if across <= 0 or down <= 0 or not _DOTS[0] < max(across / down, down / across) < _DOTS[1]:
        return image
    size = (round(image.width * max(1, down / across)), round(image.height * max(1, across / down)))
    return image.convert("L" if image.mode == "1" else None).resize(size, Image.Resampling.BICUBIC)


def _shrunken(flat: Image.Image, side: int) -> Image.Image:
    flat.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return flat


def _in_strips(flat: Image.Image, side: int) -> Image.Image:
    """A very long picture cut across into strips that stand side by side (a broad one: below each other)."""
    long, short = max(flat.size), min(flat.size)
    if long <= side or short < _LEAST_STRIP or long < STRIPS_FROM * short:
        return flat
    count = round(math.sqrt(long / short))
    length = math.ceil(long / (count - (count - 1) * _STRIP_OVERLAP))
    starts = [round(number * (long - length) / (count - 1)) for number in range(count)]
    broad = flat.width > flat.height
    sheet_size = (length, count * short + (count - 1) * _STRIP_GAP)
    sheet = Image.new("RGB", sheet_size if broad else sheet_size[::-1], "grey")
    for number, start in enumerate(starts):
        at = number * (short + _STRIP_GAP)
        box = (start, 0, start + length, short) if broad else (0, start, short, start + length)
        sheet.paste(flat.crop(box), (0, at) if broad else (at, 0))
    return sheet


def _check_pixels(source: Source, image: Image.Image, limits: Limits) -> None:
    width, height = image.size
    if width * height > limits.pixels:
        raise UnreadableMedia(
            "too_large",
            f"{source.name}: {width:,} x {height:,} pixels, more than the limit of "
            f"{limits.pixels / 1e6:,.0f} megapixels.",
        )


def _opened(source: Source) -> Image.Image:
    source.file.seek(0)
    return Image.open(source.file, formats=IMAGE_FORMATS)


@contextmanager
def _decoding(source: Source) -> Iterator[None]:
    """Pillow's complaints as ours, and its warnings not at all."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (UnreadableMedia, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise UnreadableMedia("corrupt", f"{source.name}: damaged, or of a variant that cannot be read.") from error
    except Exception as error:  # damaged bytes lead Pillow's readers into any exception there is
        raise UnreadableMedia("corrupt", f"{source.name}: damaged or cut short ({type(error).__name__}).") from error

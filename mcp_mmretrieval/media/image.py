"""Pictures: photos, charts, drawings. Pillow decodes pixels; SVG is drawn by `svg`."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError  # noqa: F401  # LAB pictures need it, and a locked worker could not import it any more

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import svg
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.types import About, Part, Place, Segment

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

# Pillow's own bound warns, and raises at twice as much; ours is a setting, and checked before anything is decoded
Image.MAX_IMAGE_PIXELS = None
Image.init()  # imports the readers now: a locked worker could not

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF")
"""All that Pillow may try. Among those left out: EPS, which would start Ghostscript."""

ENOUGH_WORDS = 20
"""A drawing whose source holds so many characters of text needs no OCR."""

_HEAD = 65_536
_ANIMATED = {"GIF", "PNG", "WEBP", "AVIF"}
_BMP_HEADERS = {12, 40, 52, 56, 64, 108, 124}
_GREY_BEYOND_8_BITS = {"I", "F", "I;16", "I;16L", "I;16B", "I;16N"}
_ORIENTATION, _DESCRIPTION, _XP_TITLE = 0x0112, 0x010E, 0x9C9B
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
_NO_TITLE = re.compile(r"DIGITAL CAMERA|SONY DSC|MINOLTA|SAMSUNG|DCIM|^\S*[/\\]\S*$|^\S+\.\w{2,4}$", re.IGNORECASE)
"""What cameras and programs write there: their names, and those of files."""


def recognises(source: Source) -> bool:
    """By the first bytes."""
    source.file.seek(0)
    head = source.file.read(_HEAD)
    return (
        head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a"))
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
        or (head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS)
        or (head[4:8] == b"ftyp" and (head[8:12] in (b"avif", b"avis") or b"avif" in head[16:64]))
        or svg.recognises(head)
    )


def split(source: Source, limits: Limits, start: int = 0) -> Iterator[Part | About]:
    """One part; of a TIFF with several pages one a page. Each with its pixels, for OCR."""
    if drawing := _drawing(source):
        title, description, drawn = svg.words(drawing)
        yield About(title=title[:200])
        if start == 0:
            picture = svg.draw(drawing, source.name, limits.side)
            text = "\n".join(filter(None, (title, description, drawn)))
            yield Part(segment=_segment(source, Place(), text), content=picture if len(drawn) < ENOUGH_WORDS else None)
        return
    with _decoding(source):
        frames, about = _look_at(source, limits)
    yield from about
    for index in range(start, min(frames, limits.pages)):
        place = Place(page=index + 1) if frames > 1 else Place()
        yield Part(segment=_segment(source, place), content=_pixels(source, index, limits))


def load(source: Source, segment: Segment, limits: Limits) -> Picture:
    """The picture, upright, on white, its longer side at most `limits.side`; drawings exactly."""
    if drawing := _drawing(source):
        return svg.draw(drawing, source.name, limits.side)
    return _pixels(source, (segment.place.page or 1) - 1, limits)


def _segment(source: Source, place: Place, text: str = "") -> Segment:
    return Segment(document=source.document, modality="image", place=place, text=text)


def _drawing(source: Source) -> str:
    """The source of an SVG drawing, or empty for other pictures."""
    source.file.seek(0)
    if not svg.recognises(source.file.read(_HEAD)):
        return ""
    source.file.seek(0)
    data = source.file.read(svg.BYTES + 1)
    if len(data) > svg.BYTES:
        raise UnreadableMedia("too_large", f"{source.name}: a drawing of more than {svg.BYTES / 1e6:.0f} MB.")
    return svg.decode(data)


def _look_at(source: Source, limits: Limits) -> tuple[int, list[About]]:
    """How many pictures are read, and what there is to say of the file, without decoding pixels."""
    with _opened(source) as image:
        count: int = getattr(image, "n_frames", 1)
        about = [About(title=_title(image))]
        pages = count if image.format == "TIFF" else 1
        if pages > 1:
            about.append(About(pages=pages))
        if pages > limits.pages:
            note = f"Pages {limits.pages + 1:,} to {pages:,} were left out: the limit is {limits.pages:,} pages."
            about.append(About(note=note))
        if count > 1 and image.format in _ANIMATED:
            about.append(About(note=f"An animation of {count:,} pictures, of which the first was read."))
        return pages, about


def _pixels(source: Source, index: int, limits: Limits) -> Picture:
    """One picture of the file, counted from 0. Raises UnreadableMedia."""
    with _decoding(source), _opened(source) as image:
        if index:
            image.seek(index)
        _check_pixels(source, image, limits)
        image.draft(None, (limits.side, limits.side))
        image.load()
        turn = _exif(image).get(_ORIENTATION)
        upright = image.transpose(_TURNS[turn]) if isinstance(turn, int) and turn in _TURNS else image
        flat = _on_white(_eight_bits(upright))
        flat.thumbnail((limits.side, limits.side), Image.Resampling.LANCZOS, reducing_gap=3.0)
        return np.asarray(flat)


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
    return Image.open(source.file, formats=FORMATS)


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
        raise UnreadableMedia(
            "corrupt", f"{source.name}: damaged or cut short ({error or type(error).__name__})."
        ) from error


def _exif(image: Image.Image) -> dict[int, object]:
    """The main EXIF tags; empty where they are damaged, since the picture may still be good."""
    try:
        return dict(image.getexif())
    except Exception:  # noqa: BLE001  # as above: any exception there is
        return {}


def _title(image: Image.Image) -> str:
    """The title that someone gave the picture, not the one that every picture of a camera has."""
    exif = _exif(image)
    xp_title = exif.get(_XP_TITLE)
    given = (
        image.info.get("Title"),
        xp_title.decode("utf-16-le", "ignore") if isinstance(xp_title, bytes) else None,
        exif.get(_DESCRIPTION),
        image.info.get("Description"),
    )
    for value in given:
        title = " ".join(str(value or "").replace("\0", " ").split())
        if any(letter.isalpha() for letter in title) and not _NO_TITLE.search(title):
            return title[:200]
    return ""


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey values beyond 8 bits, scaled by the range that they use; Pillow alone would clip them to white."""
    if image.mode not in _GREY_BEYOND_8_BITS:
        return image
    values = np.nan_to_num(np.asarray(image).astype(np.float32), posinf=0, neginf=0)
    low, high = float(values.min()), float(values.max())
    scaled = (values - low) * (255 / (high - low)) if high > low else np.full_like(values, 128)
    return Image.fromarray(scaled.round().astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    """RGB; what shows through is white, or black under a drawing that is itself all white."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    drawing = image.convert("RGBA")
    flat = _on(drawing, "white")
    if np.asarray(flat).min() <= 250:
        return flat
    alpha = np.asarray(drawing.getchannel("A"))
    return _on(drawing, "black") if alpha.min() < 255 and alpha.any() else flat


def _on(drawing: Image.Image, colour: str) -> Image.Image:
    ground = Image.new("RGBA", drawing.size, colour)
    ground.alpha_composite(drawing)
    return ground.convert("RGB")

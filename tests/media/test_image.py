"""Pictures of every kind, upright and on white; damaged and hostile ones refused with a reason."""

import dataclasses
import io
import re
import struct
import time
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin, TiffImagePlugin

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import image
from mcp_mmretrieval.types import Place, SplitPart
from tests.support.media_files import (
    half_red_half_blue,
    large_png,
    notes,
    parts,
    picture,
    png_chunk,
    png_of,
    saved,
    source,
    title,
    whole,
    ztxt_bomb,
)

LIMITS = Limits()
RED, BLUE, WHITE, BLACK = (255, 0, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


def split(data: bytes, limits: Limits = LIMITS, name: str = "picture.png") -> list[SplitPart]:
    return parts(media.split(source(data, name), limits))


def pixels(data: bytes, limits: Limits = LIMITS, page: int | None = None) -> Any:
    return image.load(source(data), whole(page), limits)


def near(pixel: Any, colour: tuple[int, int, int], by: int = 40) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() <= by)


def refusal(data: bytes, limits: Limits = LIMITS) -> UnreadableMedia:
    with pytest.raises(UnreadableMedia) as failure:
        list(media.split(source(data, "picture.png"), limits))
    return failure.value


# -- kinds -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "JPEG2000"])
def test_a_picture_of_every_kind_is_one_part_with_its_pixels(kind: str) -> None:
    (part,) = split(saved(half_red_half_blue(), kind), name="wrong.txt")
    assert part.segment.modality == "image"
    assert part.segment.place == Place()
    assert isinstance(part.content, np.ndarray)
    assert part.content.shape == (40, 60, 3)
    assert part.content.dtype == np.uint8
    assert near(part.content[20, 10], RED) and near(part.content[20, 50], BLUE)
    assert np.array_equal(pixels(saved(half_red_half_blue(), kind)), part.content)


@pytest.mark.parametrize(
    ("mode", "colour", "kind", "expected"),
    [
        ("L", 255, "PNG", WHITE),
        ("1", 1, "PNG", WHITE),
        ("P", 0, "GIF", BLACK),
        ("CMYK", (0, 255, 255, 0), "JPEG", RED),
        ("CMYK", (0, 255, 255, 0), "TIFF", RED),
        ("LAB", (255, 128, 128), "TIFF", WHITE),
        ("YCbCr", (76, 85, 255), "JPEG", RED),
        ("RGBA", (255, 0, 0, 255), "PNG", RED),
        ("RGBA", (255, 0, 0, 0), "PNG", WHITE),
        ("LA", (0, 0), "PNG", WHITE),
        ("L", 255, "JPEG2000", WHITE),
        ("RGBA", (255, 0, 0, 0), "JPEG2000", WHITE),
        ("F", 0.5, "TIFF", (128, 128, 128)),
        ("I", 70_000, "TIFF", (128, 128, 128)),
    ],
)
def test_every_colour_mode_becomes_rgb(mode: str, colour: Any, kind: str, expected: tuple[int, int, int]) -> None:
    drawn = pixels(picture(kind, mode=mode, colour=colour))
    assert drawn.shape == (40, 60, 3)
    assert near(drawn[20, 30], expected)


def test_what_is_transparent_shows_white() -> None:
    drawing = half_red_half_blue().convert("RGBA")
    drawing.paste((0, 0, 0, 0), (0, 0, 30, 40))
    for kind in ("PNG", "WEBP", "TIFF"):
        drawn = pixels(saved(drawing, kind))
        assert near(drawn[20, 10], WHITE) and near(drawn[20, 50], BLUE)
    for indexed in (saved(drawing.convert("P"), "GIF", transparency=0), saved(drawing.quantize(4), "PNG")):
        assert pixels(indexed).shape == (40, 60, 3)


def test_a_white_drawing_on_nothing_is_shown_on_black() -> None:
    drawing = Image.new("RGBA", (60, 40), (255, 255, 255, 0))
    drawing.paste((255, 255, 255, 255), (10, 10, 30, 30))
    drawn = pixels(saved(drawing))
    assert near(drawn[20, 20], WHITE) and near(drawn[5, 5], BLACK)


def test_grey_of_16_bits_is_scaled_by_its_range_and_not_clipped() -> None:
    steps = np.linspace(1000, 5000, 256, dtype=np.uint16)[None].repeat(8, 0)
    for kind in ("PNG", "TIFF", "JPEG2000"):
        drawn = pixels(saved(Image.fromarray(steps), kind))
        assert drawn[0, 0, 0] == 0 and drawn[0, -1, 0] == 255
        assert abs(int(drawn[0, 128, 0]) - 128) < 3


def test_values_that_are_no_numbers_do_no_harm() -> None:
    values = np.array([[0.0, np.nan, np.inf, 1.0]], np.float32).repeat(4, 0)
    assert pixels(saved(Image.fromarray(values), "TIFF")).shape == (4, 4, 3)


@pytest.mark.parametrize(
    ("orientation", "red"),
    [
        (1, (20, 5)),
        (2, (20, 55)),
        (3, (20, 55)),
        (4, (20, 5)),
        (5, (5, 20)),
        (6, (5, 20)),
        (7, (55, 20)),
        (8, (55, 20)),
    ],
)
def test_a_photo_is_turned_upright(orientation: int, red: tuple[int, int]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    drawn = pixels(saved(half_red_half_blue(), "JPEG", exif=exif, quality=95))
    assert near(drawn[red], RED)
    assert drawn.shape[:2] == ((60, 40) if orientation > 4 else (40, 60))


# -- sizes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_large_pictures_are_scaled_to_the_side_asked_for_and_small_ones_are_left(kind: str) -> None:
    data = saved(half_red_half_blue((900, 300)), kind)
    assert pixels(data, Limits(side=300)).shape == (100, 300, 3)
    assert pixels(data, Limits(side=2000)).shape == (300, 900, 3)
    assert pixels(picture(size=(4000, 1)), Limits(side=100)).shape == (1, 100, 3)
    assert pixels(picture(size=(1, 4000)), Limits(side=100)).shape == (100, 1, 3)


@pytest.mark.timeout(10)
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    began = time.process_time()
    for data in (large_png(12_000), png_of(30_000, 30_000), png_of(2**31 - 1, 2**31 - 1, data=b"")):
        failure = refusal(data)
        assert failure.code == "too_large"
        assert "megapixels" in str(failure)
    assert time.process_time() - began < 1
    assert refusal(picture(size=(101, 100)), Limits(pixels=10_000)).code == "too_large"


def test_jpeg_2000_is_read_with_and_without_its_container_and_its_size_is_known_before_it_is_decoded() -> None:
    container = saved(half_red_half_blue(), "JPEG2000")
    bare = saved(half_red_half_blue(), "JPEG2000", no_jp2=True)
    assert (container[4:8], bare[:4]) == (b"jP  ", b"\xff\x4f\xff\x51")
    for data in (container, bare):
        assert near(pixels(data)[20, 10], RED) and near(pixels(data)[20, 50], BLUE)
    lying = bytearray(bare)
    lying[8:16] = struct.pack(">II", 100_000, 100_000)
    assert refusal(bytes(lying)).code == "too_large"


def test_a_limit_that_was_raised_is_kept_to() -> None:
    (part,) = split(large_png(10_000), Limits(pixels=100_000_001, side=50))
    assert isinstance(part.content, np.ndarray) and part.content.shape == (50, 50, 3)


def test_a_jpeg_beyond_the_limit_is_scaled_down_while_it_is_decoded() -> None:
    data = saved(half_red_half_blue((1_200, 800)), "JPEG")
    (part,) = split(data, Limits(pixels=300_000, side=400))
    assert isinstance(part.content, np.ndarray) and part.content.shape == (267, 400, 3)
    assert refusal(saved(half_red_half_blue((1_200, 800))), Limits(pixels=300_000)).code == "too_large"


def screenshot(size: tuple[int, int]) -> Image.Image:
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for top in range(0, size[1], 40):
        draw.text((10, top), f"line {top} of the chat", fill="black", font=ImageFont.load_default(16))
    return image


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_large_picture_with_small_print_is_read_as_it_is_and_a_photo_is_not(kind: str) -> None:
    (part,) = split(saved(screenshot((400, 4_000)), kind))
    assert isinstance(part.content, np.ndarray) and part.content.shape == (4_000, 400, 3)
    (part,) = split(saved(half_red_half_blue((4_000, 400)), kind))
    assert isinstance(part.content, np.ndarray) and max(part.content.shape) == LIMITS.side


def test_what_is_read_of_a_large_picture_has_a_bound() -> None:
    (part,) = split(saved(screenshot((400, 4_000))), Limits(reading_pixels=1_400_000))
    assert isinstance(part.content, np.ndarray)
    assert 2_000 < part.content.shape[0] < 4_000 and part.content.shape[0] * part.content.shape[1] <= 1_400_000


def test_a_very_long_picture_is_shown_in_strips_side_by_side() -> None:
    drawn = pixels(saved(screenshot((200, 4_000))), Limits(side=1_000))
    assert max(drawn.shape) == 1_000 and min(drawn.shape[:2]) > 700
    assert (drawn < 128).any(axis=(1, 2)).mean() > 0.3


# -- dots, turns, grounds --------------------------------------------------------------------------------------------


def test_dots_that_lie_closer_across_are_squared() -> None:
    data = saved(Image.new("1", (400, 200), 1), "TIFF", dpi=(204.0, 98.0), compression="group4")
    assert pixels(data).shape == (416, 400, 3)
    assert pixels(saved(Image.new("L", (400, 200)), dpi=(96, 96))).shape == (200, 400, 3)


def test_a_picture_is_shown_as_its_words_stand_upright() -> None:
    turned = dataclasses.replace(whole(), turn=90)
    drawn = image.load(source(saved(half_red_half_blue())), turned, LIMITS)
    assert drawn.shape == (60, 40, 3)
    assert near(drawn[5, 20], RED) and near(drawn[55, 20], BLUE)


def test_grey_in_which_0_is_white_is_turned_round() -> None:
    steps = np.linspace(0, 65_535, 256, dtype=np.uint16)[None].repeat(8, 0)
    for meaning, first in ((0, 255), (1, 0)):
        data = saved(Image.fromarray(steps), "TIFF", tiffinfo={262: meaning})
        with Image.open(io.BytesIO(data)) as written:
            said = written.tag_v2[262]  # type: ignore[attr-defined]
        if said == meaning:
            assert pixels(data)[0, 0, 0] == first


def test_small_versions_of_a_tiff_are_no_pages() -> None:
    pages = [Image.new("RGB", (60, 40), "red"), Image.new("RGB", (30, 20), "red"), Image.new("RGB", (60, 40), "blue")]
    file = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(file, new=True) as writer:
        for page, kind in zip(pages, (0, 1, 2), strict=True):
            page.save(writer, "TIFF", tiffinfo={254: kind})
            writer.newFrame()
    steps = list(image.split(source(file.getvalue()), LIMITS))
    assert [part.segment.place.page for part in parts(steps)] == [1, 2]
    assert near(pixels(file.getvalue(), page=2)[20, 20], BLUE)


# -- several pictures in one file --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_each_picture_of_an_animation_that_shows_something_else_is_a_segment(kind: str) -> None:
    green, black = (Image.new("RGB", (60, 40), colour) for colour in ("green", "black"))
    data = saved(half_red_half_blue(), kind, save_all=True, append_images=[green, black], duration=500)
    steps = list(image.split(source(data), LIMITS))
    assert [part.segment.place.page for part in parts(steps)] == [1, 2, 3]
    assert near(pixels(data)[20, 5], RED) and near(pixels(data, page=3)[20, 5], BLACK)
    assert notes(steps) == ["An animation of 3 pictures, of which 3 that differ were read."]
    assert [part.segment.place.page for part in parts(image.split(source(data), LIMITS, 2))] == [3]


def test_an_animation_that_shows_one_thing_is_its_first_picture() -> None:
    shade = Image.new("RGB", (60, 40), (252, 0, 0))
    data = saved(Image.new("RGB", (60, 40), RED), "PNG", save_all=True, append_images=[shade] * 2)
    steps = list(image.split(source(data), LIMITS))
    (part,) = parts(steps)
    assert part.segment.place == Place()
    assert notes(steps) == ["An animation of 3 pictures, of which the first was read."]


def test_of_a_large_picture_of_few_colours_what_shows_through_is_not_seen() -> None:
    drawing = Image.new("P", (800, 800), 0)
    drawing.putpalette([0, 0, 0, 0, 0, 0])
    drawing.paste(1, (300, 300, 500, 500))
    data = saved(drawing, "PNG", transparency=0)
    (part,) = parts(image.split(source(data), Limits(side=100, reading_pixels=10_000)))
    assert isinstance(part.content, np.ndarray)
    assert near(part.content[10, 10], WHITE) and near(part.content[50, 50], BLACK)


def test_each_picture_of_a_grey_animation_is_read() -> None:
    noise = [Image.effect_noise((60, 40), 90 + number) for number in range(3)]
    steps = image.split(source(saved(noise[0], "GIF", save_all=True, append_images=noise[1:])), LIMITS)
    for part, grey in zip(parts(steps), noise, strict=True):
        assert isinstance(part.content, np.ndarray)
        assert np.abs(part.content[..., 0].astype(int) - np.asarray(grey)).max() <= 3


def test_an_animation_that_is_cut_short_says_so() -> None:
    noise = [Image.effect_noise((60, 40), 90 + number) for number in range(4)]
    data = saved(noise[0], "GIF", save_all=True, append_images=noise[1:])
    steps = list(image.split(source(data[: len(data) * 3 // 4]), LIMITS))
    assert [part.segment.place.page for part in parts(steps)] == [1, 2]
    assert notes(steps)[-1] == "The animation is damaged or cut short: its end was not read."


def test_each_page_of_a_tiff_is_a_segment() -> None:
    pages = [Image.new("RGB", (60, 40), colour) for colour in ("red", "blue", "white")]
    data = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    steps = list(image.split(source(data), LIMITS))
    assert [part.segment.place.page for part in parts(steps)] == [1, 2, 3]
    assert {part.segment.modality for part in parts(steps)} == {"image"}
    assert near(pixels(data, page=2)[20, 20], BLUE)
    assert [part.segment.place.page for part in parts(image.split(source(data), LIMITS, 2))] == [3]
    limited = list(image.split(source(data), Limits(pages=1)))
    assert len(parts(limited)) == 1
    assert notes(limited) == ["Pages 2 to 3 were left out: the limit is 1 pages."]
    with pytest.raises(UnreadableMedia):
        pixels(data, page=9)


# -- titles ------------------------------------------------------------------------------------------------------------


def test_the_title_that_someone_gave_is_kept_and_that_of_a_camera_is_not() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "Sales by region")
    assert title(image.split(source(saved(half_red_half_blue(), pnginfo=info)), LIMITS)) == "Sales by region"
    for given, expected in (
        ("A cup\nof tea", "A cup of tea"),
        ("OLYMPUS DIGITAL CAMERA", ""),
        ("/home/me/figure_1.agr", ""),
        ("IMG_0001.JPG", ""),
        ("12345", ""),
    ):
        exif = Image.Exif()
        exif[0x010E] = given
        assert title(image.split(source(saved(half_red_half_blue(), "JPEG", exif=exif)), LIMITS)) == expected


# -- damage ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "JPEG2000"])
def test_a_truncated_picture_is_damaged(kind: str) -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (80, 80, 3), np.uint8))
    data = saved(noise, kind)
    failure = refusal(data[: len(data) // 2])
    assert failure.code in ("corrupt", "unsupported_type")
    assert failure.code == "corrupt" or kind == "TIFF"
    assert not re.search(r"\((?!\w+\))", str(failure)), "a class of error at most, and not what Pillow says"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "JPEG2000"])
@pytest.mark.timeout(60)
def test_damaged_bytes_lead_to_a_picture_or_a_reason_and_never_to_another_exception(kind: str) -> None:
    dice = np.random.default_rng(2)
    data = np.frombuffer(saved(half_red_half_blue((200, 100)), kind), np.uint8)
    limits = Limits(pixels=1_000_000)
    for _ in range(60):
        damaged = data.copy()
        spots = dice.integers(0, len(data), 8)
        damaged[spots] = dice.integers(0, 256, 8)
        try:
            split(damaged.tobytes(), limits)
        except UnreadableMedia as failure:
            assert failure.code in ("corrupt", "too_large", "unsupported_type", "nothing_to_read")


def test_a_bomb_of_compressed_text_is_refused() -> None:
    assert refusal(ztxt_bomb()).code == "corrupt"
    assert refusal(png_of(1, 1, png_chunk(b"iCCP", b"x\0\0" + b"\x78\x9c" + bytes(100)), data=b"")).code == "corrupt"


def test_damaged_exif_does_not_cost_the_picture() -> None:
    data = saved(half_red_half_blue(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0" * 9)
    assert pixels(data).shape == (40, 60, 3)


def test_postscript_with_the_name_of_a_picture_starts_nothing() -> None:
    assert refusal(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n").code == "unsupported_type"


def test_a_text_that_begins_like_a_bitmap_is_no_picture() -> None:
    assert not image.recognises(source(b"BMW builds motorcycles, and other things on wheels."))
    assert not image.recognises(source(b"<html><body><svg></svg></body></html>"))
    assert not image.recognises(source(b"About svg: <svg> is an element."))


def test_pictures_are_read_from_where_they_stand_not_from_where_the_file_was_left() -> None:
    opened = source(picture())
    opened.file.seek(0, io.SEEK_END)
    assert len(parts(image.split(opened, LIMITS))) == 1
    assert image.load(opened, whole(), LIMITS).shape == (40, 60, 3)

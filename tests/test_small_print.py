"""Small print is found in large screenshots, and neither in charts drawn large nor in photos."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mcp_mmretrieval.small_print import CELL_PIXELS, has_even_ground, small_print


def sheet(size: tuple[int, int], letters: int) -> Image.Image:
    image = Image.new("L", size, 255)
    draw = ImageDraw.Draw(image)
    for top in range(20, min(size[1], 900), 2 * letters):
        draw.text((20, top), "the door code is seven " * 2, fill=0, font=ImageFont.load_default(letters))
    return image


def test_small_letters_on_a_large_picture_are_small_print_where_they_stand() -> None:
    cells = small_print(sheet((3_840, 2_160), 16))
    assert cells.shape == (-(-2_160 // CELL_PIXELS), -(-3_840 // CELL_PIXELS))
    assert cells[0, 0] and not cells[:, 6:].any()


def test_shapes_and_pictures_of_the_usual_size_have_none() -> None:
    bars = Image.new("L", (3_840, 2_160), 255)
    for number in range(4):
        ImageDraw.Draw(bars).rectangle((100 + 960 * number, 300 + 150 * number, 740 + 960 * number, 2_000), fill=60)
    assert not small_print(bars).any()
    assert not small_print(sheet((1_600, 900), 16)).any()


def test_a_photo_has_none() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1_500, 2_000), np.uint8)
    photo = Image.fromarray(noise)
    assert not small_print(photo).any()
    assert not has_even_ground(photo)
    assert has_even_ground(sheet((1_000, 500), 16))

"""What shows through is set on a ground from which the letters stand out; deep greys are scaled."""

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from mcp_mmretrieval.media import flatten


def letters(*colours: str) -> Image.Image:
    image = Image.new("RGBA", (500, 60 * len(colours)), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    for number, colour in enumerate(colours):
        draw.text((10, 10 + 60 * number), "Fortingall market", fill=colour, font=ImageFont.load_default(36))
    return image


def ground(image: Image.Image) -> Any:
    return flatten.on_even_ground(image).getpixel((0, 0))


@pytest.mark.parametrize(
    ("colours", "expected"),
    [
        (("black",), (255, 255, 255)),
        (("black", "red"), (255, 255, 255)),
        (("white",), (0, 0, 0)),
        (("white", "red"), (0, 0, 0)),
        (("white", "black"), (118, 118, 118)),
    ],
)
def test_letters_on_nothing_stand_out_whatever_their_colours(colours: tuple[str, ...], expected: Any) -> None:
    assert ground(letters(*colours)) == expected


def test_a_drawing_with_a_little_white_at_its_edge_stays_on_white() -> None:
    image = Image.new("RGBA", (200, 200), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.ellipse((20, 20, 180, 180), fill="brown")
    draw.rectangle((90, 14, 110, 30), fill="white")
    assert ground(image) == (255, 255, 255)


def test_a_picture_through_which_nothing_shows_is_left_as_it_is() -> None:
    image = Image.new("RGBA", (20, 20), (255, 255, 255, 255))
    assert np.asarray(flatten.on_even_ground(image)).min() == 255

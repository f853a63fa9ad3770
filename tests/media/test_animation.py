"""Which pictures of an animation are read: few, that differ, from all over it, those that stand still."""

import io

import pytest
from PIL import Image, ImageDraw

from mcp_mmretrieval.media import animation
from mcp_mmretrieval.media.animation import MAX_PICTURES, distinct_pictures


def title(text: str) -> Image.Image:
    card = Image.new("L", (320, 240), "white")
    ImageDraw.Draw(card).text((40, 110), text, fill="black", font_size=24)
    return card


def chosen(shown: list[Image.Image]) -> list[int]:
    frames = [one.copy() for one in shown]
    for number, frame in enumerate(frames):
        frame.putpixel((number, 0), 120)  # Pillow would join pictures that are the same
    file = io.BytesIO()
    frames[0].save(file, "WEBP", lossless=True, save_all=True, append_images=frames[1:], duration=100)
    with Image.open(file) as film:
        return distinct_pictures(film, len(frames))


def test_a_card_is_read_once_however_long_it_is_shown() -> None:
    one, two = title("Mix the flour"), title("Bake it")
    assert chosen([one] * 5 + [two] * 9 + [one] * 2) == [0, 5, 14]


def test_of_many_pictures_a_few_from_all_over_it_are_read() -> None:
    dark_and_light = [Image.new("L", (64, 64), 255 * (number % 2)) for number in range(40)]
    read = chosen(dark_and_light)
    assert read[0] == 0 and len(read) == MAX_PICTURES
    assert sum(number >= 20 for number in read) >= MAX_PICTURES // 2 - 1


def test_what_stands_still_is_read_rather_than_what_flies_past() -> None:
    flying = [Image.new("L", (320, 240), 30 + 30 * (number % 7)) for number in range(24)]
    assert 24 in chosen(flying + [title("Lay the ribbon flat")] * 12)


def test_what_is_decoded_to_choose_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(animation, "_DECODED_PIXELS", 3 * 64 * 64)
    frames = [Image.new("L", (64, 64), 255 * (number % 2)) for number in range(10)]
    assert chosen(frames) == [0, 1, 2]

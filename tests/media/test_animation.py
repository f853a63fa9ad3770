"""Which pictures of an animation are read: few, that differ, from all over it, those that stand still."""

import io

import pytest
from PIL import Image, ImageDraw

from mcp_mmretrieval.media import animation
from mcp_mmretrieval.media.animation import MAX_PICTURES, distinct_pictures, picture_count


def title(text: str) -> Image.Image:
    card = Image.new("L", (320, 240), "white")
    ImageDraw.Draw(card).text((40, 110), text, fill="black", font_size=24)
    return card


def chosen(shown: list[Image.Image], duration: int | list[int] = 100) -> list[int]:
    frames = [one.copy() for one in shown]
    for number, frame in enumerate(frames):
        frame.putpixel((number, 0), 120)  # Pillow would join pictures that are the same
    with Image.open(animated(frames, "WEBP", duration)) as film:
        return distinct_pictures(film, len(frames))[0]


def animated(frames: list[Image.Image], kind: str, duration: int | list[int] = 100) -> io.BytesIO:
    file = io.BytesIO()
    options = {"lossless": True} if kind == "WEBP" else {}
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=duration, **options)
    return file


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


def test_what_is_shown_for_long_is_read_though_it_is_one_picture() -> None:
    fading = [Image.new("L", (320, 240), 30 + 30 * number) for number in range(4)]
    talk = [picture for number in range(12) for picture in [*fading, title(f"Slide {number}")]]
    assert all(number % 5 == 4 for number in chosen(talk, [40, 40, 40, 40, 3_000] * 12)[1:])


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_black_letters_on_nothing_differ(kind: str) -> None:
    cards = []
    for text in ("Mix the flour", "Bake it"):
        cards.append(Image.new("RGBA", (320, 240)))
        cards[-1].putalpha(title(text).point(lambda value: 255 - value))
    with Image.open(animated(cards, kind)) as film:
        assert distinct_pictures(film, 2) == ([0, 1], True)


@pytest.mark.parametrize(("kind", "share"), [("GIF", 0.75), ("GIF", 0.7), ("PNG", 0.75)])
def test_of_an_animation_that_is_cut_short_what_comes_before_is_read(kind: str, share: float) -> None:
    whole = animated([title(f"Step {number}") for number in range(6)], kind).getvalue()
    with Image.open(io.BytesIO(whole[: int(len(whole) * share)])) as film:
        read, all_of_it = distinct_pictures(film, picture_count(film))
    assert read[:3] == [0, 1, 2] and not all_of_it
    with Image.open(io.BytesIO(whole[: len(whole) // 5])) as film, pytest.raises(OSError):
        distinct_pictures(film, 6)


def test_what_is_decoded_to_choose_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(animation, "_DECODED_PIXELS", 3 * 64 * 64)
    frames = [Image.new("L", (64, 64), 255 * (number % 2)) for number in range(10)]
    assert chosen(frames) == [0, 1, 2]

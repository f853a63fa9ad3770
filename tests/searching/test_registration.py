"""Thumbnails of one picture are known as such, and what shows another thing in one place is not."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mcp_mmretrieval.adding.fingerprints import thumbnail
from mcp_mmretrieval.searching.registration import look_alike
from tests.adding.test_fingerprints import pixels, scene
from tests.support import planted_duplicates as planted

Change = Callable[[Image.Image], Image.Image]
SEEDS = range(8)


def alike(one: Image.Image, other: Image.Image, least: float = 0.9) -> bool:
    return look_alike(thumbnail(pixels(one)), thumbnail(pixels(other)), least)


def burnt(picture: Image.Image) -> Image.Image:
    """Of a burst, with lights that are lost: no straight line maps one on the other."""
    return picture.point(lambda value: min(255, 1.25 * value + 10))


def dark(picture: Image.Image) -> Image.Image:
    return picture.point(lambda value: 255 * (value / 255) ** 1.6)


def visited(picture: Image.Image) -> Image.Image:
    """The same view with somebody in it, who stands out: a sixth of each side."""
    found, box = picture.copy(), (90, 130, 132, 172)
    light = np.asarray(picture.convert("L").crop(box)).mean() > 127
    ImageDraw.Draw(found).ellipse(box, "black" if light else "white")
    return found


CHANGES = (planted.saved_anew, planted.turned, planted.cropped, planted.burst, burnt, dark)


@pytest.mark.parametrize("change", CHANGES)
def test_a_picture_saved_anew_turned_cropped_or_taken_again_is_known(change: Change) -> None:
    assert [seed for seed in SEEDS if not alike(scene(seed), change(scene(seed)))] == []


def test_other_pictures_are_told_apart() -> None:
    assert not any(alike(scene(seed), scene(seed + 1)) for seed in range(20))


def test_a_view_in_which_somebody_stands_is_another_picture() -> None:
    views = [scene(seed) for seed in SEEDS]
    assert not any(alike(view, planted.saved_anew(visited(view))) for view in views)
    assert not any(alike(visited(view), view) for view in views)


def test_charts_of_one_style_are_told_apart_by_their_bars() -> None:
    def chart(seed: int) -> Image.Image:
        made = Image.new("RGB", (900, 560), "white")
        draw = ImageDraw.Draw(made)
        for bar, value in enumerate(np.random.default_rng(seed).integers(20, 95, 8)):
            draw.rectangle((70 + 100 * bar, 500 - 4 * int(value), 130 + 100 * bar, 500), (60, 130, 200))
        return made

    charts = [chart(seed) for seed in SEEDS]
    assert all(alike(one, planted.saved_anew(one), 0.75) for one in charts)
    assert not any(alike(one, other, 0.75) for at, one in enumerate(charts) for other in charts[:at])


def test_nothing_is_like_a_picture_without_anything_to_see() -> None:
    blank = Image.new("RGB", (64, 64), "white")
    assert not alike(blank, blank)
    assert not alike(scene(1), blank)

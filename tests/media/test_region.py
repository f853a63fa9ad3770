"""A region of a picture or a page, with the detail of the file: as it stands there, whatever is turned."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media.region import WHOLE, before_turning, pixel_box
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.types import Place, Region, Segment
from tests.support.media_files import DOCUMENT, page, pdf, saved, source, svg, whole

SIDE = Limits(side=200)
QUARTERS = ("red", "lime", "blue", "yellow")
"""Left and right above, left and right below."""
COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))
CORNERS: tuple[Region, ...] = ((0, 0, 50, 50), (50, 0, 50, 50), (0, 50, 50, 50), (50, 50, 50, 50))


def quarters(size: tuple[int, int]) -> Image.Image:
    image = Image.new("RGB", size)
    for number, colour in enumerate(QUARTERS):
        across, down = number % 2 * size[0] // 2, number // 2 * size[1] // 2
        image.paste(colour, (across, down, across + size[0] // 2, down + size[1] // 2))
    return image


def shown(data: bytes, segment: Segment, region: Region, limits: Limits = SIDE) -> Any:
    there = dataclasses.replace(segment, place=dataclasses.replace(segment.place, region=region))
    return media.load(source(data, "plan"), there, limits)


def colour_of(picture: Any) -> int:
    """Which of the four it is, where it is one of them all over."""
    pixels = picture[4:-4, 4:-4].reshape(-1, 1, 3).astype(int)
    found = set(np.abs(pixels - np.array(COLOURS)).sum(axis=2).argmin(axis=1).tolist())
    assert len(found) == 1
    return int(found.pop())


PAGE = pdf(
    [""],
    size=(600, 400),
    graphics="1 0 0 rg 0 200 300 200 re f 0 1 0 rg 300 200 300 200 re f 0 0 1 rg 0 0 300 200 re f "
    "1 1 0 rg 300 0 300 200 re f ",
)
DRAWING = svg(
    "".join(
        f'<rect x="{number % 2 * 300}" y="{number // 2 * 200}" width="300" height="200" fill="{colour}"/>'
        for number, colour in enumerate(QUARTERS)
    ),
    'width="600" height="400"',
)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize(
    ("data", "segment"),
    [
        (PAGE, page(1)),
        (DRAWING, whole()),
        (saved(quarters((600, 400))), whole()),
        (saved(quarters((600, 400)), "JPEG"), whole()),
    ],
    ids=["page", "drawing", "png", "jpeg"],
)
def test_each_corner_of_what_is_shown_is_that_corner(data: bytes, segment: Segment, turn: int) -> None:
    segment = dataclasses.replace(segment, turn=turn)
    full = media.load(source(data), segment, SIDE)
    assert isinstance(full, np.ndarray)
    height, width = full.shape[:2]
    for corner in CORNERS:
        left, top, right, lower = pixel_box(corner, width, height)
        picture = shown(data, segment, corner)
        assert 198 <= max(picture.shape) <= 200
        assert colour_of(picture) == colour_of(full[top + 4 : lower - 4, left + 4 : right - 4])


def lines(size: tuple[int, int]) -> Image.Image:
    """White, with black lines a pixel wide, four pixels apart: grey where it is shrunken."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for across in range(0, size[0], 4):
        draw.line((across, 0, across, size[1]), fill="black")
    return image


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_region_has_the_detail_of_the_file(kind: str) -> None:
    data = saved(lines((2_000, 1_500)), kind, **({"quality": 95} if kind == "JPEG" else {}))
    blurred = shown(data, whole(), WHOLE)
    assert blurred.min() > 100
    close = shown(data, whole(), (30, 40, 10, 10))
    assert close.shape == (150, 200, 3)
    assert close.min() < 40 and close.max() > 215


def test_a_region_of_a_very_long_picture_is_cut_before_it_is_laid_in_strips() -> None:
    tall = quarters((300, 6_000))
    assert colour_of(shown(saved(tall), whole(), (0, 0, 40, 4))) == 0
    assert colour_of(shown(saved(tall), whole(), (60, 90, 40, 4))) == 3


def test_small_print_of_a_page_is_drawn_larger() -> None:
    graphics = "".join(f"0 0 0 rg {1000 + 3 * number} 1000 1 1 re f " for number in range(4))
    data = pdf([""], size=(2_000, 2_000), graphics=graphics)

    def dots(region: Region) -> int:
        dark = shown(data, page(1), region).min(axis=(0, 2)) < 128
        return int((dark[1:] & ~dark[:-1]).sum())

    assert dots(WHOLE) == 1
    assert dots((49, 49, 2, 2)) == 4


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_region_is_found_again_in_the_picture_before_it_was_turned(turn: int) -> None:
    before = Image.fromarray(np.random.default_rng(turn).integers(0, 255, (100, 200, 3), np.uint8))
    after = before.rotate(-turn, expand=True)
    region: Region = (10, 20, 30, 50)
    cut = before.crop(pixel_box(before_turning(region, turn), *before.size)).rotate(-turn, expand=True)
    assert np.array_equal(np.asarray(cut), np.asarray(after.crop(pixel_box(region, *after.size))))


def test_a_region_has_a_pixel_at_least() -> None:
    assert pixel_box((99, 99, 1, 1), 3, 3) == (2, 2, 3, 3)
    assert pixel_box(WHOLE, 30, 20) == (0, 0, 30, 20)


def test_a_worker_is_asked_for_a_region(tmp_path: Path) -> None:
    path = tmp_path / "plan.png"
    path.write_bytes(saved(quarters((600, 400))))
    workers = Workers(Limits(), 1)
    try:
        with path.open("rb") as file:
            wanted = Segment(document=DOCUMENT, modality="image", place=Place(region=(50.0, 50.0, 50.0, 50.0)))
            picture = workers.load(file.fileno(), wanted, name=path.name, side=100)
    finally:
        workers.close()
    assert isinstance(picture, np.ndarray) and picture.shape == (67, 100, 3) and colour_of(picture) == 3

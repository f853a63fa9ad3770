import numpy as np
import pytest

from mcp_mmretrieval.server.tools.contact_sheet import (
    MAX_JPEG_SIDE_PIXELS,
    Tile,
    contact_sheet,
    film_strip,
    photo_jpeg,
    sound_strip,
)
from mcp_mmretrieval.types import Film
from tests.support.jpegs import BLUE, RED, opened, pixels, share, tone


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 12, 26])
def test_a_sheet_holds_every_tile_within_its_size(count: int) -> None:
    sheet = opened(contact_sheet([Tile(caption=f"{number}.png", content=pixels(RED)) for number in range(count)]))
    assert share(sheet, RED) > 0.3


def test_pictures_keep_their_proportions() -> None:
    tiles = [Tile(caption="wide.png", content=pixels(RED, 1_000, 100)), Tile(caption="high.png", content=pixels(BLUE))]
    sheet = opened(contact_sheet(tiles))
    red = np.abs(np.asarray(sheet, int) - np.array(RED)).max(axis=2) < 60
    rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
    assert (columns[-1] - columns[0]) / (rows[-1] - rows[0]) == pytest.approx(10, rel=0.2)


def test_the_worst_picture_still_fits() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (3_000, 2_000, 3), dtype=np.uint8)
    opened(photo_jpeg(noise))
    opened(contact_sheet([Tile(caption="noise.png", content=noise)] * 12))


def test_a_film_on_a_sheet_shows_its_middle_frame() -> None:
    film = Film([pixels(BLUE), pixels(RED), pixels(BLUE)], (0.0, 1.0, 2.0))
    sheet = opened(contact_sheet([Tile(caption="a.mp4", content=film, time="0:00-0:02")]))
    assert share(sheet, RED) > 0.5


def test_a_film_alone_shows_its_frames_spread_evenly() -> None:
    frames = [pixels((0, 10 * number, 0), 64, 48) for number in range(25)]
    strip = opened(film_strip(Film(frames, tuple(float(number) for number in range(25)))))
    assert share(strip, (0, 0, 0)) > 0
    assert share(strip, (0, 240, 0)) > 0


def test_a_sound_is_drawn_as_a_spectrogram_over_its_seconds() -> None:
    strip = opened(sound_strip(tone(), 73.0))
    assert strip.width == MAX_JPEG_SIDE_PIXELS
    assert len(set(strip.convert("L").tobytes())) > 20
    opened(contact_sheet([Tile(caption="a.wav", content=tone(), text="hello " * 50, time="1:13-1:17")]))


@pytest.mark.parametrize(
    "text",
    ["", "one", "many words " * 500, "x" * 3_000, "日本語の文章です " * 40, "مرحبا بالعالم", "\n\n\n", "🌂", "a\u0301"],
)
def test_any_text_can_stand_on_a_tile(text: str) -> None:
    opened(contact_sheet([Tile(caption=text[:200], text=text), Tile(caption="b", content=text)]))

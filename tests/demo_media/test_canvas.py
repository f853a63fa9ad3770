import numpy as np
from PIL import Image

from mcp_mmretrieval.demo_media.canvas import CORAL, NAVY, TEAL, Canvas


def colour_at(picture: Image.Image, x: int, y: int) -> str:
    red, green, blue = np.asarray(picture.convert("RGB"))[y, x]
    return f"#{red:02x}{green:02x}{blue:02x}"


def test_strokes_lie_where_they_were_drawn_at_the_final_size() -> None:
    canvas = Canvas(200, 100)
    canvas.box(10, 10, 60, 40, TEAL)
    canvas.dot(100, 50, 20, CORAL)
    canvas.line([(150, 10), (150, 90)], NAVY, width=8)
    picture = canvas.picture()
    assert picture.size == (200, 100)
    assert [colour_at(picture, *place) for place in ((35, 25), (100, 50), (150, 50))] == [TEAL, CORAL, NAVY]
    assert colour_at(picture, 195, 95) == "#ffffff"


def test_a_slice_runs_clockwise_from_the_top() -> None:
    canvas = Canvas(100, 100)
    canvas.slice(50, 50, 40, 0, 90, TEAL)
    picture = canvas.picture()
    assert colour_at(picture, 65, 35) == TEAL
    assert [colour_at(picture, *place) for place in ((65, 65), (35, 35))] == ["#ffffff"] * 2

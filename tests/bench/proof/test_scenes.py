"""Drawn pictures: readable, moving, and seen from elsewhere still the same thing."""

import numpy as np
import pytest

from mcp_mmretrieval.bench.proof import scenes
from mcp_mmretrieval.bench.proof.scenes import Scene


def dark_rows(page: object) -> int:
    return int((np.asarray(page).min(axis=(1, 2)) < 100).sum())


def test_a_longer_text_fills_more_of_its_page() -> None:
    short, long = (scenes.draw_text_page("A title", ["some words of a text"] * count) for count in (1, 8))
    assert short.size == long.size == (827, 1_169)
    assert dark_rows(short) < dark_rows(long)


def test_bars_and_lines_rise_with_their_values() -> None:
    for line in (False, True):
        chart = np.asarray(scenes.draw_chart("Some values", {"a": 10.0, "b": 90.0}, line=line)).astype(int)
        inked = (chart[100:425].max(axis=2) - chart[100:425].min(axis=2)) > 60
        left, right = (np.flatnonzero(inked[:, half].any(axis=1))[0] for half in (slice(180, 270), slice(530, 620)))
        assert right < left, "the larger value stands higher"


@pytest.mark.parametrize("scene", [scenes.clock, scenes.balloon, scenes.football, scenes.umbrella, scenes.mushroom])
def test_another_view_is_another_picture_in_the_same_colours(scene: Scene) -> None:
    one, other = (np.asarray(scenes.draw_scene(scene, at)).astype(int) for at in (0.2, 0.7))
    assert (one != other).any()
    assert np.abs(one.mean(axis=(0, 1)) - other.mean(axis=(0, 1))).max() < 12


@pytest.mark.parametrize("scene", [scenes.traffic_light, scenes.sunset, scenes.candle, scenes.countdown])
def test_a_film_goes_on_from_frame_to_frame(scene: Scene) -> None:
    frames = [np.asarray(frame) for frame in scenes.draw_film(scene)]
    assert len({frame.tobytes() for frame in frames}) >= 3

"""Sound, drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

from mcp_mmretrieval.models.spectrogram import draw_spectrogram
from mcp_mmretrieval.types import Sound

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture
from tests.support.drawings import noise, silence, tone

WIDTH, HEIGHT = 300, 100


def draw(sound: Sound) -> Picture:
    return draw_spectrogram(sound, WIDTH, HEIGHT)


def brightness(picture: Picture) -> NDArray[np.int64]:
    return np.asarray(np.sum(picture, axis=2, dtype=np.int64))


@pytest.mark.parametrize(
    "sound", [silence(1), silence(0), tone(440, 0.01), tone(440, 1, 44_100), noise(0.1, 40)], ids=lambda sound: None
)
def test_any_sound_is_drawn_at_the_size_asked_for(sound: Sound) -> None:
    picture = draw(sound)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert picture.dtype == np.uint8


def test_silence_is_dark_all_over() -> None:
    assert len(np.unique(draw(silence(2)).reshape(-1, 3), axis=0)) == 1


def test_a_higher_tone_stands_higher() -> None:
    rows = [int(brightness(draw(tone(hertz, 2)))[:, WIDTH // 2].argmax()) for hertz in (200, 1_000, 5_000)]
    assert rows == sorted(rows, reverse=True)
    assert rows[0] > HEIGHT * 0.8
    assert rows[2] < HEIGHT * 0.4


def test_time_runs_to_the_right() -> None:
    half = tone(1_000, 2).samples
    picture = brightness(draw(Sound(np.concatenate([half, np.zeros_like(half)]), 16_000)))
    assert picture[:, : WIDTH // 2 - 10].max() > 2 * picture[:, WIDTH // 2 + 10 :].max()


def test_hiss_far_below_hearing_is_not_blown_up() -> None:
    assert brightness(draw(noise(1e-6, 2))).max() < 200

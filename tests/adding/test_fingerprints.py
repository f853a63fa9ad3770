"""Fingerprints by which the same picture or sound is known again."""

import numpy as np
import pytest
from PIL import Image

from mcp_mmretrieval.adding.fingerprints import (
    Fingerprint,
    fingerprint,
    rising_bands,
    sound_likeness,
    thumbnail,
)
from mcp_mmretrieval.types import Film, Picture, Sound

RATE = 16_000


def scene(seed: int, side: int = 256) -> Image.Image:
    """A picture of soft spots, unlike that of any other seed."""
    chance = np.random.default_rng(seed)
    small = Image.fromarray(chance.integers(0, 255, (7, 7, 3), dtype=np.uint8))
    return small.resize((side, side), Image.Resampling.BICUBIC)


def pixels(picture: Image.Image) -> Picture:
    return np.asarray(picture.convert("RGB"))


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (2000, 40), (33, 33)])
def test_a_picture_of_any_shape_has_a_thumbnail(size: tuple[int, int]) -> None:
    made = thumbnail(pixels(Image.new("RGB", size, (10, 200, 30))))
    assert made.shape == (32, 32)
    assert np.ptp(made) == 0
    assert made[0, 0] == round(0.299 * 10 + 0.587 * 200 + 0.114 * 30)


def melody(seed: int, seconds: float = 6.0) -> Sound:
    """Half-second tones with overtones, unlike those of any other seed."""
    chance = np.random.default_rng(seed)
    time = np.arange(RATE // 2) / RATE
    tones = [
        sum(np.sin(2 * np.pi * hertz * part * time) / part for part in range(1, 6))
        for hertz in chance.uniform(200, 700, round(2 * seconds))
    ]
    return Sound((0.2 * np.concatenate(tones)).astype(np.float32), RATE)


def test_a_sound_that_is_quieter_later_and_noisier_is_known_and_another_is_not() -> None:
    one = melody(1)
    noise = np.random.default_rng(0).normal(0, 0.004, len(one.samples)).astype(np.float32)
    again = Sound(np.concatenate([np.zeros(700, np.float32), 0.5 * one.samples + noise])[: len(one.samples)], RATE)
    assert sound_likeness(rising_bands(one), rising_bands(again)) > 0.8
    assert sound_likeness(rising_bands(one), rising_bands(melody(2))) < 0.7


def test_a_sound_too_short_to_be_told_has_no_bits() -> None:
    assert len(rising_bands(Sound(np.zeros(100, np.float32), RATE))) == 0


def test_a_fingerprint_is_the_same_after_it_was_stored() -> None:
    film = Film([pixels(scene(1)), pixels(scene(2))], (0.0, 2.0), melody(3))
    stored = fingerprint(film)
    found = Fingerprint.from_bytes(stored)
    assert found is not None
    assert found.pictures.shape == (2, 32, 32)
    assert len(found.sound) == len(rising_bands(melody(3)))
    assert found.to_bytes() == stored
    assert fingerprint("words") == b""
    assert Fingerprint.from_bytes(b"") is None
    assert Fingerprint.from_bytes(b"\xff" + stored[1:]) is None


def test_steady_tones_say_nothing_by_which_they_could_be_told_apart() -> None:
    times = np.arange(4 * RATE) / RATE
    for hertz in (440, 880):
        assert len(rising_bands(Sound((0.5 * np.sin(2 * np.pi * hertz * times)).astype(np.float32), RATE))) == 0


def test_pauses_neither_hide_what_is_said_nor_make_two_sounds_alike() -> None:
    def with_pauses(seed: int) -> Sound:
        spoken = melody(seed, 2.0).samples
        silent = np.zeros(4 * RATE, np.float32)
        return Sound(np.concatenate([spoken, silent, spoken, silent]), RATE)

    one, other = rising_bands(with_pauses(1)), rising_bands(with_pauses(2))
    assert len(one) and len(other)
    assert sound_likeness(one, rising_bands(Sound(0.7 * with_pauses(1).samples, RATE))) > 0.95
    assert sound_likeness(one, other) < 0.7
    assert sound_likeness(one, np.zeros_like(one)) < 0.7

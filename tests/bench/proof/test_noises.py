"""Made sounds: each has what one knows it by."""

import numpy as np
import pytest

from mcp_mmretrieval.bench.proof import noises
from mcp_mmretrieval.bench.proof.noises import NOISE_RATE_HZ, make_noise

ALL = [noises.siren, noises.birdsong, noises.rain, noises.knocking, noises.church_bell, noises.telephone]


def loudness(samples: np.ndarray, begin: float, end: float) -> float:
    return float(np.sqrt((samples[int(begin * NOISE_RATE_HZ) : int(end * NOISE_RATE_HZ)] ** 2).mean()))


def strongest(samples: np.ndarray) -> float:
    return float(np.fft.rfftfreq(len(samples), 1 / NOISE_RATE_HZ)[np.abs(np.fft.rfft(samples)).argmax()])


@pytest.mark.parametrize("noise", ALL)
def test_each_take_is_another_one_of_the_same_loudness(noise: object) -> None:
    one, other = (make_noise(noise, seed) for seed in (0, 5))  # type: ignore[arg-type]
    assert (one.samples != other.samples).any()
    assert np.abs(one.samples).max() == pytest.approx(np.abs(other.samples).max()) == pytest.approx(0.5)


def test_birds_sing_higher_than_bells_toll() -> None:
    assert strongest(make_noise(noises.birdsong).samples) > 2_000
    assert strongest(make_noise(noises.church_bell).samples) < 1_500


def test_a_telephone_pauses_and_rain_does_not() -> None:
    rings, falls = make_noise(noises.telephone).samples, make_noise(noises.rain).samples
    assert loudness(rings, 1.1, 1.9) < 0.01 < loudness(rings, 0.1, 0.9)
    assert loudness(falls, 1.1, 1.9) == pytest.approx(loudness(falls, 0.1, 0.9), rel=0.2)


def test_knocks_come_in_two_groups() -> None:
    knocks = make_noise(noises.knocking).samples
    assert loudness(knocks, 1.4, 2.1) < 0.01 < min(loudness(knocks, 0.3, 1.2), loudness(knocks, 2.2, 3.1))

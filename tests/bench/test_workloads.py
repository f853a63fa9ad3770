import numpy as np
import pytest

from mcp_mmretrieval.bench.workloads import WORKLOAD_RATE_HZ, Workloads, fresh_batches, repeating_batches


def test_the_same_seed_makes_the_same_and_never_the_same_twice() -> None:
    one, other = Workloads(3), Workloads(3)
    first = [one.text(9), one.text(9)]
    assert first == [other.text(9), other.text(9)]
    assert first[0] != first[1]


def test_a_text_has_the_words_asked_for() -> None:
    assert [len(Workloads().text(words).split()) for words in (1, 9, 400)] == [1, 9, 400]


@pytest.mark.parametrize("pixels", [1, 100, 150_000, 1_000_000])
def test_a_page_and_a_frame_have_the_pixels_asked_for(pixels: int) -> None:
    page, film = Workloads().page(pixels), Workloads().frames(3, pixels)
    for picture in (page, *film.pictures):
        assert picture.dtype == np.uint8
        assert picture.shape[2] == 3
        assert picture.shape[0] * picture.shape[1] == pytest.approx(pixels, rel=0.02, abs=15)
    assert film.times == (0.0, 1.0, 2.0)


def test_a_large_page_is_neither_blank_nor_black() -> None:
    assert 100 < Workloads().page(500_000).mean() < 250


def test_a_tone_lasts_as_long_as_asked_and_stays_within_its_range() -> None:
    sound = Workloads().tone(1.5)
    assert (sound.rate, len(sound.samples)) == (WORKLOAD_RATE_HZ, WORKLOAD_RATE_HZ * 3 // 2)
    assert sound.samples.dtype == np.float32
    assert abs(sound.samples).max() < 1


def test_large_batches_share_a_few_contents_and_fresh_ones_none() -> None:
    made = Workloads()
    shared = repeating_batches(lambda: made.text(9))(20)
    assert len(shared) == 20
    assert len(set(map(str, shared))) == 8
    assert len({*map(str, fresh_batches(lambda: made.text(9))(20))}) == 20

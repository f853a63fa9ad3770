"""What of a segment gets a vector, and where a part of it lies."""

from dataclasses import replace
from itertools import pairwise
from typing import Literal

import numpy as np
import pytest

from mcp_mmretrieval.adding.parts import (
    WHOLE_FILM_PART,
    WORDY_PICTURE_WORDS,
    PartContent,
    evenly_spread,
    gets_picture_vectors,
    gets_sound_vectors,
    moment_of_part,
    narrow_to_place,
    overlapping_stretches,
    part_contents,
    place_of_lines,
    segment_to_decode,
    text_around,
)
from mcp_mmretrieval.models import Embedder
from mcp_mmretrieval.types import MODALITY_TRAITS, Film, Modality, Place, Segment, Sound
from tests.support.models import ColourEmbedder, HearingEmbedder

RATE = 16_000
BLACK = np.zeros((4, 4, 3), np.uint8)


def window(start: float, end: float, *frames: float, modality: Modality = "audio") -> Segment:
    return Segment(document="a" * 64, modality=modality, place=Place(start=start, end=end), frames=frames)


def loud(seconds: float) -> Sound:
    return Sound(np.full(round(seconds * RATE), 0.5, np.float32), RATE)


def heard(segment: Segment, sound: Sound, *, sound_s: float = 6.0, since: float = 0.0) -> list[PartContent]:
    return list(part_contents(segment, sound, HearingEmbedder(), sound_s=sound_s, since=since))


@pytest.mark.parametrize("length", [0.5, 1.7, 6.0, 30.0])
@pytest.mark.parametrize("seconds", [1 / RATE, 0.4, 5.9, 6.0, 6.01, 30.0, 34.99])
def test_stretches_cover_all_of_a_sound_and_none_but_the_only_one_is_shorter_than_half(
    seconds: float, length: float
) -> None:
    found = overlapping_stretches(seconds, length)
    assert (found[0][0], found[-1][1]) == (0.0, seconds)
    assert all(start < end <= start + length + 1e-9 for start, end in found)
    assert all(after[0] < before[1] for before, after in pairwise(found))
    assert len(found) == 1 or min(end - start for start, end in found) >= length / 2 - 1e-6


def test_a_part_of_sound_says_where_it_lies_whatever_the_settings_are_later() -> None:
    segment = window(25.0, 55.0)
    found = [moment_of_part(segment, "sound", piece.part) for piece in heard(segment, loud(30.0))]
    assert [place.start for place in found] == [25.0, 28.0, 31.0, 34.0, 37.0, 40.0, 43.0, 46.0, 49.0]
    assert {round(place.end - place.start, 3) for place in found} == {6.0}  # type: ignore[operator]


def test_stretches_that_the_window_before_held_whole_are_not_embedded_twice() -> None:
    first, second = window(0.0, 30.0), window(25.0, 55.0)
    found = [moment_of_part(first, "sound", piece.part) for piece in heard(first, loud(30.0), sound_s=2.0)]
    found += [
        moment_of_part(second, "sound", piece.part) for piece in heard(second, loud(30.0), sound_s=2.0, since=30.0)
    ]
    assert [place.start for place in found] == [*range(29), *range(29, 54)]


def test_silent_stretches_are_left_out_and_a_single_sample_is_heard() -> None:
    samples = np.zeros(30 * RATE, np.float32)
    samples[10 * RATE : 11 * RATE] = 0.5
    found = heard(window(0.0, 30.0), Sound(samples, RATE))
    assert [moment_of_part(window(0.0, 30.0), "sound", piece.part).start for piece in found] == [6.0, 9.0]
    assert heard(window(0.0, 30.0), Sound(np.zeros(RATE, np.float32), RATE)) == []
    assert heard(window(0.0, 0.0), Sound(np.zeros(0, np.float32), RATE)) == []
    (single,) = heard(window(0.0, 0.1), Sound(np.ones(1, np.float32), RATE))
    assert moment_of_part(window(0.0, 0.1), "sound", single.part) == Place(start=0.0, end=0.1)


def test_a_model_that_does_not_hear_gets_no_sound() -> None:
    assert segment_to_decode(window(0.0, 30.0), ColourEmbedder()) is None
    assert list(part_contents(window(0.0, 30.0), loud(30.0), ColourEmbedder(), sound_s=6.0)) == []


def test_a_frame_stands_for_the_film_up_to_the_next_one() -> None:
    segment = window(25.0, 55.0, 25.0, 31.16, 50.0, modality="video")
    places = [moment_of_part(segment, "picture", part) for part in range(3)]
    assert [(place.start, place.end) for place in places] == [(25.0, 31.1), (31.1, 50.0), (50.0, 55.0)]
    assert [narrow_to_place(segment, place).frames for place in places] == [(25.0,), (31.16,), (50.0,)]


def test_frames_of_the_window_before_are_neither_decoded_nor_embedded_again() -> None:
    segment = window(25.0, 55.0, 26.0, 31.0, 50.0, modality="video")
    asked = segment_to_decode(segment, ColourEmbedder(), since=30.0)
    assert asked is not None
    assert asked.frames == (31.0, 50.0)
    found = part_contents(segment, Film([BLACK, BLACK], (31.0, 50.0)), ColourEmbedder(), sound_s=6.0, since=30.0)
    assert [(piece.kind, piece.part) for piece in found] == [("picture", 1), ("picture", 2)]
    assert segment_to_decode(window(25.0, 31.0, 26.0, modality="video"), ColourEmbedder(), since=30.0) is None


def test_a_film_is_one_content_with_as_many_frames_as_the_model_takes_and_its_sound_another() -> None:
    segment = window(0.0, 5.0, 0.0, 1.0, 2.0, 3.0, 4.0, modality="video")
    film = Film([BLACK] * 5, segment.frames, loud(5.0))
    shown, sound = part_contents(segment, film, HearingEmbedder(films=3), sound_s=6.0)
    assert isinstance(shown.content, Film)
    assert (shown.kind, shown.part, shown.content.times) == ("picture", WHOLE_FILM_PART, (0.0, 2.0, 4.0))
    assert moment_of_part(segment, "picture", WHOLE_FILM_PART) == segment.place
    assert (sound.kind, moment_of_part(segment, "sound", sound.part)) == ("sound", segment.place)


def test_a_segment_within_a_place_has_the_time_that_they_share() -> None:
    film = window(0.0, 30.0, 0.0, 10.0, 20.0, modality="video")
    assert narrow_to_place(film, Place(start=8.0, end=40.0)) == window(8.0, 30.0, 10.0, 20.0, modality="video")
    assert narrow_to_place(film, Place(start=12.0, end=14.0)).frames == (13.0,)
    assert narrow_to_place(film, Place()) == film
    page = Segment(document="a" * 64, modality="page", place=Place(page=2))
    assert narrow_to_place(page, Place(start=1.0, end=2.0)) == page


def test_a_narrowed_segment_has_the_lines_of_its_time_and_those_without_one() -> None:
    text, times = "one\ntwo\nthree\na sign", ((0.0, 4.0), (4.0, 9.0), (20.0, 24.0))
    whole = replace(window(0.0, 30.0), text=text, times=times)
    narrow = narrow_to_place(whole, Place(start=5.0, end=10.0))
    assert (narrow.text, narrow.times) == ("two\na sign", ((4.0, 9.0),))
    assert text_around(whole, narrow.place) == ("one", "three")
    assert text_around(whole, Place()) == ("", "")


def test_lines_lie_where_the_first_begins_and_the_last_ends() -> None:
    whole = replace(window(0.0, 30.0), text="one\ntwo\nthree", times=((0.0, 4.0), (4.02, 9.01), (20.0, 24.0)))
    assert place_of_lines(whole, [1]) == Place(start=4.0, end=9.1)
    assert place_of_lines(whole, [0, 1]) == Place(start=0.0, end=9.1)
    assert place_of_lines(whole, []) == whole.place
    assert place_of_lines(replace(whole, times=((0.0, 0.01),)), [0]) == Place(start=0.0, end=1.0)


def test_a_few_of_many_are_spread_from_the_first_to_the_last() -> None:
    assert evenly_spread(range(100), 3) == [0, 50, 99]
    assert evenly_spread([1, 2], 3) == [1, 2]
    assert evenly_spread([1, 2, 3], 1) == [1]


class PictureEmbedder(ColourEmbedder):
    """Sees pictures of the given kinds."""

    def __init__(self, *sees: Literal["photos", "documents"]) -> None:
        super().__init__()
        self._sees = frozenset(sees)

    @property
    def sees(self) -> frozenset[Literal["photos", "documents"]]:
        return self._sees


def seen_by(embedder: Embedder, text: str = "") -> set[Modality]:
    """The modalities whose places get picture vectors, where this text stands in them."""
    whole = Place()
    return {
        modality
        for modality in MODALITY_TRAITS
        if gets_picture_vectors(Segment(document="a" * 64, modality=modality, place=whole, text=text), embedder)
    }


def test_a_model_of_photos_sees_pictures_and_films_but_no_page_and_no_chart() -> None:
    assert seen_by(PictureEmbedder("photos"), "few words") == {"image", "video"}
    assert seen_by(PictureEmbedder("photos"), "a chart " * WORDY_PICTURE_WORDS) == {"video"}


def test_a_model_of_documents_sees_all_that_can_be_seen_and_a_blind_one_nothing() -> None:
    assert seen_by(PictureEmbedder("documents"), "a chart " * WORDY_PICTURE_WORDS) == {"page", "image", "video"}
    assert seen_by(PictureEmbedder("photos", "documents")) == {"page", "image", "video"}
    assert seen_by(PictureEmbedder()) == set()


def test_a_model_that_hears_gets_the_sound_of_recordings_and_films_alone() -> None:
    def heard_by(embedder: Embedder) -> set[Modality]:
        return {name for name in MODALITY_TRAITS if gets_sound_vectors(window(0.0, 9.0, modality=name), embedder)}

    assert heard_by(HearingEmbedder()) == {"audio", "video"}
    assert heard_by(ColourEmbedder()) == set()

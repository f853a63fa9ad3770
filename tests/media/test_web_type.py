"""What browsers play as it lies: by container and codecs, in a confined worker."""

import io

import pytest

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.web_type import web_type
from mcp_mmretrieval.media.workers import Workers
from tests.support import recordings
from tests.support.parsing import opened


@pytest.mark.parametrize(
    ("name", "expected"),
    [("wav", "audio/wav"), ("mp3", "audio/mpeg"), ("flac", "audio/flac"), ("opus", "audio/ogg"), ("m4a", "audio/mp4")],
)
def test_sound_that_browsers_play_has_its_media_type(name: str, expected: str) -> None:
    assert web_type(io.BytesIO(recordings.sound(name, 2.0))) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("mp4", "video/mp4"), ("webm", "video/webm"), ("mkv", None), ("avi", None), ("mov", None)]
)
def test_of_films_only_mp4_and_webm_are_played_everywhere(name: str, expected: str | None) -> None:
    assert web_type(io.BytesIO(recordings.film(name, 2.0))) == expected


def test_a_film_without_sound_is_played_and_one_whose_sound_is_not_is_not() -> None:
    silent = recordings.film("mp4", 2.0, with_sound=False)
    assert web_type(io.BytesIO(silent)) == "video/mp4"
    mute = recordings.tracks(
        recordings.TrackMade(), recordings.TrackMade(samples=recordings.chirp(2.0, 48_000), codec="ac3"), kind="mp4"
    )
    assert web_type(io.BytesIO(mute)) is None


def test_a_cover_makes_no_film_of_a_recording() -> None:
    assert web_type(io.BytesIO(recordings.cover())) == "audio/mpeg"


def test_a_worker_tells_it_and_what_is_no_recording_has_a_reason() -> None:
    pool = Workers(Limits(), 1)
    try:
        with opened(recordings.sound("mp3", 2.0)) as fd:
            assert pool.web_type(fd, name="a.txt") == "audio/mpeg"
        with opened("<html><script>alert(1)</script>") as fd, pytest.raises(UnreadableMedia, match="cannot be opened"):
            pool.web_type(fd, name="a.mp3")
    finally:
        pool.close()

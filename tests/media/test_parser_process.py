"""One parser process: how its end is told, and that what it says is checked."""

import numpy as np
import pytest

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.types import Film, Sound
from tests.support.parsing import PLACE, failure, load, split


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("die SIGSEGV", "parser_crashed"),
        ("die SIGABRT", "parser_crashed"),
        ("die SIGKILL", "memory"),
        ("exit 3", "parser_crashed"),
        ("fill", "memory"),
        ("hang", "timeout"),
        ("freeze", "timeout"),
        ("raise KeyError", "internal"),
        ("raise ValueError", "corrupt"),
        ("refuse", "encrypted"),
    ],
)
def test_a_file_that_ends_its_worker_at_once_fails_with_a_code_and_the_next_works(
    misbehaving: Workers, line: str, code: str
) -> None:
    error = failure(misbehaving, f"{line}\nnever reached")
    assert error.code == code
    assert "secret" not in str(error) and "Traceback" not in str(error)


def test_a_worker_that_was_killed_says_so_and_blames_no_bound(misbehaving: Workers) -> None:
    reason = str(failure(misbehaving, "die SIGKILL"))
    assert reason == "the parser was killed: by the system for lack of memory, or by somebody"
    assert "takes more than" in str(failure(misbehaving, "fill"))


@pytest.mark.parametrize(("line", "shape"), [("picture 20 30", (20, 30, 3)), ("picture 1 1280", (1, 1280, 3))])
def test_a_picture_comes_back_as_it_was(misbehaving: Workers, line: str, shape: tuple[int, ...]) -> None:
    picture = load(misbehaving, line)
    assert isinstance(picture, np.ndarray) and picture.shape == shape and picture.dtype == np.uint8
    assert picture.reshape(-1)[:256].tolist() == np.arange(picture.size, dtype=np.uint8)[:256].tolist()


def test_text_sound_and_film_come_back_as_they_were(misbehaving: Workers) -> None:
    assert load(misbehaving, "text schön") == "schön"
    assert load(misbehaving, "place") == repr(PLACE)
    sound = load(misbehaving, "sound 480000")
    assert isinstance(sound, Sound) and sound.rate == 16_000
    assert np.array_equal(sound.samples, np.linspace(-1, 1, 480_000, dtype=np.float32))
    film = load(misbehaving, "film")
    assert isinstance(film, Film) and film.times == (1.0, 2.5, 4.0) and film.sound is not None
    assert [picture[0, 0, 0] for picture in film.pictures] == [0, 1, 2] and len(film.sound.samples) == 5


@pytest.mark.parametrize("line", ["picture 1281 4", "infinite"])
def test_content_that_makes_no_sense_is_refused(misbehaving: Workers, line: str) -> None:
    with pytest.raises(UnreadableMedia, match="makes no sense") as error:
        load(misbehaving, line)
    assert error.value.code == "parser_crashed"


def test_a_smaller_side_is_enforced(misbehaving: Workers) -> None:
    with pytest.raises(UnreadableMedia, match="makes no sense"):
        load(misbehaving, "picture 20 30", side=16)


def test_half_a_character_does_not_get_through(misbehaving: Workers) -> None:
    assert split(misbehaving, "surrogate") == (["?"], "")

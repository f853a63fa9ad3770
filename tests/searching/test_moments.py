"""Sound and film found as such, and narrowed to the stretch that matched."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.searching.moments import narrow_to_words
from mcp_mmretrieval.store.fulltext import query_terms
from mcp_mmretrieval.types import Film, Place, Segment, Sound
from tests.support.files import BLUE, GREEN, PURPLE, RED, film, picture, recording
from tests.support.models import PATIENCE, HearingModels
from tests.support.recordings import srt

OpenHearing = Callable[..., Library]
HUM, BEEP = 200, 2_000


@pytest.fixture
def opened(tmp_path: Path, folder: Path) -> Iterator[OpenHearing]:
    """Opens a library whose model hears."""
    libraries: list[Library] = []

    def open_it(films: int = 0, **given: object) -> Library:
        settings = Settings.read(**{"library": tmp_path / "library", "roots": (folder,), "workers": 1, **given})
        libraries.append(Library.open(settings=settings, models=HearingModels(settings, films=films)))
        return libraries[-1]

    yield open_it
    for library in libraries:
        library.close()


def add(library: Library) -> None:
    assert library.add().wait(PATIENCE).state == "done"
    assert library.settle(PATIENCE)


def url(path: Path) -> str:
    return f"data:audio/wav;base64,{base64.b64encode(path.read_bytes()).decode()}"


def log(folder: Path) -> Path:
    """Four minutes of hum; it beeps from 3:23 to 3:25."""
    return recording(folder / "log.wav", (HUM, 203), (BEEP, 2), (HUM, 35))


@pytest.mark.parametrize("by", ["beep", "a high beep", "a sound", "a sound and words"])
def test_the_seconds_of_a_log_where_it_beeps_are_found_by_words_and_by_a_beep(
    opened: OpenHearing, folder: Path, tmp_path: Path, by: str
) -> None:
    library = opened()
    log(folder)
    recording(folder / "other.wav", (HUM, 20))
    add(library)
    beep = url(recording(tmp_path / "beep.wav", (BEEP + 150, 2)))
    words = {"a sound": "", "a sound and words": "beep"}.get(by, by)
    answer = library.search(words, like=beep if by.startswith("a sound") else None, lanes=("text", "sound"))
    first = answer.hits[0]
    start, end = first.segment.place.start, first.segment.place.end
    assert first.citation == f"log.wav#t={start:.1f},{end:.1f}"
    assert first.lanes[0] == "sound"
    assert start is not None
    assert end is not None
    assert end - start == 6.0
    assert start <= 203.0
    assert end >= 205.0


def test_a_moment_that_was_found_can_be_opened_heard_and_searched_by(opened: OpenHearing, folder: Path) -> None:
    library = opened()
    log(folder)
    add(library)
    hit = library.search("beep").hits[0]
    for target in (hit.id, hit.citation):
        look = library.look(target)
        assert (look.segment.id, look.citation) == (hit.id, hit.citation)
        assert isinstance(look.content, Sound)
        assert len(look.content.samples) == 6 * look.content.rate
    again = library.search(like=hit.id).hits[0]
    assert again.id == hit.id


def test_memory_holds_a_few_stretches_of_a_long_recording_at_a_time(
    opened: OpenHearing, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_mmretrieval.adding.batching.BATCH_DECODED_BYTES", 2_000_000)
    log(folder)
    library = opened()
    models = library._shared.models
    assert isinstance(models, HearingModels)
    add(library)
    assert sum(models.hearing.taken) > 80
    assert max(models.hearing.taken) <= 10  # 6 s of 16 kHz are 384 kB


def test_a_film_is_found_by_what_it_shows_and_by_what_it_sounds_like_at_its_moment(
    opened: OpenHearing, folder: Path
) -> None:
    library = opened()
    film(folder / "clip.mp4", (RED, 10), (BLUE, 10), (GREEN, 10), hertz=BEEP)
    film(folder / "mute.mp4", (RED, 4))
    add(library)
    seen = library.search("blue", lanes=("picture",)).hits[0]
    assert seen.citation.startswith("clip.mp4#t=10.")
    shown = library.look(seen.id).content
    assert isinstance(shown, Film)
    assert all(frame[..., 2].mean() > 150 for frame in shown.pictures)
    heard = library.search("beep", lanes=("sound",)).hits
    assert [hit.path for hit in heard] == [str(folder / "clip.mp4")]
    assert (heard[0].segment.place.end or 0) - (heard[0].segment.place.start or 0) <= 6.1


def test_a_model_that_takes_in_films_gets_each_stretch_of_film_as_one(opened: OpenHearing, folder: Path) -> None:
    library = opened(films=8)
    film(folder / "clip.mp4", (BLUE, 8), (GREEN, 4), hertz=HUM)
    add(library)
    hit = library.search("blue", lanes=("picture",)).hits[0]
    assert hit.citation.startswith("clip.mp4#t=0.0,12.")
    assert library.search("hum", lanes=("sound",)).hits


def test_everything_finds_itself_first_whatever_it_is(opened: OpenHearing, folder: Path) -> None:
    library = opened()
    for name, colour in {"red": RED, "green": GREEN, "teal": (0, 150, 120)}.items():
        picture(folder / f"{name}.png", colour)
    for name, text in {"one": "red red green", "two": "red green high", "three": "green"}.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    recording(folder / "low.wav", (HUM, 4))
    recording(folder / "both.wav", (HUM, 2), (BEEP, 2))
    film(folder / "clip.mp4", (BLUE, 4), (PURPLE, 4))
    add(library)
    for path in sorted(folder.iterdir()):
        hit = library.search(like=path.name).hits[0]
        assert Path(hit.path).name == path.name
        assert library.search(like=hit.id).hits[0].path == hit.path


def test_silence_and_a_single_sample_are_added_and_break_nothing(opened: OpenHearing, folder: Path) -> None:
    library = opened()
    recording(folder / "silence.wav", (0.0, 3.0))
    recording(folder / "sample.wav", (HUM, 2.1 / 16_000))
    recording(folder / "beep.wav", (BEEP, 3))
    add(library)
    assert Path(library.search("beep", lanes=("sound",)).hits[0].path).name == "beep.wav"
    assert library.status().pending_vectors == 0


def test_stretches_are_as_long_as_the_settings_say(opened: OpenHearing, folder: Path) -> None:
    library = opened(sound_s=2.0)
    recording(folder / "log.wav", (HUM, 8), (BEEP, 2), (HUM, 8))
    add(library)
    assert library.search("beep", lanes=("sound",)).hits[0].citation == "log.wav#t=8.0,10.0"


def test_what_words_found_stays_whole(opened: OpenHearing, folder: Path) -> None:
    library = opened()
    recording(folder / "call.wav", (HUM, 20))
    add(library)
    hit = library.search("low tone", lanes=("words",)).hits[0]
    assert hit.citation == "call.wav#t=0.0,20.0"
    assert np.isfinite(hit.score)


def captioned(folder: Path, name: str, *cues: tuple[float, float, str]) -> None:
    (folder / f"{name}.srt").write_bytes(srt(cues))


def test_a_hit_cites_the_seconds_where_its_words_are(opened: OpenHearing, folder: Path) -> None:
    library = opened()
    film(folder / "clip.mp4", (RED, 10), (BLUE, 10), (GREEN, 6), hertz=HUM)
    captioned(
        folder, "clip", (1, 3, "We speak of blue"), (10, 12, "The mayor opens"), (12, 14, "the market"), (21, 24, "Bye")
    )
    add(library)
    for query, seconds in {"mayor": "10.0,12.0", "mayor market": "10.0,14.0", "bye": "21.0,24.0"}.items():
        hit = library.search(query).hits[0]
        assert hit.citation == f"clip.mp4#t={seconds}"
        assert "speak" not in hit.snippet
    look = library.look("clip.mp4#t=10.0,12.0")
    assert (look.text, look.before) == ("The mayor opens\na low tone", "We speak of blue")  # it hums all the time
    assert look.after == "the market\nBye"


def test_a_frame_that_matched_wins_over_a_word_or_two(opened: OpenHearing, folder: Path) -> None:
    library = opened()
    film(folder / "clip.mp4", (RED, 10), (BLUE, 10), hertz=HUM)
    captioned(folder, "clip", (1, 3, "blue as said once"))
    add(library)
    assert library.search("blue", lanes=("picture",)).hits[0].citation.startswith("clip.mp4#t=10.")
    assert library.search("blue", lanes=("words",)).hits[0].citation == "clip.mp4#t=1.0,3.0"


def window_of(*lines: tuple[float, float, str]) -> Segment:
    return Segment(
        document="ab" * 32,
        modality="audio",
        place=Place(start=0.0, end=30.0),
        text="\n".join(text for _, _, text in lines),
        times=tuple((start, end) for start, end, _ in lines),
    )


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        ("cat", (2.0, 4.0)),
        ("cat dog", (20.0, 24.0)),
        ("cat bird", (2.0, 4.0)),
        ("dog fish", (22.0, 30.0)),
    ],
)
def test_of_several_stretches_the_shortest_with_most_of_the_words_is_cited(
    query: str, seconds: tuple[float, float]
) -> None:
    segment = window_of((2, 4, "a cat"), (8, 10, "no"), (20, 22, "the cat"), (22, 24, "the dog"), (28, 30, "a fish"))
    narrow = narrow_to_words(segment, query_terms(query))
    assert narrow is not None
    assert (narrow.place.start, narrow.place.end) == seconds


def test_words_that_stand_in_no_line_narrow_nothing() -> None:
    segment = window_of((2, 4, "a cat"))
    assert narrow_to_words(segment, query_terms("horse")) is None
    assert narrow_to_words(segment, query_terms("cat horse cow"), least=0.5) is None
    assert narrow_to_words(window_of(), query_terms("cat")) is None

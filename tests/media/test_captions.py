"""Subtitles beside a recording or film, and in it, are words of it, with their seconds."""

import io
from types import ModuleType

import pytest
from av.stream import Disposition

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media import audio, captions, container, video
from mcp_mmretrieval.media.source import Sidecar, Source
from mcp_mmretrieval.types import Film, Sound, SplitPart
from tests.support import recordings
from tests.support.recordings import TrackMade

CUES = ((1.0, 3.0, "{\\i1}Hello{\\i0} world"), (4.0, 6.0, "two\\Nlines"), (33.0, 36.0, "later"))


def split(module: ModuleType, data: bytes, *subtitles: bytes) -> tuple[list[SplitPart], str]:
    """The parts, and all notes."""
    sidecars = tuple(Sidecar(name="talk.srt", file=io.BytesIO(words)) for words in subtitles)
    opened = Source(file=io.BytesIO(data), name="talk", document="ab" * 32, sidecars=sidecars)
    parts, notes = [], []
    for step in module.split(opened, Limits()):
        if isinstance(step, SplitPart):
            parts.append(step)
        else:
            notes.append(step.note)
    return parts, " ".join(notes)


def shown(part: SplitPart) -> Film:
    assert isinstance(part.content, Film)
    return part.content


def test_subtitles_beside_a_recording_are_its_text_and_it_is_heard_as_well() -> None:
    cues = recordings.srt([(1, 3, "good morning"), (28, 29, "in both"), (31, 33, "<i>goodbye</i>")])
    parts, _ = split(audio, recordings.sound(seconds=40.0), cues)
    assert [part.segment.text for part in parts] == ["good morning\nin both", "in both\ngoodbye"]
    assert parts[1].segment.times == ((28.0, 29.0), (31.0, 33.0))
    assert all(isinstance(part.content, Sound) for part in parts)


def test_subtitles_that_are_garbage_are_noted_and_the_sound_is_heard() -> None:
    parts, notes = split(audio, recordings.sound(), bytes(range(256)) * 9)
    assert isinstance(parts[0].content, Sound) and parts[0].content.samples.any()
    assert "talk.srt holds no subtitles" in notes


@pytest.mark.parametrize(
    ("name", "codec"), [("mkv", "subrip"), ("mkv", "ass"), ("mp4", "mov_text"), ("mov", "mov_text"), ("webm", "webvtt")]
)
def test_subtitles_in_a_film_are_its_text_and_its_frames_and_sound_are_still_to_be_read(name: str, codec: str) -> None:
    parts, _ = split(video, recordings.film(name, 40.0, cues=CUES, cue_codec=codec))
    assert [part.segment.text for part in parts] == ["Hello world\ntwo\nlines", "later"]
    seconds = [edge for times in parts[0].segment.times for edge in times]
    assert seconds == pytest.approx([1.0, 3.0, 4.0, 6.0, 4.0, 6.0], abs=0.05)
    assert all(shown(part).pictures and shown(part).sound is not None for part in parts)


def test_subtitles_beside_a_film_and_in_it_are_all_its_text_and_a_note_names_them() -> None:
    beside = recordings.srt([(2, 3, "from the file beside"), (4, 6, "two")])
    parts, notes = split(video, recordings.film("mkv", 9.0, cues=CUES[:2]), beside)
    assert parts[0].segment.text == "from the file beside\ntwo\nHello world\nlines"
    assert "talk.srt, track 3 (subrip)" in notes


def test_every_stream_of_subtitles_is_searched_the_forced_ones_last() -> None:
    film = recordings.tracks(
        TrackMade(),
        TrackMade(
            cues=[(1.0, 2.0, "Bahnhof")],
            flags=Disposition.forced | Disposition.default,
            tags={"language": "ger", "title": "Signs"},
        ),
        TrackMade(cues=[(1.0, 3.0, "the beehive is empty")], flags=Disposition.default, tags={"language": "eng"}),
        TrackMade(cues=[(1.0, 3.0, "der Bienenstock ist leer")], tags={"language": "ger"}),
    )
    parts, notes = split(video, film)
    assert parts[0].segment.text == "the beehive is empty\nder Bienenstock ist leer\nBahnhof"
    assert 'track 3 (eng, subrip), track 4 (ger, subrip), track 2 (ger, "Signs", forced, subrip)' in notes


def test_subtitles_that_are_garbage_are_noted_and_the_film_is_heard() -> None:
    parts, notes = split(video, recordings.film(seconds=9.0), b"\x00\xff garbage")
    assert shown(parts[0]).sound is not None and "talk.srt holds no subtitles" in notes


def test_cues_are_read_no_further_than_they_are_asked_for() -> None:
    file = io.BytesIO(recordings.film("mkv", 40.0, cues=CUES))
    opened = Source(file=file, name="talk", document="ab" * 32)
    with container.open_container(file) as box, captions.Captions(opened, box) as cues:
        assert [line.text for line in cues.between(0.0, 2.0)] == ["Hello world"]
        assert [line.text for line in cues.between(30.0, 40.0)] == ["later"]
        assert [line.text for line in cues.between(0.0, 40.0)] == ["Hello world", "two", "lines", "later"]
        assert cues.notes == []

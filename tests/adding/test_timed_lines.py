"""Captions, speech and what stands in frames, as lines with their seconds."""

import pytest

from mcp_mmretrieval.adding import timed_lines
from mcp_mmretrieval.types import Cue, Place, Segment

WINDOW = Segment(
    document="ab" * 32,
    modality="video",
    place=Place(start=25.0, end=55.0),
    text="Silver spoons lie in the piano.\nAnd so on",
    times=((28.0, 30.0), (31.0, 33.0)),
)


def heard(*cues: Cue, told: bool = True) -> list[Cue]:
    return list(timed_lines.heard_lines(cues, WINDOW, timed_lines.known_lines(WINDOW) if told else ()))


def test_the_lines_of_a_segment_have_its_times() -> None:
    assert timed_lines.known_lines(WINDOW) == [
        Cue(28.0, 30.0, "Silver spoons lie in the piano."),
        Cue(31.0, 33.0, "And so on"),
    ]


def test_what_is_heard_has_the_seconds_of_the_document() -> None:
    assert heard(Cue(4.5, 6.0, "The owl sleeps.")) == [Cue(29.5, 31.0, "The owl sleeps.")]
    assert heard(Cue(29.0, 34.0, "To the end.")) == [Cue(54.0, 55.0, "To the end.")]


@pytest.mark.parametrize(
    ("text", "start", "kept"),
    [
        ("silver spoon lies in a piano", 3.0, False),
        ("The silver spoons lie in the old piano.", 4.5, False),
        ("silver spoons lie in the piano", 20.0, True),
        ("The tractor is parked behind the church.", 3.0, True),
    ],
)
def test_a_sentence_that_captions_say_at_the_same_time_is_not_told_again(text: str, start: float, kept: bool) -> None:
    assert bool(heard(Cue(start, start + 2.0, text))) is kept


def test_without_spaces_sentences_are_compared_as_well() -> None:
    told = [Cue(0.0, 2.0, "\u96ea\u304c\u964d\u308b\u3067\u3057\u3087\u3046")]
    assert timed_lines.is_told(Cue(0.0, 2.0, "\u96ea\u304c\u964d\u308b\u3067\u3057\u3087"), told)
    assert not timed_lines.is_told(Cue(0.0, 2.0, "\u660e\u65e5\u306f\u6674\u308c\u308b"), told)


def test_a_long_cue_is_told_a_sentence_at_a_time() -> None:
    long = Cue(0.0, 20.0, "One two three four. Five six seven eight! Nine ten eleven and the twelfth.")
    lines = heard(long, told=False)
    assert [line.text for line in lines] == ["One two three four.", "Five six seven eight!", long.text[42:]]
    assert lines[0].start == 25.0 and lines[-1].end == 45.0
    assert lines[1].start < 25.0 + 20.0 * 20 / len(long.text) < lines[1].end
    assert [line.text for line in heard(Cue(0.0, 6.0, "One. Two."), told=False)] == ["One. Two."]


def test_a_line_in_frames_lasts_from_the_first_to_the_one_after_the_last() -> None:
    frames = {25.0: "Agenda", 30.0: "Agenda\nBudget", 40.0: "Budget"}
    assert timed_lines.shown_lines(frames, 55.0) == [Cue(25.0, 40.0, "Agenda"), Cue(30.0, 55.0, "Budget")]
    assert timed_lines.shown_lines({}, 55.0) == []

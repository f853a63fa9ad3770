import pytest

from mcp_mmretrieval.media import subtitles
from mcp_mmretrieval.types import Cue

SRT = "1\n00:00:01,000 --> 00:00:02,500\nHello\n\n2\n00:01:03,250 --> 01:00:04,000\ntwo\nlines\n"


def test_an_srt_file_becomes_cues_with_times_in_seconds() -> None:
    assert subtitles.parse_cues(SRT.encode()) == [Cue(1.0, 2.5, "Hello"), Cue(63.25, 3604.0, "two\nlines")]


def test_a_vtt_file_with_styles_notes_and_settings_becomes_the_same_cues() -> None:
    vtt = (
        "WEBVTT - a talk\n\nSTYLE\n::cue { color: red }\n\nNOTE 00:00 is the start\n\nintro\n"
        "00:01.000 --> 00:02.500 line:0 align:start\nHello\n\n"
        "01:03.250 --> 01:00:04.000\n<v Ann>two\n<c.big>lines</c>\n"
    )
    assert subtitles.parse_cues(vtt.encode()) == subtitles.parse_cues(SRT.encode())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_any_usual_encoding_and_line_end_is_read(encoding: str, newline: str) -> None:
    text = SRT.replace("Hello", "Grüße").replace("\n", newline)
    assert subtitles.parse_cues(text.encode(encoding))[0].text == "Grüße"


def test_numbers_and_blank_lines_may_be_missing() -> None:
    loose = "00:00:01.0 --> 00:00:02.0\none\n2\n0:00:03,0 --> 0:00:04,0\ntwo\n00:00:05,0 --> 00:00:06,0\n7\n"
    assert [cue.text for cue in subtitles.parse_cues(loose.encode())] == ["one", "two", "7"]


def test_tags_styles_and_entities_are_taken_out_of_the_words() -> None:
    assert subtitles.cue_words("{\\an8}<i>R&amp;D</i> <font color='red'>is</font>\\Nfun  here") == "R&D is\nfun here"


def test_a_cue_that_ends_before_it_starts_is_left_out() -> None:
    assert subtitles.parse_cues(b"00:00:05,000 --> 00:00:01,000\nbackwards\n") == []


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 9999, bytes(range(256)) * 40, b"-->" * 50_000, b"<" * 200_000, b"{\\" * 100_000, b"9" * 500_000],
)
def test_garbage_holds_no_cues_and_takes_no_time(data: bytes) -> None:
    assert subtitles.parse_cues(data) == []
    assert subtitles.parse_cues(b"00:00:01,000 --> 00:00:02,000\n" + data + b"\n") is not None


def test_a_window_is_told_what_is_said_in_it_and_repeated_lines_once() -> None:
    cues = [Cue(0, 2, "one"), Cue(2, 4, "one\ntwo"), Cue(4, 6, "two\nthree"), Cue(9, 10, "late")]
    assert subtitles.spoken_between(cues, 1.0, 5.0) == [Cue(0, 4, "one"), Cue(2, 6, "two"), Cue(4, 6, "three")]
    assert subtitles.spoken_between(cues, 6.0, 9.0) == []

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


ASS = """[Script Info]
Title: Forge

[V4+ Styles]
Format: Name, Fontname
Style: Default,Arial

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,not shown
Dialogue: 0,0:00:01.00,0:00:02.50,Default,Smith,0,0,0,,{\\i1}He forges{\\i0} a shoe, and\\Nsinks it
Dialogue: 0,0:00:03.00,0:00:04.00,Sign,,0,0,0,,{\\p1}m 0 0 l 100 0 100 100{\\p0}
Dialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,last
"""


def test_an_ass_file_becomes_cues_without_styles_and_drawings() -> None:
    assert subtitles.parse_cues(ASS.encode()) == [
        Cue(1.0, 2.5, "He forges a shoe, and\nsinks it"),
        Cue(5.0, 6.0, "last"),
    ]


def test_an_ssa_file_has_its_fields_in_the_order_that_it_tells() -> None:
    ssa = "[Events]\nFormat: Marked, Start, End, Text\nDialogue: Marked=0,0:01:00.00,0:01:02.00,one, two\n"
    assert subtitles.parse_cues(ssa.encode()) == [Cue(60.0, 62.0, "one, two")]


def test_lyrics_last_until_the_next_line_and_may_come_again() -> None:
    lrc = "[ti:Song]\n[offset:+500]\n[00:10.50][00:30.5]Row, <00:11.00>row\n[00:14]your boat\n[00:16.00]\n"
    assert subtitles.parse_cues(lrc.encode()) == [
        Cue(10.0, 13.5, "Row, row"),
        Cue(13.5, 15.5, "your boat"),
        Cue(30.0, 34.0, "Row, row"),
    ]


def test_sixteen_bits_a_character_need_no_byte_order_mark() -> None:
    assert subtitles.parse_cues(SRT.encode("utf-16-le"))[0].text == "Hello"


def test_words_of_another_script_are_read_in_its_encoding() -> None:
    words = "Завтра обещают снег"
    text = SRT.replace("Hello", f"{words}, и вечером тоже")
    assert subtitles.parse_cues(text.encode("cp1251"))[0].text.startswith(words)

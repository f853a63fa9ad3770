"""Text in all its kinds: recognised, decoded, cut into passages that lead back to the source."""

import random
import re
import zlib
from collections.abc import Sequence

import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import text
from mcp_mmretrieval.types import Place, Segment, SplitPart
from tests.support.media_files import GUIDE, HTML_PAGE, PARAGRAPHS, notes, parts, source, title

LIMITS = Limits()


def split(data: bytes | str, name: str = "notes.md", limits: Limits = LIMITS) -> list[SplitPart]:
    raw = data.encode() if isinstance(data, str) else data
    return parts(text.split(source(raw, name), limits))


def words(texts: Sequence[str]) -> list[str]:
    return re.findall(r"\w+", " ".join(texts))


# -- passages ----------------------------------------------------------------------------------------------------------


def test_passages_are_exact_slices_of_the_source_and_lose_no_word() -> None:
    whole = GUIDE.format(long=PARAGRAPHS)
    passages = split(whole)
    assert len(passages) > 3
    for part in passages:
        place = part.segment.place
        assert part.segment.text == whole[place.first : place.last]
        assert part.segment.modality == "text"
        assert part.content is None
    assert words([part.segment.text for part in passages]) == words([whole])


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.md", "Intro\n\n# The *real* `title`\n\ntext", "The *real* title"),
        ("a.md", '---\ntitle: "From the front"\nx: 1\n---\n\n# Other\n', "From the front"),
        ("a.md", "Underlined\n=====\n\ntext", "Underlined"),
        ("a.md", "[Linked](https://x.org) title\n---\n\ntext", "Linked title"),
        ("a.txt", "No heading at all.", ""),
        ("a.py", "# a comment\nx = 1\n", ""),
        ("a.html", "<!doctype html><title>A &amp;\n B</title><h1>C</h1>", "A & B"),
        ("a.html", "<html><h1>Only <i>this</i></h1><p>x", "Only this"),
    ],
)
def test_the_title_is_the_first_heading_or_what_the_document_says(name: str, content: str, expected: str) -> None:
    assert title(text.split(source(content.encode(), name), LIMITS)) == expected


def test_subtitles_that_belong_to_no_film_are_read_as_text() -> None:
    (part,) = split("1\n00:00:01,000 --> 00:00:02,000\nHello there.\n", "talk.srt")
    assert "Hello there." in part.segment.text


def test_a_start_takes_up_where_another_worker_stopped() -> None:
    data = source(GUIDE.format(long=PARAGRAPHS).encode(), "a.md")
    every = parts(text.split(data, LIMITS))
    for start in range(len(every) + 1):
        assert parts(text.split(data, LIMITS, start)) == every[start:]


def test_what_holds_no_word_is_no_passage() -> None:
    assert split("\n\n---\n\n***\n \t\n") == []
    with pytest.raises(UnreadableMedia) as failure:
        list(media.split(source(b" \n\t\n"), LIMITS))
    assert failure.value.code == "nothing_to_read"


def test_text_beyond_the_limit_is_left_out_with_a_note() -> None:
    limits = Limits(characters=1000)
    for data in (b"word " * 1000, "ä".encode() * 1001, "\U0001f600 x ".encode() * 500):
        steps = list(text.split(source(data), limits))
        assert notes(steps) == ["Only the first 1,000 characters were read, which is the limit."]
        assert (parts(steps)[-1].segment.place.last or 0) <= 1000
    assert notes(text.split(source(b"x" * 1000), limits)) == []


# -- loading -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["page.html", "guide.md", "table.csv", "plain"])
def test_loading_a_passage_gives_its_text_again(name: str) -> None:
    data = (
        HTML_PAGE.replace("<h2>", f"<p>{PARAGRAPHS}</p><h2>") if name == "page.html" else GUIDE.format(long=PARAGRAPHS)
    )
    opened = source(data.encode(), name)
    passages = parts(text.split(opened, LIMITS))
    assert len(passages) > 2
    for part in passages:
        assert text.load(opened, part.segment, LIMITS) == part.segment.text


def test_loading_beyond_the_end_is_refused() -> None:
    segment = Segment(document="", modality="text", place=Place(first=5, last=5000))
    with pytest.raises(UnreadableMedia, match="no range"):
        text.load(source(b"short"), segment, LIMITS)
    assert text.load(source(b"short"), Segment(document="", modality="text", place=Place()), LIMITS) == "short"


# -- encodings ---------------------------------------------------------------------------------------------------------

GERMAN = "Der Käse schmeckt süß, und die Straße führt über Höfe. Größere Bäume stören hier niemanden. " * 5
RUSSIAN = "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему. " * 5  # noqa: RUF001
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。" * 8


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (GERMAN, "utf-8"),
        (GERMAN, "utf-8-sig"),
        (GERMAN, "utf-16"),
        (GERMAN, "utf-16-le"),
        (GERMAN, "utf-16-be"),
        (GERMAN, "utf-32"),
        (GERMAN, "latin-1"),
        (GERMAN, "cp1252"),
        (RUSSIAN, "utf-8"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (JAPANESE, "utf-8"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "utf-16"),
    ],
)
def test_texts_are_decoded_whatever_their_encoding(content: str, encoding: str) -> None:
    data = content.encode(encoding)
    assert text.recognises(source(data))
    assert text.decode_text(data) == content
    assert split(data, "a.txt")[0].segment.place.first == 0


def test_a_damaged_spot_does_not_change_how_the_rest_is_read() -> None:
    data = GERMAN.encode()[:200] + b"\xff" + GERMAN.encode()[200:]
    assert text.recognises(source(data))
    assert text.decode_text(data).count("ß") >= 9


def test_an_accent_far_behind_is_still_read_right() -> None:
    data = b"plain words " * 20_000 + GERMAN.encode("latin-1")
    assert text.decode_text(data).endswith(GERMAN)


def test_half_a_character_at_the_end_is_left_out() -> None:
    assert text.decode_text("abcü".encode()[:-1]) == "abc"


# -- what is no text ---------------------------------------------------------------------------------------------------

JUNK = random.Random(1).randbytes(50_000)


@pytest.mark.parametrize(
    "data",
    [
        JUNK,
        JUNK[:300],
        zlib.compress(b"words " * 9000 + JUNK[:2000]),
        bytes(5000),
        b"MZ" + JUNK,
        b"\x7fELF" + JUNK,
        b"PK\x03\x04" + JUNK,
        b"words " * 20_000 + JUNK * 3,
        b"words " * 5 + b"\0" + b"words",
        bytes(range(256)) * 40,
        b"{\\rtf1 words}",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1",
        b"\x1b\x03\x01\x02\x05" * 100,
        b"\xff\xfe" + JUNK,
        b"\xff\xfe\0\xa3\x11\xaf\n\0\0\x10" * 50,
        bytes(byte for pair in zip(JUNK[:9000], bytes(9000), strict=True) for byte in pair),
    ],
    ids=lambda data: ascii(data[:8]),
)
def test_binary_junk_is_no_text(data: bytes) -> None:
    assert not text.recognises(source(data))
    with pytest.raises(UnreadableMedia) as failure:
        list(media.split(source(data, "notes.txt"), LIMITS))
    assert failure.value.code in ("unsupported_type", "corrupt")


@pytest.mark.parametrize(
    "data",
    [b"a", b"Hello.\n", b"\x1b[31mred\x1b[0m log line\n" * 20, b"a\fb\n", "🙂".encode(), b"x" * 70_000, b"50 \xb0C"],
    ids=lambda data: ascii(data[:8]),
)
def test_short_and_odd_texts_are_texts(data: bytes) -> None:
    assert text.recognises(source(data))

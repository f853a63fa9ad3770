"""Text in all its kinds: recognised, decoded, cut into passages that lead back to the source."""

import random
import re
import zlib
from collections.abc import Sequence
from itertools import pairwise

import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import text
from mcp_mmretrieval.types import Part, Place, Segment
from tests.media.making import notes, parts, source, title

LIMITS = Limits()
GUIDE = """# Guide

Welcome to the guide.

## Setup

{long}

### On Linux

Use the package.

## Use

```python
# this is no heading
```

{long}

Appendix
========

The end.
"""
LONG = "\n\n".join(
    f"Paragraph {number} says something of interest, and then some more of it. " * 4 for number in range(6)
)


def split(data: bytes | str, name: str = "notes.md", limits: Limits = LIMITS) -> list[Part]:
    raw = data.encode() if isinstance(data, str) else data
    return parts(text.split(source(raw, name), limits))


def words(texts: Sequence[str]) -> list[str]:
    return re.findall(r"\w+", " ".join(texts))


# -- passages ----------------------------------------------------------------------------------------------------------


def test_passages_are_exact_slices_of_the_source_and_lose_no_word() -> None:
    whole = GUIDE.format(long=LONG)
    passages = split(whole)
    assert len(passages) > 3
    for part in passages:
        place = part.segment.place
        assert part.segment.text == whole[place.first : place.last]
        assert part.segment.modality == "text"
        assert part.content is None
    assert words([part.segment.text for part in passages]) == words([whole])


def test_passages_have_a_readable_size_and_end_where_a_reader_would_pause() -> None:
    passages = [part.segment.text for part in split(LONG)]
    assert all(len(passage) <= 1200 for passage in passages)
    assert all(len(passage) >= 600 for passage in passages[:-1])
    assert all(passage.endswith(".") for passage in passages)


def test_the_trail_of_headings_stands_over_each_passage() -> None:
    headings = [part.segment.heading for part in split(GUIDE.format(long=LONG))]
    assert headings[0] == "Guide"
    assert "Guide > Setup" in headings
    assert "Guide > Use" in headings
    assert not any("no heading" in heading for heading in headings)


def test_a_passage_that_begins_with_its_heading_stands_under_it() -> None:
    source_text = f"# A\n\n{'First. ' * 60}\n\n# B\n\n## C\n\n{'Second. ' * 60}"
    assert [part.segment.heading for part in split(source_text)] == ["A", "B > C"]


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


def test_very_long_lines_are_cut() -> None:
    for data in ("x" * 10_000, "word " * 3000, '{"a":[' + "1," * 5000 + "1]}", "漢字。" * 3000):
        passages = [part.segment.text for part in split(data, "one.json")]
        assert max(map(len, passages)) <= 1200
        assert "".join(passages).replace(" ", "") == data.replace(" ", "")


def test_rows_of_a_table_stay_whole_and_stand_under_its_columns() -> None:
    rows = ["name,price", *(f"item {number},{number * 3}" for number in range(500))]
    passages = split("\n".join(rows), "prices.csv")
    assert len(passages) > 3
    assert {part.segment.heading for part in passages} == {"name,price"}
    assert [row for part in passages for row in part.segment.text.split("\n")] == rows


def test_source_code_is_cut_between_lines() -> None:
    code = "\n".join(f"def f{number}(x: int) -> int:\n    return x + {number}\n" for number in range(200))
    passages = [part.segment.text for part in split(code, "a.py")]
    assert len(passages) > 3
    assert all(passage.startswith("def ") for passage in passages)


def test_subtitles_that_belong_to_no_film_are_read_as_text() -> None:
    (part,) = split("1\n00:00:01,000 --> 00:00:02,000\nHello there.\n", "talk.srt")
    assert "Hello there." in part.segment.text


def test_a_start_takes_up_where_another_worker_stopped() -> None:
    data = source(GUIDE.format(long=LONG).encode(), "a.md")
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


def test_random_texts_lose_nothing() -> None:
    dice = random.Random(7)
    pieces = ["word", " ", "\n", "\n\n", "# ", "```\n", "===\n", ". ", "ß", "漢", "\r\n", "-", "\t", "e\u0301", "|"]
    for _ in range(200):
        whole = "".join(dice.choices(pieces, k=dice.randrange(2000)))
        passages = split(whole)
        ranges = [(part.segment.place.first or 0, part.segment.place.last or 0) for part in passages]
        assert all(before[1] <= after[0] for before, after in pairwise(ranges))
        assert words([part.segment.text for part in passages]) == words([whole]) or max(map(len, whole.split())) > 500
        for part in passages:
            assert part.segment.text == whole[part.segment.place.first : part.segment.place.last]


# -- HTML --------------------------------------------------------------------------------------------------------------

PAGE = """<!DOCTYPE html>
<html><head><title>Tea &amp; coffee</title><style>p { color: red }</style>
<script>var hidden = "<p>script words</p>";</script></head>
<body><!-- comment words --><nav>Menu</nav>
<h1>Drinks</h1>
<p>Hot   <b>cof</b>fee &eacute;t&eacute; caf&#233;
is 3 &lt; 5.</p>
<h2>Cold</h2><ul><li>Juice</li><li>Water<br>Ice</li></ul>
<table><tr><th>a</th><td>1</td></tr></table>
<pre>x = 1
    y = 2</pre>
<img src="x.png" alt="A cup on a table">
<p title="a > b">Last & least</p></body></html>"""


def test_of_a_page_only_what_can_be_seen_is_read() -> None:
    (part,) = split(PAGE, "page.html")
    seen = part.segment.text
    for expected in ("Drinks", "Hot coffee été café is 3 < 5.", "Juice\n", "Water\nIce", "a 1", "A cup on a table"):
        assert expected in seen
    assert "Last & least" in seen
    for hidden in ("script words", "comment words", "color", "b>", "Tea"):
        assert hidden not in seen
    assert part.segment.heading == "Drinks"


def test_a_place_in_a_page_counts_characters_of_its_source() -> None:
    section = "<h2>Part {}</h2><p>" + "Some words stand &auml; here. " * 30 + "</p><script>no</script>"
    page = "<!doctype html><body>" + "".join(section.replace("{}", str(number)) for number in range(6))
    passages = split(page, "x")
    assert len(passages) == 6
    for number, part in enumerate(passages):
        place = part.segment.place
        assert page[place.first or 0 :].startswith(f"Part {number}</h2>")
        assert page[: place.last].endswith("here.")
        assert part.segment.heading == f"Part {number}"


@pytest.mark.parametrize("name", ["page.html", "guide.md", "table.csv", "plain"])
def test_loading_a_passage_gives_its_text_again(name: str) -> None:
    data = PAGE.replace("<h2>", f"<p>{LONG}</p><h2>") if name == "page.html" else GUIDE.format(long=LONG)
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


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "broken",
    ["<a ", "<!--", "<", '<a "', "<p>", "&amp", "<script>", "<title>", "<![CDATA[", "<h1>", "</", "<?", "&#x", "<pre>"],
)
def test_broken_markup_is_read_as_well_as_may_be_and_in_time(broken: str) -> None:
    first, *_ = split("<html><p>before</p>" + broken * 50_000 + "<p>after</p>", "a.html")
    assert first.segment.text.startswith("before")


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
    assert text.decode(data) == content
    assert split(data, "a.txt")[0].segment.place.first == 0


def test_a_damaged_spot_does_not_change_how_the_rest_is_read() -> None:
    data = GERMAN.encode()[:200] + b"\xff" + GERMAN.encode()[200:]
    assert text.recognises(source(data))
    assert text.decode(data).count("ß") >= 9


def test_an_accent_far_behind_is_still_read_right() -> None:
    data = b"plain words " * 20_000 + GERMAN.encode("latin-1")
    assert text.decode(data).endswith(GERMAN)


def test_half_a_character_at_the_end_is_left_out() -> None:
    assert text.decode("abcü".encode()[:-1]) == "abc"


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


def test_a_file_of_an_unknown_kind_says_what_it_seems_to_be_and_what_can_be_read() -> None:
    with pytest.raises(UnreadableMedia, match=r"report\.docx: this is a ZIP archive.*Can be read: PDF; PNG") as failure:
        list(media.split(source(b"PK\x03\x04" + JUNK, "report.docx"), LIMITS))
    assert failure.value.code == "unsupported_type"


def test_empty_and_too_large_files_are_refused_before_they_are_read() -> None:
    for data, limits, code in ((b"", LIMITS, "empty"), (b"12345", Limits(file_bytes=4), "too_large")):
        with pytest.raises(UnreadableMedia) as failure:
            list(media.split(source(data), limits))
        assert failure.value.code == code
        with pytest.raises(UnreadableMedia):
            media.load(source(data), Segment(document="", modality="text", place=Place()), limits)

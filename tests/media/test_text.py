"""Text in all its kinds: recognised, decoded, cut into passages that lead back to the source."""

import base64
import json
import random
import re
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import text
from mcp_mmretrieval.types import Place, Segment, SplitPart
from tests.support.media_files import GUIDE, HTML_PAGE, PARAGRAPHS, abouts, notes, parts, source, title

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


# -- notations ---------------------------------------------------------------------------------------------------------

NOTATIONS = {
    "events.jsonl": r'{"msg": "Z\u00fcrich\nseconderry", "n": 1}' "\n" * 90,
    "one.json": '{"items":[' + ",".join(f'{{"id":{n},"name":"crate \\u00fc {n}"}}' for n in range(200)) + "]}",
    "log.txt": '{"log": "\\u001b[31mOver\\u001b[0mheated"}\n' * 60,
    "prog.py": 'print("Z\\u00fcrich\\ntarragon")\n' * 90,
    "notes.md": "# M&uuml;ller\n\n" + "Caf&eacute; &amp; words. " * 200,
    "orders.xml": '<?xml version="1.0"?>\n' + "<a to='M&#252;nster'>Caf&#233;</a>\n" * 90,
    "thesis.tex": '\\section{Einf\\"uhrung}\n' + 'Die M\\"uhle, Stra{\\ss}e. ' * 90,
    "a.properties": "key=Gr\\u00fc\\u00dfe\n" * 200,
    "mill.log": "\x1b[31mOver\x1b[0mheated mill\n" * 90,
    "mac.csv": "fish,place\r" + 'Eel,"the\rpool"\r' * 200,
    "mail.eml": "From: a@example.org\nSubject: =?utf-8?Q?Caf=C3=A9?=\nContent-Transfer-Encoding: quoted-printable\n\n"
    + "The caf=C3=A9 of the c=\nrew is open. " * 90,
    "cal.ics": "BEGIN:VCALENDAR\n" + "BEGIN:VEVENT\nSUMMARY:Slip\n way\\, one\nEND:VEVENT\n" * 40 + "END:VCALENDAR\n",
    "all.vcf": "BEGIN:VCARD\nFN:Ann\\, Oar\nN:Oar;Ann\nTEL;TYPE=CELL:+44 1\nEND:VCARD\n" * 40,
    "salt.ipynb": json.dumps({"cells": [{"cell_type": "markdown", "source": ["Caf\u00e9\n", "two. " * 90]}] * 9}),
}


@pytest.mark.parametrize("name", NOTATIONS)
def test_what_stands_behind_a_notation_is_cited_and_loaded_by_its_source(name: str) -> None:
    opened = source(NOTATIONS[name].encode(), name)
    passages = parts(media.split(opened, LIMITS))
    assert len(passages) > 1
    ends = [part.segment.place.last or 0 for part in passages]
    assert ends == sorted(set(ends))
    for part in passages:
        assert "\\u00" not in part.segment.text
        assert media.load(opened, part.segment, LIMITS) == part.segment.text


def test_words_behind_a_notation_are_whole() -> None:
    for name, expected in {
        "events.jsonl": "Zürich\nseconderry",
        "log.txt": '"Overheated"',
        "prog.py": "Zürich\ntarragon",
        "notes.md": "Café & words.",
        "orders.xml": "<a to='Münster'>Café</a>",
        "thesis.tex": "Die Mühle, Straße.",
        "a.properties": "key=Grüße",
        "mill.log": "Overheated mill",
        "mac.csv": 'Eel,"the pool"\n',
        "mail.eml": "The café of the crew is open.",
        "cal.ics": "Summary: Slipway, one",
        "all.vcf": "Name: Ann, Oar\nPhone (mobile): +44 1",
        "salt.ipynb": "Café\ntwo.",
    }.items():
        first, *_ = parts(media.split(source(NOTATIONS[name].encode(), name), LIMITS))
        assert expected in first.segment.text


def test_objects_of_a_long_line_stay_whole() -> None:
    passages = [part.segment.text for part in split(NOTATIONS["one.json"], "one.json")]
    assert len(passages) > 2
    assert all(passage.startswith('{"id"') for passage in passages[1:])


def test_a_table_shows_its_header_over_each_passage() -> None:
    passages = [part.segment.text for part in split(NOTATIONS["mac.csv"], "mac.csv")]
    assert {part.segment.heading for part in split(NOTATIONS["mac.csv"], "mac.csv")} == {"fish,place"}
    assert len(passages) > 1
    assert all(passage.startswith("fish,place\n") for passage in passages)


def test_what_is_left_out_is_said() -> None:
    payload = base64.b64encode(random.Random(1).randbytes(600)).decode()
    steps = list(text.split(source(f'{{"a": "{payload}", "b": "words"}}'.encode(), "a.json"), LIMITS))
    assert notes(steps) == ["A piece of base64 inside of it was left out."]
    assert parts(steps)[0].segment.text == '{"a": "", "b": "words"}'


def test_dates_and_keywords_are_told() -> None:
    for name, data in {
        "a.md": "---\ndate: 2025-05-06\n---\nwords",
        "a.html": "<html><meta property='dcterms.date' content='2025-05-06'><meta name=author content=Ann>words",
        "a.eml": "From: a@b.c\nSubject: x\nDate: Tue, 06 May 2025 00:00:00 +0000\n\nwords",
        "a.ics": "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20250506\nEND:VEVENT\nEND:VCALENDAR",
    }.items():
        _, about, *_ = abouts(media.split(source(data.encode(), name), LIMITS))
        assert about.dated == datetime(2025, 5, 6, tzinfo=UTC).timestamp()
        assert about.keywords == ("Ann" if name == "a.html" else "")


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
    [
        b"a",
        b"Hello.\n",
        b"\x1b[31mred\x1b[0m log line\n" * 20,
        b"\x1b]8;;x\alink\x1b]8;;\a\n",
        b"a\fb\n",
        "🙂".encode(),
        b"x" * 70_000,
        b"50 \xb0C",
    ],
    ids=lambda data: ascii(data[:8]),
)
def test_short_and_odd_texts_are_texts(data: bytes) -> None:
    assert text.recognises(source(data))

"""RTF: words in all encodings, tables, notes, pictures, and nothing of what a reader does not see."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.office.rich_text import rtf
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.types import SplitStep
from tests.support.media_files import abouts, parts, source, title

LIMITS = Limits()
HEAD = (
    rb"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Times;}{\f2\fcharset2 Symbol;}"
    rb"{\f3\fcharset128 MS;}}{\colortbl;\red0\green0\blue0;\red255\green255\blue255;}"
    rb"{\stylesheet{\ql Normal;}{\s1\outlinelevel0 Kapitel;}{\s2 heading 2;}{\s5 Title;}{\*\cs10 Default;}}"
)


def split(body: bytes, head: bytes = HEAD) -> list[SplitStep]:
    return list(media.split(source(head + body + b"}", "letter.rtf"), LIMITS))


def text(steps: Sequence[SplitStep]) -> str:
    return "\n".join(part.segment.text for part in parts(steps) if part.segment.modality == "text")


def test_headings_title_and_what_it_says_of_itself() -> None:
    steps = split(
        rb"{\info{\title Old}{\author Ann}{\keywords oak}{\creatim\yr2024\mo3\dy2\hr10\min0}}"
        rb"\pard\s5 Survey\par\pard\s1 One\par\pard "
        + b"Words. " * 60
        + rb"\par\pard\s2 Two\par\pard "
        + b"More. " * 60
        + rb"\par\pard\outlinelevel0 Three\par\pard End. "
        + b"Words. " * 60
    )
    assert title(steps) == "Survey"
    assert [part.segment.heading for part in parts(steps)] == ["One", "One > Two", "Three"]
    (about,) = [about for about in abouts(steps) if about.keywords]
    assert about.keywords == "Ann\noak\nOld"
    assert about.dated == datetime(2024, 3, 2, 10, tzinfo=UTC).timestamp()


def test_what_is_broken_off_is_read_as_far_as_it_goes() -> None:
    whole = HEAD + rb"\pard Words of a letter.\par\trowd\intbl a\cell b\cell{\field{\*\fldinst x"
    assert text(list(media.split(source(whole), LIMITS))) == "Words of a letter.\n\na | b"


def test_groups_without_end_are_the_documents_fault() -> None:
    with pytest.raises(UnreadableMedia) as failure:
        split(b"{" * 20_000)
    assert failure.value.code == "corrupt"


def test_a_document_of_another_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtf, "MAX_DOCUMENT_BYTES", 100)
    with pytest.raises(UnreadableMedia) as failure:
        split(b"words " * 100)
    assert failure.value.code == "too_large"


def test_junk_behind_the_mark_is_survived() -> None:
    chosen = random.Random(4)
    pieces = [
        b"{",
        b"}",
        b"\\u",
        b"\\'8",
        b"\\pict ",
        b"\\cell ",
        b"\\row ",
        b"\\sv ",
        b"\\footnote ",
        b"\\bin9 ",
        b"ab ",
    ]
    for _ in range(300):
        data = HEAD + b"".join(chosen.choices(pieces, k=60))
        steps = rtf.parts(source(data), LIMITS)
        assert list(steps)


def test_a_locked_worker_reads_letters_of_east_asia(tmp_path: Path) -> None:
    head = rb"{\rtf1\ansi{\fonttbl{\f1\fcharset128 a;}{\f2\fcharset129 b;}{\f3\fcharset134 c;}{\f4\fcharset136 d;}}"
    written = (("1", "茶", "cp932"), ("2", "차", "cp949"), ("3", "茶", "gbk"), ("4", "茶", "cp950"))
    body = b"".join(
        rb"{\f" + font.encode() + b" " + b"".join(b"\\'%02x" % byte for byte in letter.encode(codec)) + b"}"
        for font, letter, codec in written
    )
    (tmp_path / "a.rtf").write_bytes(head + body + b"}")
    pool = Workers(LIMITS, 1)
    try:
        with (tmp_path / "a.rtf").open("rb") as file:
            steps = list(pool.split(file.fileno(), name="a.rtf", document="ab" * 32))
    finally:
        pool.close()
    assert text(steps) == "茶차茶茶"

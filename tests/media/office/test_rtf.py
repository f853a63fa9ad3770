"""RTF: words in all encodings, tables, notes, pictures, and nothing of what a reader does not see."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.office import rtf
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.types import SplitStep
from tests.support.media_files import abouts, notes, parts, picture, source, title

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


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (rb"Caf\'e9", "Café"),
        (rb"{\f1 \'cf\'f0\'e8}vet\'e9", "\u041f\u0440\u0438vet\u00e9"),
        (rb"{\f3 \'83A\'83\'5c}", "アソ"),
        (rb"\u8364\'80 and {\uc0\u8364}x", "€ and €x"),
        (rb"{\uc2\u8364\'a2\'e3}x", "€x"),
        (rb"x\u-10179?\u-8704?", "x😀"),
        (rb"{\f2 a\'b7}", "\u03b1\u2022"),
        (rb"a\~b\_c\-d\emdash\lquote x\rquote\{\}\\", "a b-cd\u2014\u2018x\u2019{}\\"),
        (b"one\\\ntwo", "one\n\ntwo"),
        (b"on\ne\\tab two\\line three", "one two\nthree"),
        ("naïve".encode("cp1252"), "naïve"),
    ],
    ids=ascii,
)
def test_letters_of_all_encodings(written: bytes, read: str) -> None:
    assert text(split(rb"\pard\plain " + written)) == read


def test_the_code_page_of_the_document_holds_where_a_font_says_nothing() -> None:
    assert text(split(rb"\'cf\'f0\'e8", rb"{\rtf1\ansi\ansicpg1251{\fonttbl{\f0 Arial;}}\f0 ")) == "При"
    assert text(split(rb"\'8e", rb"{\rtf1\mac ")) == "é"
    assert text(split(rb"\'e9", rb"{\rtf1\ansi\ansicpg99999 ")) == "é"


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


def test_cells_are_apart_and_the_first_row_names_the_columns() -> None:
    def row(*cells: bytes, more: bytes = b"") -> bytes:
        return rb"\trowd" + more + rb"\pard\intbl " + b"".join(cell + rb"\cell " for cell in cells) + rb"\row "

    steps = split(rb"before\par" + row(b"Ship", b"Port") + row(rb"oak\par elm", b"") + rb"\pard after\par")
    assert text(steps) == "before\n\nShip | Port\noak elm\n\nafter"
    many = split(row(b"Ship", b"Port", more=rb"\trhdr") + row(b"vessel", b"Bergen in the north") * 200)
    assert len(parts(many)) > 3
    assert all(part.segment.text.startswith("Ship | Port\n") for part in parts(many))


def test_margins_notes_comments_boxes_and_lists() -> None:
    steps = split(
        rb"{\header\pard letterhead\par}{\headerl\pard letterhead\par}{\footerf\pard bottom\par}"
        rb"\pard Claim{\super\chftn{\footnote\pard{\super\chftn} the source}} goes on"
        rb"{\*\atnid A}{\*\atnauthor Ann Lee}\chatn{\*\annotation\pard please check}"
        rb"{\shp{\*\shpinst{\sp{\sn x}{\sv 17}}{\shptxt\pard boxed\par}}{\shprslt boxed}}\par"
        rb"{\listtext\pard\plain\f2 \'b7\tab}first\par{\pntext\f0 2.\tab}{\*\pn\pnlvlbody}second\par"
    )
    assert text(steps) == (
        "letterhead\n\nClaim[1] goes on\n[1] the source\nComment (Ann Lee): please check\n\nboxed\n"
        "• first\n2. second\n\nbottom"
    )


def test_results_of_fields_and_objects_are_read_and_what_lies_behind_them_is_not() -> None:
    steps = split(
        rb"{\field{\*\fldinst HYPERLINK secret}{\fldrslt link}} {\*\generator program;}{\*\unknown words}"
        rb"{\object\objemb{\*\objclass Package}{\*\objdata 68656c6c6f}{\result shown}}{\xe entry}{\*\bkmkstart mark}"
    )
    assert text(steps) == "link shown"
    assert notes(steps) == ["1 object of other programs in it: not opened; what is shown of them was read."]


def test_hidden_and_deleted_text_is_left_out_and_counted() -> None:
    steps = split(rb"seen{\v unseen}{\deleted gone}{\cf2 white}{\cf2\highlight1  on dark}{\v\v0  back}{\revised  new}")
    assert text(steps) == "seen on dark back new"
    assert notes(steps) == [
        "What a reader of it cannot see was left out: 11 characters of hidden text.",
        "What tracked changes delete was left out: 4 characters.",
    ]


def test_pictures_are_places_once_each() -> None:
    png, blue = picture().hex().encode(), picture(colour="blue")
    said = rb"{\*\picprop{\sp{\sn wzDescription}{\sv A red square}}}"
    steps = split(
        rb"See {\*\shppict{\pict" + said + rb"\pngblip\picw10 " + png + rb"}}{\nonshppict{\pict\wmetafile8 01}}"
        rb" and {\pict\pngblip\bin" + str(len(blue)).encode() + b" " + blue + rb"} and {\pict\pngblip "
        rb"{\*\blipuid 0102}" + png + rb"}{\pict\wmetafile8 0102}"
    )
    found = [part.segment for part in parts(steps) if part.segment.modality == "image"]
    assert [(one.place.fragment, one.heading) for one in found] == [
        ("picture=1", "A red square"),
        ("picture=2", ""),
    ]
    assert text(steps) == "See [A red square] and and"
    assert notes(steps) == ["1 drawing in it, kept as commands of Windows (EMF, WMF), not read."]


def test_what_is_broken_off_is_read_as_far_as_it_goes() -> None:
    whole = HEAD + rb"\pard Words of a letter.\par\trowd\intbl a\cell b\cell{\field{\*\fldinst x"
    assert text(list(media.split(source(whole), LIMITS))) == "Words of a letter.\n\na | b"


def test_groups_without_end_are_the_documents_fault() -> None:
    with pytest.raises(UnreadableMedia) as failure:
        split(b"{" * 20_000)
    assert failure.value.code == "corrupt"


def test_a_document_of_another_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtf, "MAX_RTF_BYTES", 100)
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

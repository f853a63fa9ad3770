"""The text of RTF: words in all encodings, tables, notes, pictures, and nothing of what a reader does not see."""

import pytest

from tests.media.office.rich_text.test_rtf import split, text
from tests.support.media_files import notes, parts, picture


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
    assert notes(steps) == ["Not read: 1 drawing in a format of Windows (EMF, WMF)."]

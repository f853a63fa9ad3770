"""Form values and remarks of a page."""

import pytest

from mcp_mmretrieval.media.pdf.annotations import annotation_lines
from tests.support.pdf_pages import opened, page_pdf, words_at

BOX = "/Rect [100 600 300 620]"
FIELD = f"/Type /Annot /Subtype /Widget {BOX} /P @page"


def lines_of(*annotations: str, text: str = "", form: bool = False) -> list[str]:
    listed = " ".join(f"@{at}" for at in range(len(annotations)))
    fields = f"/AcroForm << /Fields [{listed}] /DR << /Font << /Helv @font >> >> /DA (/Helv 11 Tf 0 g) >>"
    data = page_pdf(words_at([(60, 700, "Printed")]), objects=annotations, page=f"/Annots [{listed}]",
                    catalog=fields if form else "")  # fmt: skip
    document = opened(data)
    return annotation_lines(document, document[0], text)


def field(kind: str, name: str, more: str) -> str:
    return f"<< {FIELD} /FT /{kind} /T ({name}) {more} >>"


def test_what_was_filled_in_is_read_with_what_its_field_is_called() -> None:
    found = lines_of(
        field("Tx", "Text1", "/V (Gullwing Perdita)"),
        field("Tx", "place_of_birth", "/V (Broomfield)"),
        field("Tx", "f1", "/V (Wilhelmina) /TU (First name)"),
        field("Ch", "country", "/Ff 131072 /Opt [(Kenya) (Tanzania)] /V (Tanzania)"),
        field("Ch", "fruit", "/Opt [(kiwi) (plum) (pear)] /V [(kiwi) (pear)] /I [0 2]"),
        form=True,
    )
    assert found == [
        "Gullwing Perdita",
        "place of birth: Broomfield",
        "First name: Wilhelmina",
        "country: Tanzania",
        "fruit: kiwi, pear",
    ]


def test_a_ticked_box_is_read_and_an_empty_one_is_not() -> None:
    states = "/AP << /N << /Yes @0 /Off @0 >> >>"
    found = lines_of(
        field("Btn", "smoker", f"/V /Yes /AS /Yes {states}"),
        field("Btn", "driver", f"/V /Off /AS /Off {states}"),
        field("Tx", "remarks", ""),
        form=True,
    )
    assert found == ["smoker: Yes"]


def test_passwords_and_hidden_fields_are_not_read() -> None:
    found = lines_of(
        field("Tx", "code", "/Ff 8192 /V (swordfish)"), field("Tx", "token", "/F 2 /V (crowbar)"), form=True
    )
    assert found == []


def test_remarks_are_read_those_of_several_lines_too() -> None:
    found = lines_of(
        f"<< /Type /Annot /Subtype /Text {BOX} /Contents (Sticky remark:\\rloganberry) >>",
        f"<< /Type /Annot /Subtype /FreeText {BOX} /Contents (Typed remark kumquat) /DA (/Helv 11 Tf) >>",
        f"<< /Type /Annot /Subtype /Highlight {BOX} /Contents <FEFF041F044004380432043504420020007C> "
        "/QuadPoints [100 620 300 620 100 600 300 600] >>",
    )
    assert found == ["Sticky remark:\nloganberry", "Typed remark kumquat", "Привет |"]


def test_a_remark_that_is_written_as_rich_text_alone_is_read() -> None:
    rich = '<?xml version="1.0"?><body xmlns="http://www.w3.org/1999/xhtml"><p>Mind the <b>gooseberry</b></p></body>'
    remark = f"<< /Type /Annot /Subtype /Text {BOX} /RC ({rich}) >>"
    assert lines_of(remark) == ["Mind the gooseberry"]


def test_links_and_windows_of_remarks_say_nothing_of_their_own() -> None:
    assert lines_of(
        f"<< /Type /Annot /Subtype /Link {BOX} /Contents (A link to a shop) >>",
        f"<< /Type /Annot /Subtype /Popup {BOX} /Contents (Twice the same) >>",
    ) == []  # fmt: skip


def test_a_remark_that_repeats_the_marked_words_is_left_out() -> None:
    quoted = f"<< /Type /Annot /Subtype /Highlight {BOX} /Contents (delivers within six weeks) >>"
    short = f"<< /Type /Annot /Subtype /Text {BOX} /Contents (six) >>"
    text = "The supplier delivers\nwithin six weeks of the order."
    assert lines_of(quoted, short, text=text) == ["six"]


def test_the_same_value_on_two_fields_is_said_once() -> None:
    twice = field("Tx", "Text1", "/V (Perdita)"), field("Tx", "Text2", "/V (Perdita)")
    assert lines_of(*twice, form=True) == ["Perdita"]


@pytest.mark.timeout(20)
def test_many_remarks_on_a_page_of_many_words_take_little_time() -> None:
    remarks = [f"<< /Type /Annot /Subtype /Text {BOX} /Contents (Remark of a reader, {at}) >>" for at in range(2_000)]
    assert len(lines_of(*remarks, text="words of the page " * 30_000)) == 2_000

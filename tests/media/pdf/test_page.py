"""Which pages are read by OCR, and what their text is."""

from textwrap import wrap

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media.pdf.legibility import is_language
from mcp_mmretrieval.media.pdf.page import PageContent, draw_page_for_reading, read_page
from tests.media.pdf.test_legibility import ENGLISH, exchanged
from tests.support.media_files import illustrated_pdf
from tests.support.pdf_pages import A4, opened, page_pdf, words_at

WHOLE, MOST, SMALL = (0, 0, 612, 792), (20, 20, 572, 600), (50, 50, 150, 150)
A1 = (1684, 2384)
LINE = "Words of a text layer that fill a line on the page of a report."


def scan() -> Image.Image:
    image = Image.new("RGB", (306, 396), "white")
    ImageDraw.Draw(image).text((40, 60), "Scanned words", fill="black")
    return image


def content(data: bytes) -> PageContent:
    return read_page(opened(data), 1, Limits(side=300), look_at_fonts=False)


@pytest.mark.parametrize(
    "stamp",
    [
        "Scanned with CamScanner",
        "Case 1:20-cv-04321-ABC Document 55-3 Filed 01/02/20 Page 3 of 10",
        "CONFIDENTIAL\nAttorneys' eyes only, subject to the protective order\nACME-0001234",
    ],
)
def test_a_scan_is_read_by_ocr_whatever_is_stamped_on_it(stamp: str) -> None:
    page = content(illustrated_pdf([(stamp, [(scan(), WHOLE)])]))
    assert page.text == stamp
    assert page.picture is not None and int(np.ptp(page.picture)) > 100


def test_a_slide_of_a_title_and_a_picture_is_read_by_ocr() -> None:
    assert content(illustrated_pdf([("Quarterly figures by region", [(scan(), MOST)])])).picture is not None


def test_a_scan_that_has_its_text_layer_is_not_read_again() -> None:
    page = content(illustrated_pdf([("\n".join([LINE] * 12), [(scan(), WHOLE)])]))
    assert page.picture is None


def test_a_page_of_text_with_a_small_picture_is_not_read_by_ocr() -> None:
    assert content(illustrated_pdf([(LINE, [(scan(), SMALL)])])).picture is None


def test_a_page_whose_letters_were_exchanged_is_read_by_ocr_and_keeps_them() -> None:
    layer = "\n".join(wrap(exchanged(ENGLISH, 3), 60))
    page = content(page_pdf(words_at((60, 700 - 15 * at, line) for at, line in enumerate(layer.split("\n")))))
    assert page.picture is not None
    assert page.text == layer


def test_the_numbers_of_glyphs_keep_their_blanks() -> None:
    numbers = "".join(f"{ord(letter) - 29:02X}" for letter in ENGLISH[:100])
    to_unicode = (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        b"1 begincodespacerange <00> <FF> endcodespacerange 1 beginbfrange <00> <7F> <0000> endbfrange endcmap end end"
    )
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Courier /ToUnicode @1 >>"
    lines = [numbers[at : at + 100] for at in range(0, len(numbers), 100)]
    drawn = "".join(f"BT /B 8 Tf 60 {700 - 20 * at} Td <{line}> Tj ET\n" for at, line in enumerate(lines))
    page = content(
        page_pdf(drawn, objects=[font], streams=[(to_unicode, "")], page="/Resources << /Font << /B @0 >> >>")
    )
    assert page.picture is not None
    assert not is_language(page.text)


def test_a_page_of_characters_without_a_writing_is_read_by_ocr_and_loses_them() -> None:
    codes = "".join(f"\\{0o200 + at % 32:o}" for at in range(40))
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode @1 >>"
    bad_map = (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        b"1 begincodespacerange <00> <FF> endcodespacerange 1 beginbfrange <80> <9F> <0080> endbfrange endcmap end end"
    )
    data = page_pdf(f"BT /B 11 Tf 60 700 Td ({codes}) Tj ET", objects=[font], streams=[(bad_map, "")],
                    page="/Resources << /Font << /B @0 >> >>")  # fmt: skip
    page = content(data)
    assert page.text == ""


def test_form_values_and_remarks_stand_behind_the_text_of_their_page() -> None:
    remark = "<< /Type /Annot /Subtype /Text /Rect [10 10 30 30] /Contents (Remark loganberry) >>"
    data = page_pdf(words_at([(60, 700, LINE)]), objects=[remark], page="/Annots [@0]")
    assert content(data).text == f"{LINE}\nRemark loganberry"


@pytest.mark.parametrize(
    ("size", "letters", "larger"),
    [(A1, 7, True), (A1, 120, False), (A4, 7, False), ((200, 3_000), 7, True)],
    ids=["a sheet with small print", "a poster with large letters", "a page", "a till roll"],
)
def test_a_sheet_with_small_print_is_drawn_as_large_as_that_needs(
    size: tuple[int, int], letters: int, larger: bool
) -> None:
    lines = words_at(((20, y, "DN 80 flange, bolts M16, see note 4") for y in range(20, size[1], 3 * letters)), letters)
    limits = Limits(side=1_024)
    drawn = draw_page_for_reading(opened(page_pdf(lines, size=size))[0], limits)
    assert (max(drawn.shape[:2]) > limits.side) == larger
    assert drawn.shape[0] * drawn.shape[1] <= limits.reading_pixels

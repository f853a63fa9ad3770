"""Pages whose letters cannot be drawn."""

import numpy as np

from mcp_mmretrieval.media.pdf.missing_fonts import lacks_font
from mcp_mmretrieval.media.pdf.page import draw_page, read_page
from tests.support.pdf_pages import boxes_font, opened, page_pdf, words_at

CHINESE = "".join(f"{ord(letter):04X}" for letter in "年度审计报告本公司在苏州新建了两条生产线")
NOT_EMBEDDED = (
    "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [@1] >>",
    "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /CIDSystemInfo << /Registry (Adobe) "
    "/Ordering (GB1) /Supplement 2 >> /DW 1000 /FontDescriptor @2 >>",
    "<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [0 -120 1000 880] /ItalicAngle 0 "
    "/Ascent 880 /Descent -120 /CapHeight 880 /StemV 90 >>",
)
RESOURCES = "/Resources << /Font << /J @0 >> >>"


def test_a_font_that_is_neither_in_the_file_nor_installed_is_lacking() -> None:
    page = opened(page_pdf(f"BT /J 14 Tf 60 700 Td <{CHINESE}> Tj ET", objects=NOT_EMBEDDED, page=RESOURCES))[0]
    drawn = int(np.ptp(draw_page(page, 400))) > 100  # where a Chinese font is installed
    assert lacks_font(page, "年度审计报告") != drawn


def test_one_letter_at_a_time_too_though_pdfium_then_drops_the_text() -> None:
    content = "".join(f"BT /J 14 Tf {60 + at * 4} 700 Td <{CHINESE[at : at + 4]}> Tj ET\n" for at in range(0, 40, 4))
    document = opened(page_pdf(content, objects=NOT_EMBEDDED, page=RESOURCES))
    drawn = int(np.ptp(draw_page(document[0], 400))) > 100
    assert read_page(document, 1, 400, look_at_fonts=True).lacks_font != drawn


def test_letters_with_a_shape_and_latin_ones_lack_nothing() -> None:
    objects, streams = boxes_font("年度")
    shaped = page_pdf("BT /J 14 Tf 60 700 Td (AB) Tj ET", objects=objects, streams=streams, page=RESOURCES)
    assert not lacks_font(opened(shaped)[0], "年度")
    assert not lacks_font(opened(page_pdf(words_at([(60, 700, "Latin")])))[0], "Latin")
    assert not lacks_font(opened(page_pdf(""))[0], "")

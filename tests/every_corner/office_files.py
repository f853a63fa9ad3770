"""Word, PowerPoint, Excel, OpenDocument, RTF: with the libraries that write them, and by hand where none does."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docx
import pptx
import xlsxwriter  # type: ignore[import-untyped]
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from tests.every_corner.pictures import words_picture
from tests.every_corner.planting import Corners, Planter

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
NAMESPACE = f'xmlns:w="{W}"'
FILLER = "The minutes of the meeting were read and agreed without a change."


def plant_office(planter: Planter) -> None:
    for number in range(9):
        word_file(planter.open(f"letters/letter {number}.docx"))
    for number in range(6):
        slides_file(planter.open(f"talks/talk-{number}.pptx"))
    for number in range(6):
        sheet_file(planter.open(f"figures/figures {number}.xlsx"), planter.folder)
    for number in range(3):
        open_text(planter.open(f"open/text{number}.odt"))
        open_slides(planter.open(f"open/slides{number}.odp"))
        open_sheet(planter.open(f"open/sheet{number}.ods"))
        rich_text(planter.open(f"letters/old-{number}.rtf"))


def word_file(corners: Corners) -> None:
    document: Any = docx.Document()
    properties = document.core_properties
    properties.title, properties.keywords = f"Letter {corners['title']}", corners["keywords"]
    section = document.sections[0]
    section.header.paragraphs[0].text = f"Kept by {corners['header']}"
    section.footer.paragraphs[0].text = f"Printed for {corners['footer']}"
    document.add_heading(f"On {corners['heading']}", 1)
    document.add_paragraph(f"{FILLER} {corners['paragraph']} was there.")
    document.add_paragraph(f"bring {corners['list item']}", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(
        (cell for row in table.rows for cell in row.cells),
        ("Item", corners["table header"], corners["table cell"], "12"),
        strict=True,
    ):
        cell.text = text
    noted = document.add_paragraph("The roof was mended.")
    document.add_comment(noted.runs, text=f"Ask {corners['comment']} first", author="Ada")
    footnote(document, noted, corners["footnote"])
    changed = document.add_paragraph("Then ")
    changed._p.append(
        parse_xml(
            f'<w:ins {NAMESPACE} w:id="7" w:author="Ada"><w:r><w:t>came {corners["insertion"]}</w:t></w:r></w:ins>'
        )
    )
    boxed = document.add_paragraph("Beside it: ")
    boxed.add_run()._r.append(
        parse_xml(
            f'<w:pict {NAMESPACE} xmlns:v="urn:schemas-microsoft-com:vml"><v:shape><v:textbox><w:txbxContent><w:p><w:r>'
            f"<w:t>Boxed {corners['text box']}</w:t></w:r></w:p></w:txbxContent></v:textbox></v:shape></w:pict>"
        )
    )
    picture = document.add_picture(io.BytesIO(words_picture(corners.drawn("picture"))), width=docx.shared.Inches(3))
    picture._inline.docPr.set("descr", f"A sign that says {corners['alt text']}")
    corners.write(saved(document))


def footnote(document: Any, paragraph: Any, word: str) -> None:
    xml = f'<w:footnotes {NAMESPACE}><w:footnote w:id="2"><w:p><w:r><w:t>See {word}.</w:t></w:r></w:p></w:footnote></w:footnotes>'
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    part = Part(PackURI("/word/footnotes.xml"), kind, xml.encode(), document.part.package)
    document.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)
    paragraph.add_run()._r.append(parse_xml(f'<w:footnoteReference {NAMESPACE} w:id="2"/>'))


def slides_file(corners: Corners) -> None:
    deck: Any = pptx.Presentation()
    deck.core_properties.title = f"Talk {corners['title']}"
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = f"Where {corners['slide title']} stands"
    slide.placeholders[1].text = f"First point\nthen {corners['bullet']}"
    slide.notes_slide.notes_text_frame.text = f"Say a word on {corners['notes']}."
    second = deck.slides.add_slide(deck.slide_layouts[6])
    second.shapes.add_textbox(0, 0, Inches(3), Inches(1)).text_frame.text = f"Boxed {corners['text box']}"
    table = second.shapes.add_table(2, 2, 0, Inches(2), Inches(5), Inches(1)).table
    for at, text in enumerate(("Port", corners["table header"], corners["table cell"], "7")):
        table.cell(at // 2, at % 2).text = text
    picture = second.shapes.add_picture(io.BytesIO(words_picture(corners.drawn("picture"))), Inches(5), 0, Inches(4))
    picture._element.nvPicPr.cNvPr.set("descr", f"A sign that says {corners['alt text']}")
    group = second.shapes.add_group_shape()
    group.shapes.add_textbox(0, Inches(5), Inches(3), Inches(1)).text_frame.text = f"In a group: {corners['group']}"
    third = deck.slides.add_slide(deck.slide_layouts[6])
    data: Any = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = ["North", corners["chart category"]]
    data.add_series(corners["chart series"], (3, 4))
    chart = third.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Inches(5), Inches(4), data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = f"Catch of {corners['chart title']}"
    hidden = deck.slides.add_slide(deck.slide_layouts[6])
    hidden._element.set("show", "0")
    hidden.shapes.add_textbox(0, 0, Inches(3), Inches(1)).text_frame.text = f"Only for {corners['hidden slide']}"
    corners.write(saved(deck))


def sheet_file(corners: Corners, folder: Path) -> None:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    book.set_properties({"title": f"Figures of {corners['title']}"})
    sheet = book.add_worksheet(f"Q3 {corners['sheet name']}")
    sheet.write_row(0, 0, ["Item", corners["column"], "Sum"])
    for row in range(1, 150):
        sheet.write_row(row, 0, [f"item {row}", row * 10])
    sheet.write(77, 0, corners["cell"])
    sheet.write_formula(78, 2, '=UPPER("x")', None, corners["formula's value"])
    sheet.write(149, 1, corners["last cell"])
    sheet.write_comment("B3", f"Counted by {corners['comment']}", {"author": "Ada"})
    sheet.insert_textbox(2, 5, f"Mind {corners['text box']}")
    picture = {"image_data": io.BytesIO(words_picture(corners.drawn("picture"))), "description": corners["alt text"]}
    sheet.insert_image("F20", "sign.png", picture)
    chart = book.add_chart({"type": "column"})
    chart.add_series({"values": [sheet.name, 1, 1, 9, 1], "name": "Catch"})
    chart.set_title({"name": f"Catch of {corners['chart title']}"})
    sheet.insert_chart("H2", chart)
    sheet.set_footer(f"&CPrinted for {corners['page footer']}")
    hidden = book.add_worksheet("Hidden")
    hidden.write(0, 0, f"kept by {corners['hidden sheet']}")
    hidden.hide()
    book.close()
    corners.write(file.getvalue())


OFFICE = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" '
    'xmlns:presentation="urn:oasis:names:tc:opendocument:xmlns:presentation:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" '
    'xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0" '
    'xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xlink="http://www.w3.org/1999/xlink"'
)


MANIFEST = 'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'


def open_document(kind: str, body: str, title: str, files: Mapping[str, bytes], styles: str = "") -> bytes:
    """An OpenDocument package of one kind: text, presentation, spreadsheet."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}", zipfile.ZIP_STORED)
        body = f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
        package.writestr(
            "content.xml", f'<office:document-content {OFFICE} office:version="1.3">{body}</office:document-content>'
        )
        master = f"<office:master-styles>{styles}</office:master-styles>"
        package.writestr("styles.xml", f"<office:document-styles {OFFICE}>{master}</office:document-styles>")
        meta = f"<office:meta><dc:title>{title}</dc:title></office:meta>"
        parts = f'<manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.{kind}"/>'
        package.writestr("META-INF/manifest.xml", f"<manifest:manifest {MANIFEST}>{parts}</manifest:manifest>")
        package.writestr("meta.xml", f"<office:document-meta {OFFICE}>{meta}</office:document-meta>")
        for name, data in files.items():
            package.writestr(name, data)
    return file.getvalue()


def frame(picture: str, alt: str) -> str:
    return f'<draw:frame><draw:image xlink:href="{picture}"/><svg:desc>{alt}</svg:desc></draw:frame>'


def open_text(corners: Corners) -> None:
    note = f'<text:note text:note-class="footnote"><text:note-citation>1</text:note-citation><text:note-body><text:p>See {corners["footnote"]}</text:p></text:note-body></text:note>'
    remark = (
        f"<office:annotation><dc:creator>Ada</dc:creator><text:p>Ask {corners['comment']}</text:p></office:annotation>"
    )
    body = (
        f'<text:h text:outline-level="1">On {corners["heading"]}</text:h>'
        f"<text:p>{FILLER}{remark} {corners['paragraph']} came.{note}</text:p>"
        f"<text:list><text:list-item><text:p>bring {corners['list item']}</text:p></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>Item</text:p></table:table-cell>"
        f"<table:table-cell><text:p>{corners['table cell']}</text:p></table:table-cell></table:table-row></table:table>"
        f"<text:p>{frame('Pictures/1.png', corners['alt text'])}</text:p>"
    )
    styles = f'<style:master-page style:name="Standard"><style:header><text:p>Kept by {corners["header"]}</text:p></style:header></style:master-page>'
    files = {"Pictures/1.png": words_picture(corners.drawn("picture"))}
    corners.write(open_document("text", body, corners["title"], files, styles))


def open_slides(corners: Corners) -> None:
    body = (
        f'<draw:page draw:name="one"><draw:frame presentation:class="title"><draw:text-box><text:p>{corners["slide title"]} today'
        f"</text:p></draw:text-box></draw:frame><draw:frame><draw:text-box><text:p>then {corners['text box']}</text:p>"
        f"</draw:text-box></draw:frame>{frame('Pictures/1.png', corners['alt text'])}<presentation:notes><draw:frame>"
        f"<draw:text-box><text:p>Say {corners['notes']}</text:p></draw:text-box></draw:frame></presentation:notes></draw:page>"
    )
    files = {"Pictures/1.png": words_picture(corners.drawn("picture"))}
    corners.write(open_document("presentation", body, "Slides", files))


def open_sheet(corners: Corners) -> None:
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    rows = "".join(
        f"<table:table-row>{''.join(map(cell.format, row))}</table:table-row>"
        for row in (["Item", corners["column"]], ["rope", "3"], [corners["cell"], "4"])
    )
    corners.write(
        open_document("spreadsheet", f'<table:table table:name="{corners["sheet name"]}">{rows}</table:table>', "", {})
    )


def rich_text(corners: Corners) -> None:
    corners.write(
        r"{\rtf1\ansi\deff0{\fonttbl{\f0 Times;}}{\info{\title "
        + corners["title"]
        + r"}}\pard The roof is mended, says "
        + corners["paragraph"]
        + r".\par\trowd\cellx2000\cellx4000\intbl Item\cell "
        + corners["table cell"]
        + r"\cell\row\pard Caf\'e9 {\b "
        + corners["bold"]
        + r"}\par}"
    )


def saved(document: Any) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()

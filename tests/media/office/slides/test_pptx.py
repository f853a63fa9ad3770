"""Slides of PowerPoint: one part each, all that stands on them and beside them, found once."""

import io
import math
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.types import Place, Segment, SplitStep
from tests.media.test_zipped import packed
from tests.support.media_files import abouts, notes, parts, pdf, picture, source, title
from tests.support.office_files import inserted, related, repacked, replaced

LIMITS = Limits()
END_OF_RELATIONS = "</Relationships>"
SHAPE = (
    '<p:sp xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
    ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
    '<p:nvSpPr><p:cNvPr id="77" name="x" {properties}/><p:cNvSpPr/><p:nvPr>{placeholder}</p:nvPr></p:nvSpPr><p:spPr/>'
    "<p:txBody><a:bodyPr/><a:p>{runs}</a:p></p:txBody></p:sp>"
)


def shape(text: str = "", *, properties: str = "", placeholder: str = "", runs: str = "") -> str:
    return SHAPE.format(properties=properties, placeholder=placeholder, runs=runs or f"<a:r><a:t>{text}</a:t></a:r>")


def deck(*titles: str) -> Any:
    """A presentation with a slide for each title."""
    made = Presentation()
    for each in titles:
        made.slides.add_slide(made.slide_layouts[5]).shapes.title.text = each
    return made


def saved_deck(made: Any) -> bytes:
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def split(data: bytes) -> list[SplitStep]:
    return list(media.split(source(data, "deck.pptx"), LIMITS))


def segments(data: bytes) -> list[Segment]:
    return [part.segment for part in parts(split(data))]


def chart_data(**values: float) -> Any:
    """A series of cod, a value a category."""
    made: Any = CategoryChartData()  # type: ignore[no-untyped-call]
    made.categories = list(values)
    made.add_series("cod", tuple(values.values()))
    return made


def text_box(slide: Any, text: str, left: float, top: float) -> None:
    slide.shapes.add_textbox(Inches(left), Inches(top), Inches(2), Inches(0.5)).text_frame.text = text


def test_a_slide_is_a_part_with_its_title_over_it() -> None:
    found = segments(saved_deck(deck("Sails", "Keels")))
    assert [(each.place.fragment, each.heading, each.text) for each in found] == [
        ("slide=1&char=0,5", "Sails", "Sails"),
        ("slide=2&char=0,5", "Keels", "Keels"),
    ]


def test_slides_come_as_they_are_shown_and_not_as_they_are_stored() -> None:
    made = deck("Second", "First")
    listed = made.slides._sldIdLst
    listed.insert(0, listed[1])
    assert [each.text for each in segments(saved_deck(made))] == ["First", "Second"]


def test_shapes_are_read_row_by_row_after_the_title() -> None:
    made = deck("Title")
    slide = made.slides[0]
    for text, left, top in (("below", 1, 5), ("right", 5, 3.1), ("left", 1, 3)):
        text_box(slide, text, left, top)
    group = slide.shapes.add_group_shape()
    for text, top in (("group second", 6.5), ("group first", 6)):
        group.shapes.add_textbox(Inches(1), Inches(top), Inches(2), Inches(0.3)).text_frame.text = text
    (found,) = segments(saved_deck(made))
    assert found.text.split("\n\n") == ["Title", "left", "right", "below", "group first", "group second"]


def test_a_placeholder_without_a_place_lies_where_its_layout_has_it() -> None:
    made = Presentation()
    slide = made.slides.add_slide(made.slide_layouts[3])  # two contents side by side
    slide.shapes.title.text = "Title"
    slide.placeholders[1].text, slide.placeholders[2].text = "left body", "right body"
    text_box(slide, "bottom", 1, 6.9)
    tree = slide.shapes._spTree
    tree.append(slide.placeholders[1]._element)  # drawn last, read first
    (found,) = segments(saved_deck(made))
    assert found.text.split("\n\n") == ["Title", "left body", "right body", "bottom"]


def test_tables_and_charts_are_tables() -> None:
    made = deck("Catch")
    table = made.slides[0].shapes.add_table(2, 2, Inches(1), Inches(2), Inches(4), Inches(1)).table
    for row, texts in enumerate((("Fish", "Tons"), ("herring", "12"))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    data = chart_data(spring=1.5, autumn=2.25)
    chart = (
        made.slides[0]
        .shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(4), Inches(4), Inches(3), data)
        .chart
    )
    chart.has_title = True
    chart.chart_title.text_frame.text = "Landings by season"
    chart.value_axis.has_title = True
    chart.value_axis.axis_title.text_frame.text = "kilotons"
    (found,) = segments(saved_deck(made))
    text = found.text
    assert "Fish | Tons\nherring | 12" in text
    for words in ("Landings by season", "kilotons", " | cod\nspring | 1.5\nautumn | 2.25"):
        assert text.count(words) == 1, words
    assert not notes(split(saved_deck(made)))


def test_notes_and_comments_of_both_kinds_stand_under_their_headings() -> None:
    made = deck("Plan")
    made.slides[0].notes_slide.notes_text_frame.text = "Mention the harbour dues."
    old = (
        '<p:cmLst xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main">'
        '<p:cm authorId="0"><p:text>Too expensive</p:text></p:cm></p:cmLst>'
    )
    modern = (
        '<k:cmLst xmlns:k="http://schemas.microsoft.com/office/powerpoint/2018/8/main"'
        ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
        '<k:cm authorId="{B}"><k:replyLst><k:reply authorId="{A}"><k:txBody><a:p><a:r><a:t>Then ask</a:t></a:r></a:p>'
        "</k:txBody></k:reply></k:replyLst>"
        "<k:txBody><a:p><a:r><a:t>Who pays</a:t></a:r></a:p></k:txBody></k:cm></k:cmLst>"
    )
    authors = '<a xmlns="x"><author id="{A}" name="Ann"/><author id="{B}" name="Bo"/></a>'
    old_authors = '<a xmlns="x"><cmAuthor id="0" name="Cy"/></a>'
    data = repacked(
        saved_deck(made),
        {
            "ppt/comments/c1.xml": old.encode(),
            "ppt/comments/m1.xml": modern.encode(),
            "ppt/authors.xml": authors.encode(),
            "ppt/commentAuthors.xml": old_authors.encode(),
            "ppt/slides/_rels/slide1.xml.rels": inserted(
                END_OF_RELATIONS,
                related("c1", "comments", "../comments/c1.xml") + related("c2", "comments", "../comments/m1.xml"),
            ),
            "ppt/_rels/presentation.xml.rels": inserted(
                END_OF_RELATIONS,
                related("a1", "authors", "authors.xml") + related("a2", "commentAuthors", "commentAuthors.xml"),
            ),
        },
    )
    (found,) = segments(data)
    assert found.text == (
        "Plan\n\nNotes\n\nMention the harbour dues.\n\nComments\n\nCy: Too expensive\nBo: Who pays\nAnn: Then ask"
    )


def test_smart_art_and_the_choice_of_an_alternative_are_read_once() -> None:
    diagram = (
        '<d:dataModel xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/diagram"'
        ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><d:ptLst>'
        "<d:pt><d:t><a:p><a:r><a:t>hoist</a:t></a:r></a:p></d:t></d:pt>"
        "<d:pt><d:t><a:p><a:r><a:t>lower</a:t></a:r></a:p></d:t></d:pt></d:ptLst></d:dataModel>"
    )
    frame = (
        '<p:graphicFrame xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"'
        ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
        ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        '<p:nvGraphicFramePr><p:cNvPr id="9" name="d"/></p:nvGraphicFramePr><a:graphic><a:graphicData>'
        '<d:relIds xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/diagram" r:dm="d1"/>'
        "</a:graphicData></a:graphic></p:graphicFrame>"
    )
    alternative = (
        '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        f'<mc:Choice Requires="x">{shape("chosen")}</mc:Choice><mc:Fallback>{shape("fallen back")}</mc:Fallback>'
        "</mc:AlternateContent>"
    )
    data = repacked(
        saved_deck(deck("Flags")),
        {
            "ppt/diagrams/d.xml": diagram.encode(),
            "ppt/slides/slide1.xml": inserted("</p:spTree>", frame + alternative),
            "ppt/slides/_rels/slide1.xml.rels": inserted(
                END_OF_RELATIONS, related("d1", "diagramData", "../diagrams/d.xml")
            ),
        },
    )
    (found,) = segments(data)
    assert found.text == "Flags\nhoist\nlower\n\nchosen"


def test_pictures_are_places_and_a_logo_on_many_slides_is_one() -> None:
    made = deck("One", "Two")
    for slide in made.slides:
        slide.shapes.add_picture(io.BytesIO(picture(colour="blue")), Inches(8), Inches(0))
    shown = made.slides[1].shapes.add_picture(io.BytesIO(picture(colour="green")), Inches(1), Inches(3))
    shown._element.nvPicPr.cNvPr.set("descr", "A lighthouse at dusk")
    found = segments(saved_deck(made))
    assert [(each.modality, each.place.fragment, each.heading) for each in found] == [
        ("text", "slide=1&char=0,3", "One"),
        ("image", "slide=1&picture=1", "One"),
        ("text", "slide=2&char=0,34", "Two"),
        ("image", "slide=2&picture=1", "Two > A lighthouse at dusk"),
    ]
    assert found[2].text == "Two\n\nPicture: A lighthouse at dusk"


def test_a_background_is_a_picture_and_previews_and_second_forms_of_pictures_are_none() -> None:
    drawing = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="http://x/relationships"'
    background = f'<p:bg><p:bgPr><a:blipFill {drawing}><a:blip r:embed="i1"/></a:blipFill></p:bgPr></p:bg>'
    preview = (
        f'<p:graphicFrame {drawing}><p:nvGraphicFramePr><p:cNvPr id="9" name="o"/></p:nvGraphicFramePr><a:graphic>'
        '<a:graphicData><p:oleObj r:id="o1"><p:pic><p:blipFill><a:blip r:embed="i2"/></p:blipFill></p:pic></p:oleObj>'
        "</a:graphicData></a:graphic></p:graphicFrame>"
    )
    second = f'<s:svgBlip xmlns:s="s" {drawing} r:embed="i3"/>'
    data = repacked(
        saved_deck(deck("One")),
        {
            **{f"ppt/media/{name}.png": picture(colour=name) for name in ("red", "green", "blue")},
            "ppt/embeddings/box.zip": packed({"note.txt": b"The embedded word."}),
            "ppt/slides/slide1.xml": lambda slide: inserted("<p:spTree>", background)(
                inserted("</p:spTree>", preview + second)(slide)
            ),
            "ppt/slides/_rels/slide1.xml.rels": inserted(
                END_OF_RELATIONS,
                "".join(
                    related(f"i{n}", "image", f"../media/{c}.png") for n, c in enumerate(("red", "green", "blue"), 1)
                )
                + related("o1", "package", "../embeddings/box.zip"),
            ),
        },
    )
    steps = parts(split(data))
    assert [step.segment.place.part for step in steps] == [
        "slide=1",
        "slide=1&picture=1",
        "slide=1&part=1&member=note.txt",
    ]
    shown = media.load(source(data), steps[1].segment, LIMITS)
    assert tuple(shown[0, 0]) == (255, 0, 0)  # type: ignore[index]  # a picture


def test_what_a_layout_shows_is_read_once_and_its_prompts_never() -> None:
    data = repacked(
        saved_deck(deck("One", "Two")),
        {
            "ppt/slideLayouts/slideLayout6.xml": inserted("</p:spTree>", shape("Company confidential")),
            "ppt/slides/slide2.xml": inserted("</p:spTree>", shape("Fleet 2026", placeholder='<p:ph type="ftr"/>')),
        },
    )
    assert [each.text for each in segments(data)] == ["One\n\nCompany confidential", "Two\n\nFleet 2026"]


def test_numbers_of_slides_are_labels_and_no_text() -> None:
    number = shape(runs='<a:fld type="slidenum" id="x"><a:t>41</a:t></a:fld>', placeholder='<p:ph type="sldNum"/>')
    data = repacked(
        saved_deck(deck("One", "Two")),
        {
            "ppt/slides/slide1.xml": inserted("</p:spTree>", number),
            "ppt/presentation.xml": replaced("<p:presentation ", '<p:presentation firstSlideNum="41" '),
        },
    )
    assert [(each.text, each.label) for each in segments(data)] == [("One", "41"), ("Two", "42")]


def test_hidden_slides_are_read_and_said_and_hidden_shapes_left_out_and_said() -> None:
    data = repacked(
        saved_deck(deck("One", "Two")),
        {
            "ppt/slides/slide1.xml": inserted("</p:spTree>", shape("unseen", properties='hidden="1"')),
            "ppt/slides/slide2.xml": replaced("<p:sld ", '<p:sld show="0" '),
        },
    )
    found = segments(data)
    assert [(each.text, each.label) for each in found] == [("One", ""), ("Two", "hidden slide")]
    assert notes(split(data)) == [
        "Hidden slides, which were read as well: 2.",
        "Hidden shapes, which were left out (1): slide 1.",
    ]


def test_sections_stand_over_their_slides() -> None:
    made = deck("One", "Two")
    ids = [each.get("id") for each in made.slides._sldIdLst]
    entries = "".join(
        f'<s:section name="{name}"><s:sldIdLst><s:sldId id="{id}"/></s:sldIdLst></s:section>'
        for name, id in zip(("Start", "Risks"), ids, strict=True)
    )
    listed = f'<p:extLst><p:ext uri="x"><s:sectionLst xmlns:s="s">{entries}</s:sectionLst></p:ext></p:extLst>'
    data = repacked(saved_deck(made), {"ppt/presentation.xml": inserted("</p:presentation>", listed)})
    assert [each.heading for each in segments(data)] == ["Start > One", "Risks > Two"]


def test_embedded_files_are_read() -> None:
    made = deck("Annex")
    made.slides[0].shapes.add_ole_object(
        io.BytesIO(packed({"note.txt": b"The embedded word."})), "Package", Inches(1), Inches(1)
    )
    found = segments(saved_deck(made))
    inner = [each for each in found if "part=" in each.place.fragment]
    assert [(each.text, each.heading) for each in inner] == [("The embedded word.", "Annex")]
    assert inner[0].place.fragment == "slide=1&part=1&member=note.txt&char=0,18"


def test_a_linked_film_is_said_and_an_embedded_document_is_read() -> None:
    data = repacked(
        saved_deck(deck("Film")),
        {
            "ppt/media/a.pdf": pdf(["The page within."]),
            "ppt/slides/_rels/slide1.xml.rels": inserted(
                END_OF_RELATIONS,
                related("v1", "video", "https://example.org/films/regatta.mp4", external=True)
                + related("v2", "media", "../media/a.pdf"),
            ),
        },
    )
    assert segments(data)[1].text.strip() == "The page within."
    assert notes(split(data)) == ["Files that are only linked, which were not fetched (1): regatta.mp4 (slide 1)."]


def test_metafiles_are_said() -> None:
    made = deck("Old")
    made.slides[0].shapes.add_picture(io.BytesIO(picture()), Inches(1), Inches(1))
    data = repacked(
        saved_deck(made),
        {
            "ppt/media/x.emf": b"\1\0\0\0",
            "ppt/slides/_rels/slide1.xml.rels": replaced("../media/image1.png", "../media/x.emf"),
        },
    )
    assert notes(split(data)) == ["Drawings in the formats EMF, WMF or SVM, which were not read (1): slide=1."]


def test_macros_are_said_and_never_run() -> None:
    data = repacked(
        saved_deck(deck("Macro")),
        {
            "ppt/vbaProject.bin": b"code",
            "ppt/_rels/presentation.xml.rels": inserted(
                END_OF_RELATIONS, related("vb", "vbaProject", "vbaProject.bin")
            ),
            "[Content_Types].xml": replaced(
                "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
                "application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml",
            ),
        },
    )
    assert notes(split(data)) == ["It has macros. They were not run."]


def test_the_deck_says_its_title_pages_and_date() -> None:
    made = deck("The first title", "Two")
    made.core_properties.title = "Fleet review"
    made.core_properties.author = "Ann Boatswain"
    about = next(about for about in abouts(split(saved_deck(made))) if about.pages)
    assert (about.title, about.pages, about.keywords.splitlines()[0]) == ("Fleet review", 2, "Ann Boatswain")
    assert about.dated is not None and math.isclose(about.dated, 1359306872, abs_tol=1e6)


def test_a_title_that_powerpoint_made_up_is_none() -> None:
    made = deck("The first title")
    made.core_properties.title = "PowerPoint-Präsentation"
    assert title(split(saved_deck(made))) == "The first title"


def test_the_strict_class_is_read_alike() -> None:
    made = deck("Strict words")
    made.slides[0].notes_slide.notes_text_frame.text = "And notes."
    strict: Callable[[bytes], bytes] = lambda data: data.replace(  # noqa: E731
        b"http://schemas.openxmlformats.org/officeDocument/2006/", b"http://purl.oclc.org/ooxml/officeDocument/"
    ).replace(b"http://schemas.openxmlformats.org/presentationml/2006/", b"http://purl.oclc.org/ooxml/presentationml/")
    plain = saved_deck(made)
    with_all = dict.fromkeys(
        ("_rels/.rels", "ppt/presentation.xml", "ppt/_rels/presentation.xml.rels", "ppt/slides/slide1.xml"), strict
    )
    strict_rels = {"ppt/slides/_rels/slide1.xml.rels": strict, "ppt/notesSlides/notesSlide1.xml": strict}
    assert segments(repacked(plain, with_all | strict_rels)) == segments(plain)


@pytest.mark.parametrize("broken", [b"<p:sld", b""])
def test_one_damaged_slide_costs_a_note_and_the_others_go_on(broken: bytes) -> None:
    data = repacked(saved_deck(deck("One", "Two", "Three")), {"ppt/slides/slide2.xml": broken})
    steps = split(data)
    assert [part.segment.place.part for part in parts(steps)] == ["slide=1", "slide=3"]
    assert notes(steps) == ["Slide 2 was not read: its XML is damaged."]


@pytest.mark.parametrize(
    "name", ["ppt/charts/chart", "ppt/notesSlides/notesSlide1.xml", "ppt/slideLayouts/slideLayout6.xml"]
)
def test_a_damaged_thing_on_a_slide_costs_a_note_and_no_word_of_the_slide(name: str) -> None:
    made = deck("Kept words")
    data = chart_data(spring=1.5)
    made.slides[0].shapes.add_chart(XL_CHART_TYPE.PIE, Inches(1), Inches(4), Inches(4), Inches(3), data)
    made.slides[0].notes_slide.notes_text_frame.text = "A note."
    whole = saved_deck(made)
    (stored,) = [one for one in _names(whole) if one.startswith(name) and one.endswith(".xml")]
    steps = split(repacked(whole, {stored: b"<broken"}))
    assert "Kept words" in parts(steps)[0].segment.text
    assert len(notes(steps)) == 1
    assert notes(steps)[0].startswith("Damaged, and not read (1): ")


def _names(data: bytes) -> Sequence[str]:
    return zipfile.ZipFile(io.BytesIO(data)).namelist()


def test_what_is_cited_can_be_loaded_again() -> None:
    made = deck("One", "Two")
    made.slides[1].shapes.add_picture(io.BytesIO(picture()), Inches(8), Inches(0))
    data = saved_deck(made)
    for each in segments(data):
        assert Place.parse(each.place.fragment) == each.place
        loaded = media.load(source(data, "deck.pptx"), each, LIMITS)
        assert each.modality == "image" or loaded == each.text


def test_more_slides_than_are_read_are_told() -> None:
    steps = list(media.split(source(saved_deck(deck("One", "Two", "Three"))), Limits(pages=2)))
    assert [part.segment.text for part in parts(steps)] == ["One", "Two"]
    assert notes(steps) == ["Only the first 2 of 3 slides were read."]

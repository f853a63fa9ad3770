"""Word documents: what a reader sees of them is found, each word once, wherever it stands."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import docx
import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.types import Place, SplitPart, SplitStep
from tests.media.office.test_ole import container, native
from tests.media.test_zipped import packed
from tests.support.media_files import abouts, notes, parts, pdf, picture, source, title
from tests.support.word_files import blip, drawing, p, r, root, run, word

LIMITS = Limits()


def split(data: bytes, limits: Limits = LIMITS) -> list[SplitStep]:
    return list(media.split(source(data, "report.docx"), limits))


def text(steps: Sequence[SplitStep]) -> str:
    """The words of all places that are text."""
    return "\n".join(part.segment.text for part in parts(steps) if part.segment.modality == "text")


def pictures(steps: Sequence[SplitStep]) -> list[SplitPart]:
    return [part for part in parts(steps) if part.segment.modality == "image"]


def styles(*rows: str) -> dict[str, bytes]:
    return {"styles.xml": root("w:styles", "".join(rows))}


def style(identity: str, name: str, more: str = "", kind: str = "paragraph") -> str:
    return f'<w:style w:type="{kind}" w:styleId="{identity}"><w:name w:val="{name}"/>{more}</w:style>'


STYLES = {"s": ("styles", "styles.xml")}


def test_a_document_of_python_docx_has_headings_lists_tables_and_margins() -> None:
    document = docx.Document()
    document.add_heading("Survey of keels", 0)
    document.add_heading("Scope", 1)
    document.add_paragraph("Oak and elm. " * 30)
    document.add_heading("Yards", 2)
    document.add_paragraph("north yard", style="List Number")
    document.add_paragraph("south yard", style="List Number")
    document.add_paragraph("rope", style="List Bullet")
    grid = document.add_table(2, 2)
    for at, words in enumerate(("Item", "Count", "anchor", "12")):
        grid.cell(at // 2, at % 2).text = words
    document.sections[0].header.paragraphs[0].text = "Harbour office"
    document.sections[0].footer.paragraphs[0].text = "confidential"
    file = io.BytesIO()
    document.save(file)
    steps = split(file.getvalue())
    assert title(steps) == "Survey of keels"
    assert [part.segment.heading for part in parts(steps)] == ["Survey of keels", "Scope > Yards"]
    (_, last) = parts(steps)
    assert last.segment.text == (
        "Yards\n1. north yard\n2. south yard\n• rope\n\nItem | Count\nanchor | 12\n\nconfidential"
    )
    assert text(steps).startswith("Harbour office\n\nSurvey of keels")
    assert last.segment.place.part == ""


def test_what_is_cited_can_be_loaded_again() -> None:
    data = word(
        p(r("Words before.")) + p(drawing(blip("i"), 'descr="A red square"')),
        {"i": ("image", "media/a.png")},
        {"media/a.png": picture()},
    )
    for part in parts(split(data)):
        assert Place.parse(part.segment.place.fragment) == part.segment.place
        assert media.load(source(data), part.segment, LIMITS) is not None
    assert [part.segment.place.fragment for part in parts(split(data))] == ["char=0,29", "picture=1"]


def test_headings_are_known_by_names_by_what_styles_are_based_on_and_by_outline_levels() -> None:
    rows = styles(
        style("berschrift1", "heading 1"),
        style("Kapitel", "Kapitel", '<w:basedOn w:val="berschrift1"/>'),
        style("Deep", "Own", '<w:pPr><w:outlineLvl w:val="1"/></w:pPr>'),
        style("TOC", "TOC Heading", '<w:basedOn w:val="berschrift1"/><w:pPr><w:outlineLvl w:val="9"/></w:pPr>'),
        style("U3", "Überschrift 3"),
        style("Loop", "Loop", '<w:basedOn w:val="Loop"/>'),
    )
    long = p(r("Words. " * 60))
    body = (
        p(r("Contents"), style="TOC")
        + p(r("One"), style="Kapitel")
        + long
        + p(r("Two"), style="Deep")
        + long
        + p(r("Three"), style="U3")
        + long
        + p(r("Direct"), properties='<w:outlineLvl w:val="0"/>')
        + p(r("round"), style="Loop")
    )
    found = [part.segment.heading for part in parts(split(word(body, STYLES, rows)))]
    assert found == ["One", "One > Two", "One > Two > Three", "Direct"]


def test_lists_have_their_numbers_on_all_levels() -> None:
    level = '<w:lvl w:ilvl="{}"><w:start w:val="{}"/><w:numFmt w:val="{}"/><w:lvlText w:val="{}"/></w:lvl>'
    levels = level.format(0, 3, "decimal", "%1.") + level.format(1, 1, "lowerLetter", "%1.%2)")
    numbering = root(
        "w:numbering",
        f'<w:abstractNum w:abstractNumId="7">{levels}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>'
        '<w:num w:numId="2"><w:abstractNumId w:val="7"/>'
        '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>',
    )

    def item(words: str, number: int, depth: int = 0) -> str:
        properties = f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number}"/></w:numPr>'
        return p(r(words), properties=properties)

    body = (
        item("oak", 1)
        + item("leaf", 1, 1)
        + item("root", 1, 1)
        + item("", 1)
        + item("elm", 1)
        + item("new", 2)
        + item("no", 0)
    )
    steps = split(word(body, {"n": ("numbering", "numbering.xml")}, {"numbering.xml": numbering}))
    assert text(steps) == "3. oak\n3.a) leaf\n3.b) root\n5. elm\n1. new\n\nno"


def test_each_distinct_header_and_footer_is_read_once() -> None:
    related = {
        "h1": ("header", "h1.xml"),
        "h2": ("header", "h2.xml"),
        "h3": ("header", "h3.xml"),
        "f1": ("footer", "f1.xml"),
        "f2": ("footer", "f2.xml"),
    }
    made = {
        "h1.xml": root("w:hdr", p(r("letterhead"))),
        "h2.xml": root("w:hdr", p(r("letterhead"))),
        "h3.xml": root("w:hdr", p(run('<w:pict><v:shape><v:textpath string="DRAFT"/></v:shape></w:pict>'))),
        "f1.xml": root("w:ftr", p(r("bottom line"))),
        "f2.xml": root("w:ftr", p(r("7"))),
    }
    section = "".join(f'<w:headerReference r:id="{one}"/>' for one in ("h1", "h2", "h3", "h1"))
    body = p(r("body")) + f'<w:sectPr>{section}<w:footerReference r:id="f1"/><w:footerReference r:id="f2"/></w:sectPr>'
    assert text(split(word(body, related, made))).split() == ["letterhead", "[DRAFT]", "body", "bottom", "line"]


def test_charts_and_diagrams_say_their_words_and_numbers() -> None:
    def points(*values: str) -> str:
        return "".join(f'<c:pt idx="{at}"><c:v>{value}</c:v></c:pt>' for at, value in enumerate(values))

    heading = "<c:title><c:tx><c:rich><a:p><a:r><a:t>Catch</a:t></a:r></a:p></c:rich></c:tx></c:title>"
    series = (
        f"<c:ser><c:tx><c:strRef><c:strCache>{points('cod')}</c:strCache></c:strRef></c:tx>"
        f"<c:cat><c:strRef><c:strCache>{points('May', 'June')}</c:strCache></c:strRef></c:cat>"
        f"<c:val><c:numRef><c:numCache>{points('31', '47')}</c:numCache></c:numRef></c:val></c:ser>"
    )
    made = {
        "charts/c.xml": root("c:chartSpace", f"<c:chart>{heading}<c:plotArea>{series}</c:plotArea></c:chart>"),
        "diagrams/d.xml": root(
            "dgm:dataModel", "<dgm:pt><dgm:t><a:p><a:r><a:t>Plan the voyage</a:t></a:r></a:p></dgm:t></dgm:pt>"
        ),
    }
    related = {"c": ("chart", "charts/c.xml"), "d": ("diagramData", "diagrams/d.xml"), "x": ("chart", "charts/no.xml")}
    body = p(drawing('<c:chart r:id="c"/>')) + p(drawing('<dgm:relIds r:dm="d"/>')) + p(drawing('<c:chart r:id="x"/>'))
    steps = split(word(body, related, made))
    assert text(steps) == "Catch\n\n | cod\nMay | 31\nJune | 47\nPlan the voyage"
    assert notes(steps) == ["Not read: no.xml: word/charts/no.xml is missing in it"]


def test_pictures_are_places_with_what_is_said_of_them_and_each_is_one() -> None:
    related = {
        "a": ("image", "media/a.png"),
        "b": ("image", "media/b.png"),
        "c": ("image", "/word/media/c.png"),
        "far": ("image", "https://example.com/x.png"),
        "emf": ("image", "media/d.emf"),
        "none": ("image", "media/none.png"),
    }
    made = {
        "media/a.png": picture(),
        "media/b.png": picture(),
        "media/c.png": picture(colour="blue"),
        "media/d.emf": b"\1\0\0\0",
        "styles.xml": styles(style("cap", "caption"))["styles.xml"],
    }
    body = (
        p(r("See "), drawing(blip("a"), 'descr="A red square" title="Square"'), r(" here"))
        + p(drawing(blip("b"), 'descr="C:\\My pictures\\b.png"'))
        + p(drawing(blip("c")))
        + p(r("Figure 2: the blue one"), style="cap")
        + p(drawing(blip("far")), drawing(blip("emf")), drawing(blip("none")))
    )
    steps = split(word(body, related | STYLES, made))
    assert [(part.segment.place.fragment, part.segment.heading) for part in pictures(steps)] == [
        ("picture=1", "Square; A red square"),
        ("picture=2", "Figure 2: the blue one"),
    ]
    assert text(steps) == "See [Square; A red square] here\n\nFigure 2: the blue one"
    assert notes(steps) == [
        "Not read: 1 drawing in a format of Windows (EMF, WMF).",
        "What lies elsewhere and is only linked was not fetched: 1 picture.",
        "1 picture in it could not be read: missing in the file.",
    ]


def test_white_letters_on_what_lies_behind_them_are_seen() -> None:
    white = p(r("white", '<w:color w:val="FFFFFF"/>')) + p(r("black"))
    banner = run('<w:drawing><wp:anchor behindDoc="1"><wp:docPr/></wp:anchor></w:drawing>')
    header = {"h.xml": root("w:hdr", p(banner, r("letterhead", '<w:color w:val="FFFFFF"/>')))}
    section = '<w:sectPr><w:headerReference r:id="h"/></w:sectPr>'
    assert text(split(word(white))) == "black"
    assert text(split(word(white + p(banner)))) == "white\n\nblack"
    assert text(split(word(white + section, {"h": ("header", "h.xml")}, header))) == "letterhead\n\nwhite\n\nblack"


def test_files_in_it_are_read_and_what_is_linked_is_not_fetched() -> None:
    inner = word(p(r("words of the inner document")))
    related = {
        "o": ("package", "embeddings/inner.docx"),
        "h": ("aFChunk", "chunk.html"),
        "l": ("oleObject", "file:///C:/x.xlsx"),
        "i": ("image", "media/icon.png"),
    }
    made = {
        "embeddings/inner.docx": inner,
        "chunk.html": b"<html><body>chunk words</body></html>",
        "media/icon.png": bytes(range(256)),
    }
    embedded = '<w:object><v:shape><v:imagedata r:id="i"/></v:shape><o:OLEObject Type="Embed" r:id="{}"/></w:object>'
    body = (
        p(run(embedded.format("o")))
        + '<w:altChunk r:id="h"/>'
        + p(r("end"), run('<w:object><o:OLEObject r:id="l"/></w:object>'))
    )
    steps = split(word(body, related, made))
    found = {part.segment.place.fragment: part.segment.text for part in parts(steps)}
    assert found == {
        "char=0,3": "end",
        "part=1&char=0,27": "words of the inner document",
        "part=2&char=12,23": "chunk words",
    }
    assert notes(steps) == ["What lies elsewhere and is only linked was not fetched: 1 file."]


def test_objects_of_other_programs_are_unwrapped_or_said_to_be_unread() -> None:
    related = {"a": ("oleObject", "embeddings/oleObject1.bin"), "b": ("oleObject", "embeddings/oleObject2.bin")}
    made = {
        "embeddings/oleObject1.bin": container({"\x01Ole10Native": native(b"note.txt", b"words of the note")}),
        "embeddings/oleObject2.bin": container({"WordDocument": b"old"}),
    }
    objects = "".join(run(f'<w:object><o:OLEObject r:id="{one}"/></w:object>') for one in related)
    steps = split(word(p(r("body"), objects), related, made))
    found = {part.segment.place.fragment: part.segment.text for part in parts(steps)}
    assert found == {"char=0,4": "body", "part=1&char=0,17": "words of the note"}
    (note,) = notes(steps)
    assert note.startswith("Not read: oleObject2.bin: this is a Word document of before 2007 (.doc)")


@pytest.mark.parametrize(
    "main",
    [
        "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml",
        "application/vnd.ms-word.document.macroEnabled.main+xml",
        "application/vnd.ms-word.template.macroEnabledTemplate.main+xml",
    ],
)
def test_templates_and_documents_with_macros_are_documents(main: str) -> None:
    assert text(split(word(p(r("words")), main=main))) == "words"


def test_macros_are_said_and_templates_and_links_are_not_opened() -> None:
    related = {"v": ("vbaProject", "vbaProject.bin"), "t": ("attachedTemplate", "file:///C:/evil.dotm")}
    steps = split(word(p(r("words")), related, {"vbaProject.bin": b"code"}))
    assert notes(steps) == ["It has macros. They were not run."]


def test_it_says_of_itself_who_wrote_it_and_when() -> None:
    core = (
        "<dc:title>Keel report</dc:title><dc:creator>Ann Lee</dc:creator><cp:keywords>oak, elm</cp:keywords>"
        "<dc:subject>ships</dc:subject><dc:description>a draft</dc:description>"
        "<dcterms:created>2024-03-02T10:00:00Z</dcterms:created>"
    )
    steps = split(word(p(r("words")), core=core))
    assert title(steps) == "Keel report"
    (about,) = [about for about in abouts(steps) if about.keywords]
    assert about.keywords == "Ann Lee\nships\noak, elm\na draft"
    assert about.dated == datetime(2024, 3, 2, 10, tzinfo=UTC).timestamp()


def test_the_strict_form_is_read_alike() -> None:
    body = p(r("One"), style="h") + p(r("Words "), drawing(blip("i"), 'descr="A red square"'))
    related = {"i": ("image", "media/a.png"), **STYLES}
    made = {"media/a.png": picture(), **styles(style("h", "heading 1"))}
    usual, strict = (split(word(body, related, made, strict=strict)) for strict in (False, True))
    assert [part.segment for part in parts(strict)] == [part.segment for part in parts(usual)]
    assert parts(strict)[0].segment.heading == "One"
    assert len(pictures(strict)) == 1


def test_too_much_text_is_cut_and_said() -> None:
    steps = split(word("".join(p(r(f"paragraph {number}")) for number in range(100))), Limits(characters=200))
    assert len(text(steps)) < 300
    assert notes(steps) == ["Only its first 200 characters or so were read."]


def test_a_damaged_part_spoils_no_other_and_a_damaged_body_is_the_documents_fault() -> None:
    steps = split(word(p(r("words")), STYLES, {"styles.xml": b"<w:styles"}))
    assert text(steps) == "words"
    assert notes(steps) == ["Not read: styles.xml: its XML is damaged"]
    with pytest.raises(UnreadableMedia, match="XML is damaged") as failure:
        split(word("<w:p>"))
    assert failure.value.code == "corrupt"


def test_other_packages_are_no_word_documents() -> None:
    from mcp_mmretrieval.media.office.word import docx as reader

    assert reader.recognises(source(word("")))
    assert not reader.recognises(source(packed({"word/document.xml": b"<a/>"})))
    assert not reader.recognises(source(b"PK\x03\x04 broken"))
    assert not reader.recognises(source(pdf(["words"])))


def test_a_locked_worker_reads_it(tmp_path: Path) -> None:
    made = {"media/a.png": picture(), **styles(style("h", "heading 1"))}
    body = p(r("One"), style="h") + p(r("Words "), drawing(blip("i"), 'descr="A red square"'))
    (tmp_path / "a.docx").write_bytes(word(body, {"i": ("image", "media/a.png"), **STYLES}, made))
    pool = Workers(LIMITS, 1)
    try:
        with (tmp_path / "a.docx").open("rb") as file:
            steps = list(pool.split(file.fileno(), name="a.docx", document="ab" * 32))
    finally:
        pool.close()
    assert [part.segment.place.fragment for part in parts(steps)] == ["char=0,25", "picture=1"]

"""Slides of OpenDocument: read as those of PowerPoint, each word once."""

from collections.abc import Mapping

import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.types import Place, Segment, SplitStep
from tests.media.test_zipped import packed
from tests.support.media_files import abouts, notes, parts, picture, source

LIMITS = Limits()
NAMES = {
    **{name: name for name in ("office", "table", "text", "style", "drawing", "presentation", "chart", "meta")},
    "svg": "svg-compatible",
}
NAMESPACES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for prefix, name in NAMES.items()
).replace("xmlns:drawing=", "xmlns:draw=") + (
    ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dc="http://purl.org/dc/elements/1.1/"'
)


def frame(inner: str, *, x: float = 1, y: float = 1, more: str = "") -> str:
    place = f'svg:x="{x}cm" svg:y="{y}cm" svg:width="5cm" svg:height="1cm"'
    return f"<draw:frame {place} {more}>{inner}</draw:frame>"


def box(text: str, *, x: float = 1, y: float = 1, more: str = "") -> str:
    return frame(f"<draw:text-box><text:p>{text}</text:p></draw:text-box>", x=x, y=y, more=more)


def headline(text: str) -> str:
    return box(text, y=9, more='presentation:class="title"')


def page(inner: str, more: str = "") -> str:
    return f'<draw:page draw:name="p" draw:master-page-name="M" {more}>{inner}</draw:page>'


def odp(*pages: str, before: str = "", master: str = "", files: Mapping[str, bytes] | None = None) -> bytes:
    """A presentation with these pages."""
    hides = (
        '<style:style style:name="h"><style:drawing-page-properties presentation:visibility="hidden"/></style:style>'
        '<style:style style:name="f"><style:drawing-page-properties presentation:display-footer="false"/></style:style>'
    )
    body = f"<office:body><office:presentation>{before}{''.join(pages)}</office:presentation></office:body>"
    content = f"<office:document-content {NAMESPACES}><office:automatic-styles>{hides}</office:automatic-styles>{body}"
    styles = f'<o:s xmlns:o="o" {NAMESPACES}><style:master-page style:name="M">{master}</style:master-page></o:s>'
    return packed(
        {
            "mimetype": b"application/vnd.oasis.opendocument.presentation",
            "content.xml": f"{content}</office:document-content>".encode(),
            "styles.xml": styles.encode(),
            **(files or {}),
        }
    )


def split(data: bytes) -> list[SplitStep]:
    return list(media.split(source(data, "deck.odp"), LIMITS))


def segments(data: bytes) -> list[Segment]:
    return [part.segment for part in parts(split(data))]


def test_a_slide_is_a_part_with_its_title_over_it_and_read_row_by_row() -> None:
    group = f"<draw:g>{box('in a group', x=1, y=8)}</draw:g>"
    moved = (
        '<draw:custom-shape svg:width="5cm" svg:height="1cm" draw:transform="rotate (0.5) translate (9cm 3.2cm)">'
        "<text:p>right</text:p></draw:custom-shape>"
    )
    data = odp(page(box("below", y=5) + moved + box("left", y=3) + group + headline("Sails")), page(headline("Keels")))
    found = segments(data)
    assert [(each.place.part, each.heading) for each in found] == [("slide=1", "Sails"), ("slide=2", "Keels")]
    assert found[0].text.split("\n\n") == ["Sails", "left", "right", "below", "in a group"]


def test_tables_and_charts_are_tables() -> None:
    def row(*cells: str) -> str:
        written = "".join(f"<table:table-cell><text:p>{each}</text:p></table:table-cell>" for each in cells)
        return f"<table:table-row>{written}</table:table-row>"

    table = f'<table:table table:use-first-row-styles="true">{row("Fish", "Tons")}{row("herring", "12")}</table:table>'
    chart = (
        f"<office:document-content {NAMESPACES}><office:body><office:chart><chart:chart>"
        "<chart:title><text:p>Landings by season</text:p></chart:title>"
        "<chart:plot-area><chart:axis><chart:title><text:p>kilotons</text:p></chart:title></chart:axis></chart:plot-area>"
        f"<table:table>{row('', 'cod')}{row('spring', '1.5')}</table:table>"
        "</chart:chart></office:chart></office:body></office:document-content>"
    )
    preview = '<draw:image xlink:href="ObjectReplacements/Object 1"/>'
    data = odp(
        page(frame(table) + frame(f'<draw:object xlink:href="./Object 1"/>{preview}', y=5)),
        files={"Object 1/content.xml": chart.encode(), "ObjectReplacements/Object 1": b"preview"},
    )
    (found,) = segments(data)
    assert found.text == (
        "Fish | Tons\nherring | 12\nChart: Landings by season\nAxis: kilotons\n\n | cod\nspring | 1.5"
    )
    assert not notes(split(data))


def test_notes_and_comments_stand_under_their_headings() -> None:
    said = "<office:annotation><dc:creator>Ann</dc:creator><text:p>Too expensive</text:p></office:annotation>"
    beside = (
        f"<presentation:notes>{box('Mention the dues.', more='presentation:class=' + chr(34) + 'notes' + chr(34))}"
        f"{box('1', more='presentation:class=' + chr(34) + 'page-number' + chr(34))}</presentation:notes>"
    )
    (found,) = segments(odp(page(headline("Plan") + said + beside)))
    assert found.text == "Plan\n\nNotes\n\nMention the dues.\n\nComments\n\nAnn: Too expensive"


def test_pictures_are_places_with_what_is_said_of_them_and_each_is_one() -> None:
    shown = frame('<draw:image xlink:href="Pictures/a.png"/><svg:title>Light</svg:title><svg:desc>at dusk</svg:desc>')
    data = odp(page(headline("One") + shown), page(headline("Two") + shown), files={"Pictures/a.png": picture()})
    found = segments(data)
    assert [(each.modality, each.place.part, each.heading) for each in found] == [
        ("text", "slide=1", "One"),
        ("image", "slide=1&picture=1", "One > Light. at dusk"),
        ("text", "slide=2", "Two"),
    ]
    assert found[0].text == "One\n\nPicture: Light. at dusk"


def test_footers_are_read_where_they_are_shown_and_what_a_master_shows_is_read_once() -> None:
    declared = '<presentation:footer-decl presentation:name="f1">Fleet 2026</presentation:footer-decl>'
    used = 'presentation:use-footer-name="f1"'
    empty = box("", more='presentation:class="footer"')
    data = odp(
        page(headline("One"), used),
        page(headline("Two"), f'{used} draw:style-name="f"'),
        before=declared,
        master=box("Confidential") + empty + box("Click to add", more='presentation:class="title"'),
    )
    assert [each.text for each in segments(data)] == ["One\n\nFleet 2026\n\nConfidential", "Two"]


def test_hidden_slides_are_read_and_said_and_prompts_are_no_text() -> None:
    prompt = box("Click to add text", more='presentation:placeholder="true"')
    data = odp(page(headline("One") + prompt), page(headline("Two"), 'draw:style-name="h"'))
    assert [(each.text, each.label) for each in segments(data)] == [("One", ""), ("Two", "hidden slide")]
    assert notes(split(data)) == ["Hidden slides, which were read as well: 2."]


def test_what_lies_elsewhere_is_said_and_what_is_embedded_is_read() -> None:
    linked = frame('<draw:plugin xlink:href="https://example.org/regatta.mp4"/>')
    inside = frame('<draw:plugin xlink:href="Media/box.zip"/>')
    data = odp(page(linked + inside), files={"Media/box.zip": packed({"n.txt": b"Embedded word."})})
    assert [each.text for each in segments(data)] == ["Embedded word."]
    assert notes(split(data)) == ["Files that are only linked, which were not fetched (1): regatta.mp4 (slide 1)."]


def test_macros_are_said() -> None:
    assert notes(split(odp(page(headline("One")), files={"Basic/Standard/Module1.xml": b"<m/>"}))) == [
        "It has macros. They were not run."
    ]


def test_the_deck_says_its_title_and_pages() -> None:
    meta = f"<m {NAMESPACES}><dc:title>Fleet review</dc:title><meta:keyword>harbour</meta:keyword></m>"
    about = next(
        about for about in abouts(split(odp(page(headline("One")), files={"meta.xml": meta.encode()}))) if about.pages
    )
    assert (about.title, about.keywords, about.pages) == ("Fleet review", "harbour", 1)
    titles = [about.title for about in abouts(split(odp(page(headline("One"))))) if about.title]
    assert titles == ["One"]


def test_what_wants_a_password_is_told() -> None:
    manifest = b'<m><manifest:encryption-data xmlns:manifest="m"/></m>'
    with pytest.raises(UnreadableMedia, match="password") as failure:
        split(odp(page(""), files={"META-INF/manifest.xml": manifest}))
    assert failure.value.code == "encrypted"


def test_what_is_cited_can_be_loaded_again() -> None:
    shown = frame('<draw:image xlink:href="Pictures/a.png"/>')
    data = odp(page(headline("One") + shown), page(headline("Two")), files={"Pictures/a.png": picture()})
    for each in segments(data):
        assert Place.parse(each.place.fragment) == each.place
        loaded = media.load(source(data), each, LIMITS)
        assert each.modality == "image" or loaded == each.text


def test_a_damaged_object_costs_a_note_and_its_preview_is_read() -> None:
    shown = frame('<draw:object xlink:href="./Object 1"/><draw:image xlink:href="Pictures/a.png"/>')
    data = odp(page(shown), files={"Pictures/a.png": picture()})
    assert [each.modality for each in segments(data)] == ["image"]
    assert notes(split(data)) == ["Damaged, and not read (1): an embedded object (slide 1)."]


def test_more_slides_than_are_read_are_told() -> None:
    steps = list(media.split(source(odp(*(page(headline(name)) for name in ("One", "Two")))), Limits(pages=1)))
    assert [part.segment.text for part in parts(steps)] == ["One"]
    assert notes(steps) == ["Only the first 1 of 2 slides were read."]

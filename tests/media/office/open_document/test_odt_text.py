"""The text of OpenDocument texts: what a reader sees, each word once, wherever it stands."""

from tests.media.office.open_document.test_odt import split, style, text
from tests.media.office.test_ole import container
from tests.support.media_files import notes, parts, picture, title
from tests.support.odt_files import content, frame, h, image, odt, p, root


def letters(attributes: str) -> str:
    return f"<style:text-properties {attributes}/>"


def test_headings_titles_and_code() -> None:
    styles = (
        style("Title")
        + style("P1", 'style:parent-style-name="Title"')
        + style("Own", 'style:default-outline-level="2"')
        + style("Preformatted_20_Text")
        + style("Loop", 'style:parent-style-name="Loop"')
    )
    long = p("Words. " * 60, "Loop")
    body = (
        p("Survey", "P1") + h("One", 1) + long + p("Two", "Own") + long + h("Three", 3) + long
        + p("if keel:", "Preformatted_20_Text") + p('<text:s text:c="4"/>lay(keel)', "Preformatted_20_Text")
    )  # fmt: skip
    steps = split(odt(body, styles))
    assert title(steps) == "Survey"
    assert [part.segment.heading for part in parts(steps)] == ["One", "One > Two", "One > Two > Three"]
    assert text(steps).endswith("if keel:\n    lay(keel)")


def test_headings_have_the_numbers_of_the_outline() -> None:
    levels = '<text:outline-level-style text:level="{}" style:num-format="{}" text:display-levels="{}"/>'
    outline = levels.format(1, "1", 1) + levels.format(2, "1", 2) + levels.format(3, "", 3)
    styles = f'<text:outline-style style:name="Outline">{outline}</text:outline-style>'
    body = h("One", 1) + h("Two", 2) + h("Three", 2) + h("plain", 3) + h("Four", 1) + h("Five", 2)
    found = text(split(odt(body + p("Words."), styles)))
    assert found.split("\n\n")[:-1] == ["1 One", "1.1 Two", "1.2 Three", "plain", "2 Four", "2.1 Five"]


def test_lists_have_their_numbers_on_all_levels() -> None:
    styles = (
        '<text:list-style style:name="L1"><text:list-level-style-number text:level="1" style:num-format="1" '
        'style:num-suffix="." text:start-value="3"/><text:list-level-style-number text:level="2" style:num-format="a" '
        'style:num-suffix=")" text:display-levels="2"/></text:list-style>'
        '<text:list-style style:name="L2"><text:list-level-style-bullet text:level="1" text:bullet-char="-"/>'
        "</text:list-style>"
    )

    def item(words: str, more: str = "") -> str:
        return f"<text:list-item>{p(words)}{more}</text:list-item>"

    inner = f"<text:list>{item('leaf')}{item('root')}</text:list>"
    body = (
        f'<text:list text:style-name="L1">{item("oak", p("more of it") + inner)}{item("elm")}'
        f"<text:list-header>{p('no item')}</text:list-header></text:list>"
        f'<text:list text:style-name="L2">{item("rope")}</text:list>'
        f'<text:list text:style-name="L1" text:continue-numbering="true">{item("ash")}</text:list>'
        f'<text:list text:style-name="L1">{item("new")}</text:list>'
    )
    assert text(split(odt(body, styles))) == (
        "3. oak\n\nmore of it\n3.a) leaf\n3.b) root\n4. elm\n\nno item\n• rope\n5. ash\n3. new"
    )


def test_tables_name_their_columns_and_have_merged_cells_once() -> None:
    def row(*cells: str) -> str:
        return f"<table:table-row>{''.join(cells)}</table:table-row>"

    def cell(words: str, more: str = "") -> str:
        return f"<table:table-cell {more}>{p(words)}</table:table-cell>"

    covered = "<table:covered-table-cell/>"
    empty = cell("", "table:number-columns-repeated='9999'")
    inner = f"<table:table-cell><table:table>{row(cell('in'), cell('side'))}</table:table></table:table-cell>"
    body = (
        "<table:table><table:title>Ships</table:title>"
        f"<table:table-header-rows>{row(cell('Ship'), cell('Both'), covered)}</table:table-header-rows>"
        f"{row(cell('oak'), inner, empty)}"
        "</table:table>"
    )
    assert text(split(odt(body))) == "[Ships]\n\nShip | Both\noak | in, side"


def test_tracked_changes_are_read_as_if_they_were_accepted() -> None:
    changes = (
        "<text:tracked-changes><text:changed-region><text:deletion>"
        f"{p('gone words')}</text:deletion></text:changed-region></text:tracked-changes>"
    )
    steps = split(odt(changes + p('A <text:change text:change-id="x"/>new <text:change-start/>rope<text:change-end/>')))
    assert text(steps) == "A new rope"
    assert notes(steps) == ["What tracked changes delete was left out: 9 characters."]


def test_what_stands_within_paragraphs() -> None:
    body = p(
        "a<text:tab/>b<text:line-break/>c<text:s/>d <text:a xlink:href='https://example.com/secret'>link</text:a> "
        "<text:page-number>7</text:page-number> <text:ruby><text:ruby-base>base</text:ruby-base>"
        "<text:ruby-text>reading</text:ruby-text></text:ruby><text:bookmark text:name='mark'/> "
        "e<text:soft-page-break/>f"
    )
    assert text(split(odt(body))) == "a b\nc d link 7 base ef"


def test_hidden_text_is_left_out_and_counted() -> None:
    styles = (
        style("ghost", properties=letters('text:display="none"'), family="text")
        + style("T1", 'style:parent-style-name="ghost"', family="text")
        + style("white", properties=letters('fo:color="#ffffff"'), family="text")
        + style("dark", properties=letters('fo:color="#FFFFFF" fo:background-color="#000000"'), family="text")
        + style("speck", properties=letters('fo:font-size="1pt"'))
    )
    body = (
        p('seen <text:span text:style-name="T1">unseen</text:span><text:span text:style-name="white">white</text:span>')
        + p('<text:span text:style-name="dark">on dark</text:span>')
        + p("speck", "speck")
        + f'<text:section text:display="none">{p("section")}</text:section>'
        + f'<text:section text:display="condition" text:is-hidden="true">{p("also")}</text:section>'
        + p('<text:hidden-paragraph text:is-hidden="true"/>by a field')
        + f"<text:section>{p('shown')}</text:section>"
    )
    steps = split(odt(body, styles))
    assert text(steps) == "seen\n\non dark\n\nshown"
    assert notes(steps) == ["What a reader of it cannot see was left out: 35 characters of hidden text."]


def test_pictures_boxes_and_what_is_said_of_them() -> None:
    said = "<svg:title>Square</svg:title><svg:desc>A red square</svg:desc>"
    body = (
        p("See " + frame(image("Pictures/a.png"), said) + " here")
        + frame(f"<draw:text-box>{p('boxed words')}</draw:text-box>")
        + p(frame(image("Pictures/c.png") + image("Pictures/a.png")))
        + p("Figure 2: the blue one", "Caption")
        + p(f"<draw:g><draw:custom-shape>{p('in a shape')}<draw:enhanced-geometry/></draw:custom-shape></draw:g>")
        + p(frame(image("https://example.com/x.png")) + frame(image("../far.png")) + frame(image("Pictures/b.png")))
        + p(frame(image("Pictures/d.svm")))
    )
    files = {
        "Pictures/a.png": picture(),
        "Pictures/b.png": picture(),
        "Pictures/c.png": picture(colour="blue"),
        "Pictures/d.svm": b"VCLMTF",
    }
    steps = split(odt(body, parts=files))
    assert text(steps) == ("See [Square; A red square] here\n\nboxed words\n\nFigure 2: the blue one\n\nin a shape")
    found = [part.segment for part in parts(steps) if part.segment.modality == "image"]
    assert [(one.place.fragment, one.heading) for one in found] == [
        ("picture=1", "Square; A red square"),
        ("picture=2", "Figure 2: the blue one"),
    ]
    assert notes(steps) == [
        "Not read: 1 drawing in a format of Windows (EMF, WMF).",
        "What lies elsewhere and is only linked was not fetched: 2 pictures.",
    ]


def test_charts_equations_and_files_within() -> None:
    def row(*cells: str) -> str:
        return (
            "<table:table-row>"
            + "".join(f"<table:table-cell>{p(one)}</table:table-cell>" for one in cells)
            + "</table:table-row>"
        )

    chart = (
        f"<chart:chart><chart:title>{p('Catch')}</chart:title><table:table>"
        f"<table:table-header-rows>{row('', 'cod')}</table:table-header-rows>"
        f"<table:table-rows>{row('May', '31')}{row('June', '47')}</table:table-rows></table:table></chart:chart>"
    )
    equation = "<math:semantics><math:mi>x</math:mi><math:annotation>x^2 = 4</math:annotation></math:semantics>"
    files = {
        "Object 1/content.xml": content(chart, "chart"),
        "ObjectReplacements/Object 1": bytes(range(256)),
        "Object 2/content.xml": root("math:math", equation),
        "Object 3": container({"\x01Ole10Native": b"", "Package": odt(p("words of the inner document"))}),
        "ObjectReplacements/Object 3": bytes(range(256)),
        "Object 4/content.xml": content(p(frame('<draw:object xlink:href="."/>') + "again"), "text"),
    }
    body = (
        p("so " + frame('<draw:object xlink:href="./Object 2"/>'))
        + p(frame('<draw:object xlink:href="./Object 1"/>' + image("./ObjectReplacements/Object 1")))
        + p(frame('<draw:object-ole xlink:href="./Object 3"/>' + image("./ObjectReplacements/Object 3")))
        + p(frame('<draw:object xlink:href="./Object 4"/>'))
        + p(frame('<draw:plugin xlink:href="https://example.com/film.mp4"/>'))
    )
    steps = split(odt(body, parts=files))
    found = {part.segment.place.fragment: part.segment.text for part in parts(steps)}
    assert found == {
        "char=0,51": "so x^2 = 4\n\nCatch\n\n | cod\nMay | 31\nJune | 47\n\nagain",
        "part=1&char=0,27": "words of the inner document",
    }
    assert notes(steps) == ["What lies elsewhere and is only linked was not fetched: 1 file."]

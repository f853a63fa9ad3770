"""The text of Word documents: what a reader sees, each word once, wherever it stands."""

from tests.media.office.word.test_docx import STYLES, split, style, styles, text
from tests.support.media_files import notes, parts
from tests.support.word_files import cell as tc
from tests.support.word_files import p, r, root, run, table, word
from tests.support.word_files import row as tr


def test_tables_name_their_columns_and_have_merged_cells_once() -> None:
    body = table(
        tr(tc(p(r("Ship"))), tc(p(r("Both")), '<w:gridSpan w:val="2"/>'), properties="<w:tblHeader/>"),
        tr(tc(p(r("down")), '<w:vMerge w:val="restart"/>'), tc(p(r("b"))), tc(p(r("c")) + p(r("d")))),
        tr(tc(p(r("copy")), "<w:vMerge/>"), tc(p(r("e"))), tc(table(tr(tc(p(r("in"))), tc(p(r("side"))))) + p())),
        tr(tc(p(r("gone"))), properties="<w:del/>"),
    )
    assert text(split(word(body))) == "Ship | Both\ndown | b | c d\n | e | in, side"


def test_what_is_said_of_a_table_stands_before_it() -> None:
    rows = tr(tc(p(r("a"))), tc(p(r("b"))))
    said = '<w:tblCaption w:val="Ships"/><w:tblDescription w:val="by port"/>'
    assert (
        text(split(word(table(rows).replace("<w:tblPr/>", f"<w:tblPr>{said}</w:tblPr>"))))
        == "[Ships; by port]\n\na | b"
    )


def test_each_passage_of_a_long_table_begins_with_the_names_of_its_columns() -> None:
    rows = [tr(tc(p(r("Ship"))), tc(p(r("Port"))), properties="<w:tblHeader/>")]
    rows += [tr(tc(p(r(f"vessel {number}"))), tc(p(r("Bergen in the north")))) for number in range(200)]
    found = [part.segment.text for part in parts(split(word(table(*rows))))]
    assert len(found) > 3
    assert all(words.startswith("Ship | Port\n") for words in found)


def test_a_table_that_lays_out_a_page_is_read_cell_by_cell() -> None:
    body = table(tr(tc(p(r("Profile"), style="h") + p(r("Left words."))), tc(p(r("Right words. " * 100)))))
    steps = split(word(body, STYLES, styles(style("h", "heading 1"))))
    assert parts(steps)[0].segment.heading == "Profile"
    assert " | " not in text(steps)


def old_box(words: str) -> str:
    return f"<w:pict><v:shape><v:textbox><w:txbxContent>{p(r(words))}</w:txbxContent></v:textbox></v:shape></w:pict>"


def test_text_boxes_are_read_once() -> None:
    box = f"<wps:wsp><wps:txbx><w:txbxContent>{p(r('boxed words'))}</w:txbxContent></wps:txbx></wps:wsp>"
    old = old_box("boxed words")
    new = f"<wp:anchor><wp:docPr/><a:graphic><a:graphicData>{box}</a:graphicData></a:graphic></wp:anchor>"
    body = p(
        r("before"),
        run(
            f'<mc:AlternateContent><mc:Choice Requires="wps"><w:drawing>{new}</w:drawing></mc:Choice>'
            f"<mc:Fallback>{old}</mc:Fallback></mc:AlternateContent>"
        ),
        r(" behind"),
    )
    assert text(split(word(body))) == "before behind\n\nboxed words"


def test_where_nothing_can_be_read_of_the_new_form_the_old_one_is() -> None:
    old = old_box("old form")
    body = p(
        run(
            '<mc:AlternateContent><mc:Choice Requires="x"><w:drawing/></mc:Choice>'
            f"<mc:Fallback>{old}</mc:Fallback></mc:AlternateContent>"
        )
    )
    assert text(split(word(body))) == "old form"


def test_notes_and_comments_stand_behind_the_paragraph_that_cites_them() -> None:
    related = {
        "f": ("footnotes", "footnotes.xml"),
        "e": ("endnotes", "endnotes.xml"),
        "c": ("comments", "comments.xml"),
    }
    made = {
        "footnotes.xml": root(
            "w:footnotes",
            f'<w:footnote w:id="-1" w:type="separator">{p(r("line"))}</w:footnote>'
            f'<w:footnote w:id="1">{p(run("<w:footnoteRef/>"), r(" source one"))}</w:footnote>'
            f'<w:footnote w:id="2">{p(r("source two"))}</w:footnote>',
        ),
        "endnotes.xml": root("w:endnotes", f'<w:endnote w:id="1">{p(r("at the end"))}</w:endnote>'),
        "comments.xml": root(
            "w:comments",
            f'<w:comment w:id="0" w:author="Ann Lee">{p(r("please check"))}</w:comment>'
            f'<w:comment w:id="5">{p(r("on what was deleted"))}</w:comment>',
        ),
    }
    body = p(
        r("Claim"),
        run('<w:footnoteReference w:id="1"/>'),
        r(" and"),
        run('<w:commentReference w:id="0"/>'),
        run('<w:footnoteReference w:id="2"/>'),
        run('<w:endnoteReference w:id="1"/>'),
    ) + p(r("Next."))
    assert text(split(word(body, related, made))) == (
        "Claim[1] and[2][i]\n[1] source one\nComment (Ann Lee): please check\n[2] source two\n[i] at the end\n\n"
        "Next.\nComment: on what was deleted"
    )


def test_tracked_changes_are_read_as_if_they_were_accepted() -> None:
    deleted = "<w:del><w:r><w:delText>old</w:delText></w:r></w:del>"
    body = (
        p(r("A "), deleted, f"<w:ins>{r('new')}</w:ins>", r(" rope"))
        + p(f"<w:moveFrom>{r('wandering')}</w:moveFrom>", properties="<w:rPr><w:moveFrom/></w:rPr>")
        + p(r("first half "), properties="<w:rPr><w:del/></w:rPr>")
        + p(r("second half"))
        + p(f"<w:moveTo>{r('wandering')}</w:moveTo>")
    )
    steps = split(word(body))
    assert text(steps) == "A new rope\n\nfirst half second half\n\nwandering"
    assert notes(steps) == ["What tracked changes delete was left out: 12 characters."]


def field(code: str, result: str) -> str:
    mark = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
    return (
        mark.format("begin")
        + f"<w:r><w:instrText>{code}</w:instrText></w:r>"
        + (mark.format("separate") + r(result) if result else "")
        + mark.format("end")
    )


def test_fields_are_read_by_their_results() -> None:
    nested = '<w:r><w:fldChar w:fldCharType="begin"/></w:r>' + r("code words") + field("PAGE", "inner code")
    nested += (
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r>' + r("outer") + '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    )
    body = p(
        field("HYPERLINK secret", "link"),
        r(" "),
        f'<w:fldSimple w:instr="DATE">{r("today")}</w:fldSimple>',
        r(" "),
        nested,
        field("XE entry", ""),
        f'<w:hyperlink r:id="x">{r(" target")}</w:hyperlink>',
    )
    assert text(split(word(body))) == "link today outer target"


def test_a_field_without_an_end_hides_nothing() -> None:
    body = p('<w:r><w:fldChar w:fldCharType="begin"/></w:r>', r("one")) + p(r("two"))
    assert text(split(word(body))) == "one\n\ntwo"
    mark = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
    turned = p(mark.format("end"), r("one"), mark.format("begin")) + p(r("two"))
    assert text(split(word(turned))) == "one\n\ntwo"
    deleted = p(f"<w:del>{mark.format('end')}</w:del>", r("one"), mark.format("begin")) + p(r("two"))
    assert text(split(word(deleted))) == "one\n\ntwo"


def test_forms_say_what_is_chosen() -> None:
    box = '<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox>{}</w:checkBox></w:ffData></w:fldChar></w:r>'
    drop = (
        '<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:ddList><w:result w:val="1"/><w:listEntry w:val="red"/>'
        '<w:listEntry w:val="blue"/></w:ddList></w:ffData></w:fldChar></w:r>'
    )
    end = '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    control = f"<w:sdt><w:sdtPr/><w:sdtContent>{r('☒ agreed')}</w:sdtContent></w:sdt>"
    body = (
        p(box.format('<w:checked w:val="1"/>'), end, r(" yes "), box.format(""), end, r(" no "), drop, end)
        + f"<w:sdt><w:sdtContent>{p(control)}</w:sdtContent></w:sdt>"
    )
    assert text(split(word(body))) == "☒ yes ☐ no blue\n\n☒ agreed"


def test_signs_of_layout_become_letters() -> None:
    body = p(
        r("a"),
        run("<w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t><w:softHyphen/><w:t>e</w:t>"),
        run('<w:sym w:font="Symbol" w:char="F061"/><w:sym w:font="Wingdings" w:char="F0FC"/><w:t> f</w:t>'),
        run(f"<w:ruby><w:rt>{r('reading')}</w:rt><w:rubyBase>{r('base')}</w:rubyBase></w:ruby>"),
    )
    assert text(split(word(body))) == "a b\nc-de\u03b1\u2713 fbase"


def test_equations_are_a_line_of_text() -> None:
    def letter(text: str) -> str:
        return f"<m:r><m:t>{text}</m:t></m:r>"

    squared = f"<m:sSup><m:e>{letter('x')}</m:e><m:sup>{letter('2')}</m:sup></m:sSup>"
    half = f"<m:f><m:num>{letter('a+b')}</m:num><m:den>{letter('c')}</m:den></m:f>"
    body = p(r("so "), f"<m:oMathPara><m:oMath>{squared}{letter('=')}{half}</m:oMath></m:oMathPara>")
    assert text(split(word(body))) == "so x^2=(a+b)/c"


def test_hidden_text_is_left_out_and_counted() -> None:
    rows = styles(style("ghost", "Ghost", "<w:rPr><w:vanish/></w:rPr>", "character"))
    body = (
        p(
            r("seen "),
            r("unseen", "<w:vanish/>"),
            r("by style", '<w:rStyle w:val="ghost"/>'),
            r("not", '<w:vanish w:val="0"/>'),
        )
        + p(r("white", '<w:color w:val="FFFFFF"/>'), r("on dark", '<w:color w:val="FFFFFF"/><w:shd w:fill="000000"/>'))
        + p(r("speck", '<w:sz w:val="1"/>'))
        + table(tr(tc(p(r("cell", '<w:color w:val="FFFFFF"/>'))), tc(p(r("other")))))
    )
    steps = split(word(body, STYLES, rows))
    assert text(steps) == "seen not\n\non dark\n\ncell | other"
    assert notes(steps) == ["What a reader of it cannot see was left out: 23 characters of hidden text."]


def test_code_stays_as_it_is_written() -> None:
    body = p(r("if keel:"), style="code") + p(r("    lay(keel)"), style="code")
    found = text(split(word(body, STYLES, styles(style("code", "HTML Preformatted")))))
    assert found == "if keel:\n    lay(keel)"

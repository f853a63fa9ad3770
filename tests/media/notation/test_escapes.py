r"""The letters behind escapes."""

import json

import pytest

from mcp_mmretrieval.media.notation import escapes


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (json.dumps({"a": "Zürich\ntarragon\t杭州 😀"}), '{"a": "Zürich\ntarragon\t杭州 😀"}'),
        (r'"C:\\new \"x\" a\/b"', r'"C:\new "x" a/b"'),
        (r'"one\r\ntwo"', '"one\ntwo"'),
        (r'"lone \ud83d here"', '"lone \ufffd here"'),
    ],
)
def test_strings_of_json_are_read_as_decoded(written: str, read: str) -> None:
    assert escapes.read_json_escapes(written).text == read


def test_only_what_begins_as_an_object_or_a_list_looks_like_json() -> None:
    assert escapes.looks_like_json(' {"a": 1}')
    assert escapes.looks_like_json('[{"a": 1}]')
    assert not escapes.looks_like_json("[a link](x)")
    assert not escapes.looks_like_json("{a}")


def test_properties_are_read_as_java_does() -> None:
    written = "greeting=Gr\\u00fc\\u00dfe\nlong=one \\\n    two\nkey\\:x=a\\=b\n"
    assert escapes.read_properties(written).text == "greeting=Grüße\nlong=one two\nkey:x=a=b\n"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r'print("Z\u00fcrich\ntarragon")', 'print("Zürich\ntarragon")'),
        (r'x = "caf\xe9"; y = "\xc3\xbcber"; z = "\303\274ber"', 'x = "café"; y = "über"; z = "über"'),
        (r"s = '\u{1F600}' + '\U0001F600'", "s = '😀' + '😀'"),
        (r'"\n".join(x)', r'"\n".join(x)'),
        (r'r"\nu\d" + "C:\\new"', r'r"\nu\d" + "C:\\new"'),
        (r"re = /\bnew\tab/", r"re = /\bnew\tab/"),
    ],
)
def test_strings_of_code_show_their_letters_and_code_stays_as_it_is(written: str, read: str) -> None:
    assert escapes.read_code(written).text == read


def test_only_double_quotes_of_yaml_have_escapes() -> None:
    assert (
        escapes.read_yaml(r"""a: "Z\xFCrich" b: 'C:\new' c: D:\temp""").text
        == r"""a: "Zürich" b: 'C:\new' c: D:\temp"""
    )


def test_references_are_read_but_not_in_code() -> None:
    assert escapes.read_xml("<a to='M&#252;nster'>Caf&#xe9; &amp; &unknown;</a>").text == (
        "<a to='Münster'>Café & &unknown;</a>"
    )
    written = "M&uuml;ller `&uuml;`\n```html\n&uuml;\n```\n<ruby>東<rp>(</rp><rt>とう</rt><rp>)</rp></ruby>京 &eacute;"
    assert escapes.read_markdown(written).text == "Müller `&uuml;`\n```html\n&uuml;\n```\n東京 é"


def test_the_declaration_of_xml_is_no_content() -> None:
    written = '<?xml version="1.0" encoding="ISO-8859-2"?>\n<price unit="z\u0142">4&#160;310</price>'
    assert escapes.read_xml(written).text == '<price unit="z\u0142">4\xa0310</price>'


def test_a_terminal_shows_no_colours() -> None:
    written = "\x1b[31mOver\x1b[0mheated \x1b]0;title\x07in \x1b[1;38;5;9mmill\x1b[K N\x08NA\x08AME \x1b(B."
    assert escapes.read_terminal(written).text == "Overheated in mill NAME ."


def test_readings_behind_japanese_words_are_left_out_and_titles_of_books_are_not() -> None:
    assert escapes.read_ruby("吾輩《わがはい》は\uff5c東京府《とうきょうふ》の猫").text == "吾輩は東京府の猫"
    assert escapes.read_ruby("他读了《红楼梦》和《水浒传》").text == "他读了《红楼梦》和《水浒传》"


def test_json_within_strings_of_json_is_read_too() -> None:
    written = json.dumps({"log": json.dumps({"msg": "Gemüse\nkohlrabi", "path": "C:\\new"}), "dir": "D:\\temp"})
    read = escapes.read_json_escapes(written)
    assert "Gemüse\nkohlrabi" in read.text
    assert "D:\\temp" in read.text
    assert read.source_of(read.text.index("kohl"), read.text.index("kohl") + 4) == (
        written.index("kohl"),
        written.index("kohl") + 4,
    )


def test_colours_are_none_either_whose_escape_was_written_out_or_dropped() -> None:
    assert escapes.read_terminal("^[[1;31mhalibut^[[0m").text == "halibut"
    assert escapes.read_terminal("[32mok[0m turbot").text == "ok turbot"
    assert escapes.read_terminal("[32mINFO[0m [main] up [Kafka]^[[K").text == "INFO [main] up [Kafka]"
    assert escapes.read_terminal("rate(x[5m]) and {a}[10m]").text == "rate(x[5m]) and {a}[10m]"


def test_emphasis_within_a_word_does_not_part_it() -> None:
    assert escapes.read_markdown("**Wasch**küche, 2*3, `a*b`, * item").text == "**Waschküche, 2*3, `a*b`, * item"


def test_strings_of_apple_have_four_digits_behind_a_large_u() -> None:
    assert escapes.read_code(r'"greet" = "Sch\U00f6ner Abend";').text == '"greet" = "Schöner Abend";'


@pytest.mark.timeout(20)
def test_json_that_was_cut_off_is_read_in_little_time() -> None:
    assert len(escapes.read_json_escapes('["' + '{\\"' * 50_000 + "\\").text) > 100_000


@pytest.mark.timeout(20)
def test_strings_that_never_end_are_read_in_time() -> None:
    endless = 'x = "' + r"\n\"" * 100_000
    assert escapes.read_code(endless).text == escapes.read_yaml(endless).text == endless
    assert escapes.read_code(r'/\"/.test("\u00fc")').text == r'/\"/.test("ü")'

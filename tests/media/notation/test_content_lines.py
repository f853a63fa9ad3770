"""Lines of calendars and contacts."""

from mcp_mmretrieval.media.notation.content_lines import content_lines, unfolded


def test_a_line_has_a_name_parameters_and_a_value() -> None:
    text = 'item1.Tel;TYPE="a,b";type=c;PREF: +1 \r\nnot a line\r\nX-A;CN="x:y":z\r\n'
    first, second = content_lines(text)
    assert (first.name, first.value, first.parameters) == ("TEL", "+1", {"TYPE": "a,b,c,PREF"})
    assert text[first.value_at : first.end].strip() == "+1"
    assert (second.value, second.parameters) == ("z", {"CN": "x:y"})


def test_fields_are_divided_where_it_is_not_escaped() -> None:
    (line,) = content_lines("ADR:;a\\;b; c")
    assert line.fields == ["", "a\\;b", "c"]


def test_lines_are_unfolded_decoded_and_without_files() -> None:
    source = "A;ENCODING=QUOTED-PRINTABLE:=C3=\r\n=BC\r\nB:fol\r\n ded\r\nitem1.PHOTO;ENCODING=b:AAAA\r\nC:1\r\n"
    mapped, files = unfolded(source)
    assert [line.value for line in content_lines(mapped.text)] == ["\u00fc", "folded", "1"]
    assert files == 1

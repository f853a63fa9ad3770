"""Tables: one line a row, under the names of the columns."""

import pytest

from mcp_mmretrieval.media.notation.table import names_row, read_table

ROWS = "".join(f"item {number};{number},50;2026-01-{number:02}\n" for number in range(1, 20))


def header(source: str) -> str:
    read = read_table(source)
    return next((read.mapped.text[block.at : block.header_end].rstrip() for block in read.blocks), "")


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("name;price;date\n", "name;price;date"),
        ("sep=;\nname;price;date\n", "name;price;date"),
        ('"sep=;"\r\nname;price;date\r\n', "name;price;date"),
        ("Account:;DE12 3456\nBalance;1.234,00\n\nname;price;date\n", "name;price;date"),
        ("Account:;DE12;\n;;\nname;price;date\n", "name;price;date"),
        ("Report of January\nname;price;date\n", "name;price;date"),
        ('"name";"the price\nin euros";"date"\n', '"name";"the price in euros";"date"'),
        ("", ""),
    ],
)
def test_the_header_is_the_first_row_of_names(before: str, expected: str) -> None:
    assert header(before + ROWS) == expected
    assert header((before + ROWS).replace("\r", "").replace("\n", "\r")) == expected


def test_years_may_be_names_of_columns() -> None:
    assert header("land,2019,2020,2021\nA,1,2,3\nB,4,5,6\n") == "land,2019,2020,2021"
    assert header("1,2,3\n4,5,6\n7,8,9\n") == ""
    assert header("word\nother\n") == "word"


def test_a_row_is_a_line_whatever_ends_it_and_whatever_its_cells_hold() -> None:
    source = 'a,b\r1,"one\rtwo ""x"""\r2,"three, four"\r'
    read = read_table(source)
    assert read.mapped.text.split("\n") == ["a,b", '1,"one two ""x"""', '2,"three, four"', ""]
    first = read.mapped.text.index("two")
    assert source[slice(*read.mapped.source_of(first, first + 3))] == "two"
    assert read_table('a,b\r\n1,"x\r\ny"\r\n').mapped.text == 'a,b\r\n1,"x y"\r\n'


@pytest.mark.timeout(20)
@pytest.mark.parametrize("broken", ['"', '"a\n', ',"', '""', "\r", "sep=;", ",", '"a,"b\n'])
def test_broken_tables_are_read_in_time(broken: str) -> None:
    assert read_table(broken * 50_000).mapped.text
    assert read_table("").mapped.text == ""


def test_a_table_of_one_endless_line_is_read() -> None:
    assert read_table("name;" + "x" * 200_000).mapped.text.startswith("name;xxx")


def test_names_are_sure_where_numbers_below_show_that_they_are_none() -> None:
    words = [["Name", "Town"], ["Ann", "Rome"], ["Bo", "Oslo"]]
    assert names_row(words) == 0
    assert names_row(words, sure=True) is None
    assert names_row([["Crew"], ["Name", "Wage"], ["Ann", "12"], ["Bo", "13"]], sure=True) == 1
    assert names_row([["Ann", "12"], ["Bo", "13"]]) is None
    assert names_row([]) is None

"""Rows as a Markdown table, and what is none left as it is."""

from typing import Any

import pytest

from mcp_mmretrieval.answers import Look
from mcp_mmretrieval.server.tools.markdown_table import as_markdown_table
from mcp_mmretrieval.types import Place, Segment


def look(path: str = "/data/a.csv", heading: str = "", **place: Any) -> Look:
    segment = Segment(document="ab" * 32, modality="text", place=Place(**place), heading=heading)
    return Look(segment=segment, path=path, citation="a", title="", text="", content=None)


def test_rows_of_a_sheet_are_a_table() -> None:
    rows = look("/data/book.xlsx", part="sheet=Q3", top=1, bottom=3)
    text = "Region | Sold | Note\nNorth |  | a\\b\nSouth | 9"
    assert as_markdown_table(rows, text) == "|Region|Sold|Note|\n|-|-|-|\n|North||a\\b|\n|South|9||"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", 'Region,"Sold, in 2024"\nNorth,"12 ""or"" so"\n'),
        ("a.CSV", 'Region;Sold, in 2024\nNorth;"12 ""or"" so"'),
        ("a.tsv", 'Region\tSold, in 2024\nNorth\t12 "or" so'),
    ],
)
def test_separated_values_are_a_table(name: str, text: str) -> None:
    made = as_markdown_table(look(f"/data/{name}", heading=text.split("\n")[0], first=0, last=9), text)
    assert made == '|Region|Sold, in 2024|\n|-|-|\n|North|12 "or" so|'


def test_later_rows_stand_under_the_names_that_their_passage_has() -> None:
    later = look(heading="Region,Sold", first=900, last=920)
    assert as_markdown_table(later, "North,12\nSouth,9") == "|Region|Sold|\n|-|-|\n|North|12|\n|South|9|"
    assert as_markdown_table(later, "Region,Sold\nNorth,12") == "|Region|Sold|\n|-|-|\n|North|12|"


def test_a_file_within_another_is_known_by_its_own_name() -> None:
    inner = look("/data/box.zip", part="member=x/a%20b.csv", first=0, last=9)
    assert as_markdown_table(inner, "a,b\n1,2") == "|a|b|\n|-|-|\n|1|2|"
    note = look("/data/a.csv", part="member=note.txt", first=0, last=9)
    assert as_markdown_table(note, "a,b\n1,2") == "a,b\n1,2"


@pytest.mark.parametrize(("path", "text"), [("/data/a.md", "a,b\n1,2"), ("/data/a.csv", "one column\nof words")])
def test_what_is_no_table_is_left_as_it_is(path: str, text: str) -> None:
    assert as_markdown_table(look(path, first=0, last=9), text) == text


def test_a_cell_cannot_break_out_of_its_row() -> None:
    made = as_markdown_table(look(heading="a;b"), 'a;b\n"x; y";p|q\n"open;1\n3;4')
    assert made.split("\n")[2:] == ["|x; y|p\\|q|", "|open;1||", "|3|4|"]

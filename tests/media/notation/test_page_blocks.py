"""What of a page stays whole: tables with names, items of lists, and `pre`."""

from itertools import pairwise

import pytest

from mcp_mmretrieval.media.markup import read_html

ROPE = "<tr><td>rope</td><td>5</td></tr>"


def whole(page: str) -> list[str]:
    read = read_html(page)
    return [read.mapped.text[block.at : block.end].strip() for block in read.blocks]


def names(page: str) -> list[str]:
    read = read_html(page)
    return [read.mapped.text[block.at : block.header_end].strip() for block in read.blocks]


@pytest.mark.parametrize(
    "head",
    [
        "<tr><th>Item<th>Count</tr>",
        "<thead><tr><td>Item</td><td>Count</td></tr></thead>",
        "<THEAD><TR><TH><p>Item</p></TH><TH><div>Count</div></TH></TR></THEAD><tbody>",
    ],
)
def test_the_first_rows_of_names_are_the_header_of_a_table(head: str) -> None:
    page = f"<p>Words<table>{head}{ROPE}</table>more"
    assert [" ".join(table.split()) for table in names(page)] == ["Item | Count"] or "thead><tr><td" in head
    assert " ".join(whole(page)[0].split()).endswith("rope | 5")
    assert "Words" not in whole(page)[0]
    assert "more" not in whole(page)[0]


def test_a_table_without_names_may_only_arrange_a_page_and_is_no_block() -> None:
    assert whole(f"<table>{ROPE}{ROPE}</table>") == []


def test_a_table_of_names_alone_has_no_header() -> None:
    assert names("<table><tr><th>a<th>b<tr><th>c<th>d</table>") == [""]


def test_names_of_rows_are_no_names_of_columns() -> None:
    page = "<table><tr><th>Depth</th><td>3 m</td></tr><tr><th>Length</th><td>9 m</td></tr></table>"
    assert names(page) == [""]
    assert " ".join(whole(page)[0].split()) == "Depth | 3 m Length | 9 m"


def test_an_item_has_the_items_under_it_whether_or_not_it_is_closed() -> None:
    for page in (
        "<ul><li>One<ul><li>sub</li></ul></li><li>Two</li></ul>end",
        "<ul><li>One<ul><li>sub</ul><li>Two</ul>end",
    ):
        assert [item.split() for item in whole(page)] == [["One", "sub"], ["Two"]]
    assert [item.split() for item in whole("<dl><dt>Rope<dd>Holds.</dl>")] == [["Rope"], ["Holds."]]


def test_code_is_whole_and_its_blanks_are_kept() -> None:
    read = read_html("<p>See:<pre>def f():\n    pass\n</pre>end")
    assert whole("<p>See:<pre>def f():\n    pass\n</pre>end") == ["def f():\n    pass"]
    assert [read.mapped.text[at:end] for at, end in read.verbatim] == ["def f():\n    pass\n"]


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "tags",
    ["<table>", "</table>", "<tr>", "<th>", "<li>", "<ul>", "</ul>", "<pre>", "</pre>", "<ul><li>", "<table><tr><th>a"],
)
def test_tags_without_their_like_cost_no_more_than_a_block(tags: str) -> None:
    read = read_html("<p>before</p>" + f"{tags}word " * 20_000 + "<p>after")
    assert "before" in read.mapped.text
    assert "after" in read.mapped.text
    assert all(before.end <= after.at for before, after in pairwise(read.blocks))

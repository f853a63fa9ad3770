"""Where Markdown, reStructuredText and plain text have headings, tables, code and items of lists."""

import random

import pytest

from mcp_mmretrieval.media.notation.markdown import markdown_structure
from mcp_mmretrieval.media.passages import Heading


def headings(text: str) -> list[Heading]:
    return markdown_structure(text)[0]


def whole(text: str, *, indented_code: bool = False) -> list[str]:
    """What stays whole."""
    return [text[block.at : block.end] for block in markdown_structure(text, indented_code=indented_code)[1]]


def names(text: str) -> list[str]:
    """The rows that name the columns of tables."""
    return [text[block.at : block.header_end] for block in markdown_structure(text)[1] if block.header_end]


def test_headings_are_found_by_hashes_and_underlines_outside_of_code_and_front_matter() -> None:
    whole = "---\ntitle: T\n# no\n---\n# One #\n\nTwo\n---\n\n```\n# no\n```\n- item\n---\n### [Three](x)\n"
    found = headings(whole)
    assert [(heading.level, heading.title) for heading in found] == [(1, "One"), (2, "Two"), (3, "Three")]
    assert [whole[heading.at : heading.end].split("\n")[0] for heading in found] == ["# One #", "Two", "### [Three](x)"]


def test_hashes_that_belong_to_a_title_stay() -> None:
    assert [heading.title for heading in headings("# C#\n\n## F# ##\n\n## #\n")] == ["C#", "F#"]


def test_titles_underlined_with_tildes_open_no_code() -> None:
    whole = "Fitting out\n~~~~~~~~~~~\n\nOf the hull.\n\nRig\n~~~~\n\nSails:\n\n~~~\nRun\n~~~\n"
    assert [(heading.level, heading.title) for heading in headings(whole)] == [
        (3, "Fitting out"),
        (3, "Rig"),
    ]


def test_code_goes_on_until_its_own_fence() -> None:
    nested = "````md\n```sh\n# no\n```\n# no\n````\n# Yes\n~~~\n```\n# no\n~~~\n# Yes\n"
    opened_twice = "```\n# no\n```sh\n# no\n```\n# Yes\n"
    inline = "```one line``` of code\n# Yes\n"
    for whole in (nested, opened_twice, inline):
        assert {heading.title for heading in headings(whole)} == {"Yes"}


@pytest.mark.parametrize(
    "table",
    [
        "| Item | Count |\n|:-----|------:|\n| rope | 1 |\n| sail | 2 |",
        "Item | Count\n---- | ----\nrope | 1",
        "| Item |\n|---|\n| rope |",
        "| Item | Count |\r\n| --- | --- |\r\n| rope | 1 |",
    ],
)
def test_a_table_with_pipes_has_its_names_and_its_rows(table: str) -> None:
    for text in (table, f"Words.\n\n{table}", f"{table}\n\nWords | more words.\n"):
        assert whole(text) == [table]
        assert [name.rstrip() for name in names(text)] == ["\n".join(table.split("\n")[:2]).rstrip()]


def test_what_only_looks_like_a_table_is_none() -> None:
    for text in (
        "a | b\nc | d\n",
        "no names\n---|---\n",
        "Title\n-----\n",
        "| a |\n||\n",
        "a | b\n\n---|---\n",
        "|---|",
    ):
        assert not names(text)


def test_tables_of_restructuredtext_have_their_names() -> None:
    grid = "+------+-----+\n| Name | No. |\n+======+=====+\n| rope | 1   |\n+------+-----+"
    plain = "+---+---+\n| a | b |\n+---+---+"
    simple = "====  =====\nName  Depth\n====  =====\nAven  3 m\nTarn  5 m\n====  ====="
    text = f"Words.\n\n{grid}\n\n{plain}\n\n{simple}\n\nWords.\n"
    assert whole(text) == [grid, plain, simple]
    assert names(text) == ["\n".join(grid.split("\n")[:3]), "\n".join(simple.split("\n")[:3])]


def test_code_between_fences_is_whole_with_its_fences_and_holds_nothing_else() -> None:
    code = "```py\n- no item\n\n| a | b |\n|---|---|\n# no heading\n```\n"
    assert whole(f"Words.\n{code}\nMore.\n") == [code]
    assert whole("```py\nnever closed\n") == []


def test_indented_code_is_code_where_the_notation_says_so() -> None:
    code = "    a = 1\n\n    b = 2\n\tc = 3"
    text = f"Words:\n\n{code}\n\nMore words.\n    no code, as it goes on with a paragraph\n"
    assert whole(text, indented_code=True) == [code]
    assert whole(text) == []


def test_an_item_has_with_it_what_stands_indented_under_it() -> None:
    first = "- One\n  goes on\n\n  in two paragraphs\n  - with an item\n\n    and its own\n"
    second = "- Two\n"
    third = "12. Three\n"
    text = f"Words:\n\n{first}{second}\nA paragraph.\n\n{third}# Heading\n- - -\n"
    assert whole(text) == [first, second, third]


def test_an_item_that_is_too_long_leaves_the_items_under_it_whole() -> None:
    inner = [f"  * part {number} {'of it ' * 40}\n" for number in range(6)]
    assert whole("- All\n" + "".join(inner)) == inner


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece",
    [
        "- ",
        "- a\n",
        "|",
        "|-",
        "| a |\n|---|\n",
        "```\n",
        "+-",
        "+-+\n",
        "=== ===\n",
        "    x\n\n",
        " \n",
        " " * 50,
        "\t- a\n\n",
    ],
)
def test_broken_structure_is_read_in_time(piece: str) -> None:
    text = piece * (400_000 // len(piece))
    for block in markdown_structure(text, indented_code=True)[1]:
        assert 0 <= block.at < block.end <= len(text)


def test_blocks_come_in_order_and_never_lie_in_one_another() -> None:
    dice = random.Random(5)
    pieces = [
        "words",
        "\n",
        "\n\n",
        "- ",
        "  - ",
        "    ",
        "| a | b |\n",
        "|---|---|\n",
        "```\n",
        "# ",
        "+--+\n",
        "== ==\n",
        "2. ",
    ]
    for _ in range(2000):
        text = "".join(dice.choices(pieces, k=dice.randrange(60)))
        over = 0
        for block in markdown_structure(text, indented_code=True)[1]:
            assert over <= block.at < block.end <= len(text)
            assert block.header_end == 0 or block.at < block.header_end <= block.end
            over = block.end

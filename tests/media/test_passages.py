"""How texts are cut into passages: where a reader would pause, and without losing a word."""

import json
import random
import re
from collections.abc import Sequence
from itertools import pairwise

import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media import text
from mcp_mmretrieval.types import SplitPart
from tests.support.media_files import GUIDE, PARAGRAPHS, parts, source

LIMITS = Limits()


def split(data: bytes | str, name: str = "notes.md", limits: Limits = LIMITS) -> list[SplitPart]:
    raw = data.encode() if isinstance(data, str) else data
    return parts(text.split(source(raw, name), limits))


def words(texts: Sequence[str]) -> list[str]:
    return re.findall(r"\w+", " ".join(texts))


def test_passages_have_a_readable_size_and_end_where_a_reader_would_pause() -> None:
    passages = [part.segment.text for part in split(PARAGRAPHS)]
    assert all(len(passage) <= 1200 for passage in passages)
    assert all(len(passage) >= 600 for passage in passages[:-1])
    assert all(passage.endswith(".") for passage in passages)


def test_the_trail_of_headings_stands_over_each_passage() -> None:
    headings = [part.segment.heading for part in split(GUIDE.format(long=PARAGRAPHS))]
    assert headings[0] == "Guide"
    assert "Guide > Setup" in headings
    assert "Guide > Use" in headings
    assert not any("no heading" in heading for heading in headings)


def test_a_passage_that_begins_with_its_heading_stands_under_it() -> None:
    source_text = f"# A\n\n{'First. ' * 60}\n\n# B\n\n## C\n\n{'Second. ' * 60}"
    assert [part.segment.heading for part in split(source_text)] == ["A", "B > C"]


@pytest.mark.timeout(20)
def test_no_heading_of_a_later_passage_stands_over_one_of_headings_alone() -> None:
    found = [part.segment for part in split("".join(f"# Stop {number}\n" for number in range(60_000)))]
    assert found[0].heading in found[0].text
    assert found[-1].heading == "Stop 59999"


def test_very_long_lines_are_cut() -> None:
    for data in ("x" * 10_000, "word " * 3000, '{"a":[' + "1," * 5000 + "1]}", "漢字。" * 3000):
        passages = [part.segment.text for part in split(data, "one.json")]
        assert max(map(len, passages)) <= 1200
        assert "".join(passages).replace(" ", "") == data.replace(" ", "")


def test_rows_of_a_table_stay_whole_and_stand_under_its_columns() -> None:
    rows = ["name,price", *(f"item {number},{number * 3}" for number in range(500))]
    passages = split("\n".join(rows), "prices.csv")
    assert len(passages) > 3
    assert {part.segment.heading for part in passages} == {"name,price"}
    assert {part.segment.text.split("\n")[0] for part in passages} == {"name,price"}
    assert [row for part in passages for row in part.segment.text.split("\n")[1:]] == rows[1:]


def test_source_code_is_cut_between_lines() -> None:
    code = "\n".join(f"def f{number}(x: int) -> int:\n    return x + {number}\n" for number in range(200))
    passages = [part.segment.text for part in split(code, "a.py")]
    assert len(passages) > 3
    assert all(passage.startswith("def ") for passage in passages)


def test_random_texts_lose_nothing() -> None:
    dice = random.Random(7)
    pieces = ["word", " ", "\n", "\n\n", "# ", "```\n", "===\n", ". ", "ß", "漢", "\r\n", "-", "\t", "e\u0301", "|"]
    for _ in range(200):
        whole = "".join(dice.choices(pieces, k=dice.randrange(2000)))
        passages = split(whole)
        ranges = [(part.segment.place.first or 0, part.segment.place.last or 0) for part in passages]
        assert all(before[1] <= after[0] for before, after in pairwise(ranges))
        assert words([part.segment.text for part in passages]) == words([whole]) or max(map(len, whole.split())) > 500
        for part in passages:
            assert part.segment.text == whole[part.segment.place.first : part.segment.place.last]


def shown(data: str, name: str) -> list[str]:
    """What each passage says; what is loaded at its place later is the same."""
    found = split(data, name)
    for part in found:
        assert text.load(source(data.encode(), name), part.segment, LIMITS) == part.segment.text
    return [part.segment.text for part in found]


def test_each_passage_of_a_long_table_begins_with_the_names_of_its_columns() -> None:
    rows = [f"| rope {number} | {number * 3} m |" for number in range(300)]
    markdown = "# Stock\n\n" + "\n".join(["| Item | Length |", "|------|-------:|", *rows]) + "\n\nWords after it.\n"
    cells = "".join(f"<tr><td>rope {number}</td><td>{number * 3} m</td></tr>\n" for number in range(300))
    page = f"<html><h1>Stock</h1><table>\n<tr><th>Item</th><th>Length</th></tr>\n{cells}</table><p>Words after it."
    for passages, header, mark in (
        (shown(markdown, "a.md"), "| Item | Length |\n|------|-------:|\n", "| "),
        (shown(page, "a.html"), "Item | Length\n", ""),
    ):
        assert len(passages) > 5
        assert passages[0].startswith(("# Stock\n\n" if mark else "Stock\n\n") + header)
        assert all(passage.startswith(header) for passage in passages[1:])
        assert all(passage.count("Item") == 1 for passage in passages)
        found = [line for passage in passages for line in passage.split("\n") if "rope" in line]
        assert [line.strip("| ").split(" | ") for line in found] == [[f"rope {n}", f"{n * 3} m"] for n in range(300)]
        assert passages[-1].endswith("Words after it.")


def test_names_of_columns_that_are_longer_than_a_passage_are_said_again_in_part() -> None:
    table = ",".join(f"column {number}" for number in range(400)) + "\n" + "\n".join(["x" + ",1" * 399] * 50)
    passages = shown(table, "wide.csv")
    rows = [passage for passage in passages if ",1,1," in passage]
    assert len(rows) > 40
    assert all(row.startswith("column 0,column 1,") for row in rows[1:])
    assert max(map(len, passages)) <= 1200 + 600 + 1


def test_a_short_table_stays_whole() -> None:
    table = "\n".join(["| Item | Length |", "|---|---|", *(f"| rope {number} | 3 m |" for number in range(60))])
    passages = shown(f"{'Words before it. ' * 50}\n\n{table}\n\n{'Words after it. ' * 60}", "a.md")
    assert passages[1].startswith(table)


@pytest.mark.parametrize(("before", "after"), [("```py\n", "\n```"), ("", ""), ("<pre>", "</pre>")])
def test_code_of_sixty_lines_stays_whole(before: str, after: str) -> None:
    lines = [f"value_{number} = {number} * step" for number in range(60)]
    lines[20] = lines[40] = ""
    code = "\n".join(lines if before else [f"    {line}".rstrip() for line in lines])
    words = "<p>Words. " if before == "<pre>" else f"{'Words. ' * 60}\n\n"
    passages = shown(f"{words}{before}{code}{after}\n\n{'More. ' * 200}", "a.html" if before == "<pre>" else "a.md")
    assert sum(code.strip() in passage for passage in passages) == 1


def test_code_on_a_page_keeps_its_indentation_wherever_it_is_cut() -> None:
    code = "\n".join(f"if depth > {number}:\n    sound({number})" for number in range(120))
    passages = shown(f"<html><ul><li>See  this: <pre>{code}</pre></ul>", "a.html")
    assert len(passages) > 2
    assert passages[0].startswith("See this:\n\nif depth > 0:\n    sound(0)\n")
    assert "\n".join(line for passage in passages for line in passage.split("\n")[:]).count("\n    sound(") >= 118


def test_a_list_is_cut_between_its_items() -> None:
    items = [
        f"- Rope {number}. It holds. Its length is\n  known, and so\n  - is its age: {number}" for number in range(40)
    ]
    for data, name in (
        ("Ropes:\n\n" + "\n".join(items), "a.md"),
        ("Ropes:\n\n" + "\n\n".join(items), "a.txt"),
        ("<html><p>Ropes:<ul>" + "".join(f"<li>{item[2:]}" for item in items) + "</ul>", "a.html"),
    ):
        passages = shown(data, name)
        assert len(passages) > 2
        assert all(re.search(r"age: \d+\Z", passage) for passage in passages)
        assert all(re.match(r"(?:- )?Rope \d+\. It", passage) for passage in passages[1:])


def test_an_item_of_several_paragraphs_stays_whole() -> None:
    items = [f"{number}. First. {'One. ' * 60}\n\n   {'Two. ' * 70}\n\n" for number in range(1, 6)]
    assert shown("".join(items), "a.md") == [re.sub(r"\s+\Z", "", item) for item in items]


def test_a_paragraph_stays_whole_where_it_fits_in_a_passage() -> None:
    paragraphs = ["First. " * 60, "Second. " * 110, "Third. " * 120]
    assert shown("\n\n".join(paragraphs), "a.txt") == [paragraph.strip() for paragraph in paragraphs]


def test_no_passage_ends_with_a_heading() -> None:
    dice = random.Random(3)
    rows = "".join(f"| a {number} | b |\n" for number in range(90))
    kinds = [
        *(f"{'#' * level} Heading {'x' * length}\n\n" for level, length in ((1, 10), (2, 150), (3, 280), (2, 5))),
        *("Some words. " * count + "\n\n" for count in (3, 20, 55, 150)),
        f"| A | B |\n|---|---|\n{rows}\n",
        "```\n" + "code = 1\n" * 200 + "```\n\n",
        *("- item\n- item\n\n", "- " + "item " * 150 + "\n\n"),
    ]
    for _ in range(60):
        data = "".join(dice.choices(kinds, k=30)) + "Words."
        passages = shown(data, "a.md")
        for passage in passages:
            lines = [line for line in passage.split("\n") if line.strip()]
            assert not lines[-1].startswith("#") or all(line.startswith("#") for line in lines)


def test_functions_stay_whole_and_stand_under_their_class() -> None:
    functions = [f"    def act_{number}(self) -> int:\n" + "        self.count += 1\n" * 30 for number in range(8)]
    code = "import os\n\n\nclass Boat:\n" + "\n".join(functions) + "\n\ndef main() -> None:\n    Boat()\n"
    found = split(code, "boat.py")
    for number, function in enumerate(functions):
        (part,) = (part for part in found if function.strip() in part.segment.text)
        assert part.segment.heading == " > ".join(["class Boat", f"def act_{number}(self) -> int"][: number + 1])


def test_cells_of_a_notebook_stay_whole_with_what_they_put_out() -> None:
    lines = [f"value_{number} = {number}\n" for number in range(60)]
    lines[30] = "\n"
    cell = {"cell_type": "code", "source": lines, "outputs": [{"output_type": "stream", "text": ["done, all of it\n"]}]}
    words = {"cell_type": "markdown", "source": ["# Depths\n", "\n", "Words. " * 100]}
    notebook = json.dumps({"cells": [words, cell, words], "nbformat": 4})
    found = media.split(source(notebook.encode(), "a.ipynb"), LIMITS)
    passages = [part.segment.text for part in parts(found)]
    assert sum(("".join(lines) + "\ndone, all of it").strip() in passage for passage in passages) == 1

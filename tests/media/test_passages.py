"""How texts are cut into passages: where a reader would pause, and without losing a word."""

import random
import re
from collections.abc import Sequence
from itertools import pairwise

import pytest

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media import passages, text
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
    assert [row for part in passages for row in part.segment.text.split("\n")] == rows


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


def test_headings_are_found_by_hashes_and_underlines_outside_of_code_and_front_matter() -> None:
    whole = "---\ntitle: T\n# no\n---\n# One #\n\nTwo\n---\n\n```\n# no\n```\n- item\n---\n### [Three](x)\n"
    found = passages.markdown_headings(whole)
    assert [(heading.level, heading.title) for heading in found] == [(1, "One"), (2, "Two"), (3, "Three")]
    assert [whole[heading.at : heading.end].split("\n")[0] for heading in found] == ["# One #", "Two", "### [Three](x)"]


def test_hashes_that_belong_to_a_title_stay() -> None:
    assert [heading.title for heading in passages.markdown_headings("# C#\n\n## F# ##\n\n## #\n")] == ["C#", "F#"]


def test_titles_underlined_with_tildes_open_no_code() -> None:
    whole = "Fitting out\n~~~~~~~~~~~\n\nOf the hull.\n\nRig\n~~~~\n\nSails:\n\n~~~\nRun\n~~~\n"
    assert [(heading.level, heading.title) for heading in passages.markdown_headings(whole)] == [
        (3, "Fitting out"),
        (3, "Rig"),
    ]


def test_code_goes_on_until_its_own_fence() -> None:
    nested = "````md\n```sh\n# no\n```\n# no\n````\n# Yes\n~~~\n```\n# no\n~~~\n# Yes\n"
    opened_twice = "```\n# no\n```sh\n# no\n```\n# Yes\n"
    inline = "```one line``` of code\n# Yes\n"
    for whole in (nested, opened_twice, inline):
        assert {heading.title for heading in passages.markdown_headings(whole)} == {"Yes"}

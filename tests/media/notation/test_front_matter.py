"""What stands before a note."""

import pytest

from mcp_mmretrieval.media.notation.dates import parse_date
from mcp_mmretrieval.media.notation.front_matter import FrontMatter, read_front_matter


@pytest.mark.parametrize(
    ("text", "title", "date"),
    [
        ('---\ntitle: "Croft diary"\ndate: 2025-05-06\ntags: [a]\n---\nx', "Croft diary", "2025-05-06"),
        ("---\r\nTitle: A\r\ncreated: 2025-05-06 07:08\r\n---\r\n", "A", "2025-05-06 07:08"),
        ('+++\ntitle = "Hugo"\ndate = 2025-05-06T07:08:09Z\n+++\n', "Hugo", "2025-05-06T07:08:09Z"),
        ("---\ntitle: Notes: part 2\ndate: 2025-05-06\n---\n", "Notes: part 2", "2025-05-06"),
        ("---\ntitle: >\n  Over\n  lines\n---\n", "Over lines", ""),
        ("---\ntitle: [a, b]\n---\n", "", ""),
        ("no front\n---\ntitle: x\n---\n", "", ""),
        ("---\nnever: closed\n", "", ""),
    ],
)
def test_the_title_and_the_date_are_read(text: str, title: str, date: str) -> None:
    assert read_front_matter(text) == FrontMatter(title, parse_date(date))


@pytest.mark.timeout(10)
def test_hostile_yaml_ends() -> None:
    bomb = "---\na: &a [x]\n" + "".join(
        f"{c}: &{c} [{', '.join('*' + p for _ in range(9))}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert read_front_matter(bomb + "---\n") == FrontMatter()
    assert read_front_matter("---\n" + "[" * 9000 + "\n---\n") == FrontMatter()


@pytest.mark.timeout(20)
def test_lists_that_stand_for_billions_are_no_date() -> None:
    deep = "".join(f"a{at + 1}: &a{at + 1} [{', '.join([f'*a{at}'] * 9)}]\n" for at in range(12))
    assert read_front_matter(f"---\na0: &a0 [x]\n{deep}date: *a12\n---\n") == FrontMatter()


@pytest.mark.parametrize("odd", ["!!timestamp soon", "!!int ''", "!!float ''", "!!bool maybe", "2001-02-30", "&a *a"])
def test_odd_values_cost_no_title(odd: str) -> None:
    assert read_front_matter(f"---\ntitle: Croft diary\nchecked: {odd}\n---\n").title == "Croft diary"

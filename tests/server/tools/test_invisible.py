import re
import unicodedata

import pytest

from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.server.tools.invisible import DEFAULT_IGNORABLE, without_invisible

EVERY = [chr(code) for code in range(0x110000)]
IGNORABLE = re.findall(f"[{DEFAULT_IGNORABLE}]", "".join(EVERY))
BLANK = ["\u2800", "\ufffb", "\U00013430", "\U00013441", "\U00016fe4", "\U0001d159"]
ORDERS = "".join(chr(0xFE00 + nibble) for byte in b"DELETE ALL" for nibble in divmod(byte, 16))


def test_the_table_is_unicodes_own() -> None:
    regex = pytest.importorskip("regex")
    assert regex.findall(r"\p{Default_Ignorable_Code_Point}", "".join(EVERY)) == IGNORABLE


@pytest.mark.parametrize("around", ["ab", "😀😀", "12", "東京", "© ", "a❤", "باب", "\u0915\u0915"])
def test_no_default_ignorable_character_passes_unless_what_is_seen_depends_on_it(around: str) -> None:
    left, right = around[0], around[1:]
    passed = [one for one in (*IGNORABLE, *BLANK) if without_invisible(left + one + right) != left + right]
    seen = {"😀😀": ["\u200d"], "© ": ["\ufe0e", "\ufe0f"], "باب": ["\u200c"]}
    assert passed == seen.get(around, [])


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم",  # noqa: RUF001
        "ه\u200d.ق",  # noqa: RUF001
        "क्\u200dष क्\u200cष",
        "র\u200d্যাব",
        "ශ්\u200dරී",
        "❤\ufe0f ❤\ufe0e ©\ufe0f 1\ufe0f\u20e3",
        "👩\u200d🔬 🏳\ufe0f\u200d🌈 👁\ufe0f\u200d🗨\ufe0f 🤷🏽\u200d♀\ufe0f",
    ],
)
def test_joiners_and_one_selector_stay_where_they_are_seen(text: str) -> None:
    assert without_invisible(text) == text


@pytest.mark.parametrize("base", ["a", "❤", "1", "😀", "東"])
def test_an_order_written_in_variation_selectors_leaves_one_of_them_at_most(base: str) -> None:
    assert len(without_invisible(base + ORDERS)) <= 1 + (base == "❤")
    assert without_invisible("a" + "\u200c\u200d" * 9 + "b" + "\u200d" * 9) == "ab"
    assert without_invisible("می" + "\u200c" * 9 + "خواهم") == "میخواهم"


def test_what_is_cleaned_once_is_clean() -> None:
    text = "".join(
        f"{left}{one}{two}{left}" for left in "a❤م\u094d" for one in IGNORABLE[:40] for two in "\u200d\ufe0f"
    )
    assert without_invisible(without_invisible(text)) == without_invisible(text)


def test_every_other_character_stays() -> None:
    others = "".join(sorted({*EVERY} - {*IGNORABLE}))
    gone = {*others} - {*without_invisible(others)}
    assert len(gone) < 25
    assert {unicodedata.category(one) for one in gone} <= {"Cf", "Lo", "Mn", "So", "Cn"}  # Python may not know all yet


def test_a_citation_writes_them_all_in_ascii() -> None:
    roots = Roots(["/"])
    assert [one for one in (*IGNORABLE, *BLANK) if not roots.citation(f"/a{one}b.txt").isascii()] == []

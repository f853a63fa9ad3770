"""A source map leads from what is read to its source and back."""

import random
import re

from mcp_mmretrieval.media.notation.source_map import MapBuilder, MappedText, substitute


def test_a_range_of_the_text_leads_to_its_source_and_back() -> None:
    source = "a &uuml; b =C3=BC <i>c</i>"
    mapped = substitute(re.compile(r"&uuml;|=C3=BC|<[^>]*>"), lambda found: "" if found[0][0] == "<" else "ü", source)
    assert mapped.text == "a ü b ü c"
    for first, last, written in ((0, 3, "a &uuml;"), (2, 3, "&uuml;"), (4, 7, "b =C3=BC"), (8, 9, "c")):
        begin, end = mapped.source_of(first, last)
        assert source[begin:end] == written
        assert mapped.range_of(begin, end) == (first, last)


def test_any_range_of_any_text_leads_back_to_itself() -> None:
    dice = random.Random(2)
    for _ in range(100):
        source = "".join(dice.choices(["a", "b", " ", "&xx;", "<t>", "=41", "\n"], k=40))
        first = substitute(re.compile("<t>|&xx;"), lambda found: "" if found[0] == "<t>" else "é", source)
        both = substitute(re.compile("=41|ab"), lambda found: "A" if found[0] == "=41" else "ba", first.text).over(
            first
        )
        for _ in range(20):
            begin = dice.randrange(max(1, len(both.text)))
            end = min(len(both.text), begin + dice.randrange(1, 9))
            if begin < end:
                assert both.range_of(*both.source_of(begin, end)) == (begin, end)


def test_one_map_over_another_leads_to_the_first_source() -> None:
    source = "=26uuml; is =26amp; and"
    below = substitute(re.compile("=26"), lambda _: "&", source)
    over = substitute(re.compile("&uuml;|&amp;"), lambda found: "ü" if found[0] == "&uuml;" else "&", below.text)
    both = over.over(below)
    assert both.text == "ü is & and"
    assert source[slice(*both.source_of(0, 1))] == "=26uuml;"
    assert source[slice(*both.source_of(5, 10))] == "=26amp; and"


def test_what_was_put_in_from_nowhere_has_no_source() -> None:
    out = MapBuilder("ab")
    out.keep(0, 1)
    out.put("\n\n", 1, 1)
    out.keep(1, 2)
    mapped = out.mapped()
    assert mapped.text == "a\n\nb"
    assert mapped.source_of(0, 1) == (0, 1)
    assert mapped.source_of(3, 4) == (1, 2)
    assert mapped.range_of(0, 1) == (0, 1)
    assert mapped.range_of(1, 2) == (3, 4)
    assert mapped.range_of(0, 2) == (0, 4)


def test_a_text_without_notation_is_as_written() -> None:
    assert substitute(re.compile("x"), lambda _: "y", "abc").is_as_written
    assert MappedText.as_written("").range_of(0, 0) == (0, 0)
    assert MappedText.as_written("abc").moved(10).source_of(1, 2) == (11, 12)

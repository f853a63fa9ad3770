"""How pieces of text are gathered by their places."""

from mcp_mmretrieval.media.pdf.placed_text import PlacedText, gathered


def at(y: float, text: str) -> PlacedText:
    return PlacedText(text, 0, y, 10, y + 10)


def test_what_follows_and_joins_is_of_one_group() -> None:
    found = gathered(
        [at(30, "a"), at(31, "b"), at(0, "c"), at(30, "d")], lambda group, one: abs(one.middle - group[-1].middle) < 5
    )
    assert [[one.text for one in group] for group in found] == [["a", "b"], ["c"], ["d"]]


def test_the_whole_group_is_asked_and_not_only_its_last() -> None:
    steps = [at(0, "a"), at(4, "b"), at(8, "c"), at(12, "d")]
    found = gathered(steps, lambda group, one: one.middle - group[0].middle < 6)
    assert [[one.text for one in group] for group in found] == [["a", "b"], ["c", "d"]]


def test_nothing_makes_no_group() -> None:
    assert gathered([], lambda group, one: True) == []

"""What a page states of its elements' looks."""

import pytest

from mcp_mmretrieval.media.style_rules import MAX_STYLE_RULES, StyleRules


def declared(style: str, tag: str = "p", id: str = "", classes: str = "", inline: str = "") -> dict[str, str]:
    page = f"<html><style>{style}</style>"
    return StyleRules.of_page(page).declared(tag, id, frozenset(classes.split()), inline)


@pytest.mark.parametrize(
    ("style", "shown"),
    [
        (".a{color:red} .a{color:blue}", "blue"),
        (".a{color:red} p{color:blue}", "red"),
        ("#i{color:red} .a.b{color:blue}", "red"),
        ("p{color:red!important} #i{color:blue}", "red"),
        ("p{color:red;color:blue}", "blue"),
        ("p{color:red !important;color:blue}", "red"),
        ("a, p , b{COLOR: RED}", "red"),
        ("*{color:red}", "red"),
    ],
)
def test_the_strongest_declaration_counts(style: str, shown: str) -> None:
    assert declared(style, id="i", classes="a b")["color"] == shown


def test_the_elements_own_style_wins_but_over_what_is_important() -> None:
    assert declared("p{color:red}", inline="color:blue")["color"] == "blue"
    assert declared("p{color:red!important}", inline="color:blue")["color"] == "red"


@pytest.mark.parametrize("style", ["b{color:red}", ".x{color:red}", "p.x{color:red}", "#x.a{color:red}", "a{color}"])
def test_what_another_element_states_does_not_count(style: str) -> None:
    assert declared(style, classes="a") == {}


@pytest.mark.parametrize("selector", ["b .a", "b>p", "p:hover", "p[lang]", "p::before"])
def test_a_selector_that_is_not_fully_known_may_show_and_never_hide(selector: str) -> None:
    assert declared(f"{selector}{{display:block}}", classes="a") == {"display": "block"}
    assert declared(f"{selector}{{display:none;color:red}}", classes="a") == {}


def test_shorthands_and_escapes_are_read() -> None:
    assert declared("", inline="background:no-repeat #fff")["background-color"] == "#fff"
    assert declared("", inline="background:#fff url(a.png)")["background-color"] == "image"
    assert declared("", inline="font:0/0 a")["font-size"] == "0"
    assert declared("", inline="font:bold 12px/1.5 serif")["font-size"] == "12px"
    assert declared("", inline="d\\69 splay:n\\6fne/**/") == {"display": "none"}


def test_blocks_of_other_media_and_what_is_no_sheet_are_passed_over() -> None:
    assert declared("@media print{p{color:red}} @font-face{color:red} b{color:blue}") == {}
    for page in ("<!--<style>p{color:red}</style>-->", "<script>'<style>p{color:red}</style>'</script>"):
        assert StyleRules.of_page(page).declared("p", "", frozenset(), "") == {}


def test_no_more_rules_than_the_limit_are_looked_at() -> None:
    page = f"<style>{'b{color:red}' * MAX_STYLE_RULES}p{{color:red}}</style>"
    assert StyleRules.of_page(page).declared("p", "", frozenset(), "") == {}

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


@pytest.mark.parametrize(
    "tag",
    [
        "style media=screen",
        "style media= screen",
        'style media = "all"',
        'style media=" screen"',
        'style data-media="print"',
        "style media=''",
    ],
)
def test_a_sheet_for_screens_counts_however_that_is_written(tag: str) -> None:
    assert StyleRules.of_page(f"<{tag}>p{{color:red}}</style>").declared("p", "", frozenset(), "")["color"] == "red"


@pytest.mark.parametrize("tag", ["style media=print", "STYLE MEDIA = 'print'", 'style media="speech"'])
def test_a_sheet_for_other_media_does_not(tag: str) -> None:
    assert StyleRules.of_page(f"<{tag}>p{{color:red}}</style>").declared("p", "", frozenset(), "") == {}


@pytest.mark.parametrize(
    "before", ['b{content:"{"}', "b{content:'}{{'}", 'b{content:"\\"{"}', '@import "{";', '"/*"{}']
)
def test_braces_in_strings_are_none(before: str) -> None:
    assert declared(f"{before} p{{color:red}}")["color"] == "red"


def test_a_comment_that_ends_where_it_begins_hides_no_sheet() -> None:
    for comment in ("<!-->", "<!--->"):
        page = f"{comment}<style>p{{color:red}}</style><!-- -->"
        assert StyleRules.of_page(page).declared("p", "", frozenset(), "")["color"] == "red"


def test_many_rules_for_one_element_count_with_the_last_one() -> None:
    style = ".a{color:red}" * 400 + "".join(f".a.b{number}{{color:red}}" for number in range(400)) + ".a{color:blue}"
    assert declared(style, classes="a")["color"] == "blue"


@pytest.mark.timeout(20)
def test_long_values_take_time_that_grows_with_their_length_only() -> None:
    digits = "1" * 400_000
    assert declared("", inline=f"font:{digits}x") == {}
    page = f"<style media={' ' * 400_000}all>p{{color:red}}</style>"
    assert StyleRules.of_page(page).declared("p", "", frozenset(), "")["color"] == "red"


def test_no_more_rules_than_the_limit_are_looked_at() -> None:
    page = f"<style>{'b{color:red}' * MAX_STYLE_RULES}p{{color:red}}</style>"
    assert StyleRules.of_page(page).declared("p", "", frozenset(), "") == {}

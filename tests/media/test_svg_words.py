"""The words of a drawing: those that are seen, each once and in one piece."""

import pytest

from mcp_mmretrieval.media.svg_words import label_lines, read_svg_words


def lines(body: str) -> list[str]:
    return read_svg_words(f"<svg>{body}</svg>").lines


def test_a_part_of_a_word_that_is_set_apart_stays_in_the_word() -> None:
    assert lines("<text>Pum<tspan>per</tspan>nickel H<tspan dy='3'>2</tspan>SO4</text>") == ["Pumpernickel H2SO4"]
    assert lines('<text><tspan x="0">one</tspan><tspan x="0" dy="9">two</tspan></text>') == ["one two"]


def test_what_is_not_seen_is_no_word() -> None:
    hidden = (
        "<style>.gone{fill:red;display:none}</style><defs><text>defs</text></defs><text display='none'>a</text>"
        "<g style='display: none'><text>b</text></g><text class='x gone'>c</text><text visibility='hidden'>d</text>"
        "<!-- <text>e</text> --><metadata><title>Matplotlib v3.11</title></metadata>"
    )
    found = read_svg_words(f"<svg>{hidden}<text>seen</text></svg>")
    assert (found.lines, found.titles) == (["seen"], [])


def test_the_title_in_the_metadata_is_the_drawings_and_not_its_authors_or_programs() -> None:
    agent = "<dc:creator><cc:Agent><dc:title>Matplotlib v3.11</dc:title></cc:Agent></dc:creator>"
    said = "<dc:title>Bikini</dc:title><dc:description>At the beach</dc:description>"
    for work, titles in ((said + agent, ["Bikini"]), (agent, [])):
        found = read_svg_words(f"<metadata><rdf:RDF><cc:Work>{work}</cc:Work></rdf:RDF></metadata><text>seen</text>")
        assert (found.titles, found.lines) == (titles, ["seen"])
    assert read_svg_words(f"<cc:Work>{said}</cc:Work>").descriptions == ["At the beach"]


def test_labels_in_html_are_words_and_their_stand_in_is_none() -> None:
    label = "<foreignObject><div>Pump station<br>seven <b>&amp;</b> more</div></foreignObject>"
    assert lines(label) == ["Pump station", "seven & more"]
    assert lines(f"<switch>{label}<text>Pump sta...</text></switch><text>after</text>") == [
        "Pump station",
        "seven & more",
        "after",
    ]
    assert label_lines("<p>one</p><p>two</p>") == ["one", "two"]


def test_elements_that_are_not_closed_do_no_harm() -> None:
    assert lines("<text>a</g></text></b><text>b") == ["a", "b"]
    assert read_svg_words("<title>T</title><desc>D <![CDATA[e]]></desc>").descriptions == ["D e"]


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "broken", ["<text " + "a" * 500_000 + ">", "<style>" + ".a{" * 300_000, "<g>" * 150_000 + "</a>" * 150_000]
)
def test_broken_drawings_are_read_in_time(broken: str) -> None:
    assert lines("<text>seen</text>" + broken) == ["seen"]

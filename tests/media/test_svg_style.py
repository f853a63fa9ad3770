"""Colours and labels that resvg does not know are rewritten into what it does."""

from typing import Any

import numpy as np
import pytest

from mcp_mmretrieval.media.svg import FONT_FILES, render_svg
from mcp_mmretrieval.media.svg_style import for_resvg


def middle(body: str) -> Any:
    drawn = render_svg(f"<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'>{body}</svg>", "x.svg", 20)
    return drawn[10, 10].astype(int)


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ("light-dark(rgb(218, 232, 252), rgb(29, 41, 59))", (218, 232, 252)),
        ("light-dark(var(--none, #00ff00), black)", (0, 255, 0)),
        ("var(--known)", (255, 0, 0)),
        ("rgb(0 128 255)", (0, 128, 255)),
        ("rgb(0 0 0 / 50%)", (128, 128, 128)),
        ("hsl(120deg 100% 25%)", (0, 128, 0)),
        ("hwb(0 0% 0%)", (255, 0, 0)),
        ("oklch(0.628 0.2577 29.23)", (255, 0, 0)),
        ("oklab(62.8% 0.2249 0.1258)", (255, 0, 0)),
        ("lab(100 0 0)", (255, 255, 255)),
        ("lch(100% 0 0)", (255, 255, 255)),
        ("color(display-p3 0 0 1)", (0, 0, 255)),
        ("color-mix(in srgb, blue 60%, white)", (0, 0, 255)),
    ],
)
def test_newer_colours_are_drawn(colour: str, expected: tuple[int, int, int]) -> None:
    style = "<style>:root{--known: red} @media (prefers-color-scheme: dark){:root{--known: black}}</style>"
    assert np.abs(middle(f"{style}<rect width='10' height='10' style='fill: {colour}'/>") - expected).max() <= 6


def test_words_about_colours_are_left_as_they_are() -> None:
    assert "var(--x) and rgb(1 2 3)" in for_resvg("<svg><text>var(--x) and rgb(1 2 3)</text></svg>")


def test_labels_in_html_become_words_of_the_drawing() -> None:
    made = for_resvg('<svg><foreignObject width="80" height="40"><p>Start <b>here</b></p></foreignObject></svg>')
    assert "foreignObject" not in made and "Start here</tspan>" in made
    stood_in = for_resvg("<svg><foreignObject><p>Pump station</p></foreignObject><text x='1'>Pump...</text></svg>")
    assert "<text x='1'>Pump station</text>" in stood_in and "..." not in stood_in
    assert for_resvg("<svg><foreignObject><img/></foreignObject></svg>") == "<svg></svg>"


@pytest.mark.skipif(FONT_FILES == [], reason="no fonts are installed")
def test_a_label_in_html_is_drawn() -> None:
    label = '<foreignObject width="10" height="10"><div style="font-size: 10px">M</div></foreignObject>'
    drawn = render_svg(f"<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'>{label}</svg>", "x", 40)
    assert drawn.min() < 100


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "broken",
    [
        "<style>" * 100_000,
        "<style>" + "@media" * 100_000 + "</style>",
        "<!--" + "-" * 500_000 + " -->",
        "<foreignObject>" * 50_000,
        "<foreignObject>a</foreignObject><text>" * 20_000,
        "<foreignObject " + "a" * 500_000 + ">a</foreignObject>",
    ],
)
def test_broken_drawings_are_rewritten_in_time(broken: str) -> None:
    assert for_resvg(f'<svg><rect fill="rgb(255, 0, 0)"/>{broken}').startswith('<svg><rect fill="#ff0000"/>')

"""Letters of the fonts Symbol and Wingdings, which programs write by their place in the font, as those of Unicode."""

from __future__ import annotations

from collections.abc import Mapping

_PRIVATE = 0xF000
"""Where Windows puts the places of such a font: U+F020 to U+F0FF."""

_GREEK = dict(
    zip(
        "ABCDEFGHIKLMNOPQRSTUWXYZabcdefghiklmnopqrstuwxyzjVJv",
        "\u0391\u0392\u03a7\u0394\u0395\u03a6\u0393\u0397\u0399\u039a\u039b\u039c\u039d\u039f\u03a0\u0398\u03a1\u03a3"
        "\u03a4\u03a5\u03a9\u039e\u03a8\u0396\u03b1\u03b2\u03c7\u03b4\u03b5\u03c6\u03b3\u03b7\u03b9\u03ba\u03bb\u03bc"
        "\u03bd\u03bf\u03c0\u03b8\u03c1\u03c3\u03c4\u03c5\u03c9\u03be\u03c8\u03b6\u03d5\u03c2\u03d1\u03d6",
        strict=True,
    )
)
_SYMBOL: Mapping[int, str] = {ord(place): letter for place, letter in _GREEK.items()} | {
    0xA3: "\u2264",
    0xA5: "\u221e",
    0xAB: "\u2194",
    0xAC: "\u2190",
    0xAD: "\u2191",
    0xAE: "\u2192",
    0xAF: "\u2193",
    0xB0: "\u00b0",
    0xB1: "\u00b1",
    0xB3: "\u2265",
    0xB4: "\u00d7",
    0xB5: "\u221d",
    0xB6: "\u2202",
    0xB7: "\u2022",
    0xB8: "\u00f7",
    0xB9: "\u2260",
    0xBA: "\u2261",
    0xBB: "\u2248",
    0xBC: "\u2026",
    0xC7: "\u2229",
    0xC8: "\u222a",
    0xCE: "\u2208",
    0xD1: "\u2207",
    0xD2: "\u00ae",
    0xD3: "\u00a9",
    0xD4: "\u2122",
    0xD5: "\u220f",
    0xD6: "\u221a",
    0xDB: "\u21d4",
    0xDE: "\u21d2",
    0xE5: "\u2211",
    0xF2: "\u222b",
    0x22: "\u2200",
    0x24: "\u2203",
    0x2D: "\u2212",
}
_WINGDINGS: Mapping[int, str] = {
    0x4A: "\u263a",
    0x4C: "\u2639",
    0x6C: "\u25cf",
    0x6E: "\u25a0",
    0x6F: "\u2610",
    0xA7: "\u25aa",
    0xA8: "\u2610",
    0xD8: "\u27a2",
    0xDF: "\u2190",
    0xE0: "\u2192",
    0xE8: "\u2794",
    0xFB: "\u2612",
    0xFC: "\u2713",
    0xFD: "\u2612",
    0xFE: "\u2611",
    0x28: "\u260e",
    0x2A: "\u2709",
    0xA4: "\u25c9",
    0xAB: "\u2605",
}


def symbol_letter(font: str, code: str) -> str:
    """The letter at a place of a font, written in hex; a blank where only the font knows it."""
    try:
        place = int(code, 16)
    except ValueError:
        return ""
    if _PRIVATE <= place <= _PRIVATE + 0xFF:
        place -= _PRIVATE
    elif not font.casefold().startswith(("symbol", "wingdings")):
        return chr(place) if place < 0xD800 else " "
    if font.casefold() == "symbol":
        return _SYMBOL.get(place, chr(place) if place < 0x7F else " ")
    return _WINGDINGS.get(place, " ") if font.casefold() == "wingdings" else " "

"""Text layers made readable: hyphens, ligatures, glyphs without a meaning."""

import pytest

from mcp_mmretrieval.media.pdf.cleaning import clean_string, clean_text_layer


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("an improve\x02ment of ef\ufb01ciency", "an improvement of efficiency"),
        ("an improve\ufffe\r\nment", "an improvement"),
        ("the long\x02term view", "the long-term view"),
        ("a stock\x02based plan", "a stock-based plan"),
        ("see S\x02Class and 2\x023", "see S-Class and 2-3"),
        ("the tree\x02house is a house", "the tree-house is a house"),
        ("soft\xadware", "software"),
        ("a\xa0b\r\nc \t d", "a b\nc d"),
        ("\uf0b7 point\ue123 \ufffd\x00\x07", "• point"),
        ("one\r\n\r\n  \r\ntwo", "one\ntwo"),
        ("end\x02", "end"),
    ],
)
def test_a_text_layer_is_cleaned(layer: str, expected: str) -> None:
    assert clean_text_layer(layer) == expected


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("an e\x0ecient and con\x0cdential o\x0ber", "an efficient and confidential offer"),
        ("the \row of di\x0berent ba\x0fes", "the flow of different baffles"),
        ("\x0crst\r\n\x0cnally", "first\nfinally"),
        ("e\x1ecient \x1coor", "efficient fioor"),
        ("\r\n\rower", "flower"),
        ("a page\x0c\r\nends", "a pagefi\nends"),
        ("1\x0c2", "12"),
    ],
)
def test_the_codes_of_tex_for_ligatures_are_letters_within_words(layer: str, expected: str) -> None:
    assert clean_text_layer(layer) == expected


@pytest.mark.parametrize("hyphen", ["\u2010", "\xad", "\ufffe", "\x02"])
def test_a_word_that_a_line_end_parts_is_whole_again(hyphen: str) -> None:
    assert clean_text_layer(f"the harpsi{hyphen}\r\nchord sounds") == "the harpsichord sounds"


def test_a_hyphen_amid_a_line_stays() -> None:
    assert clean_text_layer("a co\u2010op") == "a co\u2010op"


def test_a_carriage_return_ends_a_line_in_what_belongs_to_no_font() -> None:
    assert clean_string("one\rtwo\r\nthree") == "one\ntwo\nthree"


@pytest.mark.timeout(20)
def test_a_word_without_end_is_cleaned_in_time() -> None:
    assert clean_text_layer("a" * 100_000 + " im\x02\nprove").endswith("a improve")

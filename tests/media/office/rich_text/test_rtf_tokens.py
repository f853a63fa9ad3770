"""RTF in pieces."""

import pytest

from mcp_mmretrieval.media.office.rich_text.rtf_tokens import codec_of_charset, codec_of_code_page, tokens


def pieces(source: str) -> list[tuple[str, str, int | None]]:
    return [(token.kind, token.text, token.number) for token in tokens(source)]


def test_groups_words_bytes_and_text() -> None:
    assert pieces("{\\b0 a\n b\\'e9\\~\\u-10179?}") == [
        ("open", "{", None),
        ("word", "b", 0),
        ("text", "a", None),
        ("text", " b", None),
        ("byte", "\xe9", None),
        ("symbol", "~", None),
        ("word", "u", -10179),
        ("text", "?", None),
        ("close", "}", None),
    ]


def test_binary_data_is_no_text_whatever_it_looks_like() -> None:
    assert pieces("\\bin4 {\\}}x") == [("binary", "{\\}}", None), ("text", "x", None)]
    assert pieces("\\bin-1 x") == [("word", "bin", -1), ("text", "x", None)]


def test_what_is_broken_off_is_left_out() -> None:
    assert pieces("a\\") == [("text", "a", None)]
    assert pieces("\\'g") == [("symbol", "'", None), ("text", "g", None)]


@pytest.mark.parametrize(
    ("number", "codec"), [(1252, "cp1252"), (65001, "utf-8"), (10000, "mac-roman"), (932, "cp932"), (4711, "cp1252")]
)
def test_code_pages(number: int, codec: str) -> None:
    assert codec_of_code_page(number) == codec


def test_charsets_of_fonts() -> None:
    assert codec_of_charset(204) == "cp1251"
    assert codec_of_charset(1) is None

"""Windows of text for the tokenizers that models come with."""

import pytest
from tokenizers import Tokenizer, models, normalizers

from mcp_mmretrieval.models.tokens import SharedTokenizer

WINDOW = 12


@pytest.fixture(scope="module")
def tokens() -> SharedTokenizer:
    """A letter a token and spaces as letters, without a notion of words: so do Gemma's and other models'."""
    letters = ["?", "▁", *"abcdefghijklmnopqrstuvwxyz"]
    tokenizer = Tokenizer(models.BPE({letter: number for number, letter in enumerate(letters)}, [], unk_token="?"))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    return SharedTokenizer(tokenizer, window=WINDOW, limit=100)


def test_without_a_notion_of_words_windows_still_end_between_them(tokens: SharedTokenizer) -> None:
    text = "  the red boat left  the harbour at noon "
    windows = tokens.windows(text)
    assert " ".join(windows).split() == text.split()
    assert max(len(ids) for ids in tokens.ids(windows)) <= WINDOW


def test_a_word_longer_than_a_window_is_cut_and_nothing_is_lost(tokens: SharedTokenizer) -> None:
    text = "abc " + "x" * 70 + " " + "語" * 50 + " end"
    windows = tokens.windows(text)
    assert "".join("".join(windows).split()) == "".join(text.split())
    assert max(len(ids) for ids in tokens.ids(windows)) <= WINDOW


@pytest.mark.parametrize("text", ["", " \n\t ", " " * 5_000])
def test_blank_text_has_no_windows(tokens: SharedTokenizer, text: str) -> None:
    assert tokens.windows(text) == []

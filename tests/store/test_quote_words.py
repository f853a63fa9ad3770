"""A text as the words that a quotation is compared by."""

import pytest

from mcp_mmretrieval.store.quote_words import QuoteText


def stands(quote: str, text: str) -> bool:
    return QuoteText(text).find(QuoteText(quote)) is not None


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("the café was closed", "THE CAFE\u0301  was\nclosed"),
        ("information on e-mail", "infor-\nmation on email"),
        ("efficient flow", "e\ufb03cient \ufb02ow"),
        ("it cost 4,310.50 euros", "it cost 4310.50 euros"),
        ("twenty-five boats", "25 boats"),
        ("grew by 5 percent", "grew by 5%"),
        ("4\u202f310 people", "4 310 people".replace(" ", "\u00a0", 1)),
        ("\u7d50\u679c\u306f\u826f\u3044", "\u3053\u306e\u7d50\u679c\u306f\u826f\u3044\u3067\u3059"),
        ("don't", "don\u2019t"),
        ("1.250 people", "some 1.250 people"),
        ("1250 people", "1,250 people"),
        ("p < 0.05", "(p<0.05)"),
        ("counted 10^-5 cells", "counted 10\u207b\u2075 cells"),
        ("said 5 people", "> they said\n> 5 people"),
        ("\u00bd cup", "\u00bd cup of oil"),
    ],
)
def test_case_accents_blanks_hyphens_and_ligatures_make_no_difference(quote: str, text: str) -> None:
    assert stands(quote, text)


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("3.14", "3 and 14"),
        ("1 2", "12"),
        ("14", "3.14"),
        ("fell to 5 degrees", "fell to -5 degrees"),
        ("cost \u20ac5", "cost $5"),
        ("15 boats", "115 boats"),
        ("art", "heart of the matter"),
        ("3.05", "3.5"),
        ("doses of 1250 mg", "doses of 1.250 mg"),
        ("doses of 1.250 mg", "doses of 1,250 mg"),
        ("where x < 5", "where x > 5"),
        ("where x = 5", "where x \u2260 5"),
        ("where x <= 5", "where x < 5"),
        ("x of \u2264 $5", "x of \u2265 $5"),
        ("9 \u00b1 5", "9 + 5"),
        ("counted 105 cells", "counted 10\u2075 cells"),
        ("counted 10 5 cells", "counted 10^5 cells"),
        ("counted 10", "counted 10\u2075 cells"),
        ("counted 10\u2075 cells", "counted 10\u207b\u2075 cells"),
        ("", "anything"),
    ],
)
def test_another_number_sign_or_part_of_a_word_is_no_match(quote: str, text: str) -> None:
    assert not stands(quote, text)


@pytest.mark.parametrize("text", ["Ein Gru\u00df aus K\u00f6ln, 12 \u20ac f\u00fcr alle", "na\u0308her am Ufer"])
def test_what_is_found_is_told_as_it_is_written(text: str) -> None:
    whole = QuoteText(text)
    words = whole.source.split()
    found = whole.find(QuoteText(f"{words[1].upper()} {words[2].upper()}"))
    assert found is not None
    assert whole.source[slice(*found)] == " ".join(words[1:3]).rstrip(",")


def test_words_know_their_numbers_names_and_negations() -> None:
    words = {word.form: word for word in QuoteText("The 20l9 report of Hansen can't cover 2 million").words()}
    assert words["20l9"].numbers == ("20", "9")
    assert (words["hansen"].name, words["the"].name, words["report"].name) == (True, False, False)
    assert (words["cant"].negates, words["cover"].negates) == (True, False)
    assert words["million"].numbers == ("million",)

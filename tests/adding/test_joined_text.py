"""A page's own words and those that OCR reads, each line once."""

from mcp_mmretrieval.adding.joined_text import join_texts
from tests.media.pdf.test_legibility import ENGLISH, exchanged


def test_what_only_one_of_them_has_is_the_text() -> None:
    assert join_texts("own", "") == "own"
    assert join_texts("", "read") == "read"


def test_lines_that_the_file_has_are_not_repeated() -> None:
    own = "Scanned with CamScanner\nCase 1:20-cv-04321 Page 3 of 10"
    read = "Case 1:20-cv-04321  Page 3 of 10\nThe crane was oiled.\nScanned with CamScanner"
    assert join_texts(own, read) == f"{own}\nThe crane was oiled."


def test_a_line_that_ocr_misread_by_a_letter_is_not_repeated() -> None:
    own = "Quarterly figures by region"
    assert join_texts(own, "Quarter1y flgures by region\nBadenoch 14") == f"{own}\nBadenoch 14"


def test_a_short_line_is_new_unless_it_is_a_line_of_the_files() -> None:
    assert join_texts("Total of 14 orders\n7", "14\n7") == "Total of 14 orders\n7\n14"


def test_letters_that_mean_nothing_give_way_to_what_ocr_reads() -> None:
    assert join_texts(exchanged(ENGLISH, 5), ENGLISH) == ENGLISH


def test_words_that_ocr_reads_alike_stay_though_they_look_like_no_language() -> None:
    odd = exchanged(ENGLISH, 5)
    assert join_texts(odd, odd) == odd

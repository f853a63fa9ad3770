"""Words that sound alike have one code."""

import pytest

from mcp_mmretrieval.store.soundalike import sound_codes, sound_terms


@pytest.mark.parametrize(("asked", "heard"), [("lark", "LARC"), ("bison", "Pyson"), ("a bee", "A, B.")])
def test_what_sounds_alike_has_one_code(asked: str, heard: str) -> None:
    assert sound_codes(asked) == sound_codes(heard)


def test_a_word_that_was_heard_as_two_is_found() -> None:
    (term,) = sound_terms(["mountaingoat"])
    assert term.strip('"') in sound_codes("A mountain goat.").split()


def test_what_sounds_unlike_has_unlike_codes() -> None:
    assert sound_codes("lark") != sound_codes("duck")


def test_each_code_is_asked_for_once_and_quoted() -> None:
    assert sound_terms(["sea", "see", 'a"b']) == ('"s"', '"a"', '"p"')


@pytest.mark.parametrize("text", ["", "12 345", "рысь", "日本"])
def test_what_has_no_latin_letters_has_no_code(text: str) -> None:
    assert sound_codes(text) == ""
    assert sound_terms([text]) == ()

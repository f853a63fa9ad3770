"""Text layers that only look like letters, and those that must not be taken for such."""

# ruff: noqa: RUF001  # letters of other scripts are what this is about

import random
import string

import pytest

from mcp_mmretrieval.media.pdf.legibility import has_letters, is_language

ENGLISH = (
    "Survey of the seed potatoes of the northern farms: eight hundred sacks were found in the ninth barn, and the "
    "cooperative pays for them when the spring begins. Although the field below the village stays wet, none drains it."
)
GERMAN = "Die Gemeinde prüft die Brücke über den Fluss, weil zwei Hänger verrostet sind und das Geländer schief steht."
POLISH = "Szczegółowe sprawozdanie przedstawia wszystkie zmiany, które wprowadzono w drugim kwartale bieżącego roku."
FINNISH = "Kaupunginvaltuusto päätti kokouksessaan rakentaa uuden sillan joen yli ennen seuraavaa kevättä."
TURKISH = "Belediye meclisi geçen hafta yapılan toplantıda köprünün onarılmasına karar verdi ve bütçeyi onayladı."
VIETNAMESE = "Hội đồng thành phố đã quyết định sửa chữa cây cầu bắc qua sông trước mùa xuân năm sau với kinh phí lớn."
WELSH = (
    "Mae cyngor y dref wedi penderfynu atgyweirio'r bont dros yr afon cyn y gwanwyn nesaf gyda chymorth llywodraeth."
)
SWAHILI = "Baraza la mji liliamua kutengeneza daraja juu ya mto kabla ya majira ya kuchipua kwa msaada wa serikali kuu."
OTHERS = (
    "Городской совет решил отремонтировать мост через реку до весны будущего года.",
    "Το δημοτικό συμβούλιο αποφάσισε να επισκευάσει τη γέφυρα πάνω από το ποτάμι.",
    "東京の天気は晴れです。気温は十五度まで上がり、風は弱いでしょう。明日は雨になります。",
    "قرر مجلس المدينة إصلاح الجسر فوق النهر قبل الربيع القادم بدعم من الحكومة",
)


def exchanged(text: str, seed: int) -> str:
    """Each letter replaced by another one, the same throughout."""
    letters = list(string.ascii_lowercase)
    random.Random(seed).shuffle(letters)
    return text.lower().translate(str.maketrans(string.ascii_lowercase, "".join(letters)))


def shifted(text: str) -> str:
    """The numbers of glyphs in place of characters, as fonts without a map give them."""
    return "".join(chr(ord(letter) - 29) for letter in text)


@pytest.mark.parametrize("text", [ENGLISH, GERMAN, POLISH, FINNISH, TURKISH, VIETNAMESE, WELSH, SWAHILI, *OTHERS])
def test_text_in_many_languages_is_a_language(text: str) -> None:
    assert has_letters(text)
    assert is_language(text)
    assert is_language(text.upper())


@pytest.mark.parametrize("seed", range(20))
def test_exchanged_letters_are_none(seed: int) -> None:
    assert not is_language(exchanged(ENGLISH, seed))


def test_numbers_of_glyphs_are_none() -> None:
    assert not is_language(shifted(ENGLISH))


@pytest.mark.parametrize(
    "text",
    [
        "".join(chr(0xE000 + ord(letter)) for letter in ENGLISH),
        "".join(letter if letter == " " else chr(0x80 + ord(letter) % 32) for letter in ENGLISH),
        "Ïðèâåò ìèð ýòî ðóññêèé òåêñò êîòîðûé íåâåðíî ïðî÷èòàí",
        "\ufffd" * 30,
    ],
    ids=["private", "control", "cyrillic as latin", "replacement"],
)
def test_characters_of_no_writing_are_no_letters(text: str) -> None:
    assert not has_letters(text)


def test_bullets_ligature_codes_and_line_ends_are_not_held_against_a_text() -> None:
    assert has_letters("\uf0b7 one\r\n" * 10 + "\x0b \x0c \x02\r\n" * 10)


def codes(form: str, count: int = 120) -> str:
    """Codes made by chance: `A` becomes a capital, `a` a small letter, `9` a digit."""
    dice = random.Random(7)
    sets = {"A": "ABCDEFGHJKLMNPQRSTUVWXYZ", "a": string.ascii_lowercase, "9": string.digits}
    return " ".join("".join(dice.choice(sets.get(each, each)) for each in form) for _ in range(count))


@pytest.mark.parametrize(
    "text",
    [
        codes("9.999,99"),
        codes("AA-9999-A"),
        codes("AAAAA-AAAAA-AAAAA"),
        codes("a9f9c9e9"),
        codes("AAA"),
        " ".join(["GND", "VCC", "SCL", "SDA", "MISO", "MOSI", "RXD", "TXD"] * 20),
        "ATGCGTACCTTAGGCATGCA " * 20,
        "x = y + z; f(x) = 3 x 7; " * 10,
        "12 34 56 78 90",
        "",
    ],
    ids=["numbers", "parts", "keys", "hex", "airports", "pins", "genes", "formulas", "few", "empty"],
)
def test_numbers_codes_and_lists_of_parts_are_not_taken_for_broken_letters(text: str) -> None:
    assert has_letters(text)
    assert is_language(text)

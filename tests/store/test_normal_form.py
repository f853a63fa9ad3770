"""What is written in different ways has one normal form, and what differs keeps its own."""

# ruff: noqa: RUF001 (letters that look alike are what is tested)

from __future__ import annotations

import time

import pytest

from mcp_mmretrieval.store.normal_form import (
    bigrams,
    character_bigrams,
    compounds,
    dates,
    folded,
    forms_beside,
    normal_words,
    numbers_joined,
    other_forms,
    plain,
    unspaced_runs,
    without_runs,
    word_spans,
)

SAME = [
    ("Kirchstraße", "KIRCHSTRASSE"),
    ("ſeele", "Seele"),
    ("İZMİR", "izmir"),
    ("ışık", "IŞIK"),
    ("ΟΔΌΣ", "οδος"),
    ("Ёжик", "ежик"),
    ("йод", "иод"),
    ("שָׁלוֹם", "שלום"),
    ("مُحَمَّد", "محمد"),
    ("كتـــاب", "كتاب"),
    ("مكتبة", "مكتبه"),
    ("Łódź Øresund Đakovo", "lodz oresund dakovo"),
    ("naïve café", "naive cafe"),
    ("cafe\u0301", "café"),
    ("ＡＢＣ－１２３", "abc 123"),
    ("oﬃce", "office"),
    ("Ver\u00adsiche\u00adrung", "versicherung"),
    ("Ver\u00ad\nsicherung", "versicherung"),
    ("zero\u200bwidth", "zerowidth"),
    ("m²", "m2"),
    ("Ⅳ", "IV"),
    ("٢٠٢٤", "2024"),
    ("4,310", "4310"),
    ("4.310", "4310"),
    ("12'345", "12345"),
    ("12\u202f345", "12345"),
    ("1,234,567", "1234567"),
    ("1,23,456", "123456"),
    ("€1.299,00", "1299"),
    ("1,299.00", "1299.00"),
    ("27,35", "27.35"),
    ("00012345", "12345"),
    ("09:30", "9:30"),
    ("eight", "8"),
    ("twenty-five", "25"),
    ("Twenty five", "25"),
    ("16oz", "16 oz"),
    ("ISO9001", "ISO 9001"),
    ("230V", "230 V"),
    ("M8x25", "M8 x 25"),
    ("15W-40", "15W40"),
    ("SN:9F-3C-77", "sn 9F3C77"),
    ("CO₂", "co2"),
    ("get_user_name", "get user name"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_is_written_in_two_ways_has_one_form(one: str, other: str) -> None:
    assert normal_words(one) == normal_words(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("RT-4410-89A", "RT-4410-98A"),
        ("PX-1108-07/R", "PX-1108-07/L"),
        ("2.10.4", "2.1.4"),
        ("3.05", "3.5"),
        ("0.123", "123"),
        ("C++", "C#"),
        ("C++", "C"),
        ("twenty, five", "25"),
        ("คำ", "คา"),
        ("हिन्दी", "हन्दी"),
    ],
)
def test_near_twins_stay_apart(one: str, other: str) -> None:
    assert (normal_words(one), character_bigrams(one)) != (normal_words(other), character_bigrams(other))


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("e-mail", "email"),
        ('\u05e6\u05d4"\u05dc', "\u05e6\u05d4\u05dc"),
        ("\u05d3\u05d5\u05f4\u05d7", "\u05d3\u05d5\u05d7"),
        ("co-operative", "cooperative"),
        ("a snuff-\nbox of horn", "snuffbox"),
        ("a snuff\u2010\n   box of horn", "snuffbox"),
        ("get_user_name", "getusername"),
        ("getUserName()", "get user name"),
        ("the U.S.A. of", "usa"),
        ("RT-4410-89A", "rt 441089 a"),
        ("IBAN DE89 3704 0044 0532 0130 00 at", "de 89370400440532013000"),
        ("GB29 NWBK 6016 1331 9268 19", "gb 29 nwbk 60161331926819"),
        ("call (030) 123-4567 now", "301234567"),
        ("12 345 kr", "12345"),
        ("Mr O'Neill", "oneill"),
        ("Mr O\u2019Neill", "oneill"),
        ("on 2024-03-12", "20240312"),
        ("12 March 2024", "20240312"),
        ("March 12th, 2024", "20240312"),
        ("12. März 2024", "20240312"),
        ("12 de marzo de 2024", "20240312"),
        ("le 1er mars 2020", "20200301"),
        ("12.03.2024", "20240312"),
        ("12-Mar-2024", "20240312"),
        ("12/Mar/2024:09:30:00 +0100", "20240312"),
        ("7 Sept. 2024", "20240907"),
        ("12. Dez. 2024", "20241212"),
        ("12 mars 2024", "20240312"),
        ("12. marts 2024", "20240312"),
        ("12 marca 2024 r.", "20240312"),
        ("12. března 2024", "20240312"),
        ("12 martie 2024", "20240312"),
        ("12. maaliskuuta 2024", "20240312"),
        ("12 Mayıs 2024", "20240512"),
        ("12 марта 2024 г.", "20240312"),
        ("12 березня 2024 року", "20240312"),
        ("12 Μαρτίου 2024", "20240312"),
        ("03/12/2024", "20240312"),
        ("25,310", "25 310"),
    ],
)
def test_what_may_be_written_otherwise_stands_beside(text: str, form: str) -> None:
    assert form in forms_beside(text)


@pytest.mark.parametrize(
    "text", ["", "plain words of a text.", "27.35", "1299.00", "2019 2020", "9/9/99", "the year 2024", "well- known"]
)
def test_most_texts_are_written_in_one_way_only(text: str) -> None:
    assert forms_beside(text) == ""


def test_a_row_of_numbers_is_no_account() -> None:
    assert forms_beside(" ".join(str(number) for number in range(1000, 1020))) == ""


def test_other_forms_say_where_they_stand() -> None:
    text = "an e-mail of 12 March 2024 on RT-4410-89A by getName"
    stretches = {text[other.start : other.end]: other.form for other in other_forms(text)}
    assert stretches == {
        "e-mail": "email",
        "12 March 2024": "20240312",
        "RT-4410-89A": "rt 441089 a",
        "getName": "get name",
    }
    assert [other.form for other in compounds(text)] == ["email"]
    assert [other.form for other in dates(text)] == ["20240312"]
    assert [other.form for other in numbers_joined(text)] == ["rt 441089 a"]


def test_words_say_where_they_stand() -> None:
    assert list(word_spans("Twenty-five 4,310.5x")) == [
        ("25", 0, 11),
        ("4310", 12, 19),
        ("5", 12, 19),
        ("x", 19, 20),
    ]
    assert [word for word, _, _ in word_spans("thirty and forty")] == ["30", "and", "40"]


def test_latin_words_and_numbers_part_from_scripts_without_spaces() -> None:
    text = "令和6年度の予算は2024年、iPhone15を"
    assert normal_words(text) == "6 2024 iphone 15"
    assert character_bigrams(text).split() == ["令和", "年度", "度の", "の予", "予算", "算は", "年", "を"]
    assert unspaced_runs("猫と cat と猫") == ["猫と", "と猫"]
    assert without_runs("猫cat", " ") == " cat"
    assert bigrams("猫") == ["猫"]


def test_half_width_kana_and_decomposed_hangul_have_the_pairs_of_the_usual_letters() -> None:
    assert character_bigrams("ﾌｨﾙﾀｰ") == character_bigrams("フィルター") == "フィ ィル ルタ ター"
    assert character_bigrams("\u1112\u116c\u110b\u1174") == character_bigrams("회의") == "회의"
    assert character_bigrams("plain") == ""


def test_korean_with_its_particles_shares_its_pairs() -> None:
    assert set(character_bigrams("회의록").split()) < set(character_bigrams("회의록을").split())


def test_marks_that_are_letters_stay() -> None:
    assert plain("हिन्दी") == "हिन्दी"
    assert "\u0301" not in plain("a\u0301")
    assert folded("Straße") == "strasse"


def test_a_number_of_any_length_is_read() -> None:
    assert normal_words("9" * 10_000) == "9" * 10_000


@pytest.mark.parametrize("text", ["क" * 26, "कि" * 20_000, "क-" * 20_000, "ि" * 40_000])
def test_long_words_of_indian_scripts_take_no_time(text: str) -> None:
    began = time.process_time()
    forms_beside(text)
    assert time.process_time() - began < 2.0

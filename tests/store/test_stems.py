"""Texts are told by their language, and words are found in all their forms."""

# ruff: noqa: RUF001 (letters of other scripts look like Latin ones)

from __future__ import annotations

import threading

import pytest

from mcp_mmretrieval.store.stems import (
    is_english,
    language_of,
    respelt,
    spelt_words,
    stems_beside,
    stems_of,
    transcribed,
)

TEXTS = {
    "de": "Die Fähre legt um acht Uhr ab. Bei Nebel bleiben die Boote im Hafen und die Fischer zu Hause.",
    "ru": "Паром отходит в восемь часов. При тумане лодки остаются в гавани, а рыбаки дома.",
    "fr": "Le bac part à huit heures. Par temps de brouillard les bateaux restent au port et les pêcheurs chez eux.",
    "es": "El transbordador sale a las ocho. Con niebla los barcos se quedan en el puerto y los pescadores en casa.",
    "el": "Το πλοίο φεύγει στις οκτώ. Με ομίχλη τα σκάφη μένουν στο λιμάνι.",
    "ar": "تغادر العبارة في الساعة الثامنة. في الضباب تبقى القوارب في الميناء.",
    "pl": "Prom odpływa o ósmej. We mgle łodzie zostają w porcie, a rybacy w domu.",
    "hu": "A komp nyolckor indul. Ködben a hajók a kikötőben maradnak.",
    "bg": "Фериботът тръгва в осем часа. В мъгла лодките остават в пристанището, а рибарите у дома.",
    "": "The ferry leaves at eight. In fog the boats stay in the harbour and the fishermen at home.",
}


@pytest.mark.parametrize("language", TEXTS)
def test_a_text_is_told_by_its_language(language: str) -> None:
    assert language_of([TEXTS[language]]) == language


@pytest.mark.parametrize(
    "texts", [[], [""], ["Kestrel"], ["12 34 56; 78"], ["猫が好きです"], ["PX-1180-01;ab;A0;3.00"]]
)
def test_what_says_too_little_or_has_no_stemmer_has_no_language(texts: list[str]) -> None:
    assert language_of(texts) == ""


def test_the_language_is_that_of_most_of_a_long_document() -> None:
    assert language_of([TEXTS["fr"]] * 200 + [TEXTS[""]] * 10) == "fr"


@pytest.mark.parametrize(
    ("language", "asked", "written"),
    [
        ("ru", "договор", "срок договора"),
        ("ru", "колодец", "в колодцах"),
        ("ru", "подарки", "мой подарок"),
        ("ru", "урок", "много уроков"),
        ("uk", "хлопець", "хлопця"),
        ("ar", "مدرسة", "المدرسة"),
        ("ar", "سيارات", "وبالسيارات"),
        ("ar", "سيارة", "والسيارات"),
        ("ar", "مفاتيح", "فالمفاتيح"),
        ("ar", "المدير", "وللمدير"),
        ("ar", "كتاب", "كتاب"),
        ("de", "verträge", "der Vertrag"),
        ("de", "haustueren", "die Haustür"),
        ("de", "fussball", "Fußbälle"),
        ("fr", "cheval", "les chevaux"),
        ("es", "contratos", "el contrato"),
        ("el", "λογαριασμός", "ΛΟΓΑΡΙΑΣΜΟΊ"),
        ("pl", "książka", "dwie książki"),
        ("tr", "kayıt", "kayıtları"),
        ("uk", "збори", "зборами"),
        ("he", "מסמכים", "והמסמכים"),
        ("he", "בארון", "הארון"),
        ("he", "דוח", 'הדו"ח'),
        ("pt", "reunião", "reuniões"),
        ("pt", "papel", "papéis"),
        ("es", "juez", "los jueces"),
    ],
)
def test_a_word_and_its_forms_share_a_stem(language: str, asked: str, written: str) -> None:
    assert set(stems_of(asked, [language])) & set(stems_beside(written, language).split())


def test_stems_are_made_for_the_languages_of_a_words_script_alone() -> None:
    assert stems_of("договора", ["de", "fr"]) == ["договор"]  # its script tells it alone
    assert stems_of("contract", ["ru", "el"]) == []
    assert stems_beside("any text", "") == ""


def test_a_query_is_english_by_its_small_words() -> None:
    assert is_english(["what", "is", "the", "torque"])
    assert not is_english(["was", "ist", "das", "drehmoment"])
    assert not is_english([])


def test_words_are_known_by_their_normal_form_as_they_are_spelt() -> None:
    assert spelt_words("Haustür in ＡＢＣ") == {"haustur": "haustür", "in": "in", "abc": "abc"}


def test_letters_with_marks_are_also_written_in_two_plain_ones() -> None:
    assert transcribed("haustür") == ["haustuer"]
    assert transcribed("ærø") == ["aeroe"]
    assert transcribed("plain") == []
    assert respelt("mueller") == ["muller"]
    assert respelt("value") == respelt("queen") == []


def test_threads_take_turns_at_the_stemmer() -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(stems_beside("договора гавани рыбаки " * 200, "ru")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1


def test_a_short_text_has_the_language_of_its_script() -> None:
    assert language_of(["Директора нет."]) == "ru"
    assert language_of(["المكتبة"]) == "ar"
    assert language_of(["کتاب‌های"]) == "fa"
    assert language_of(["Отчёт Smith"]) == ""


def test_soft_hyphens_do_not_part_a_stem() -> None:
    assert stems_beside("Feuer\u00adwehren", "de") == stems_beside("Feuerwehren", "de")

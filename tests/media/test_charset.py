"""Declarations, byte order marks, UTF-8: what tells the encoding of a text without guessing."""

import pytest

from mcp_mmretrieval.media import charset

POLISH = "Święta zamknięte, łódź wiosłowa"


@pytest.mark.parametrize(
    ("before", "words", "encoding"),
    [
        ('<html><meta charset="iso-8859-2"><p>', POLISH, "iso8859_2"),
        ("<html><META http-equiv=Content-Type content='text/html; charset=ISO-8859-2'>", POLISH, "iso8859_2"),
        (f"<html><!--{' ' * 4000}--><meta charset=iso-8859-2>", POLISH, "iso8859_2"),
        ("<html><meta charset=iso-8859-1>", "El niño – “año” costó 5 €", "cp1252"),
        ("<html><meta charset=gb2312>", "北京图书馆镕", "gb18030"),
        ("<html><meta charset=shift_jis>", "①花火～", "cp932"),
        ("<html><meta charset=windows-874>", "ห้องประชุม", "cp874"),
        ("<html><meta charset=iso-8859-5>", "Привет", "iso8859_5"),
        ("<html><meta charset=iso-8859-15>", "5 €", "iso8859_15"),
        ('<?xml version="1.0" encoding="ISO-8859-2"?><a>', POLISH, "iso8859_2"),
        ("<?xml version='1.0' encoding='koi8-r' standalone='yes'?><a>", "Привет", "koi8_r"),
        ("#!/usr/bin/python\n# -*- coding: latin-1 -*-\n", "ñ", "cp1252"),
        ("# vim: set fileencoding=cp1250 :\n", POLISH, "cp1250"),
        ("\\documentclass{article}\n\\usepackage[latin2]{inputenc}\n", POLISH, "iso8859_2"),
        ("% !TeX encoding = ISO-8859-2\n", POLISH, "iso8859_2"),
        ('@charset "iso-8859-2";\n', POLISH, "iso8859_2"),
        ("From: a@b.c\nContent-Type: text/plain;\n charset=iso-8859-2\n\n", POLISH, "iso8859_2"),
        ('msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=ISO-8859-2\\n"\n', POLISH, "iso8859_2"),
    ],
)
def test_the_declared_encoding_counts(before: str, words: str, encoding: str) -> None:
    assert charset.decode_text((before + words).encode(encoding)) == before + words


def test_a_declaration_by_which_the_bytes_cannot_be_read_does_not_count() -> None:
    words = "<html><meta charset=utf-8><p>Der Käse schmeckt süß, und die Straße führt über Höfe."
    assert charset.decode_text(words.encode("cp1252")) == words
    assert charset.decode_text(b"# coding: no-such-thing\n" + "Größe für Käse".encode("cp1252")).endswith("Käse")


def test_utf8_counts_more_than_a_declaration_that_was_left_behind() -> None:
    words = "<html><meta charset=iso-8859-1><p>Größe für süße Käse"
    assert charset.decode_text(words.encode()) == words
    assert charset.decode_text(words.encode("utf-8-sig")) == words


def test_an_encoding_that_is_known_from_elsewhere_counts() -> None:
    assert charset.decode_text(POLISH.encode("iso8859_2"), "ISO-8859-2") == POLISH
    assert charset.decode_text("Привет".encode("koi8_r"), "KOI8-R") == "Привет"


@pytest.mark.parametrize("words", ["花火大会", "カレンダー at 5", "ﾃｽﾄ"])
def test_japanese_in_seven_bits_is_read(words: str) -> None:
    assert charset.decode_text(words.encode("iso2022_jp_ext")) == words
    assert charset.decode_text(b"\x1b[31mred\x1b[0m $B words") == "\x1b[31mred\x1b[0m $B words"


@pytest.mark.parametrize(
    "name", ["", "utf-7", "unicode_escape", "rot13", "punycode", "idna", "base64", "\udc80", "x" * 99]
)
def test_names_of_no_encoding_of_texts_are_not_taken(name: str) -> None:
    assert charset.codec_named(name) is None


GERMAN = "Der Käse schmeckt süß, und die Straße führt über Höfe. Größere Bäume stören hier niemanden. " * 5
RUSSIAN = "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему. " * 5
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。" * 8


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (GERMAN, "utf-8"),
        (GERMAN, "utf-8-sig"),
        (GERMAN, "utf-16"),
        (GERMAN, "utf-16-le"),
        (GERMAN, "utf-16-be"),
        (GERMAN, "utf-32"),
        (GERMAN, "latin-1"),
        (GERMAN, "cp1252"),
        (RUSSIAN, "utf-8"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (JAPANESE, "utf-8"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "utf-16"),
    ],
)
def test_texts_are_decoded_whatever_their_encoding(content: str, encoding: str) -> None:
    data = content.encode(encoding)
    assert charset.decode_text(data) == content


def test_a_damaged_spot_does_not_change_how_the_rest_is_read() -> None:
    data = GERMAN.encode()[:200] + b"\xff" + GERMAN.encode()[200:]
    assert charset.decode_text(data).count("ß") >= 9


def test_an_accent_far_behind_is_still_read_right() -> None:
    data = b"plain words " * 20_000 + GERMAN.encode("latin-1")
    assert charset.decode_text(data).endswith(GERMAN)


def test_half_a_character_at_the_end_is_left_out() -> None:
    assert charset.decode_text("abcü".encode()[:-1]) == "abc"

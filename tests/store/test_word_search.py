"""What words find in a catalog: names, phrases, numbers, forms of a word, and how much of a query that is."""

# ruff: noqa: RUF001 (letters of other scripts look like Latin ones)

from __future__ import annotations

import random
from typing import Any

import pytest

from mcp_mmretrieval.answers import Filters
from mcp_mmretrieval.store import Catalog, Document, File, Scope, scope_queries, word_plan, word_search
from mcp_mmretrieval.store.fulltext import query_terms
from mcp_mmretrieval.store.scope import resolve_scope
from mcp_mmretrieval.store.word_plan import WordCounts, plan_words
from mcp_mmretrieval.store.word_search import WordScope
from mcp_mmretrieval.types import Place, Segment
from tests.support.happenings import SCOPES, Happenings, rows_of
from tests.support.rows import READING, pages, put, sha

EVERYTHING = Scope()


def found(catalog: Catalog, query: str, scope: Scope = EVERYTHING) -> list[str]:
    """Titles of the documents that words find, best first, each once."""
    keys = [key for key, _ in catalog.words(query_terms(query), scope, depth=50)]
    held = catalog.segments(keys)
    documents = catalog.documents({held[key].segment.document for key in keys})
    return list(dict.fromkeys(documents[held[key].segment.document].title for key in keys))


def share(catalog: Catalog, query: str) -> float:
    """How much of a query the best segment holds."""
    return catalog.words(query_terms(query), EVERYTHING, depth=1)[0][1]


def add(catalog: Catalog, title: str, *texts: str, keywords: str = "", path: str = "") -> Document:
    """A document with a page a text, below /r."""
    id = sha(title + "".join(texts))
    document = Document(id=id, modality="page", reading=catalog.reading(READING), title=title, keywords=keywords)
    file = File(path=path or f"/r/{title}", document=id, size=1, mtime_ns=0)
    catalog.commit_read(document, pages(id, texts), file=file)
    return document


def notes(catalog: Catalog, count: int = 12) -> None:
    """Documents that hold none of the words that are asked for."""
    for number in range(count):
        add(catalog, f"note{'abcdefghijkl'[number]}", f"Nothing of interest happened on walk {'abcdefghijkl'[number]}.")


# -- one normal form on both sides


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Der Schlüssel liegt in der Bergstraße.", "BERGSTRASSE"),
        ("Der Schlüssel liegt in der Bergstraße.", "Bergstraße"),
        ("Die Hintertür klemmt seit gestern im Winter.", "Hintertuer"),
        ("Die Hintertuer klemmt seit gestern im Winter.", "Hintertür"),
        ("Die Äpfel liegen auf dem Boden und die Bücher im Regal.", "Buch"),
        ("KADIKÖY İSKELESİ YARIN KAPALI", "Kadıköy iskelesi"),
        ("Условия перевозки груза по договору с заказчиком.", "договор"),
        ("افتتحت الجامعة مكتبتها الجديدة في المدينة", "جامعة"),
        ("Les chevaux de la ferme sont partis avec les bateaux.", "cheval"),
        ("이사회는 결산서를 목요일에 승인했다.", "결산서"),
        ("平成30年度のPostgreSQL移行計画", "PostgreSQL"),
        ("平成30年度のPostgreSQL移行計画", "30"),
        ("平成30年度のPostgreSQL移行計画", "移行計画"),
        ("In the attic stood a spin-\nning wheel.", "spinning"),
        ("Paid 8,765 crowns.", "8765"),
        ("Paid 8765 crowns.", "8.765"),
        ("Call +44 20 7946 0018 after noon.", "442079460018"),
        ("Call 02079460018 after noon.", "020 7946 0018"),
        ("IBAN NL91 ABNA 0417 1643 00", "NL91ABNA0417164300"),
        ("VAT DE 123 456 789", "DE123456789"),
        ("conforms to EN12464", "EN 12464"),
        ("serial 7B-2F-90", "7B2F90"),
        ("send it by email", "e-mail"),
        ("send it by e-mail", "email"),
        ("def readConfigFile(path)", "config file"),
        ("def read_config_file(path)", "readConfigFile"),
        ("written in C++ for the pump", "C++"),
        ("on 3 May 2021 the weir broke", "2021-05-03"),
        ("on 2021-05-03 the weir broke", "3 May 2021"),
        ("take vitamin A daily", "vitamin A"),
    ],
)
def test_what_is_written_otherwise_is_found(catalog: Catalog, text: str, query: str) -> None:
    notes(catalog)
    add(catalog, "right", text)
    assert found(catalog, query)[:1] == ["right"]
    assert share(catalog, query) > 0.2


def test_a_name_typed_without_its_letters_is_found_where_nothing_is_called_so(catalog: Catalog) -> None:
    notes(catalog)
    add(catalog, "right", "Rüthers")
    assert found(catalog, "Ruethers") == ["right"]
    add(catalog, "exact", "Ruethers")
    assert found(catalog, "Ruethers") == ["exact"]


def test_the_title_of_a_chapter_is_a_heading_and_a_page_number_is_none(catalog: Catalog) -> None:
    id = sha("talk")
    chapters = [
        Segment(document=id, modality="audio", place=Place(start=at, end=at + 9), label=label)
        for at, label in ((0.0, "Tuning the dulcimer"), (9.0, "xiv"))
    ]
    document = Document(id=id, modality="audio", reading=catalog.reading(READING))
    catalog.commit_read(document, chapters, file=File(path="/r/talk.mp3", document=id, size=1, mtime_ns=0))
    assert len(catalog.words(query_terms("dulcimer"), EVERYTHING, depth=9)) == 1
    assert catalog.words(query_terms("xiv"), EVERYTHING, depth=9) == []


def test_all_of_108_part_numbers_are_told_from_their_near_twins(catalog: Catalog) -> None:
    chance = random.Random(3)
    numbers = [
        f"{kind}-{number}-{end}{side}"
        for kind in ("RT", "PX")
        for number in ("4410", "4401", "1180")
        for end in ("89A", "98A", "07", "08", "80", "70")
        for side in ("", "/L", "/R")
    ]
    assert len(set(numbers)) == 108
    for number in numbers:
        filler = " ".join(chance.choices(["valve", "seal", "steel", "brass", "ring", "shaft"], k=20))
        add(catalog, number, f"Bulletin for {number}: {filler}.", path=f"/r/{sha(number)[:8]}.md")
    assert [number for number in numbers if found(catalog, f"which ring for {number}?")[0] != number] == []


# -- phrases


def test_a_phrase_in_quotation_marks_comes_first_by_far(catalog: Catalog) -> None:
    add(catalog, "scattered", "right right refusal refusal first first of of right refusal first refusal of right")
    long = "of the first week and of the right bank. " * 20
    add(catalog, "phrase", f"{long} The right of first refusal stays with the tenants. {long}")
    assert found(catalog, '"right of first refusal"') == ["phrase", "scattered"]
    (_, best), (_, second) = catalog.words(query_terms('"right of first refusal"'), EVERYTHING, depth=2)
    assert best > 2 * second
    assert found(catalog, '"right of first refusal" tenants')[0] == "phrase"


def test_a_phrase_without_spaces_is_asked_for_by_its_pairs_in_order(catalog: Catalog) -> None:
    add(catalog, "scattered", "会議室の予定と議室。会議。会議。議室")
    add(catalog, "phrase", "第三会議室は今日も使えません。" + "予定はありません。" * 20)
    assert found(catalog, "“会議室は”")[0] == "phrase"


# -- names


def test_a_document_is_found_by_its_file_name_alone(catalog: Catalog) -> None:
    notes(catalog)
    add(catalog, "", "", "", path="/r/Warranty_Osprey_kettle.pdf")
    keys = catalog.words(query_terms("Osprey kettle warranty"), EVERYTHING, depth=9)
    assert [catalog.segments([key])[key].segment.place for key, _ in keys] == [Place(page=1)]
    assert keys[0][1] > 0.6
    for query in ("Warranty_Osprey_kettle.pdf", "osprey", "the kettle's warranty"):
        assert catalog.words(query_terms(query), EVERYTHING, depth=9)[0][0] == keys[0][0]


def test_a_name_counts_for_the_words_that_a_place_lacks(catalog: Catalog) -> None:
    notes(catalog)
    add(catalog, "other", "The boiler valve leaks.")
    add(catalog, "named", "First page.", "The boiler valve leaks.", path="/r/Ardvasar 2021.pdf")
    assert found(catalog, "Ardvasar boiler valve") == ["named", "other"]
    best = catalog.words(query_terms("Ardvasar boiler valve"), EVERYTHING, depth=9)[0][0]
    assert catalog.segments([best])[best].segment.place == Place(page=2)


def test_titles_and_keywords_are_words(catalog: Catalog) -> None:
    notes(catalog)
    add(catalog, "The heron at Glencoul", "", keywords="aunt Ishbel; ferry")
    assert found(catalog, "heron Glencoul") == ["The heron at Glencoul"]
    assert found(catalog, "aunt Ishbel") == ["The heron at Glencoul"]


def test_a_title_that_changes_is_found_by_its_new_words_alone(catalog: Catalog) -> None:
    for title, change in (("Unapool", "added"), ("Kylesku", "unchanged")):
        document = Document(id=sha("same"), modality="page", reading=catalog.reading(READING), title=title)
        file = File(path="/r/x", document=sha("same"), size=1, mtime_ns=0)
        assert catalog.commit_read(document, pages(sha("same"), ["a page"]), file=file) == change
        assert found(catalog, title) == [title]
    assert found(catalog, "Unapool") == []


def test_folders_count_weakly(catalog: Catalog) -> None:
    add(catalog, "below", "", path="/r/Scalpay/scan.pdf")
    add(catalog, "called", "", path="/r/other/Scalpay.pdf")
    assert found(catalog, "Scalpay") == ["called", "below"]
    notes(catalog)
    scores = [score for _, score in catalog.words(query_terms("Scalpay"), EVERYTHING, depth=9)]
    assert scores[0] > 2 * scores[1]


def test_a_name_is_found_only_by_those_who_may_see_the_path(catalog: Catalog) -> None:
    put(catalog, "/r/secret/Lochinver.txt", ["a page"], content="same")
    catalog.attach(File(path="/r/open/plain.txt", document=sha("same"), size=1, mtime_ns=0))
    document = Document(id=sha("same"), modality="page", reading=catalog.reading(READING))
    file = File(path="/r/open/plain.txt", document=sha("same"), size=1, mtime_ns=0)
    catalog.commit_read(document, pages(sha("same"), ["a page"]), file=file)
    words = query_terms("Lochinver")
    assert len(catalog.words(words, EVERYTHING, depth=9)) == 1
    assert len(catalog.words(words, Scope(("/r/secret",)), depth=9)) == 1
    assert catalog.words(words, Scope(("/r/open",)), depth=9) == []
    assert catalog.words(words, Scope(filters=Filters(under="/r/open")), depth=9) == []
    assert len(catalog.words(query_terms("plain"), Scope(("/r/open",)), depth=9)) == 1
    catalog.remove_files(["/r/secret/Lochinver.txt"])
    assert catalog.words(words, EVERYTHING, depth=9) == []


def test_a_name_brings_only_places_of_the_wanted_kind(catalog: Catalog) -> None:
    put(catalog, "/r/Badcall.pdf", ["a page"])
    words = query_terms("Badcall")
    assert len(catalog.words(words, Scope(filters=Filters(modality=("page",))), depth=9)) == 1
    assert catalog.words(words, Scope(filters=Filters(modality=("image",))), depth=9) == []


def test_a_moved_file_is_found_by_its_new_name_alone(catalog: Catalog) -> None:
    put(catalog, "/r/Achiltibuie.txt", ["a page"], content="same")
    catalog.attach(File(path="/r/Polbain.txt", document=sha("same"), size=1, mtime_ns=0), gone=["/r/Achiltibuie.txt"])
    put(catalog, "/r/Polbain.txt", ["another page"])
    assert len(catalog.words(query_terms("Polbain"), EVERYTHING, depth=9)) == 1
    assert catalog.words(query_terms("Polbain"), EVERYTHING, depth=9)[0][0] != 1


def test_a_name_that_is_no_utf_8_is_found_by_what_can_be_read(catalog: Catalog) -> None:
    put(catalog, "/r/Inver \udce9t\udce9.txt", ["a page"])
    assert len(catalog.words(query_terms("Inver"), EVERYTHING, depth=9)) == 1


# -- documents


def test_a_document_gives_its_words_to_all_of_its_places_also_by_their_stems(catalog: Catalog) -> None:
    put(catalog, "/r/a", ["Die Verträge mit der Werft sind unterschrieben und liegen im Büro.", "Die zweite Seite."])
    keys = [stored.key for stored in catalog.segments_of(catalog.file("/r/a").document)]  # type: ignore[union-attr]
    context = catalog.context(query_terms("Vertrag"), keys)
    assert set(context) == set(keys)
    assert catalog.context(query_terms("unknown"), keys) == {}
    assert catalog.context(query_terms("?"), keys) == {}


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Ring +44 (0)1631 566 555 after six.", "01631566555"),
        ("Ring +44 (0)1631 566 555 after six.", "+441631566555"),
        ("TEL:+46701234567", "070-123 45 67"),
        ("Mobil 070-123 45 67", "+46 70 123 45 67"),
        ("The van B-KL 4711 was parked.", "BKL4711"),
        ("Device 00:1B:44:11:3A:B7 answered.", "001b44113ab7"),
        ("DTSTART:20240912T090000Z", "12 September 2024"),
        ("The yield rose by 7\u00bd percent.", "7 1/2"),
        ("\u0e1a\u0e23\u0e34\u0e29\u0e31\u0e17\u0e52\u0e55\u0e56\u0e57", "2567"),
        ("La col\u00b7lecció", "colleccio"),
        ("> the trous-\n> seau is packed", "trousseau"),
    ],
)
def test_numbers_and_words_of_other_programs_are_found(catalog: Catalog, text: str, query: str) -> None:
    add(catalog, "wanted", text)
    add(catalog, "other", "12 and 2024 and 7 September and 46 numbers of old")
    notes(catalog)
    assert found(catalog, query)[0] == "wanted"


def test_a_date_and_a_part_in_a_file_name_are_asked_for_in_another_spelling(catalog: Catalog) -> None:
    add(catalog, "", "Gulls.", path="/r/IMG_20240317_stables.txt")
    add(catalog, "", "Nothing.", path="/r/CamelReportFinalV2.txt")
    add(catalog, "", "2024 was 17 times better than 3 and a report was final.", path="/r/other.txt")
    notes(catalog)
    assert catalog.words(query_terms("2024-03-17"), EVERYTHING, depth=1)[0][1] > 0.8
    first = catalog.words(query_terms("camel report final v2"), EVERYTHING, depth=1)[0][0]
    assert catalog.segments([first])[first].segment.text == "Nothing."


def test_a_folder_counts_where_it_and_the_file_are_called_all_that_is_asked_for(catalog: Catalog) -> None:
    add(catalog, "", "Nothing of note.", path="/r/Brandschutz/plan.md")
    add(catalog, "", "Der Brandschutz wurde gestern geprüft.", path="/r/x.md")
    notes(catalog)
    first = catalog.words(query_terms("Brandschutz plan"), EVERYTHING, depth=1)[0][0]
    assert catalog.segments([first])[first].segment.text == "Nothing of note."


def test_all_words_in_another_form_come_before_one_that_is_spelt_so(catalog: Catalog) -> None:
    filler = "Копии направлены юристам и бухгалтерам для проверки в Екатеринбурге."
    add(catalog, "all", f"Сообщаем, что договоры аренды складов подписаны директорами. {filler}")
    add(catalog, "one", "Договор подписан вчера вечером.")
    notes(catalog)
    assert found(catalog, "договор аренды склада")[0] == "all"


# -- few segments, and many, give the same


QUERIES = ("lighthouse", "dawn keeper", "storm harbour rope", "sail of the lighthouse keeper", '"storm harbour"')


@pytest.mark.parametrize("seed", range(2))
def test_a_list_of_the_scopes_segments_finds_what_checking_each_does(catalog: Catalog, seed: int) -> None:
    Happenings(catalog, seed).happen(120)
    asked = 0
    for scope in SCOPES:
        with catalog._database.reading() as db:
            reach = resolve_scope(db, scope)
            keys = word_search.listed_keys(db, reach)
            held = set(scope_queries.keys_within(db, reach))
            assert keys is None if not reach.limited else set(keys or ()) == held
            for query in QUERIES if keys is not None else ():
                plan = plan_words(db, query_terms(query), WordCounts(db))
                listed, checked = WordScope(reach, keys), WordScope(reach)
                found = word_search._matches(db, "words", plan.match, checked, 500)
                assert {key for key, _ in found} <= held
                assert sorted(word_search._matches(db, "words", plan.match, listed, 500)) == sorted(found)
                asked += bool(found)
    assert asked > 20


@pytest.mark.parametrize("seed", range(3))
def test_leaving_out_what_holds_the_most_frequent_word_alone_changes_nothing(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(word_plan, "MIN_SPLIT_ROWS", 0)
    random_ = random.Random(seed)
    words = [f"word{letter}" for letter in "abcdefgh"]
    for number in range(40):
        texts = [" ".join(random_.choices(words, [90, 24, 8, 4, 3, 2, 1, 1], k=10)) for _ in range(8)]
        add(catalog, f"note {number}", *texts, path=f"/{'rs'[number % 2]}/{number}")
    asked: list[str] = []
    real = word_search._matches

    def matching(*given: Any) -> Any:
        asked.append(given[2])
        return real(*given)

    monkeypatch.setattr(word_search, "_matches", matching)
    split = 0
    for scope in (Scope(), Scope(("/r",)), Scope(filters=Filters(modality=("page",)))):
        for _ in range(40):
            query = " ".join(random_.sample(words, k=random_.randrange(2, 6)))
            with catalog._database.reading() as db:
                plan = plan_words(db, query_terms(query), WordCounts(db))
                within = WordScope(resolve_scope(db, scope))
                for depth in (1, 2, 5):
                    asked.clear()
                    found = word_search._best_words(db, plan, within, depth)
                    split += any(" NOT " in match for match in asked)
                    every = sorted(real(db, "words", plan.match, within, 10_000), key=lambda one: (-one[1], one[0]))
                    assert [score for _, score in found] == pytest.approx([score for _, score in every[:depth]])
                    scores = dict(every)
                    assert all(score == pytest.approx(scores[key]) for key, score in found)
    assert split > 30


@pytest.mark.parametrize("seed", range(2))
def test_a_context_is_the_bm25_of_the_whole_document(catalog: Catalog, seed: int) -> None:
    Happenings(catalog, seed).happen(120)
    documents = dict(rows_of(catalog, "SELECT key, document FROM segments"))
    for query in QUERIES:
        with catalog._database.reading() as db:
            plan = plan_words(db, query_terms(query), WordCounts(db))
            sql = "SELECT rowid, -bm25(wholes, 1.0, 0.5) FROM wholes WHERE wholes MATCH ?"
            scores = dict(db.execute(sql, (" OR ".join(plan.each),)).fetchall())
        some = [key for key in documents if key % 3]
        told = catalog.context(query_terms(query), some)
        assert told == pytest.approx(
            {key: min(1.0, scores[documents[key]] / plan.best_whole) for key in some if documents[key] in scores}
        )
        assert told

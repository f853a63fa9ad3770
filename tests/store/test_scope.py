from __future__ import annotations

from dataclasses import replace

import pytest

from mcp_mmretrieval.answers import Filters
from mcp_mmretrieval.store import Catalog, Document, File, Scope
from mcp_mmretrieval.store.fulltext import query_terms
from mcp_mmretrieval.types import Place, Segment
from tests.support.rows import READING, document_ids, held, pages, put, sha, unit

CASES = [
    (Scope(), ["/r/one/a.pdf", "/r/one/b.wav", "/r/two/c.pdf", "/s/d.png", "Note"]),
    (Scope(("/",)), ["/r/one/a.pdf", "/r/one/b.wav", "/r/two/c.pdf", "/s/d.png", "Note"]),
    (Scope(("/r", "/s")), ["/r/one/a.pdf", "/r/one/b.wav", "/r/two/c.pdf", "/s/d.png", "Note"]),
    (Scope(()), ["Note"]),
    (Scope(("/r",)), ["/r/one/a.pdf", "/r/one/b.wav", "/r/two/c.pdf", "Note"]),
    (Scope(("/r/one", "/r", "/r/two/c.pdf")), ["/r/one/a.pdf", "/r/one/b.wav", "/r/two/c.pdf", "Note"]),
    (Scope(("/r/on",)), ["Note"]),
    (Scope(("/r",), Filters(under="/r/one")), ["/r/one/a.pdf", "/r/one/b.wav"]),
    (Scope(("/r/one",), Filters(under="/r")), ["/r/one/a.pdf", "/r/one/b.wav"]),
    (Scope(("/r",), Filters(under="/s")), []),
    (Scope(None, Filters(under="/r/two/c.pdf")), ["/r/two/c.pdf"]),
    (Scope(None, Filters(under="/")), ["/r/one/a.pdf", "/r/one/b.wav", "/r/two/c.pdf", "/s/d.png"]),
    (Scope(("/r",), Filters(modality=("audio", "image"))), ["/r/one/b.wav"]),
    (Scope(None, Filters(modality=("text",))), ["Note"]),
    (Scope(None, Filters(after=200.0, before=400.0)), ["/r/one/b.wav", "/r/two/c.pdf"]),
    (Scope(("/s",), Filters(before=1000.0)), ["/s/d.png"]),
    (Scope(("/r",), Filters(modality=("page",), after=150.0)), ["/r/two/c.pdf"]),
    (Scope(("/s",), Filters(document=sha("/s/d.pnglighthouse at dawnlighthouse keeper"))), ["/s/d.png"]),
    (Scope(("/r",), Filters(document=sha("/s/d.pnglighthouse at dawnlighthouse keeper"))), []),
    (Scope(("/r",), Filters(document=sha("note"))), ["Note"]),
    (Scope(("/r",), Filters(document=sha("note"), under="/r")), []),
]


@pytest.mark.parametrize(("scope", "titles"), CASES)
def test_every_way_to_ask_sees_the_same_documents(tree: Catalog, scope: Scope, titles: list[str]) -> None:
    assert_all_ways_agree(tree, scope, titles)


DATED_CASES = [
    (Scope(None, Filters(after=1000.0)), ["/r/one/a.pdf", "Note"]),
    (Scope(None, Filters(after=1000.0, before=5000.0)), []),
    (Scope(None, Filters(before=1000.0)), ["/r/one/b.wav", "/r/two/c.pdf", "/s/d.png"]),
    (Scope(("/r",), Filters(before=50.0)), ["/r/two/c.pdf"]),
    (Scope(("/r",), Filters(after=40.0, before=1e6, modality=("page",))), ["/r/one/a.pdf", "/r/two/c.pdf"]),
    (Scope(("/r/one", "/s"), Filters(after=300.0, before=1e6)), ["/r/one/a.pdf", "/s/d.png"]),
    (Scope(None, Filters(under="/r/two", after=300.0)), []),
]


@pytest.mark.parametrize(("scope", "titles"), DATED_CASES)
def test_a_document_passes_by_its_own_date_where_it_has_one(tree: Catalog, scope: Scope, titles: list[str]) -> None:
    for path, dated in (("/r/one/a.pdf", 5000.0), ("/r/two/c.pdf", 40.0)):
        document = tree.document(held(tree, path))
        file = tree.file(path)
        assert document is not None
        assert file is not None
        texts = ["lighthouse at dawn", "lighthouse keeper"]
        tree.commit_read(replace(document, dated=dated), pages(document.id, texts), file=file)
    assert_all_ways_agree(tree, scope, titles)


def assert_all_ways_agree(tree: Catalog, scope: Scope, titles: list[str]) -> None:
    ids = [id for id, document in tree.documents(document_ids(tree, Scope())).items() if document.title in titles]
    expected = {stored.key for id in ids for stored in tree.segments_of(id)}
    assert {key for key, _ in tree.words(query_terms("lighthouse"), scope, depth=50)} == expected
    assert {key for key, _ in tree.exact(1, "text", unit(7, 1), scope, depth=50)} == expected
    assert {key for key, _ in tree.exact(1, "text", unit(7, 1), scope, depth=50, after=-1)} >= expected
    everything = {stored.key for id in document_ids(tree, Scope()) for stored in tree.segments_of(id)}
    assert tree.visible(everything | {10**6}, scope) == expected
    assert tree.extent(scope, 100) == (len(expected), len(everything))
    assert tree.extent(scope, 0)[0] == min(1, len(expected))
    assert tree.whole(scope) == (expected == everything) or titles == []
    assert set(document_ids(tree, scope)) == set(ids)
    listed, total = tree.listing(scope, space=1)
    assert [each.document.title for each in listed] == titles
    assert total == len(titles)
    assert all(each.embedded for each in listed)
    counts = tree.counts(scope, space=1)
    rooted = len(tree.visible(everything, scope.rooted))
    assert (counts.documents, counts.segments, counts.excluded) == (len(ids), len(expected), rooted - len(expected))
    assert counts.pending == 0
    assert sum(tree.modalities(scope).values()) == len(ids)


def test_a_document_is_seen_by_any_of_its_paths(tree: Catalog) -> None:
    tree.attach(File(path="/s/copy.pdf", document=held(tree, "/r/one/a.pdf"), size=1, mtime_ns=0))
    seen, _ = tree.listing(Scope(("/s",)))
    assert [file.path for each in seen for file in each.files] == ["/s/copy.pdf", "/s/d.png"]
    assert len(tree.words(query_terms("lighthouse"), Scope(("/s",), Filters(modality=("page",))), depth=9)) == 2


def test_words_are_found_in_other_forms_and_without_their_accents(catalog: Catalog) -> None:
    put(catalog, "/r/a", ["The turbines were inspected in Orléans"])
    put(catalog, "/r/b", ["Nothing of the kind"])
    for query in (
        "turbine",
        "inspecting",
        "orleans",
        "ORLÉANS",
        "orle\u0301ans",
        'turbine AND NOT "inspect*" OR (',
        "the turbine",
    ):
        assert [key for key, _ in catalog.words(query_terms(query), Scope(), depth=5)] == [1], query
    assert catalog.words(query_terms("   ?!"), Scope(), depth=5) == []


@pytest.mark.parametrize(
    ("text", "query"), [("हिन्दी में किताब", "किताब"), ("שָׁלוֹם לכם", "שָׁלוֹם"), ("пятьдесят лет", "ПЯТЬДЕСЯТ")]
)
def test_words_of_other_alphabets_are_found_whole(catalog: Catalog, text: str, query: str) -> None:
    put(catalog, "/r/a", [text, "कमल का फूल שמש лето"])
    assert [key for key, _ in catalog.words(query_terms(query), Scope(), depth=5)] == [1]


def test_a_word_in_the_heading_counts_for_more(catalog: Catalog) -> None:
    put(catalog, "/r/a", ["pump maintenance every year"] + ["other things of a length"] * 5)
    id = sha("b")
    segment = Segment(document=id, modality="page", place=Place(page=1), text="every year maintenance", heading="pump")
    document = Document(id=id, modality="page", reading=catalog.reading(READING))
    catalog.commit_read(document, [segment], file=File(path="/r/b", document=id, size=1, mtime_ns=0))
    best, _ = catalog.words(query_terms("pump"), Scope(), depth=1)[0]
    assert catalog.segments([best])[best].segment.heading == "pump"


@pytest.mark.parametrize(
    "query", ["部署", "机", "机器学习", "ありがとう", "サーバー", "ขอบคุณ", "如何部署 kubernetes 集群"]
)
def test_scripts_without_spaces_are_found_by_any_of_their_words(catalog: Catalog, query: str) -> None:
    put(
        catalog,
        "/r/a",
        ["我们用机器学习来部署模型", "サーバーをありがとう", "ขอบคุณมาก", "kubernetes cluster", "天气很好"],
    )
    hits = catalog.segments([key for key, _ in catalog.words(query_terms(query), Scope(), depth=5)])
    texts = {stored.segment.text for stored in hits.values()}
    assert texts
    assert "天气很好" not in texts


def test_words_anywhere_in_a_document_are_a_context_for_all_its_pages(catalog: Catalog) -> None:
    put(catalog, "/r/a", ["annual report of Nordsee AG", "revenue grew", "weather"])
    put(catalog, "/r/b", ["annual report of another company", "revenue fell", "weather"])
    shares = catalog.context(query_terms("Nordsee revenue"), range(1, 7))
    assert set(shares) == {1, 2, 3, 4, 5, 6}
    assert shares[1] == shares[2] == shares[3] > shares[4] > 0
    assert catalog.context(query_terms("?!"), range(1, 7)) == {}


def test_what_was_removed_or_read_again_is_no_context_any_more(catalog: Catalog) -> None:
    put(catalog, "/r/a", ["lighthouse", "keeper"], content="same")
    put(catalog, "/r/b", ["other"])
    put(catalog, "/r/a", ["harbour"], content="same", reading=catalog.reading({"splitter": "2"}))
    everything = range(1, 20)
    assert catalog.context(query_terms("lighthouse keeper"), everything) == {}
    assert len(catalog.context(query_terms("harbour"), everything)) == 1
    catalog.remove_files(["/r/a"])
    assert catalog.context(query_terms("harbour"), everything) == {}
    assert catalog.check() == []

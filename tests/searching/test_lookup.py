"""Searches whose question points into a document: with the document given, with it named, and without either."""

import hashlib
from pathlib import Path

import pytest

from mcp_mmretrieval.library import Library
from mcp_mmretrieval.store import Document, File
from mcp_mmretrieval.types import Place, Segment
from tests.support.models import PATIENCE


def hold(library: Library, path: Path, texts: list[str], *, labels: list[str] | None = None, title: str = "") -> None:
    """Commit a document of pages, as if it had been read from `path`."""
    id = hashlib.sha256(path.name.encode()).hexdigest()
    catalog = library._catalog
    reading = catalog.reading({"splitter": 1})
    segments = [
        Segment(
            document=id,
            modality="page",
            place=Place(page=number),
            text=text,
            label=labels[number - 1] if labels else "",
        )
        for number, text in enumerate(texts, 1)
    ]
    document = Document(id=id, modality="page", reading=reading, title=title, pages=len(texts))
    catalog.commit_read(document, segments, file=File(path=str(path), document=id, size=1, mtime_ns=1))


@pytest.fixture
def reports(library: Library, folder: Path) -> Library:
    hold(
        library,
        folder / "harbour.pdf",
        ["Harbour board", "contents", "Cranes and tides in the harbour", "Harbour dues\nTable 2: Dues by ship", ""],
        labels=["i", "ii", "1", "2", "3"],
        title="Harbour board yearbook",
    )
    hold(library, folder / "orchard.pdf", ["Orchard", "Apples", "Pears in Table 2", "Plums, harbour", "Quinces"])
    return library


def hold_parts(library: Library, path: Path, places: list[Place]) -> None:
    """Commit a document of parts, as if it had been read from `path`; all of them say the same."""
    id = hashlib.sha256(path.name.encode()).hexdigest()
    segments = [Segment(document=id, modality="text", place=place, text="Dues of the harbour") for place in places]
    document = Document(id=id, modality="text", reading=library._catalog.reading({"splitter": 1}))
    library._catalog.commit_read(document, segments, file=File(path=str(path), document=id, size=1, mtime_ns=1))


def first(library: Library, question: str, **filters: str) -> str:
    return library.search(question, filters=library.filters(**filters)).hits[0].citation  # type: ignore[arg-type]


def test_within_a_document_the_page_comes_first_by_either_number(reports: Library) -> None:
    found = [hit.citation for hit in reports.search("page 2", filters=reports.filters(document="harbour.pdf")).hits]
    assert set(found[:2]) == {"harbour.pdf#page=2", "harbour.pdf#page=4"}


def test_a_page_without_words_is_found_by_its_number(reports: Library) -> None:
    assert first(reports, "What is drawn on page 5?", document="harbour.pdf") == "harbour.pdf#page=5"
    assert first(reports, "the last page", document="harbour.pdf") == "harbour.pdf#page=5"


def test_what_else_is_asked_decides_between_two_pages_of_one_number(reports: Library) -> None:
    assert first(reports, "Which dues does page 2 give?", document="harbour.pdf") == "harbour.pdf#page=4"


def test_a_caption_is_found_in_the_document_that_is_given(reports: Library) -> None:
    assert first(reports, "What does Table 2 say?", document="harbour.pdf") == "harbour.pdf#page=4"
    assert first(reports, "What does Table 2 say?", under="orchard.pdf") == "orchard.pdf#page=3"


def test_in_a_folder_of_few_documents_each_may_be_meant(reports: Library, folder: Path) -> None:
    (folder / "sub").mkdir()
    hold(reports, folder / "sub" / "eels.pdf", ["eels", "traps"])
    hold(reports, folder / "sub" / "larks.pdf", ["larks", "nests"])
    answer = reports.search("the last page", filters=reports.filters(under="sub"))
    assert {hit.citation for hit in answer.hits[:2]} == {"sub/eels.pdf#page=2", "sub/larks.pdf#page=2"}
    assert not any("points into" in note for note in answer.notes)


@pytest.mark.parametrize("name", ["orchard.pdf", "the orchard file"])
def test_a_document_that_the_question_names_is_meant(reports: Library, name: str) -> None:
    answer = reports.search(f"What is on page 5 of {name}?")
    assert answer.hits[0].citation == "orchard.pdf#page=5"
    assert not any("points into" in note for note in answer.notes)


def test_a_question_that_points_and_names_no_document_is_told_the_likeliest(reports: Library) -> None:
    answer = reports.search("How many cranes, tides and pears does this report show on page 1?")
    (note,) = [note for note in answer.notes if "points into a document" in note]
    assert "`this report`" in note and "`page 1`" in note
    assert note.index('harbour.pdf ("Harbour board yearbook")') < note.index("orchard.pdf")
    assert 'document="harbour.pdf"' in note
    assert answer.hits[0].citation in {"harbour.pdf#page=1", "harbour.pdf#page=3"}


def test_a_text_without_a_path_is_told_by_its_id(library: Library, folder: Path) -> None:
    library.add(text="walnuts and a pump").wait(PATIENCE)
    for number in range(3):
        hold(library, folder / f"{number}.pdf", [f"figs {number}"])
    answer = library.search("walnuts on page 1 of this report")
    (note,) = [note for note in answer.notes if "points into a document" in note]
    id = next(hit.segment.document for hit in answer.hits if not hit.path)[:12]
    assert f'document="{id}"' in note
    assert library.search("pump", filters=library.filters(document=id)).hits


def test_a_question_that_points_nowhere_has_no_such_note(reports: Library) -> None:
    assert not any("points into" in note for note in reports.search("harbour cranes").notes)


def test_a_place_outside_the_filters_is_not_shown(reports: Library) -> None:
    filters = reports.filters(document="harbour.pdf", modality=("image",))
    assert reports.search("page 5", filters=filters).hits == ()


def test_within_a_document_its_own_common_words_tell_nothing(library: Library, folder: Path) -> None:
    # in the library only one file is on Kestrel; on its pages the name stands everywhere
    hold(library, folder / "kestrel.pdf", ["Kestrel Kestrel Kestrel", "Kestrel tax", "Kestrel sales", "Kestrel staff"])
    hold(library, folder / "others.pdf", [f"tax on {number}" for number in range(40)])
    assert first(library, "Kestrel tax", document="kestrel.pdf") == "kestrel.pdf#page=2"


def test_a_recording_is_found_by_words_that_were_misheard(library: Library, folder: Path) -> None:
    reading = library._catalog.reading({"splitter": 1})
    for name, heard in (("one", "Pyson"), ("two", "duck")):
        id = hashlib.sha256(name.encode()).hexdigest()
        segment = Segment(document=id, modality="audio", place=Place(start=0.0, end=2.0), text=heard)
        path = str(folder / f"{name}.wav")
        library._catalog.commit_read(
            Document(id=id, modality="audio", reading=reading, seconds=2.0),
            [segment],
            file=File(path=path, document=id, size=1, mtime_ns=1),
        )
    assert first(library, "A bison.") == "one.wav#t=0.0,2.0"
    assert library.search("A bison.").hits[0].lanes == ("words",)


def test_slides_sheets_rows_and_chapters_are_looked_up_in_their_document(library: Library, folder: Path) -> None:
    counted = [1, 2, 3, 4]
    hold_parts(library, folder / "deck.pptx", [Place(part=f"slide={number}", first=0, last=19) for number in counted])
    sheets = [(sheet, top) for sheet in ("Q1", "Q3") for top in (2, 41)]
    hold_parts(
        library, folder / "dues.xlsx", [Place(part=f"sheet={name}", top=at, bottom=at + 38) for name, at in sheets]
    )
    hold_parts(
        library, folder / "novel.epub", [Place(part=f"chapter={number}", first=0, last=19) for number in counted]
    )
    assert first(library, "the dues on slide 3", document="deck.pptx") == "deck.pptx#slide=3&char=0,19"
    assert first(library, "the last slide of deck.pptx") == "deck.pptx#slide=4&char=0,19"
    assert first(library, "row 50 of sheet Q3", document="dues.xlsx") == "dues.xlsx#sheet=Q3&row=41,79"
    assert first(library, "the dues in row 12 of sheet Q1 of dues.xlsx") == "dues.xlsx#sheet=Q1&row=2,40"
    assert first(library, "chapter 2", document="novel.epub") == "novel.epub#chapter=2&char=0,19"

"""What a PDF says of itself."""

from datetime import UTC, datetime

import pytest

from mcp_mmretrieval.media.pdf.properties import (
    document_date,
    document_keywords,
    document_title,
    unread_content,
)
from tests.support.pdf_pages import opened, page_pdf


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Annual report \\(2025\\)", "Annual report (2025)"),
        ("Microsoft Word - Minutes.docx", "Minutes"),
        ("Microsoft Word - Document1", ""),
        ("Microsoft Word - x.doc", ""),
        ("PowerPoint Presentation", ""),
        ("untitled", ""),
        ("Untitled-3", ""),
        ("\\(anonymous\\)", ""),
        ("\\(unspecified\\)", ""),
        ("Slide 1", ""),
        ("0001-23-4", ""),
        ("", ""),
    ],
)
def test_the_title_comes_from_the_metadata_unless_a_program_made_it_up(given: str, expected: str) -> None:
    assert document_title(opened(page_pdf("", info=f"/Title ({given})"))) == expected


def test_author_subject_and_keywords_are_words_about_the_document() -> None:
    document = opened(page_pdf("", info="/Author (Ada Byron) /Subject (Looms) /Keywords (cards, engines)"))
    assert document_keywords(document) == "Ada Byron\nLooms\ncards, engines"
    made_up = opened(page_pdf("", info="/Author (\\(anonymous\\)) /Subject (\\(unspecified\\)) /Keywords ()"))
    assert document_keywords(made_up) == ""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("D:20240131093015+01'00'", datetime(2024, 1, 31, 8, 30, 15, tzinfo=UTC)),
        ("D:20240131093015-0530", datetime(2024, 1, 31, 15, 0, 15, tzinfo=UTC)),
        ("D:20240131093015Z", datetime(2024, 1, 31, 9, 30, 15, tzinfo=UTC)),
        ("D:202401", datetime(2024, 1, 1, tzinfo=UTC)),
        ("20240131", datetime(2024, 1, 31, tzinfo=UTC)),
        ("2024-01-31T09:30:15+01:00", datetime(2024, 1, 31, 8, 30, 15, tzinfo=UTC)),
        ("Wed Jan 31 09:30:15 2024", datetime(2024, 1, 31, 9, 30, 15, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", None),
        ("D:20241331", None),
        ("D:19010101", None),
        ("last week", None),
        ("", None),
    ],
)
def test_the_date_is_the_one_of_its_making_in_any_zone(given: str, expected: datetime | None) -> None:
    found = document_date(opened(page_pdf("", info=f"/CreationDate ({given})")))
    assert found == (None if expected is None else expected.timestamp())


def test_without_a_date_of_its_making_that_of_its_last_change_counts() -> None:
    info = "/CreationDate (broken) /ModDate (D:20240131)"
    assert document_date(opened(page_pdf("", info=info))) == datetime(2024, 1, 31, tzinfo=UTC).timestamp()


def embedding(names: int) -> bytes:
    files = " ".join(f"(file {at}) << /Type /Filespec /F (file {at}) /EF << /F @0 >> >>" for at in range(names))
    catalog = f"/Names << /EmbeddedFiles << /Names [{files}] >> >>"
    return page_pdf("", streams=[(b"secret", "/Type /EmbeddedFile")], catalog=catalog)


def test_embedded_files_are_said() -> None:
    assert [note.split(":")[0] for note in unread_content(opened(embedding(2)))] == [
        "The PDF holds 2 embedded files, which were not read"
    ]
    assert "1 embedded file, which was" in next(unread_content(opened(embedding(1))))
    assert list(unread_content(opened(page_pdf("")))) == []


def test_the_names_of_embedded_files_are_words_about_the_document() -> None:
    assert document_keywords(opened(embedding(2))) == "file 0, file 1"


def test_an_xfa_form_is_said() -> None:
    xfa = (b"<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'/>", "")
    (note,) = unread_content(opened(page_pdf("", streams=[xfa], catalog="/AcroForm << /Fields [] /XFA @0 >>")))
    assert "XFA form" in note

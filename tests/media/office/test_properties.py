"""What an Office file says of itself."""

from datetime import UTC, datetime

from mcp_mmretrieval.media.office.properties import document_properties
from mcp_mmretrieval.media.office.xml_parts import parse_xml

CORE = parse_xml(
    b'<c:core xmlns:c="c"><c:title> Keel\n report </c:title><c:creator>Ann</c:creator><c:keywords>oak</c:keywords>'
    b"<c:modified>2025-01-01</c:modified><c:created>2024-03-02T10:00:00Z</c:created></c:core>"
)


def test_title_date_and_words() -> None:
    about = document_properties(CORE)
    assert (about.title, about.keywords) == ("Keel report", "Ann\noak")
    assert about.dated == datetime(2024, 3, 2, 10, tzinfo=UTC).timestamp()


def test_the_title_in_the_text_goes_first_and_the_other_one_is_kept() -> None:
    assert document_properties(CORE, "Survey", "One").title == "Survey"
    assert document_properties(CORE, "Survey").keywords == "Ann\noak\nKeel report"
    assert document_properties(None, "", "One").title == "One"
    assert document_properties(CORE, "", "One").title == "Keel report"
    assert document_properties(None).dated is None

"""What was not read, by kind, in a person's words."""

from mcp_mmretrieval.adding.unread import kinds_of_unread
from mcp_mmretrieval.answers import Failure
from mcp_mmretrieval.errors import FailureCode


def failed(path: str, code: FailureCode = "unsupported_type") -> Failure:
    return Failure(path=path, code=code, reason="It cannot be read.")


def test_kinds_are_counted_and_the_most_frequent_comes_first() -> None:
    failures = [failed("/a.zip"), failed("/b.docx"), failed("/c.DOC"), failed("/d.odt")]
    assert list(kinds_of_unread(failures).items()) == [("Word files", 3), ("archive", 1)]


def test_a_file_counts_once_and_by_its_last_failure() -> None:
    failures = [failed("/a.pdf", "timeout"), failed("/a.pdf", "encrypted"), failed("/b.pdf", "encrypted")]
    assert kinds_of_unread(failures) == {"encrypted PDFs": 2}


def test_unknown_suffixes_are_named_as_they_are() -> None:
    failures = [failed("/a.xyz"), failed("/b.xyz"), failed("/Makefile"), failed("/LICENCE")]
    assert kinds_of_unread(failures) == {".xyz files": 2, "files without a suffix": 2}
    assert kinds_of_unread([failed("/Makefile")]) == {"file without a suffix": 1}


def test_a_name_that_leads_to_no_file_is_not_counted() -> None:
    assert kinds_of_unread([failed("/gone.txt", "not_found_or_not_allowed"), failed("/a.zip")]) == {"archive": 1}

"""What a manual page says behind its notation."""

import pytest

from mcp_mmretrieval.media.notation.roff import is_manual, read_manual

PAGE = r""".\" Copyright by nobody
.TH KNOTTER 1 "March 2025" "knotter 2.3"
.SH NAME
knotter \- untangles fishing lines
.SH "EXIT STATUS"
.BR \-k ", " \-\-knot
the \fBsize\fR of \fIknots\fP in milli\%metres
"""


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"\fB\-\-knot\fR=\fIsize\fR", "--knot=size"),
        (r"\f[CR]code\f[] and \f(CWcode\fP, \s-1API\s0", "code and code, API"),
        (r"it\(aqs M\(:uller, \(co 2025, na\[:i]ve, \[u00FC]", "it's Müller, © 2025, naïve, ü"),
        (r"a\&b \e \(zz \[u110000] \[uD800]", "ab \\ \\(zz \\[u110000] \ufffd"),
        (".TP\n.B knotter\n.PP\nNext", "\nknotter\n\nNext"),
        (".Nm knotter", ".Nm knotter"),
    ],
)
def test_faces_and_requests_are_no_words_and_letters_are_read(written: str, read: str) -> None:
    assert read_manual(written).mapped.text == read


def test_the_title_and_the_headings_are_found_where_they_stand() -> None:
    page = read_manual(PAGE)
    assert page.title == "KNOTTER(1)"
    assert [(each.level, each.title) for each in page.headings] == [(1, "NAME"), (1, "EXIT STATUS")]
    assert [page.mapped.text[each.at : each.end] for each in page.headings] == ["NAME", '"EXIT STATUS"']
    at = page.mapped.text.index("knots")
    first, last = page.mapped.source_of(at, at + len("knots"))
    assert PAGE[first:last] == "knots"


def test_a_manual_page_is_told_by_its_name_and_its_first_request() -> None:
    assert is_manual(PAGE, ".1")
    assert is_manual(".Dd March 1, 2025\n", ".3pm")
    assert not is_manual(PAGE, ".txt")
    assert not is_manual("Minutes of the first meeting\n", ".1")

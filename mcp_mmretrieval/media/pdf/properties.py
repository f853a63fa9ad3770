"""What a PDF says of itself as a whole: title, author, subject, keywords, date, and what it holds beside its pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

from mcp_mmretrieval.media.notation.dates import parse_date
from mcp_mmretrieval.media.pdf.cleaning import clean_string

_MAX_WORDS = 2_000
"""Characters kept of author, subject and keywords, each."""
_MAX_FILES = 100
"""Embedded files whose names are kept."""
_PROGRAM = re.compile(
    r"^(?:Microsoft|PowerPoint|Print|Printing)[\w ]* - |\.(?:docx?|pptx?|xlsx?|odt|indd|qxd|tex|dvi|pdf|rtf|ps)$",
    re.IGNORECASE,
)
_NO_TITLE = re.compile(
    r"[(\[<]?(?:untitled|anonymous|unspecified|unknown|none|null|no ?title|title|unbenannt|sans titre|sin título"
    r"|slide|document|dokument|doc|(?:powerpoint )?presentation|präsentation|book|folie|page|blank|layout|scan)"
    r"[ _-]?\d*[)\]>]?",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"(?P<year>\d{4})(?P<month>\d\d)?(?P<day>\d\d)?(?P<hour>\d\d)?(?P<minute>\d\d)?(?P<second>\d\d)?"
    r"(?P<sign>[+-])?(?:(?P<hours>\d\d)'?(?P<minutes>\d\d)?)?"
)
_AS_ELSEWHERE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]|[A-Za-z]{3}\b")
"""How dates begin that some programs write as the web and mail do."""
_FIRST, _LAST = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (1980, 2200))
"""Before and after: clocks that were not set."""
_XFA = (pdfium.FORMTYPE_XFA_FULL, pdfium.FORMTYPE_XFA_FOREGROUND)


def document_title(document: pypdfium2.PdfDocument) -> str:
    """The title in the metadata, unless a program made it up."""
    title = _PROGRAM.sub("", _PROGRAM.sub("", _property(document, "Title"))).strip()
    letters = sum(map(str.isalpha, title))
    return title[:200] if letters > 1 and not _NO_TITLE.fullmatch(title) else ""


def document_keywords(document: pypdfium2.PdfDocument) -> str:
    """Author, subject, keywords and the names of embedded files, a line each, but what a program made up."""
    values = [_property(document, name) for name in ("Author", "Subject", "Keywords")]
    values.append(", ".join(_embedded_names(document)))
    return "\n".join(dict.fromkeys(value[:_MAX_WORDS] for value in values if value and not _NO_TITLE.fullmatch(value)))


def document_date(document: pypdfium2.PdfDocument) -> float | None:
    """When it was made, or else last changed, by its own word: seconds since 1970."""
    dates = (_seconds(document.get_metadata_value(name)) for name in ("CreationDate", "ModDate"))
    return next((date for date in dates if date is not None), None)


def unread_content(document: pypdfium2.PdfDocument) -> Iterator[str]:
    """Notes on what the file holds and pages do not show."""
    files = document.count_attachments()
    if files > 0:
        holds = f"{files:,} embedded files, which were" if files > 1 else "1 embedded file, which was"
        yield f"The PDF holds {holds} not read: save them from a PDF viewer and add them."
    if document.get_formtype() in _XFA:
        yield (
            "This is an XFA form, of which a placeholder at most can be read: "
            "print it to PDF from Adobe Reader and add that."
        )


def _embedded_names(document: pypdfium2.PdfDocument) -> Iterator[str]:
    for number in range(min(document.count_attachments(), _MAX_FILES)):
        if name := clean_string(document.get_attachment(number).get_name()).replace("\n", " "):
            yield name


def _property(document: pypdfium2.PdfDocument, name: str) -> str:
    return clean_string(document.get_metadata_value(name)).replace("\n", " ")


def _seconds(date: str) -> float | None:
    written = date.strip().removeprefix("D:")
    moment = parse_date(written) if _AS_ELSEWHERE.match(written) else _pdf_seconds(written)
    return moment if moment is not None and _FIRST <= moment < _LAST else None


def _pdf_seconds(date: str) -> float | None:
    """A PDF's date without its mark, `20240131093000+01'00'`, or the beginning of one."""
    found = _DATE.match(date)
    if found is None:
        return None
    parts = [int(found[name] or least) for name, least in zip(_FIELDS, (1, 1, 1, 0, 0, 0), strict=True)]
    zone = timedelta(hours=int(found["hours"] or 0), minutes=int(found["minutes"] or 0))
    try:
        moment = datetime(*parts, tzinfo=UTC) - (zone if found["sign"] == "+" else -zone)  # type: ignore[arg-type, misc]
    except (ValueError, OverflowError):
        return None
    return moment.timestamp()


_FIELDS = ("year", "month", "day", "hour", "minute", "second")

"""What was filled in, typed on and remarked on a page: form values and annotations, which no text layer has."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pypdfium2  # type: ignore[import-untyped]
import pypdfium2.raw as pdfium  # type: ignore[import-untyped]

from mcp_mmretrieval.media.markup import read_html
from mcp_mmretrieval.media.pdf.cleaning import clean_string

MAX_ANNOTATIONS = 5_000
"""Annotations of one page that are looked at."""
_QUOTE = 20
"""Letters of a remark that repeats the page's own words, at least."""
_HIDDEN = pdfium.FPDF_ANNOT_FLAG_HIDDEN | pdfium.FPDF_ANNOT_FLAG_NOVIEW
_PASSWORD = 1 << 13
_CHOICES = 1_000
"""Options of one list that are looked at."""
_WRITTEN = {pdfium.FPDF_FORMFIELD_TEXTFIELD, pdfium.FPDF_FORMFIELD_COMBOBOX}
_TICKED = {pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON}
_NO_REMARK = {pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_XFAWIDGET, pdfium.FPDF_ANNOT_POPUP, pdfium.FPDF_ANNOT_LINK}
"""Annotations whose contents are none of their own, or describe a link to those who cannot see it."""
_NAME = re.compile(r"[^\W\d_]+(?:[ ._-]+[^\W\d_]+)*")
_NO_NAME = re.compile(
    r"(?:text|check|combo|list|radio|drop)?[ _-]?(?:box|field|button|group|down|input)?|undefined|fill"
)
_NOTHING = {"", "off", "false", "0"}


def annotation_lines(document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, text: str) -> list[str]:
    """Lines for the form values and the remarks of a page; a remark that quotes the page's own `text` is left out."""
    count = min(pdfium.FPDFPage_GetAnnotCount(page), MAX_ANNOTATIONS)
    found: list[str] = []
    own = ""
    for index in range(count):
        with _annotation(page, index) as annotation:
            if not annotation or pdfium.FPDFAnnot_GetFlags(annotation) & _HIDDEN:
                continue
            sort = pdfium.FPDFAnnot_GetSubtype(annotation)
            if sort == pdfium.FPDF_ANNOT_WIDGET and document.formenv is not None:
                line = _field(document.formenv, annotation)
            elif sort not in _NO_REMARK:
                line = _remark(annotation)
                own = own or _squeezed(text)
                line = "" if len(line) >= _QUOTE and _squeezed(line) in own else line
            else:
                line = ""
        if line:
            found.append(line)
    return list(dict.fromkeys(found))


@contextmanager
def _annotation(page: pypdfium2.PdfPage, index: int) -> Iterator[Any]:
    annotation = pdfium.FPDFPage_GetAnnot(page, index)
    try:
        yield annotation
    finally:
        if annotation:
            pdfium.FPDFPage_CloseAnnot(annotation)


def _remark(annotation: Any) -> str:
    """The contents of an annotation; some programs write them as rich text (XHTML) alone."""
    text = _string(pdfium.FPDFAnnot_GetStringValue, annotation, b"Contents")
    if not text.strip():
        text = read_html(_string(pdfium.FPDFAnnot_GetStringValue, annotation, b"RC")).mapped.text
    return clean_string(text)


def _field(form: pypdfium2.PdfFormEnv, annotation: Any) -> str:
    """`Name: value`, the value alone where the field has no telling name; empty where nothing was filled in."""
    sort = pdfium.FPDFAnnot_GetFormFieldType(form, annotation)
    if sort in _WRITTEN:
        secret = pdfium.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD
        value = "" if secret else _string(pdfium.FPDFAnnot_GetFormFieldValue, form, annotation)
    elif sort == pdfium.FPDF_FORMFIELD_LISTBOX:
        options = range(min(pdfium.FPDFAnnot_GetOptionCount(form, annotation), _CHOICES))
        chosen = [index for index in options if pdfium.FPDFAnnot_IsOptionSelected(form, annotation, index)]
        value = ", ".join(_string(pdfium.FPDFAnnot_GetOptionLabel, form, annotation, index) for index in chosen)
    elif sort in _TICKED and pdfium.FPDFAnnot_IsChecked(form, annotation):
        value = _string(pdfium.FPDFAnnot_GetFormFieldExportValue, form, annotation)
    else:
        value = ""
    value = clean_string(value)
    if not value or (sort in _TICKED and value.lower() in _NOTHING):
        return ""
    name = _field_name(form, annotation)
    return f"{name}: {value}" if name and name != value else value


def _field_name(form: pypdfium2.PdfFormEnv, annotation: Any) -> str:
    """What the file calls a field for people, or else its own name where that is made of words."""
    shown = clean_string(_string(pdfium.FPDFAnnot_GetFormFieldAlternateName, form, annotation)).replace("\n", " ")
    if shown:
        return shown[:200]
    last = _string(pdfium.FPDFAnnot_GetFormFieldName, form, annotation).rpartition(".")[2]
    telling = _NAME.fullmatch(last) and len(last) > 2 and not _NO_NAME.fullmatch(last.lower())
    return re.sub(r"[._-]+", " ", last)[:200] if telling else ""


def _string(ask: Callable[..., int], *arguments: Any) -> str:
    """What one of PDFium's functions writes into a buffer, asked for its size first."""
    size = ask(*arguments, None, 0)
    units = (ctypes.c_ushort * (size // 2 + 1))()
    ask(*arguments, units, size)
    return bytes(units)[:size].decode("utf-16-le", "ignore").rstrip("\0")


def _squeezed(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())

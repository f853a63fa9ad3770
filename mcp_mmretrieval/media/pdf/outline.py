"""What a document calls its pages: the bookmarks that lead to them, and the numbers that its viewer shows."""

from __future__ import annotations

from itertools import islice

import pypdfium2  # type: ignore[import-untyped]

from mcp_mmretrieval.media.pdf.cleaning import clean_string

_BOOKMARKS = 20_000
_MAX_LABEL = 40


def page_headings(document: pypdfium2.PdfDocument, pages: int) -> list[str]:
    """For each page the trail of bookmarks that lead to it: `Part I > Item 1`. The first that begins there counts."""
    first: dict[int, str] = {}
    latest: dict[int, str] = {}
    trail: list[str] = []
    for bookmark in islice(document.get_toc(), _BOOKMARKS):
        del trail[bookmark.level :]
        trail.append(clean_string(bookmark.get_title())[:200].replace("\n", " "))
        target = bookmark.get_dest()
        index = target.get_index() if target is not None else None
        if index is not None:
            latest[index] = " > ".join(part for part in trail if part)[:500]
            first.setdefault(index, latest[index])
    headings, current = [], ""
    for index in range(pages):
        headings.append(first.get(index, current))
        current = latest.get(index, current)
    return headings


def page_label(document: pypdfium2.PdfDocument, number: int) -> str:
    """What a viewer shows as the number of page `number` (from 1), such as `iv`; empty where it is that number."""
    label = clean_string(document.get_page_label(number - 1)).replace("\n", " ")
    return "" if label == str(number) else label[:_MAX_LABEL]

"""What open_media answers about a quotation: data, and one plain sentence of what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired

from typing_extensions import TypedDict

from mcp_mmretrieval.answers import QuoteVerdict
from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.server.tools.as_text import counted, quoted_text
from mcp_mmretrieval.server.tools.sanitize import sanitize_line, sanitize_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp_mmretrieval.answers import QuoteCheck
    from mcp_mmretrieval.library import Library

MAX_FOUND_CHARACTERS = 2_400
"""Characters of the words that stand there."""
MAX_TOLD_DIFFERENCES = 12
"""Differences that one answer lists."""
_READERS = {"ocr": "OCR", "speech": "speech recognition"}


class Differing(TypedDict):
    """Where a quotation and what stands there part."""

    quoted: str
    found: str


class QuoteResult(TypedDict):
    """Whether the words of a quotation stand at a place."""

    verdict: QuoteVerdict
    target: str
    citation: NotRequired[str]
    found: NotRequired[str]
    distance: int
    differences: NotRequired[list[Differing]]
    recognised_by: NotRequired[list[str]]


def checked_quote(library: Library, targets: Sequence[str], quote: str) -> QuoteResult:
    """Check the quotation at the one target. Raises BadArgument for several, and what `Library.check_quote` raises."""
    if len(targets) != 1:
        raise BadArgument("A quote is checked at one target: pass the one citation that it is said to stand at.")
    return quote_result(library.check_quote(targets[0], quote))


def quote_result(check: QuoteCheck) -> QuoteResult:
    """The verdict, where the words stand, and what differs."""
    result: QuoteResult = {
        "verdict": check.verdict,
        "target": sanitize_name(check.target),
        "distance": check.distance,
    }
    if check.citation:
        result["citation"] = sanitize_name(check.citation)
    if found := sanitize_line(check.found, MAX_FOUND_CHARACTERS):
        result["found"] = found
    if check.differences:
        result["differences"] = [
            {"quoted": sanitize_line(one.quoted, 200), "found": sanitize_line(one.found, 200)}
            for one in check.differences[:MAX_TOLD_DIFFERENCES]
        ]
    if check.recognised_by and check.distance:
        result["recognised_by"] = [_READERS[one] for one in check.recognised_by]
    return result


def quote_text(result: QuoteResult) -> str:
    """The verdict in a sentence, what differs, and what to do."""
    target, at = result["target"], result.get("citation", "")
    match result["verdict"]:
        case "exact":
            return f"Exact: these words stand at {at}."
        case "near":
            return f"Near: at {at} these words stand but for {_edits(result)}.{_differing(result)}{_doubt(result)}"
        case "elsewhere" if not result["distance"]:
            return f"Elsewhere: these words do not stand at {target}, but at {at}. Cite that place."
        case "elsewhere":
            away = f"Elsewhere: not at {target}, but at {at} these words stand but for {_edits(result)}."
            return f"{away}{_differing(result)}{_doubt(result)}"
        case _:
            return _nowhere(result)


def _nowhere(result: QuoteResult) -> str:
    document = result["target"].partition("#")[0]
    if "citation" not in result:
        return f"Nowhere: neither these words nor similar ones stand in {document}. Do not quote it for them."
    told = f"Nowhere: these words do not stand in {document}. The nearest are at {result['citation']}"
    return f"{told}: {quoted_text(result.get('found', ''))}.{_differing(result)}"


def _edits(result: QuoteResult) -> str:
    return counted(result["distance"], "letter")


def _differing(result: QuoteResult) -> str:
    """What the quotation has, and what stands there."""
    told = [
        f"the quote has {quoted_text(one['quoted'])} where {quoted_text(one['found'])} stands"
        if one["quoted"] and one["found"]
        else f"the quote lacks {quoted_text(one['found'])}"
        if one["found"]
        else f"{quoted_text(one['quoted'])} stands only in the quote"
        for one in result.get("differences", ())
    ]
    return f" Differences: {'; '.join(told)}." if told else ""


def _doubt(result: QuoteResult) -> str:
    readers = " or ".join(result.get("recognised_by", ()))
    return f" The text may have been read by {readers}, which errs: look at the place to be sure." if readers else ""

"""Sentences for the reader of an answer: why it is empty, what it lacks, what to do next."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from mcp_mmretrieval.server.tools.as_text import counted
from mcp_mmretrieval.server.tools.sanitize import sanitize_line

if TYPE_CHECKING:
    from mcp_mmretrieval.answers import Answer, Filters, Outcome, SearchCoverage

MAX_WORD_CHARACTERS = 40
"""Characters of a word of the query that a note repeats."""
MAX_UNKNOWN_WORDS = 8
"""Words of a query that a note names."""


def search_notes(answer: Answer, filters: Mapping[str, str], read_only: bool) -> Iterator[str]:
    """What to know about an answer; one without hits is explained in full. `filters` are the arguments given."""
    searched = answer.searched
    if not answer.answers:
        yield from _nothing_found(answer, filters, read_only)
    yield from answer.notes or _models_notes(searched)
    if searched.note and not any(searched.note in note for note in answer.notes):
        yield searched.note
    if searched.pending_vectors:
        found = "is found by its words" if searched.pending_vectors == 1 else "are found by their words"
        yield f"{counted(searched.pending_vectors, 'document')} {found} only until all vectors are made."


def _nothing_found(answer: Answer, filters: Mapping[str, str], read_only: bool) -> Iterator[str]:
    searched = answer.searched
    given = ", ".join(f"{name}={value}" for name, value in filters.items())
    if searched.segments == 0 and searched.excluded == 0:
        yield f"The library is empty. {_to_add(read_only)}"
    elif searched.segments == 0:
        places = counted(searched.excluded, "place")
        yield f"The filters ({given}) left out all {places}: search again with fewer filters."
    else:
        told = [_nothing(answer), *_gaps(searched)]
        if searched.excluded and given:
            told.append(f"The filters ({given}) left out {counted(searched.excluded, 'more place')}: try without them.")
        yield " ".join([*told, _TRY])
    if searched.not_added:
        files, have = counted(searched.not_added, "file"), "has" if searched.not_added == 1 else "have"
        least = "" if searched.all_counted else "At least "
        yield f"{least}{files} under the allowed folders {have} not been added. {_to_add(read_only)}"


_TRY = (
    "Try other words, or like= with a picture or sound; list_documents shows what is there. If that finds no better, "
    "say that it is not in these files."
)


def _nothing(answer: Answer) -> str:
    """That nothing answers, and how that is known."""
    searched = answer.searched
    where = f"{counted(searched.segments, 'place')} of {counted(searched.documents, 'document')}"
    if not answer.hits:
        return f"Nothing here answers this. Nothing matched in {where}."
    hits = "The hit is" if len(answer.hits) == 1 else f"All {len(answer.hits)} hits are"
    return f"Nothing here answers this. {hits} weak: of {where} the nearest, but no nearer than to any other question."


def _gaps(searched: SearchCoverage) -> Iterator[str]:
    """Which words occur nowhere, and which files nobody could read."""
    if words := searched.unknown_words:
        named = ", ".join(f'"{sanitize_line(word, MAX_WORD_CHARACTERS)}"' for word in words[:MAX_UNKNOWN_WORDS])
        more = f" and {len(words) - MAX_UNKNOWN_WORDS} more words" if len(words) > MAX_UNKNOWN_WORDS else ""
        yield f"Of its words, {named}{more} {'occurs' if len(words) == 1 else 'occur'} nowhere in what was searched."
    if unread := searched.unread:
        files = ", ".join(f"{count} {kind}" for kind, count in unread.items())
        yield f"Not read: {files}; the answer may stand there (status says why)."


def _models_notes(searched: SearchCoverage) -> Iterator[str]:
    if searched.models == "loading":
        yield "Models are still loading, so only words were searched: search again in a moment for more."
    elif searched.models == "missing":
        yield "Models are missing, so only words were searched: call status to see which."


def _to_add(read_only: bool) -> str:
    if read_only:
        return "This server is read-only: ask the person to add files with `mcp-mmretrieval add`."
    return "Call add_documents; without paths it takes the allowed folders."


def add_notes(outcome: Outcome) -> Iterator[str]:
    """The next step after adding."""
    if outcome.state == "running":
        yield (
            "Still running, and goes on by itself: call add_documents again with the same arguments to wait, "
            f"or status with job={outcome.job}. What has been added can already be searched."
        )
    elif outcome.state == "cancelled":
        yield "Stopped. What was added stays; call add_documents again with the same arguments to go on."
    elif outcome.state == "failed":
        yield "The job ended early. What was added stays; call status for problems, then add_documents again."
    elif outcome.dry_run:
        yield "Nothing was changed. Call add_documents with dry_run=false to add."


def list_notes(listed: int, total: int, filters: Mapping[str, str], read_only: bool) -> Iterator[str]:
    """Why a list is empty."""
    if listed:
        return
    if total:
        yield f"There are {total} documents: use a smaller offset."
    elif filters:
        yield f"No document within {', '.join(f'{name}={value}' for name, value in filters.items())}."
    else:
        yield f"The library is empty. {_to_add(read_only)}"


def date_notes(filters: Filters) -> Iterator[str]:
    """From when to when was looked, where dates limit an answer: what "last month" is depends on today."""
    bounds = {"from": filters.after, "before": filters.before}
    given = " ".join(f"{word} {_moment(at)}" for word, at in bounds.items() if at is not None)
    if given:
        yield f"Dates {given}; today is {_moment(time.time())[:10]}."


def _moment(seconds: float) -> str:
    """`2026-11-03`, with the time where that is not midnight."""
    return datetime.fromtimestamp(seconds).isoformat(" ", "minutes").removesuffix(" 00:00")

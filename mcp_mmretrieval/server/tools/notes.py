"""Sentences for the reader of an answer: why it is empty, what it lacks, what to do next."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_mmretrieval.answers import Answer, Filters, Outcome, SearchCoverage


def search_notes(answer: Answer, filters: Mapping[str, str], read_only: bool) -> Iterator[str]:
    """What to know about an answer; one without hits is explained in full. `filters` are the arguments given."""
    searched = answer.searched
    if not answer.hits:
        yield from _nothing_found(searched, filters, read_only)
    yield from answer.notes or _models_notes(searched)
    if searched.note and not any(searched.note in note for note in answer.notes):
        yield searched.note
    if searched.pending_vectors:
        yield f"{searched.pending_vectors} documents are found by their words only until their vectors are made."


def _nothing_found(searched: SearchCoverage, filters: Mapping[str, str], read_only: bool) -> Iterator[str]:
    given = ", ".join(f"{name}={value}" for name, value in filters.items())
    if searched.segments == 0 and searched.excluded == 0:
        yield f"The library is empty. {_to_add(read_only)}"
    elif searched.segments == 0:
        yield f"The filters ({given}) left out all {searched.excluded} places: search again with fewer filters."
    else:
        yield (
            f"Nothing matched in {searched.segments} places of {searched.documents} documents. "
            "Use other words, or like= with a picture or sound; list_documents shows what is there."
        )
        if searched.excluded:
            yield f"The filters ({given}) left out {searched.excluded} more places."
    if searched.not_added:
        yield f"{searched.not_added} files under the allowed folders have not been added. {_to_add(read_only)}"


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

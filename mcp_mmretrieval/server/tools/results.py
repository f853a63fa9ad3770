"""What the tools answer, as it goes over the wire. Fields that say nothing are left out.

Every text that comes out of a file passes `sanitize` here, on its way to the model.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NotRequired

from typing_extensions import TypedDict

from mcp_mmretrieval.answers import JobState, Match
from mcp_mmretrieval.errors import FailureCode
from mcp_mmretrieval.server.tools.sanitize import sanitize_line, sanitize_name, sanitize_text
from mcp_mmretrieval.types import Lane, Modality

if TYPE_CHECKING:
    from mcp_mmretrieval.answers import (
        Answer,
        DocumentInfo,
        Failure,
        Hit,
        Look,
        Outcome,
        Removal,
        Reranking,
        Scored,
        SearchCoverage,
        Status,
    )

MAX_SNIPPET_CHARACTERS = 300
"""Characters of one snippet."""
MAX_ALL_SNIPPETS_CHARACTERS = 8_000
"""Characters of all snippets of one answer."""
MAX_NAMED_DUPLICATES = 5
"""Near-duplicates of a hit that are named; their number says how many there are in all."""
MAX_NOTE_CHARACTERS = 1_000
"""Characters of a note on a search or a ranking, which may name documents by their titles."""
MAX_LISTED_FAILURES = 25
"""Failed files that one answer lists; it says how many there are in all."""

ModelsState = Literal["ready", "loading", "missing"]


class Found(TypedDict):
    """One hit."""

    id: str
    citation: str
    path: NotRequired[str]
    modality: Modality
    page: NotRequired[int]
    start: NotRequired[float]
    end: NotRequired[float]
    title: NotRequired[str]
    dated: NotRequired[str]
    modified: NotRequired[str]
    score: float
    relevance: NotRequired[float]
    match: Match
    snippet: NotRequired[str]
    lanes: list[Lane]
    stale: NotRequired[bool]
    more_in_document: NotRequired[int]
    duplicates: NotRequired[int]
    duplicates_at: NotRequired[list[str]]


class Searched(TypedDict):
    """What was searched."""

    documents: int
    segments: int
    excluded: NotRequired[int]
    pending_vectors: NotRequired[int]
    not_added: NotRequired[int]
    models: ModelsState


class SearchResult(TypedDict):
    """Hits, best first."""

    hits: list[Found]
    searched: Searched
    reranked: NotRequired[int]
    notes: NotRequired[list[str]]
    elapsed_ms: NotRequired[dict[str, int]]


class Failed(TypedDict):
    """One file that was not added."""

    path: str
    code: FailureCode
    reason: str


class AddResult(TypedDict):
    """What adding has come to."""

    state: JobState
    job: str
    found: NotRequired[int]
    added: int
    unchanged: int
    replaced: int
    moved: int
    removed: NotRequired[int]
    skipped: dict[str, int]
    pending_vectors: int
    failed: list[Failed]
    failed_in_all: NotRequired[int]
    current: NotRequired[str]
    error: NotRequired[str]
    dry_run: NotRequired[bool]
    notes: NotRequired[list[str]]


class Ranked(TypedDict):
    """One candidate or text with its relevance."""

    candidate: NotRequired[str]
    text_index: NotRequired[int]
    score: float
    reranked: bool


class RerankResult(TypedDict):
    """Candidates and texts, best first."""

    results: list[Ranked]
    method: str
    reranked: int
    elapsed_ms: int
    stages: NotRequired[dict[str, int]]
    notes: NotRequired[list[str]]


class Listed(TypedDict):
    """One document."""

    id: str
    citation: str
    path: NotRequired[str]
    modality: Modality
    title: NotRequired[str]
    segments: int
    pages: NotRequired[int]
    seconds: NotRequired[float]
    bytes: int
    dated: NotRequired[str]
    modified: str
    files: NotRequired[int]
    embedded: bool
    notes: NotRequired[list[str]]


class ListResult(TypedDict):
    """A page of the library's documents."""

    documents: list[Listed]
    total: int
    next_offset: NotRequired[int]
    notes: NotRequired[list[str]]


class RemoveResult(TypedDict):
    """What was taken out."""

    files: int
    documents: int
    segments: int
    unknown: NotRequired[list[str]]
    dry_run: NotRequired[bool]
    notes: NotRequired[list[str]]


class LookResult(TypedDict):
    """What can be read at one place: for a person at a terminal, who is told what is a file's word and what is ours."""

    id: str
    citation: str
    path: NotRequired[str]
    modality: Modality
    title: NotRequired[str]
    dated: NotRequired[str]
    modified: NotRequired[str]
    before: NotRequired[str]
    text: str
    after: NotRequired[str]
    notes: NotRequired[list[str]]


class StatusResult(TypedDict):
    """The library's health; of one job only `jobs`."""

    version: NotRequired[str]
    library: NotRequired[str]
    roots: NotRequired[list[str]]
    documents: NotRequired[dict[str, int]]
    segments: NotRequired[int]
    bytes: NotRequired[int]
    pending_vectors: NotRequired[int]
    unread_figures: NotRequired[int]
    models: NotRequired[dict[str, str]]
    models_state: NotRequired[ModelsState]
    index: NotRequired[str]
    sandbox: NotRequired[str]
    watching: NotRequired[str]
    engine: NotRequired[str]
    problems: NotRequired[list[str]]
    today: NotRequired[str]
    jobs: list[dict[str, Any]]
    """As add_documents answers."""


def search_result(answer: Answer, notes: Iterable[str]) -> SearchResult:
    """The hits with snippets that fit, and what the reader should know."""
    room = min(MAX_SNIPPET_CHARACTERS, MAX_ALL_SNIPPETS_CHARACTERS // max(1, len(answer.hits)))
    result: SearchResult = {"hits": [_found(hit, room) for hit in answer.hits], "searched": _searched(answer.searched)}
    if answer.reranked:
        result["reranked"] = answer.reranked
    if lines := [sanitize_line(note, MAX_NOTE_CHARACTERS) for note in notes]:
        result["notes"] = lines
    if answer.elapsed_ms:
        result["elapsed_ms"] = dict(answer.elapsed_ms)
    return result


def _found(hit: Hit, room: int) -> Found:
    found: Found = {
        "id": hit.id,
        "citation": sanitize_name(hit.citation),
        "modality": hit.segment.modality,
        "score": round(hit.score, 4),
        "match": hit.match,
        "lanes": list(hit.lanes),
    }
    place = hit.segment.place
    if hit.dated is not None:
        found["dated"] = iso_time(hit.dated)
    if hit.modified:
        found["modified"] = iso_time(hit.modified)
    if hit.relevance is not None:
        found["relevance"] = round(hit.relevance, 4)
    if hit.path:
        found["path"] = sanitize_name(hit.path)
    if place.page is not None:
        found["page"] = place.page
    if place.start is not None and place.end is not None:
        found["start"], found["end"] = round(place.start, 2), round(place.end, 2)
    if title := sanitize_line(hit.title, 120):
        found["title"] = title
    if snippet := sanitize_line(hit.snippet, room):
        found["snippet"] = snippet
    _tell_of_document(found, hit)
    return found


def _tell_of_document(found: Found, hit: Hit) -> None:
    """What a hit says beyond its own place."""
    if hit.stale:
        found["stale"] = True
    if hit.more_in_document:
        found["more_in_document"] = hit.more_in_document
    if hit.duplicates:
        found["duplicates"] = len(hit.duplicates)
        found["duplicates_at"] = [sanitize_name(citation) for citation in hit.duplicates[:MAX_NAMED_DUPLICATES]]


def _searched(searched: SearchCoverage) -> Searched:
    coverage: Searched = {"documents": searched.documents, "segments": searched.segments, "models": searched.models}
    if searched.excluded:
        coverage["excluded"] = searched.excluded
    if searched.pending_vectors:
        coverage["pending_vectors"] = searched.pending_vectors
    if searched.not_added:
        coverage["not_added"] = searched.not_added
    return coverage


def look_result(look: Look) -> LookResult:
    """The text of one place and its neighbours', and what was left out."""
    result: LookResult = {
        "id": look.segment.id,
        "citation": sanitize_name(look.citation),
        "modality": look.segment.modality,
        "text": sanitize_text(look.text).strip(),
    }
    if look.path:
        result["path"] = sanitize_name(look.path)
    if title := sanitize_line(look.title, 120):
        result["title"] = title
    if look.dated is not None:
        result["dated"] = iso_time(look.dated)
    if look.modified:
        result["modified"] = iso_time(look.modified)
    if before := sanitize_text(look.before).strip():
        result["before"] = before
    if after := sanitize_text(look.after).strip():
        result["after"] = after
    if notes := [sanitize_line(note, MAX_SNIPPET_CHARACTERS) for note in (look.note, *look.document_notes) if note]:
        result["notes"] = notes
    return result


def add_result(outcome: Outcome, notes: Iterable[str] = ()) -> AddResult:
    """The counts of a job, the first failures, and the next step."""
    result: AddResult = {
        "state": outcome.state,
        "job": outcome.job,
        "added": outcome.added,
        "unchanged": outcome.unchanged,
        "replaced": outcome.replaced,
        "moved": outcome.moved,
        "skipped": {sanitize_name(rule): count for rule, count in outcome.skipped.items()},
        "pending_vectors": outcome.pending_vectors,
        "failed": [_failed(failure) for failure in outcome.failed[:MAX_LISTED_FAILURES]],
    }
    if outcome.found:
        result["found"] = outcome.found
    if outcome.removed:
        result["removed"] = outcome.removed
    if len(outcome.failed) > MAX_LISTED_FAILURES:
        result["failed_in_all"] = len(outcome.failed)
    if outcome.current:
        result["current"] = sanitize_name(outcome.current)
    if outcome.error:
        result["error"] = sanitize_line(outcome.error, 500)
    if outcome.dry_run:
        result["dry_run"] = True
    if lines := [
        *(sanitize_line(note, MAX_NOTE_CHARACTERS) for note in outcome.notes[:MAX_LISTED_FAILURES]),
        *notes,
    ]:
        result["notes"] = lines
    return result


def _failed(failure: Failure) -> Failed:
    return {
        "path": sanitize_name(failure.path),
        "code": failure.code,
        "reason": sanitize_line(failure.reason, MAX_SNIPPET_CHARACTERS),
    }


def rerank_result(reranking: Reranking) -> RerankResult:
    """Scores, best first, and what they cost."""
    result: RerankResult = {
        "results": [_ranked(scored) for scored in reranking.results],
        "method": reranking.method,
        "reranked": reranking.reranked,
        "elapsed_ms": reranking.elapsed_ms,
    }
    if reranking.stages:
        result["stages"] = dict(reranking.stages)
    if reranking.notes:
        result["notes"] = [sanitize_line(note, MAX_NOTE_CHARACTERS) for note in reranking.notes]
    return result


def _ranked(scored: Scored) -> Ranked:
    ranked: Ranked = {"score": round(scored.score, 4), "reranked": scored.reranked}
    if scored.candidate is not None:
        ranked["candidate"] = sanitize_name(scored.candidate)
    if scored.text_index is not None:
        ranked["text_index"] = scored.text_index
    return ranked


def list_result(documents: Iterable[DocumentInfo], total: int, offset: int, notes: Iterable[str]) -> ListResult:
    """A page of documents, and where the next one begins."""
    result: ListResult = {"documents": [_listed(document) for document in documents], "total": total}
    if (following := offset + len(result["documents"])) < total and result["documents"]:
        result["next_offset"] = following
    if lines := [sanitize_line(note, MAX_NOTE_CHARACTERS) for note in notes]:
        result["notes"] = lines
    return result


def _listed(document: DocumentInfo) -> Listed:
    listed: Listed = {
        "id": document.id,
        "citation": sanitize_name(document.citation),
        "modality": document.modality,
        "segments": document.segments,
        "bytes": document.bytes,
        "modified": iso_time(document.modified),
        "embedded": document.embedded,
    }
    if document.dated is not None:
        listed["dated"] = iso_time(document.dated)
    if document.path:
        listed["path"] = sanitize_name(document.path)
    if title := sanitize_line(document.title, 120):
        listed["title"] = title
    if document.pages is not None:
        listed["pages"] = document.pages
    if document.seconds is not None:
        listed["seconds"] = round(document.seconds, 2)
    if document.files != 1:
        listed["files"] = document.files
    if document.notes:
        listed["notes"] = [sanitize_line(note, MAX_SNIPPET_CHARACTERS) for note in document.notes]
    return listed


def iso_time(seconds: float) -> str:
    """A moment as ISO 8601 in the time zone of this machine, to the second: a date of a file is one here."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).astimezone().isoformat(timespec="seconds")


def remove_result(removal: Removal, dry_run: bool) -> RemoveResult:
    """What was, or would be, taken out."""
    result: RemoveResult = {"files": removal.files, "documents": removal.documents, "segments": removal.segments}
    if removal.unknown:
        result["unknown"] = [sanitize_name(target) for target in removal.unknown]
    if dry_run:
        result["dry_run"] = True
    if removal.notes:
        result["notes"] = [sanitize_line(note, MAX_SNIPPET_CHARACTERS) for note in removal.notes[:MAX_LISTED_FAILURES]]
    return result


def status_result(status: Status, engine: str = "", notes: Iterable[str] = ()) -> StatusResult:
    """The whole library's health, what serves this client, and what it should know about that."""
    result: StatusResult = {
        "version": status.version,
        "library": sanitize_name(status.library),
        "roots": [sanitize_name(root) for root in status.roots],
        "documents": {str(modality): count for modality, count in status.documents.items()},
        "segments": status.segments,
        "bytes": status.bytes,
        "pending_vectors": status.pending_vectors,
        "models_state": status.models_state,
        "models": {part: sanitize_line(line, MAX_NOTE_CHARACTERS) for part, line in status.models.items()},
        "index": sanitize_line(status.index, MAX_NOTE_CHARACTERS),
        "sandbox": status.sandbox,
        "today": iso_time(time.time())[:10],
        "jobs": [plain_dict(add_result(job)) for job in status.jobs],
    }
    if status.watching:
        result["watching"] = sanitize_line(status.watching, MAX_NOTE_CHARACTERS)
    if status.unread_figures:
        result["unread_figures"] = status.unread_figures
    if engine:
        result["engine"] = sanitize_name(engine)
    if problems := [sanitize_line(problem, MAX_NOTE_CHARACTERS) for problem in [*status.problems, *notes]]:
        result["problems"] = problems
    return result


def plain_dict(result: Mapping[str, Any]) -> dict[str, Any]:
    """A wire type as the plain dict that it is."""
    return dict(result)

"""The structured answers again, as short text: some clients show the model only the one, some only the other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from mcp_mmretrieval.server.tools.results import (
    AddResult,
    Found,
    Listed,
    ListResult,
    RemoveResult,
    RerankResult,
    SearchResult,
    StatusResult,
)


def format_timestamp(seconds: float) -> str:
    """`1:13`, `1:02:03`: seconds from the beginning as people read them."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def counted(count: int, noun: str) -> str:
    """`1 page`, `2,000 pages`."""
    return f"{count:,} {noun if count == 1 else f'{noun}s'}"


def quoted_text(text: str) -> str:
    """Retrieved text in quotes that it cannot leave."""
    return json.dumps(text, ensure_ascii=False)


def search_text(result: SearchResult) -> str:
    """One line a hit, what it took, then the notes; where nothing answers, the first note says so on the first line."""
    hits, notes = result["hits"], result.get("notes", [])
    nothing = all(hit["match"] == "weak" for hit in hits)
    lines = [] if not nothing else notes[:1] or ["No hits."]
    if hits:
        lines.append(f"{len(hits)} {'weak ' * nothing}{'hit' if len(hits) == 1 else 'hits'}, best first:")
    lines += [_hit_line(rank, hit) for rank, hit in enumerate(hits, 1)]
    if stages := result.get("elapsed_ms"):
        lines.append(f"Milliseconds: {_stages(stages)}.")
    return _joined(lines, notes[1:] if nothing else notes)


def _hit_line(rank: int, hit: Found) -> str:
    relevance = f", relevance {hit['relevance']:.2f}" if "relevance" in hit else ""
    scores = f"{hit['match']}, {hit['score']:.2f}{relevance}"
    line = f"{rank}. [{hit['modality']}] {hit['citation']} ({scores}; {', '.join(hit['lanes'])}) id={hit['id']}"
    if date := _date(hit):
        line += f" {date}"
    if "start" in hit and "end" in hit:
        line += f" {format_timestamp(hit['start'])} to {format_timestamp(hit['end'])}"
    if "snippet" in hit:
        line += f" {quoted_text(hit['snippet'])}"
    if "stale" in hit:
        line += " (stale: its file changed since it was read)"
    if "more_in_document" in hit:
        line += f" (+{hit['more_in_document']} more in this document)"
    if "duplicates_at" in hit:
        more = hit["duplicates"] - len(hit["duplicates_at"])
        line += f" (the same in {', '.join(hit['duplicates_at'])}{f' and {more} more' if more else ''})"
    return line


def _date(found: Found | Listed) -> str:
    """The day of a document: its own where it has one, else, and said so, that of its file."""
    if "dated" in found:
        return found["dated"][:10]
    return f"changed {found['modified'][:10]}" if "modified" in found else ""


def add_text(result: AddResult) -> str:
    """The counts on one line, a line for each failure, then the notes."""
    return _joined(_add_lines(result), result.get("notes", ()))


def _add_lines(result: AddResult) -> Iterator[str]:
    title = "Dry run" if result.get("dry_run") else f"Job {result['job']}"
    counts = f"{title} {result['state']}: {result['added']} added, {result['unchanged']} unchanged"
    others = {
        "replaced": result["replaced"],
        "moved": result["moved"],
        "removed": result.get("removed", 0),
        "waiting for vectors": result["pending_vectors"],
        "failed": result.get("failed_in_all", len(result["failed"])),
    }
    counts += "".join(f", {count} {name}" for name, count in others.items() if count)
    if "found" in result:
        counts += f", of {result['found']} found"
    yield counts + "."
    if "error" in result:
        yield f"Error: {result['error']}"
    if "current" in result:
        yield f"Now reading: {quoted_text(result['current'])}"
    if result["skipped"]:
        yield "Skipped: " + ", ".join(f"{count} {rule}" for rule, count in sorted(result["skipped"].items())) + "."
    for failure in result["failed"]:
        yield f"- {quoted_text(failure['path'])}: {failure['code']}: {failure['reason']}"
    if "failed_in_all" in result:
        yield f"- and {result['failed_in_all'] - len(result['failed'])} more."


def rerank_text(result: RerankResult) -> str:
    """One line a candidate."""
    stages = f" ({_stages(result['stages'])})" if "stages" in result else ""
    took = f"{result['elapsed_ms']} ms{stages}"
    lines = [f"Ranked by {result['method']} in {took}; {result['reranked']} looked at by a model."]
    for rank, ranked in enumerate(result["results"], 1):
        name = ranked.get("candidate", f"text {ranked.get('text_index')}")
        lines.append(f"{rank}. {name} ({ranked['score']:.3f}{'' if ranked['reranked'] else '; not reranked'})")
    return _joined(lines, result.get("notes", ()))


def list_text(result: ListResult) -> str:
    """One line a document."""
    lines = [f"{len(result['documents'])} of {counted(result['total'], 'document')}."]
    lines += [_document_line(document) for document in result["documents"]]
    if "next_offset" in result:
        lines.append(f"More: offset={result['next_offset']}.")
    return _joined(lines, result.get("notes", ()))


def _document_line(document: Listed) -> str:
    line = f"- [{document['modality']}] {document['citation']} id={document['id'][:12]}"
    if "pages" in document:
        line += f", {counted(document['pages'], 'page')}"
    if "seconds" in document:
        line += f", {format_timestamp(document['seconds'])}"
    line += f", {_date(document)}"
    if "title" in document:
        line += f" {quoted_text(document['title'])}"
    return line if document["embedded"] else f"{line} (found by words only so far)"


def remove_text(result: RemoveResult) -> str:
    """What went, and what was not there."""
    verb = "Would take out" if result.get("dry_run") else "Took out"
    files, documents = counted(result["files"], "file"), counted(result["documents"], "document")
    lines = [
        f"{verb} {files}, {documents}, {counted(result['segments'], 'place')}.",
        "The files themselves stay where they are.",
    ]
    if (unknown := result.get("unknown")) and "notes" not in result:
        lines.append(f"Not in the library: {', '.join(unknown)}. Call list_documents to see what is.")
    return _joined(lines, result.get("notes", ()))


def status_text(result: StatusResult) -> str:
    """The health on a few lines, then the jobs."""
    lines = list(_health_lines(result)) if "version" in result else []
    return "\n".join([*lines, *(add_text(cast(AddResult, job)) for job in result["jobs"])])


def _health_lines(result: StatusResult) -> Iterator[str]:
    counts = ", ".join(f"{count} {modality}" for modality, count in result.get("documents", {}).items() if count)
    yield f"mcp-mmretrieval {result.get('version')}; library {result.get('library')}. Today is {result.get('today')}."
    places = counted(result.get("segments", 0), "place")
    yield f"Documents: {counts or 'none'}; {places}, {result.get('bytes', 0)} bytes."
    if pending := result.get("pending_vectors"):
        yield f"Found by words only so far: {counted(pending, 'document')}."
    if unread := result.get("unread_figures"):
        yield f"Pages with pictures whose words are still to be read, when nothing else is to be done: {unread}."
    yield f"Allowed folders: {', '.join(result.get('roots', [])) or 'none'}."
    yield f"Models {result.get('models_state')}."
    yield from (f"- {part}: {line}" for part, line in result.get("models", {}).items())
    yield f"Index: {result.get('index')}. Sandbox: {result.get('sandbox')}."
    if watching := result.get("watching"):
        yield f"Watching: {watching}."
    if engine := result.get("engine"):
        yield f"Engine: {engine}."
    yield from (f"Problem: {problem}" for problem in result.get("problems", ()))


def _stages(stages: Mapping[str, int]) -> str:
    return ", ".join(f"{stage} {took}" for stage, took in stages.items())


def _joined(lines: Iterable[str], notes: Iterable[str]) -> str:
    return "\n".join([*lines, *(f"Note: {note}" for note in notes)])

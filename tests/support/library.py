"""A library that answers from what a test puts into it. Run as a script: a server over it on stdio."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from mcp_mmretrieval.answers import (
    Answer,
    DocumentInfo,
    Failure,
    Filters,
    Hit,
    ListOrder,
    Look,
    Outcome,
    QuoteCheck,
    Removal,
    Reranking,
    Scored,
    SearchCoverage,
    Status,
)
from mcp_mmretrieval.errors import BadArgument, Cancelled, NotInLibrary
from mcp_mmretrieval.jobs import Job, Jobs
from mcp_mmretrieval.searching.dates import date_seconds
from mcp_mmretrieval.types import Modality, Place, Region, Segment

if TYPE_CHECKING:
    from mcp_mmretrieval.library import Library

DOCUMENT = "3f9a0c12d4e5" + "0" * 52
PAGE = Segment(document=DOCUMENT, modality="page", place=Place(page=7), text="Revenue by region: north 12, south 9.")
SOUND = Segment(document="ab" * 32, modality="audio", place=Place(start=73.0, end=88.0), text="I lost my umbrella.")
PICTURE = Segment(document="cd" * 32, modality="image", place=Place())
HITS = (
    Hit(
        segment=PAGE,
        path="/data/q3.pdf",
        citation="q3.pdf#page=7",
        title="Quarterly report",
        score=0.82134,
        snippet="Revenue by\nregion: north 12",
        lanes=("words", "text"),
        match="strong",
        more_in_document=3,
    ),
    Hit(
        segment=SOUND,
        path="/data/call.wav",
        citation="call.wav#t=73.0,88.0",
        title="",
        score=0.5,
        snippet="I lost my umbrella.",
        lanes=("text",),
        match="fair",
    ),
    Hit(
        segment=PICTURE,
        path="/data/a.png",
        citation="a.png",
        title="",
        score=0.25,
        snippet="",
        lanes=("picture",),
        match="weak",
        relevance=0.73119,
    ),
)
FULL = SearchCoverage(documents=3, segments=40, excluded=0, pending_vectors=0, not_added=0, models="ready")
LISTED = DocumentInfo(
    id="3f9a0c12d4e5",
    citation="q3.pdf",
    path="/data/q3.pdf",
    files=1,
    modality="page",
    title="Quarterly report",
    segments=12,
    bytes=20_000,
    modified=1_772_445_600.0,
    pages=12,
)


@dataclass
class FakeLibrary:
    """What a test sets is what the tools get."""

    answer: Answer = field(default_factory=lambda: Answer(hits=HITS, searched=FULL))
    looks: dict[str, Look] = field(default_factory=dict)
    checked: QuoteCheck = field(default_factory=lambda: QuoteCheck(verdict="nowhere", target="q3.pdf#page=7"))
    """What is said of every quotation."""
    failure: Exception | None = None
    """Raised by every search."""
    work: Callable[[Job], None] = lambda job: job.update(found=2, added=2)
    """What a job does."""
    hold: threading.Event = field(default_factory=threading.Event)
    """A search waits for it, if the query says wait."""
    asked: dict[str, Any] = field(default_factory=dict)
    """Arguments of the last search."""
    expected: list[str] = field(default_factory=list)
    """Queries that had to wait for their turn."""
    added: list[object] = field(default_factory=list)
    """Paths, text and title of the last adding."""
    removed: list[str] = field(default_factory=list)
    """Targets of the last removal."""
    closed: bool = False
    loading: str = ""
    """Models that are being loaded."""

    def __post_init__(self) -> None:
        self.jobs_started: list[Job] = []
        self._jobs = Jobs(record=lambda job: None)

    def expect(self, query: str) -> None:
        self.expected.append(query)

    def close(self) -> None:
        self.closed = True
        self.hold.set()
        self._jobs.close()

    def filters(self, *, modality: Sequence[Modality] = (), **given: str | None) -> Filters:
        after, before = (date_seconds(name, given.get(name)) for name in ("after", "before"))
        return Filters(modality=tuple(modality), under=given.get("under"), after=after, before=before)

    def search(self, query: str = "", **given: Any) -> Answer:
        self.asked = {"query": query, **given}
        if query == "wait":
            self.hold.wait(30)
        if self.failure is not None:
            raise self.failure
        if not query and not given["like"]:
            raise BadArgument("Give query or like.")
        return self.answer

    def rerank(self, query: str, candidates: Sequence[str] = (), texts: Sequence[str] = (), **_: Any) -> Reranking:
        scored = [Scored(candidate=name, score=0.9, reranked=True) for name in candidates]
        scored += [Scored(text_index=index, score=0.1) for index in range(len(texts))]
        return Reranking(results=tuple(scored), method="late interaction", reranked=len(candidates), elapsed_ms=12)

    def add(self, paths: Sequence[str] = (), **given: Any) -> Job:
        owner = given.pop("owner")
        self.added[:] = [list(paths), given["text"], given["title"]]
        job = self._jobs.start(repr((tuple(paths), given)), self.work, owner)
        self.jobs_started.append(job)
        return job

    def job(self, id: str) -> Outcome:
        found = self._jobs.find(id)
        if found is None:
            raise BadArgument(f"{id}: no such job. Call status without a job to see the latest ones.")
        return found.outcome

    def look(self, target: str, *, side: int = 1024, content: bool | None = True, region: Region | None = None) -> Look:
        self.asked = {"side": side, "content": content, "region": region}
        if target not in self.looks:
            raise NotInLibrary(f"{target}: not in the library. Take an id from search_media.")
        look = self.looks[target]
        return replace(look, content=None) if content is False else look

    def check_quote(self, target: str, quote: str) -> QuoteCheck:
        self.asked = {"target": target, "quote": quote}
        return self.checked

    def documents(
        self, filters: Filters = Filters(), *, order: ListOrder = "path", limit: int = 50, offset: int = 0
    ) -> tuple[list[Any], int]:
        self.asked = {"filters": filters, "order": order}
        held = [LISTED] * 3
        return held[offset : offset + limit], len(held)

    def remove(self, targets: Sequence[str] = (), *, dry_run: bool = False) -> Removal:
        self.removed[:] = targets
        return Removal(files=1, documents=1, segments=12, unknown=tuple(targets[1:]))

    def status(self) -> Status:
        return Status(
            version="0.1.0",
            library="/home/a/library",
            roots=("/data",),
            documents={"page": 1, "audio": 1},
            segments=40,
            bytes=1_000,
            pending_vectors=1,
            models={"embedder": "MiniLM on cpu"},
            models_state="ready",
            index="ready",
            sandbox="rlimits, Landlock",
            watching="/data: watched; looked through at 12:00:00",
            jobs=tuple(job.outcome for job in self._jobs.all()),
            problems=("Speech model missing: install mcp-mmretrieval[builtin].",),
        )


def as_library(fake: FakeLibrary) -> Library:
    """The fake in the real one's place."""
    return cast("Library", fake)


def until_stopped(job: Job) -> None:
    """A job that reports one file after the other and never ends by itself."""
    job.update(found=100)
    while not job.stop.wait(0.05):
        job.update(added=min(99, job.outcome.added + 1), current=f"/data/{job.outcome.added}.pdf")
    raise Cancelled("Stopped.")


def with_a_bad_file(job: Job) -> None:
    job.update(found=2, added=1, failed=(Failure(path="/data/bad.pdf", code="corrupt", reason="No PDF header."),))


def main() -> None:
    from mcp_mmretrieval.config.settings import Settings
    from mcp_mmretrieval.server.solo import serve_stdio

    fake = FakeLibrary(work=until_stopped if "endless" in sys.argv else with_a_bad_file)

    def open_noisily() -> Library:
        print("a library that prints to stdout while it is opened", flush=True)
        return as_library(fake)

    serve_stdio(Settings(call_budget_s=float(sys.argv[1])), open_noisily)
    print("closed" if fake.closed else "left open", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

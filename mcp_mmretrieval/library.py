"""The product: a person's files, findable. Knows no MCP; the documented Python API."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from mcp_mmretrieval import __version__
from mcp_mmretrieval.adding.embedding import EmbeddingThread
from mcp_mmretrieval.adding.figures import FigureThread
from mcp_mmretrieval.adding.files import DocumentAdder
from mcp_mmretrieval.adding.parts import narrow_to_place, text_around
from mcp_mmretrieval.adding.reading import FileReader
from mcp_mmretrieval.adding.removing import DocumentRemover
from mcp_mmretrieval.adding.shared import SharedResources
from mcp_mmretrieval.adding.unread import kinds_of_unread
from mcp_mmretrieval.answers import (
    Answer,
    DocumentInfo,
    Filters,
    ListOrder,
    Look,
    Outcome,
    ProfileInfo,
    Removal,
    Reranking,
    SearchCoverage,
    Status,
)
from mcp_mmretrieval.concurrency.fair_share import FairSemaphore
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument, NotInLibrary, RetrievalError, UnreadableMedia
from mcp_mmretrieval.jobs import AddRequest, Job
from mcp_mmretrieval.jobs.history import JobHistory
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.models import LibraryModels
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.rollout import Rollout
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.searching.dates import date_seconds
from mcp_mmretrieval.searching.query import Query
from mcp_mmretrieval.searching.rerank import CandidateRanker
from mcp_mmretrieval.searching.scoring import ScoringCosts
from mcp_mmretrieval.searching.search import Searcher
from mcp_mmretrieval.store import Document, ListedDocument, Scope, Store, StoredSegment
from mcp_mmretrieval.targets import ConnectionView, Target, reopen
from mcp_mmretrieval.types import ALL_LANES, MODALITY_TRAITS, SHORT_ID_DIGITS, Lane, Modality, Place, Segment

COUNT_NOT_ADDED_SECONDS = 1.0
"""Seconds that an empty answer takes to count what has not been added, time permitting."""
COUNT_BESIDE_WEAK_HITS_SECONDS = 0.2
"""The same for an answer of weak hits alone."""
MAX_SHOWN_CHARACTERS = 20_000
"""Text of one place that is shown at most."""
REST_EVERY_SECONDS = 10.0
"""Seconds between two looks whether models can leave a GPU."""


class _OpenLibrary:
    """What lives as long as a library is open, wired together: who is told of what stands here and nowhere else."""

    def __init__(self, settings: Settings, models: LibraryModels | None) -> None:
        store = Store.open(settings.library)
        models = models or ModelPool(settings)
        workers = Workers(settings.limits, settings.workers)
        rollout = Rollout(store.catalog, models, settings, on_change=lambda: self.embedding.wake())
        self.shared = SharedResources(
            settings=settings,
            store=store,
            models=models,
            workers=workers,
            reader=FileReader(workers, models),
            rollout=rollout,
            fair_share=FairSemaphore(settings.workers),
        )
        self.costs = ScoringCosts()
        self.embedding = EmbeddingThread(store.catalog, rollout, workers, settings.sound_s)
        self.jobs = JobHistory(store.catalog, self._add)
        self.figures = FigureThread(store.catalog, models, workers, lambda: self.jobs.working or self.embedding.working)
        self._leave: Callable[[str], None] | None = None
        self._closed = threading.Event()
        models.tell_losses_to(self._lost)
        self.embedding.start()
        self.figures.start()
        threading.Thread(target=self._rest, name="rest", daemon=True).start()
        rollout.start()

    def adder(self, view: ConnectionView) -> DocumentAdder:
        """What adds for one connection."""
        return DocumentAdder(self.shared, view, on_commit=self.embedding.wake)

    def leave_when_lost(self, leave: Callable[[str], None]) -> None:
        """See `Library.when_lost`."""
        self._leave = leave

    def close(self) -> None:
        """In the order of the data's way in, so that nothing is handed to what is closed already."""
        self._closed.set()
        self.jobs.close()
        self.figures.close()
        self.embedding.close()
        self.shared.workers.close()
        self.shared.store.close()

    def _add(self, job: Job, asked: AddRequest, roots: Roots) -> None:
        """One job's work."""
        adder = self.adder(ConnectionView(self.shared.catalog, roots))
        if asked.text is not None:
            adder.text(job, asked.text, asked.title or "", dry_run=asked.dry_run)
        else:
            adder.files(job, asked.paths, dry_run=asked.dry_run)
        self.embedding.wake(again=True)
        self.figures.wake()

    def _rest(self) -> None:
        """Let models leave a GPU that nobody uses, until the library is closed."""
        while not self._closed.wait(REST_EVERY_SECONDS):
            self.shared.models.rest()

    def _lost(self, reason: str) -> None:
        """A GPU was lost: the process leaves where it can, else the built-in models serve."""
        if self._leave is not None:
            self._leave(reason)
            return
        self.shared.models.do_without(reason)
        self.embedding.wake()


class Library:
    """A person's files, findable. Thread-safe; every call blocks until it answers.

    >>> with Library.open("~/library", roots=["~/reports"]) as library:
    ...     library.add().wait()
    ...     for hit in library.search("revenue by region").hits:
    ...         print(hit.citation, hit.snippet)
    """

    def __init__(self, opened: _OpenLibrary, roots: Roots) -> None:
        """Use `open`."""
        self._opened = opened
        self._shared = opened.shared
        self.roots = roots
        """What this connection may read, find, list and remove."""
        self.settings = self._shared.settings
        self._catalog = self._shared.catalog
        self._view = ConnectionView(self._catalog, roots)
        self._targets = self._view.targets
        self._adder = opened.adder(self._view)
        self._remover = DocumentRemover(self._catalog, self._view)
        self._searcher = Searcher(self._shared, self._view, opened.costs)
        self._ranker = CandidateRanker(self._shared, self._view, opened.costs)

    @classmethod
    def open(
        cls,
        folder: str | Path | None = None,
        *,
        roots: Sequence[str | Path] | None = None,
        settings: Settings | None = None,
        models: LibraryModels | None = None,
    ) -> Library:
        """Open or make a library and hold its lock until `close`.

        What is not given comes from the settings. Returns at once: the index is checked and the models are loaded in
        threads, and jobs that the last process left unfinished go on in theirs, under their ids and within their own
        roots. Raises LibraryUnavailable when another process holds it, or it is damaged, too new or not writable.
        """
        settings = settings or Settings.read(library=folder, roots=None if roots is None else tuple(roots))
        library = cls(_OpenLibrary(settings, models), Roots(settings.roots))
        try:
            if not settings.read_only:  # a library that is only read leaves them to one that may add
                library._opened.jobs.resume()
        except BaseException:
            library.close()
            raise
        return library

    def within(self, roots: Roots) -> Library:
        """The same library for a connection with other roots. Cheap; nothing of it has to be closed."""
        return Library(self._opened, roots)

    def close(self) -> None:
        """Interrupt jobs at their next step, for the next process to go on with, and let go of the folder."""
        self._opened.close()

    @property
    def working(self) -> bool:
        """Whether a job runs or vectors are being made. Not for what cannot have any now; asks no database."""
        return self._opened.jobs.working or self._opened.embedding.working

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- searching ------------------------------------------------------------------------------------------------

    def search(
        self,
        query: str = "",
        *,
        like: str | None = None,
        limit: int = 8,
        filters: Filters = Filters(),
        rerank: bool | None = None,
        deadline: float | None = None,
        lanes: Sequence[Lane] | None = None,
    ) -> Answer:
        """The places that answer, best first.

        `query` in words, or `like` (a path, id or citation), or both. `deadline`: seconds for the whole call. `rerank`:
        None leaves it to the profile. `lanes` limits where is looked, for measuring. Raises BadArgument, NotAllowed,
        NotInLibrary, UnreadableMedia, and ModelUnavailable where the call cannot do without a model.
        """
        began = time.monotonic()
        answer = self._searcher.search(
            Query(
                text=query,
                like=like,
                limit=limit,
                filters=filters,
                rerank=rerank,
                deadline=deadline,
                lanes=lanes or ALL_LANES,
            )
        )
        if answer.answers:
            return answer
        most = COUNT_NOT_ADDED_SECONDS if not answer.hits else COUNT_BESIDE_WEAK_HITS_SECONDS
        left = most if deadline is None else max(0.0, min(most, began + deadline - time.monotonic()))
        return replace(answer, searched=self._with_gaps(answer.searched, left))

    def _with_gaps(self, searched: SearchCoverage, seconds: float) -> SearchCoverage:
        """What was searched, with what stands under the roots and was not: failed files, and those never added."""
        failed = self._adder.still_unread(self._opened.jobs.failures(self.roots))
        paths = {failure.path for failure in failed}
        return replace(searched, unread=kinds_of_unread(failed), not_added=self._adder.not_added(seconds, paths))

    def filters(
        self,
        *,
        modality: Sequence[Modality] = (),
        under: str | None = None,
        after: str | None = None,
        before: str | None = None,
        document: str | None = None,
    ) -> Filters:
        """Filters from what an agent writes: a path or citation, dates, a document's id, citation or path.

        Dates as `searching.dates` understands them: ISO 8601, parts of it, `last month`.

        Raises BadArgument, NotAllowed, NotInLibrary.
        """
        with _naming("under"):
            folder = self._targets.path(under, folders=True) if under else None
        with _naming("document"):
            id = self._targets.find(document).document.id if document else None
        return Filters(
            modality=tuple(modality),
            under=folder,
            after=date_seconds("after", after),
            before=date_seconds("before", before),
            document=id,
        )

    def rerank(
        self,
        query: str,
        candidates: Sequence[str] = (),
        texts: Sequence[str] = (),
        *,
        limit: int | None = None,
        deadline: float | None = None,
    ) -> Reranking:
        """Order `candidates` (ids, citations, paths) and raw `texts` by how well they answer, best first.

        A path may be of a file under the roots that was never added: it is read for this call. What the model cannot
        read stands behind the others, in the order given, and is not `reranked`. Raises BadArgument, NotInLibrary,
        UnreadableMedia, ModelUnavailable.
        """
        return self._ranker.rank(query, candidates, texts, limit, deadline)

    # -- adding and removing ----------------------------------------------------------------------------------------

    def add(
        self,
        paths: Sequence[str] = (),
        *,
        text: str | None = None,
        title: str | None = None,
        dry_run: bool = False,
        owner: object = None,
    ) -> Job:
        """Add files, folders and globs (none given: the roots), or inline `text`. Starts a job, or joins the one that
        runs with the same arguments.

        What has been committed is found by words at once and by meaning soon after. The job outlives this process: the
        next one that opens the library goes on with it, unless it was only a `dry_run`. `owner`: whose leaving ends the
        job (`Job.leave`). Raises BadArgument.
        """
        if text is not None and paths:
            raise BadArgument("Give either paths or text, not both.")
        if text is not None and not text.strip():
            raise BadArgument("The text is empty. Give text to add, or leave it out to add files.")
        asked = AddRequest(roots=self.roots.folders, paths=tuple(paths), text=text, title=title, dry_run=dry_run)
        return self._opened.jobs.start(asked, self.roots, owner)

    def settle(self, seconds: float | None = None, *, figures: bool = False) -> bool:
        """Wait until everything that was read has its vectors; whether it came to that.

        `figures`: also until the pictures inside of pages are read, which comes last; so long again at most.
        """
        settled = self._opened.embedding.settle(seconds)
        return settled and (not figures or self._opened.figures.settle(seconds))

    def remove(self, targets: Sequence[str], *, dry_run: bool = False) -> Removal:
        """Take files, folders or documents out of the library; the files themselves stay on disk."""
        return self._remover.remove(targets, dry_run=dry_run)

    # -- looking ----------------------------------------------------------------------------------------------------

    def look(self, target: str, *, side: int = 1024, content: bool = True) -> Look:
        """What there is to see at an id, citation or path; pictures with at most `side` pixels, or no `content`.

        Raises NotInLibrary; BadArgument for a place that cannot be read. A file that changed since
        answers with its stored text, `stale` and without pixels.
        """
        found = self._targets.find(target)
        stored = _shown(found)
        segment = narrow_to_place(stored.segment, found.place)
        files = self._catalog.files_of_one(found.document.id)
        file = self._targets.visible_file(files)
        shown, stale, note = None, False, ""
        if content and stored.segment.traits.content != "text" and file is not None:
            try:
                with reopen(files, self.roots) as opened:
                    shown = self._shared.workers.load(opened.fd, segment, name=opened.path, side=side)
            except UnreadableMedia as error:
                stale, note = error.code == "changed_while_read", str(error)
        around = self._catalog.around(stored.key)
        own_before, own_after = text_around(stored.segment, segment.place)
        before = [*(one.segment.text for one in around if one.ordinal < stored.ordinal), *filter(None, [own_before])]
        after = [*filter(None, [own_after]), *(one.segment.text for one in around if one.ordinal > stored.ordinal)]
        return Look(
            segment=segment,
            path=file.path if file else "",
            citation=self._targets.citation(file, segment),
            title=found.document.title,
            modified=file.mtime_ns / 1e9 if file else found.document.read_at,
            dated=found.document.dated,
            text=segment.text[:MAX_SHOWN_CHARACTERS],
            content=shown,
            before=before[-1] if before else "",
            after=after[0] if after else "",
            stale=stale,
            note=note,
            document_notes=found.document.notes,
        )

    def documents(
        self,
        filters: Filters = Filters(),
        *,
        order: ListOrder = "path",
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[list[DocumentInfo], int]:
        """A page of documents, by path or the newest first, and how many there are in all.

        By its own date where a document has one, else by that of its file.
        """
        space = self._catalog.active_space()
        scope = self._view.scope(filters)
        listed, total = self._catalog.listing(
            scope, space=space.id if space else None, order=order, limit=limit, offset=offset
        )
        return [self._info(one) for one in listed], total

    def _info(self, listed: ListedDocument) -> DocumentInfo:
        document = listed.document
        file = listed.files[0] if listed.files else None
        whole = Segment(document=document.id, modality=document.modality, place=Place())
        return DocumentInfo(
            id=whole.id,
            citation=self._targets.citation(file, whole),
            path=file.path if file else "",
            files=len(listed.files),
            modality=document.modality,
            title=document.title,
            segments=listed.segments,
            bytes=document.bytes,
            modified=file.mtime_ns / 1e9 if file else document.read_at,
            dated=document.dated,
            pages=document.pages,
            seconds=document.seconds,
            embedded=listed.embedded,
            notes=document.notes,
        )

    # -- profile ----------------------------------------------------------------------------------------------------

    def profile(self) -> ProfileInfo:
        """Which models the library keeps to, which are wanted, and which serve."""
        return self._shared.rollout.told()

    def choose(self, profile: str) -> ProfileInfo:
        """For the person at the machine: keep to another profile from now on.

        Its vectors are made in the background from what was read, while the old ones answer; then they take over. What
        a client asks for outright, by `profile` in its settings, goes before what is kept. Raises BadArgument for an
        unknown profile, LibraryUnavailable where it cannot be recorded.
        """
        self._shared.rollout.choose(profile)
        return self.profile()

    # -- health -----------------------------------------------------------------------------------------------------

    def job(self, id: str) -> Outcome:
        """What a job has come to, also one from before a restart. Raises BadArgument for an unknown one.

        Unknown are also those that concern other roots than this connection's.
        """
        return self._opened.jobs.outcome(id, self.roots)

    def jobs(self) -> list[Outcome]:
        """For the person at the machine: the last jobs of all connections, newest first, also from before a restart.

        Not bound to this connection's roots, so not for an agent.
        """
        return self._opened.jobs.all()

    def cancel(self, id: str) -> Outcome:
        """For the person at the machine: ask a job of any connection to end. What it has come to, at most 5 s later.

        One that has ended stays as it is. Once this returns no later process goes on with the job. Not bound to this
        connection's roots, so not for an agent. Raises BadArgument for an unknown one.
        """
        return self._opened.jobs.cancel(id)

    @property
    def ready(self) -> bool:
        """Whether the models are loaded: until then words answer."""
        return self._shared.rollout.state == "ready"

    def when_lost(self, leave: Callable[[str], None]) -> None:
        """Have `leave` called with the reason when a GPU is lost, in place of going on without it: only a new process
        gets it back. Called by the thread that lost it; must return at once.
        """
        self._opened.leave_when_lost(leave)

    @property
    def loading(self) -> str:
        """Which models are being loaded just now and how far that is; empty where none is."""
        return self._shared.models.loading

    def held(self) -> tuple[int, int]:
        """Documents of the whole library, whatever the roots, and how many of them lack vectors."""
        counts = self._catalog.active_counts(Scope(None))
        return counts.documents, counts.pending

    def status(self) -> Status:
        """The library's health, within this connection's roots."""
        catalog, shared = self._catalog, self._shared
        scope = self._view.scope()
        counts = catalog.active_counts(scope)
        index = shared.store.index.status()
        state, message = shared.rollout.state, shared.rollout.message
        problems = [self._opened.embedding.problem, shared.rollout.problem, "" if state == "loading" else message]
        if (alone := shared.models.alone) and not any(alone in problem for problem in problems):
            problems.append(alone)
        problems += [
            f"The allowed folder {folder} does not exist, so nothing in it can be read. Correct --root, or make it."
            for folder in self.roots.missing
        ]
        if not self.roots.folders:
            problems.append("No folder is allowed, so nothing can be read. Start the server with --root FOLDER.")
        return Status(
            version=__version__,
            library=str(self.settings.library),
            roots=self.roots.folders,
            documents=catalog.modalities(scope),
            segments=counts.segments,
            bytes=_size(self.settings.library),
            pending_vectors=counts.pending,
            unread_figures=self._catalog.count_unread_figures(scope),
            models={**shared.models.status_lines(), **shared.rollout.lines()},
            models_state=state,
            index=f"{index.state}: {index.followed} of {index.total} vectors" + (f" ({index.note})" * bool(index.note)),
            sandbox=shared.workers.sandbox,
            jobs=tuple(self._opened.jobs.latest(self.roots)),
            problems=tuple(dict.fromkeys(text for text in problems if text)),
        )


@contextmanager
def _naming(argument: str) -> Iterator[None]:
    """Let an error say which argument was wrong."""
    try:
        yield
    except RetrievalError as error:
        error.args = (f"{argument}: {error}",)
        raise


def _shown(found: Target) -> StoredSegment:
    """The segment that stands for what was pointed at: the one in the middle of the place."""
    if not found.segments:
        name = found.document.title or found.document.id[:SHORT_ID_DIGITS]
        raise NotInLibrary(
            f"{name}: nothing at {found.place.fragment or 'all'}; {_extent(found.document)}. "
            "Leave the place out to open the beginning."
        )
    start, end = found.place.start, found.place.end
    if start is None or end is None:
        return found.segments[0]
    if math.isinf(end):
        begun = [one for one in found.segments if (one.segment.place.start or 0.0) <= start]
        return begun[-1] if begun else found.segments[0]
    middle = (start + end) / 2
    return min(found.segments, key=lambda one: abs(_middle(one.segment.place) - middle))


def _extent(document: Document) -> str:
    """How long a document is, for who asked beyond its end."""
    if document.pages is not None:
        return "it has 1 page" if document.pages == 1 else f"it has {document.pages} pages"
    if document.seconds is not None:
        return f"it is {document.seconds:.1f} s long"
    traits = MODALITY_TRAITS[document.modality]
    return f"it is {traits.phrase}" + (", cited as #char=0,500" if traits.content == "text" else "")


def _middle(place: Place) -> float:
    return ((place.start or 0.0) + (place.end or 0.0)) / 2


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

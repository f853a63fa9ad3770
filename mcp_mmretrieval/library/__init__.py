"""The product: a person's files, findable. Knows no MCP; the documented Python API."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from mcp_mmretrieval.adding.removing import DocumentRemover
from mcp_mmretrieval.adding.unread import kinds_of_unread
from mcp_mmretrieval.adding.watching import Following
from mcp_mmretrieval.answers import (
    Answer,
    DocumentInfo,
    Filters,
    ListOrder,
    Look,
    Outcome,
    ProfileInfo,
    QuoteCheck,
    Removal,
    Reranking,
    SearchCoverage,
    Status,
    VanishedFile,
)
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument, NotInLibrary, RetrievalError
from mcp_mmretrieval.jobs import AddRequest, Job
from mcp_mmretrieval.library.health import read_status
from mcp_mmretrieval.library.looking import PlaceViewer
from mcp_mmretrieval.library.opened import OpenedLibrary
from mcp_mmretrieval.library.playing import Recording, RecordingOpener
from mcp_mmretrieval.library.quoting import QuoteChecker
from mcp_mmretrieval.models import LibraryModels
from mcp_mmretrieval.models.query_cache import MAX_CHARACTERS_TOGETHER
from mcp_mmretrieval.roots import Roots, real_path
from mcp_mmretrieval.searching.dates import date_seconds
from mcp_mmretrieval.searching.query import Query, sought_in
from mcp_mmretrieval.searching.rerank import CandidateRanker
from mcp_mmretrieval.searching.search import Searcher
from mcp_mmretrieval.store import VANISHED_DAYS, KeptFile, ListedDocument, Scope
from mcp_mmretrieval.types import ALL_LANES, Lane, Modality, Place, Region, Segment

COUNT_NOT_ADDED_SECONDS = 1.0
"""Seconds that an empty answer takes to count what has not been added, time permitting."""
COUNT_BESIDE_WEAK_HITS_SECONDS = 0.2
"""The same for an answer of weak hits alone."""


class Library:
    """A person's files, findable. Thread-safe; every call blocks until it answers.

    >>> with Library.open("~/library", roots=["~/reports"]) as library:
    ...     library.add().wait()
    ...     for hit in library.search("revenue by region").hits:
    ...         print(hit.citation, hit.snippet)
    """

    def __init__(self, opened: OpenedLibrary, roots: Roots) -> None:
        """Use `open`."""
        self._opened = opened
        self._shared = opened.shared
        self.roots = roots
        """What this connection may read, find, list and remove."""
        self.settings = self._shared.settings
        self._catalog = self._shared.catalog
        self._view = opened.view(roots)
        self._targets = self._view.targets
        self._adder = opened.adder(self._view)
        self._remover = DocumentRemover(self._catalog, self._view)
        self._viewer = PlaceViewer(self._shared, self._view)
        self._quotes = QuoteChecker(self._catalog, self._view)
        self._recordings = RecordingOpener(self._shared, self._view)
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
        allowed = Roots(settings.roots)
        library = cls(OpenedLibrary(settings, models), allowed)
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
        like: str | Sequence[str] | None = None,
        avoid: str | Sequence[str] = (),
        limit: int = 8,
        filters: Filters = Filters(),
        rerank: bool | None = None,
        deadline: float | None = None,
        lanes: Sequence[Lane] | None = None,
    ) -> Answer:
        """The places that answer, best first.

        `query` in words, or `like` (a path, id, citation or `data:` URL; several for what resembles all of them), or
        both. `avoid`: such an example, or words, to stay away from; several each by itself. What is pointed at never
        comes back, what resembles it is put lower, and the notes count both. `deadline`: seconds for the whole call.
        `rerank`: None leaves it to the profile. `lanes` limits where is looked, for measuring. Raises BadArgument,
        NotAllowed, NotInLibrary, UnreadableMedia, and ModelUnavailable where the call cannot do without a model.
        """
        began = time.monotonic()
        answer = self._searcher.search(
            Query(
                text=query,
                like=_several(like),
                avoid=_several(avoid),
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

    def expect(self, query: str) -> None:
        """A search by these words waits for its turn: they may be embedded along with others. Returns at once."""
        if query.strip() and len(query) <= MAX_CHARACTERS_TOGETHER:
            self._shared.models.embedders.expect(sought_in(query))

    def _with_gaps(self, searched: SearchCoverage, seconds: float) -> SearchCoverage:
        """What was searched, with what stands under the roots and was not: failed files, and those never added."""
        failed = self._adder.still_unread(self._opened.jobs.failures(self.roots))
        paths = {failure.path for failure in failed}
        count, all_counted = self._adder.not_added(seconds, paths)
        return replace(searched, unread=kinds_of_unread(failed), not_added=count, all_counted=all_counted)

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

        A `document` with a stretch of time (`call.wav#t=60,120`) limits to it; another place in it does not. Dates as
        `searching.dates` understands them: ISO 8601, parts of it, `last month`.

        Raises BadArgument, NotAllowed, NotInLibrary.
        """
        with _naming("under"):
            folder = self._targets.path(under, folders=True) if under else None
        with _naming("document"):
            target = self._targets.find(document) if document else None
        return Filters(
            modality=tuple(modality),
            under=folder,
            after=date_seconds("after", after),
            before=date_seconds("before", before),
            document=target.document.id if target else None,
            within=target.place if target and target.place.start is not None else None,
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

    def watch(self) -> Following:
        """Keep the library current with this connection's roots by itself, until the answer is closed.

        What changed before is caught up with in the background, by a job that answers to nobody; then each change is
        added when it is at rest, as `add` would. `status` tells how it goes.
        """
        return self._opened.watcher.follow(self.roots)

    def settle(self, seconds: float | None = None, *, figures: bool = False) -> bool:
        """Wait until everything that was read has its vectors; whether it came to that.

        `figures`: also until the pictures inside of pages are read, which comes last; so long again at most.
        """
        settled = self._opened.embedding.settle(seconds)
        return settled and (not figures or self._opened.figures.settle(seconds))

    def remove(self, targets: Sequence[str], *, dry_run: bool = False) -> Removal:
        """Take files, folders or documents out of the library; the files themselves stay on disk."""
        return self._remover.remove(targets, dry_run=dry_run)

    def vanished(self) -> list[VanishedFile]:
        """For the person at the machine: what was missed in the last 30 days and can be brought back, by path.

        Not bound to this connection's roots, so not for an agent.
        """
        return [_vanished_file(kept) for kept in self._catalog.kept_files()]

    def restore(self, paths: Sequence[str]) -> list[VanishedFile]:
        """For the person at the machine: let files that vanished be found again, as they were read. These files.

        `paths`: files, or folders with all that vanished below them. They stay, though nothing lies there, until they
        are removed or were seen again. Not bound to this connection's roots, so not for an agent. Raises NotInLibrary,
        before anything is brought back, for a path of which nothing is kept.
        """
        found: dict[str, KeptFile] = {}
        for path in paths:
            kept = self._catalog.kept_files(path) or self._catalog.kept_files(real_path(path) or path)
            if not kept:
                raise NotInLibrary(
                    f"{path}: nothing is kept that vanished from there. `mcp-mmretrieval restore` lists what is."
                )
            found |= {one.file.path: one for one in kept}
        back = [_vanished_file(one) for one in found.values() if self._catalog.bring_back(one)]
        self._opened.embedding.wake(again=True)
        return back

    def outside(self) -> tuple[int, str]:
        """For the person at the machine: how many files are held that lie outside this connection's roots.

        And the deepest folder that holds them all; empty where there are none. Not for an agent.
        """
        others = [path for path in self._catalog.paths(Scope(None)) if not self.roots.covers(path)]
        ends = {os.path.dirname(path) for path in (min(others), max(others))} if others else set()  # noqa: PTH120
        return len(others), os.path.commonpath(ends) if ends else ""

    # -- looking ----------------------------------------------------------------------------------------------------

    def look(self, target: str, *, side: int = 1024, content: bool | None = True, region: Region | None = None) -> Look:
        """What there is to see at an id, citation or path; pictures with at most `side` pixels, or no `content`.

        None as `content`: of sound only where its words are not known. `region`: that part of the picture or page, with
        as much detail as the file has. A text is shown from the place on as far as it was asked for, up to 20,000
        characters. Raises NotInLibrary; BadArgument for a place that cannot be read, or that has no such region. A file
        that changed since answers with its stored text, `stale` and without pixels.
        """
        return self._viewer.look(target, side, content=content, region=region)

    def recording(self, target: str) -> Recording:
        """The file of sound or film at an id, citation or path, open, and the media type under which browsers play it.

        Raises NotInLibrary; UnreadableMedia for what is no such file, changed since it was read, or is not played by
        every browser.
        """
        return self._recordings.open(target)

    def check_quote(self, target: str, quote: str) -> QuoteCheck:
        """Whether the words of `quote` stand at an id, citation or path: exactly, nearly, elsewhere in it, or nowhere.

        `store.quote_match` says what nearly means; numbers and names always agree. Pieces with `...` between stand in
        their order. The stored text is looked at, as fine as it was read: a page, a passage, a window of time. Raises
        NotInLibrary, and BadArgument for a place that cannot be read, or a quotation without words, of more than 2,000
        characters, or of more than eight pieces.
        """
        return self._quotes.check(target, quote)

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
        return read_status(self._opened, self._view)


def _vanished_file(kept: KeptFile) -> VanishedFile:
    until = kept.vanished_at + VANISHED_DAYS * 86_400
    return VanishedFile(path=kept.file.path, vanished=kept.vanished_at, until=until)


def _several(given: str | Sequence[str] | None) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given or ())


@contextmanager
def _naming(argument: str) -> Iterator[None]:
    """Let an error say which argument was wrong."""
    try:
        yield
    except RetrievalError as error:
        error.args = (f"{argument}: {error}",)
        raise

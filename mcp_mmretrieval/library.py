"""The product: a person's files, findable. Knows no MCP; the documented Python API."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from mcp_mmretrieval import __version__
from mcp_mmretrieval.adding.embedding import EmbeddingThread
from mcp_mmretrieval.adding.files import DocumentAdder
from mcp_mmretrieval.adding.reading import FileReader
from mcp_mmretrieval.answers import (
    Answer,
    DocumentInfo,
    Failure,
    Filters,
    Look,
    Outcome,
    ProfileInfo,
    Removal,
    Reranking,
    Status,
)
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument, NotAllowed, NotInLibrary, UnreadableMedia
from mcp_mmretrieval.jobs import AddRequest, FairSemaphore, Job, Jobs
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.models import LibraryModels
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.parts import narrow_to_place
from mcp_mmretrieval.rollout import Rollout
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.searching.scoring import ScoringCosts
from mcp_mmretrieval.searching.search import Searcher
from mcp_mmretrieval.store import JobRow, ListedDocument, Scope, Store, StoredSegment
from mcp_mmretrieval.targets import Target, TargetResolver, reopen
from mcp_mmretrieval.types import Lane, Modality, Place, Segment

logger = logging.getLogger(__name__)

COUNT_NOT_ADDED_SECONDS = 1.0
"""Seconds that an empty answer takes to count what has not been added, time permitting."""
MAX_SHOWN_CHARACTERS = 20_000
"""Text of one place that is shown at most."""
MAX_ENDED_JOBS_SHOWN = 5
"""Ended jobs that a status shows at most."""
MAX_JOBS_SHOWN = 50
"""Jobs that the person is shown at most."""
MAX_JOB_ATTEMPTS = 5
"""How often a job is begun, without anything new being committed, before it is given up."""
CANCELLING_SECONDS = 5.0
"""Seconds that cancelling waits for the job's next step."""
REST_EVERY_SECONDS = 10.0
"""Seconds between two looks whether models can leave a GPU."""
CALL_AGAIN_NOTE = "What was read stays. Call add_documents again with the same arguments."
INTERRUPTED_NOTE = f"The server ended before this job did. {CALL_AGAIN_NOTE}"
FOLDER_MOVED_NOTE = (
    f"The server was started again, and one of the folders of this job leads elsewhere now. {CALL_AGAIN_NOTE}"
)
RESTING_NOTE = "Interrupted when the server ended; it goes on with the next server that may add."


class _Parts:
    """What all connections to one library share."""

    def __init__(self, settings: Settings, models: LibraryModels | None) -> None:
        self.settings = settings
        self.store = Store.open(settings.library)
        self.models: LibraryModels = models or ModelPool(settings)
        self.workers = Workers(settings.limits, settings.workers)
        self.reading = FileReader(self.workers, self.models)
        self.costs = ScoringCosts()
        self.serving = Rollout(self.store.catalog, self.models, settings)
        self.embedding = EmbeddingThread(self.store, self.serving, self.workers, settings.sound_s)
        self.jobs = Jobs(self._record)
        self.sharing = FairSemaphore(settings.workers)
        self.models.tell_losses_to(self._do_without)
        self._closed = threading.Event()
        threading.Thread(target=self._rest, name="rest", daemon=True).start()
        self.serving.start()

    def _rest(self) -> None:
        """Let models leave a GPU that nobody uses, until the library is closed."""
        while not self._closed.wait(REST_EVERY_SECONDS):
            self.models.rest()

    def _do_without(self, reason: str) -> None:
        """A GPU was lost: the built-in models serve."""
        self.models.do_without(reason)
        self.serving.changed()

    def close(self) -> None:
        """In the order of the data's way in, so that nothing is handed to what is closed already."""
        self._closed.set()
        self.jobs.close()
        self.embedding.close()
        self.workers.close()
        self.store.close()

    def _record(self, job: Job) -> None:
        outcome, asked = job.kept, job.asked
        if asked is not None and outcome.state != "running":
            asked = replace(asked, text=None)  # a text that is removed from the library must not stay here
        self.store.catalog.put_job(
            JobRow(
                id=job.id,
                key=job.key,
                asked=asked.stored() if asked is not None else "",
                state=outcome.state,
                outcome=_stored(outcome),
                attempts=job.attempts,
                reading=job.reading,
            )
        )


class Library:
    """A person's files, findable. Thread-safe; every call blocks until it answers.

    >>> with Library.open("~/library", roots=["~/reports"]) as library:
    ...     library.add().wait()
    ...     for hit in library.search("revenue by region").hits:
    ...         print(hit.citation, hit.snippet)
    """

    def __init__(self, parts: _Parts, roots: Roots) -> None:
        """Use `open`."""
        self._parts = parts
        self.roots = roots
        """What this connection may read, find, list and remove."""
        self.settings = parts.settings
        self._catalog = parts.store.catalog
        self._targets = TargetResolver(self._catalog, roots)
        self._adding = DocumentAdder(
            self._catalog, parts.reading, parts.sharing, roots, parts.settings.library, parts.embedding.wake
        )
        self._searching = Searcher(
            parts.store,
            parts.models,
            parts.serving,
            parts.workers,
            parts.reading,
            roots,
            self._targets,
            settings=parts.settings,
            costs=parts.costs,
        )

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
        library = cls(_Parts(settings, models), Roots(settings.roots))
        try:
            library._resume()
        except BaseException:
            library.close()
            raise
        return library

    def within(self, roots: Roots) -> Library:
        """The same library for a connection with other roots. Cheap; nothing of it has to be closed."""
        return Library(self._parts, roots)

    def close(self) -> None:
        """Interrupt jobs at their next step, for the next process to go on with, and let go of the folder."""
        self._parts.close()

    @property
    def working(self) -> bool:
        """Whether a job runs or vectors are being made. Not for what cannot have any now; asks no database."""
        return self._parts.jobs.working or self._parts.embedding.working

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
        answer = self._searching.search(query, like, limit, filters, rerank, deadline, lanes)
        if answer.hits:
            return answer
        left = (
            COUNT_NOT_ADDED_SECONDS
            if deadline is None
            else max(0.0, min(COUNT_NOT_ADDED_SECONDS, began + deadline - time.monotonic()))
        )
        return replace(answer, searched=replace(answer.searched, not_added=self._adding.not_added(left)))

    def filters(
        self,
        *,
        modality: Sequence[Modality] = (),
        under: str | None = None,
        after: str | None = None,
        before: str | None = None,
        document: str | None = None,
    ) -> Filters:
        """Filters from what an agent writes: a path or citation, ISO dates, a document's id, citation or path.

        Raises BadArgument, NotAllowed, NotInLibrary.
        """
        return Filters(
            modality=tuple(modality),
            under=self._targets.path(under) if under else None,
            after=_seconds("after", after),
            before=_seconds("before", before),
            document=self._targets.find(document).document.id if document else None,
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
        return self._searching.rerank(query, candidates, texts, limit, deadline)

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
        return self._parts.jobs.start(asked.key, lambda job: self._add(job, asked), owner, asked)

    def _add(self, job: Job, asked: AddRequest) -> None:
        if asked.text is not None:
            self._adding.text(job, asked.text, asked.title or "")
        else:
            self._adding.files(job, asked.paths, dry_run=asked.dry_run)
        self._parts.embedding.wake(again=True)

    def _resume(self) -> None:
        """Go on with what an earlier process left unfinished, or say why not. A library that is only read waits."""
        for row in [] if self.settings.read_only else self._catalog.running_jobs():
            asked = AddRequest.read(row.asked)
            if asked.dry_run:
                self._give_up(row, INTERRUPTED_NOTE)
            elif row.attempts + 1 >= MAX_JOB_ATTEMPTS:
                self._give_up(row, _hopeless(row.reading))
            else:
                self._go_on(row, asked)

    def _go_on(self, row: JobRow, asked: AddRequest) -> None:
        def work(job: Job) -> None:
            roots = Roots(asked.roots)  # here, and not before `open` returns: a folder may be slow to answer
            if roots.folders != asked.roots:
                raise BadArgument(FOLDER_MOVED_NOTE)
            self.within(roots)._add(job, asked)

        self._parts.jobs.resume(row.id, row.key, work, asked, row.attempts)

    def _give_up(self, row: JobRow, error: str) -> None:
        outcome = replace(_outcome(row), state="failed", current="", notes=(), error=error)
        self._catalog.put_job(replace(row, state="failed", outcome=_stored(outcome)))
        logger.warning("job %s: %s", row.id, error)

    def settle(self, seconds: float | None = None) -> bool:
        """Wait until everything that was read has its vectors; whether it came to that."""
        return self._parts.embedding.settle(seconds)

    def remove(self, targets: Sequence[str], *, dry_run: bool = False) -> Removal:
        """Take files, folders or documents out of the library; the files themselves stay on disk."""
        if not targets:
            raise BadArgument("Say what to remove: paths, folders, citations or document ids.")
        paths: dict[str, None] = {}
        inline: dict[str, None] = {}
        unknown: list[str] = []
        for target in targets:
            held, texts = self._removable(target)
            paths |= dict.fromkeys(held)
            inline |= dict.fromkeys(texts)
            if not held and not texts:
                unknown.append(target)
        going = self._going(set(paths), set(inline))
        removal = Removal(
            files=len(paths), documents=len(going), segments=self._catalog.size(going), unknown=tuple(unknown)
        )
        if not dry_run:
            self._catalog.remove_files(list(paths))
            self._catalog.remove_texts(list(inline))
        return removal

    def _going(self, paths: set[str], inline: set[str]) -> list[str]:
        """Documents that this connection sees no more without these paths and inline texts.

        Whether the same content also stands under other roots makes no difference: that is not for it to know.
        """
        ids = {file.document for path in paths if (file := self._catalog.file(path))} | inline
        documents, files = self._catalog.documents(ids), self._catalog.files_of(ids)
        return [
            id
            for id, document in documents.items()
            if (id in inline or not document.inline)
            and paths.issuperset(file.path for file in files.get(id, []) if self.roots.covers(file.path))
        ]

    def _removable(self, target: str) -> tuple[list[str], list[str]]:
        """The visible paths, and the inline documents, that a target names."""
        try:
            path = self._targets.path(target)
        except NotAllowed:
            held = []
        else:
            held = [file.path for file in self._catalog.files_under(path) if self.roots.covers(file.path)]
        if held:
            return held, []
        try:
            document = self._targets.find(target).document
        except NotInLibrary:
            return [], []
        files = self._catalog.files_of([document.id]).get(document.id, [])
        return [file.path for file in files if self.roots.covers(file.path)], [document.id] if document.inline else []

    # -- looking ----------------------------------------------------------------------------------------------------

    def look(self, target: str, *, side: int = 1024) -> Look:
        """What there is to see at an id, citation or path; pictures with at most `side` pixels.

        Raises NotInLibrary. A file that changed since answers with its stored text, `stale` and without pixels.
        """
        found = self._targets.find(target)
        stored = _shown(found)
        segment = narrow_to_place(stored.segment, found.place)
        files = self._catalog.files_of([found.document.id]).get(found.document.id, [])
        file = self._targets.visible_file(files)
        content, stale, note = None, False, ""
        if stored.segment.traits.content != "text" and file is not None:
            try:
                with reopen(files, self.roots) as opened:
                    content = self._parts.workers.load(opened.fd, segment, name=opened.path, side=side)
            except UnreadableMedia as error:
                stale, note = error.code == "changed_while_read", str(error)
        around = self._catalog.around(stored.key)
        before = [one.segment.text for one in around if one.ordinal < stored.ordinal]
        after = [one.segment.text for one in around if one.ordinal > stored.ordinal]
        return Look(
            segment=segment,
            path=file.path if file else "",
            citation=self._targets.citation(file, segment),
            title=found.document.title,
            text=stored.segment.text[:MAX_SHOWN_CHARACTERS],
            content=content,
            before=before[-1] if before else "",
            after=after[0] if after else "",
            stale=stale,
            note=note,
        )

    def documents(
        self,
        filters: Filters = Filters(),
        *,
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[list[DocumentInfo], int]:
        """A page of documents, by path, and how many there are in all."""
        space = self._catalog.active_space()
        scope = Scope(self.roots.folders, filters)
        listed, total = self._catalog.listing(scope, space=space.id if space else None, limit=limit, offset=offset)
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
            pages=document.pages,
            seconds=document.seconds,
            embedded=listed.embedded,
            notes=document.notes,
        )

    # -- profile ----------------------------------------------------------------------------------------------------

    def profile(self) -> ProfileInfo:
        """Which models the library keeps to, which are wanted, and which serve."""
        return self._parts.serving.told()

    def choose(self, profile: str) -> ProfileInfo:
        """For the person at the machine: keep to another profile from now on.

        Its vectors are made in the background from what was read, while the old ones answer; then they take over. What
        a client asks for outright, by `profile` in its settings, goes before what is kept. Raises BadArgument for an
        unknown profile, LibraryUnavailable where it cannot be recorded.
        """
        self._parts.serving.choose(profile)
        return self.profile()

    # -- health -----------------------------------------------------------------------------------------------------

    def job(self, id: str) -> Outcome:
        """What a job has come to, also one from before a restart. Raises BadArgument for an unknown one.

        Unknown are also those that concern other roots than this connection's.
        """
        if (job := self._parts.jobs.find(id)) and self._sees(job.asked):
            return job.outcome
        if job is None and (row := self._catalog.job(id)) and self._sees(AddRequest.read(row.asked)):
            return _outcome(row)
        raise BadArgument(f"{id}: no such job. Call status without a job to see the latest ones.")

    def jobs(self) -> list[Outcome]:
        """For the person at the machine: the last jobs of all connections, newest first, also from before a restart.

        Not bound to this connection's roots, so not for an agent.
        """
        running = {job.id: job.outcome for job in self._parts.jobs.all()}
        return [running.get(row.id) or _outcome(row) for row in self._catalog.jobs(limit=MAX_JOBS_SHOWN)]

    def cancel(self, id: str) -> Outcome:
        """For the person at the machine: ask a job of any connection to end. What it has come to, at most 5 s later.

        One that has ended stays as it is. Once this returns no later process goes on with the job. Not bound to this
        connection's roots, so not for an agent. Raises BadArgument for an unknown one.
        """
        if job := self._parts.jobs.find(id):
            job.cancel()
            return job.wait(CANCELLING_SECONDS)
        row = self._catalog.job(id)
        if row is None:
            raise BadArgument(f"{id}: no such job. Call jobs to see the latest ones.")
        if row.state != "running":
            return _outcome(row)
        outcome = replace(_outcome(row), state="cancelled", notes=())
        self._catalog.put_job(replace(row, state="cancelled", outcome=_stored(outcome)))
        return outcome

    def _sees(self, asked: AddRequest | None) -> bool:
        """Whether a job concerns only what this connection may read."""
        return asked is not None and all(self.roots.covers(root) for root in asked.roots)

    def _latest(self) -> Iterator[Outcome]:
        """The jobs that a status shows."""
        ended = 0
        for job in self._parts.jobs.all():
            if self._sees(job.asked):
                ended += not job.running
                if job.running or ended <= MAX_ENDED_JOBS_SHOWN:
                    yield job.outcome

    @property
    def ready(self) -> bool:
        """Whether the models are loaded: until then words answer."""
        return self._parts.serving.state == "ready"

    def when_lost(self, leave: Callable[[str], None]) -> None:
        """Have `leave` called with the reason when a GPU is lost, in place of going on without it: only a new process
        gets it back. Called by the thread that lost it; must return at once.
        """
        self._parts.models.tell_losses_to(leave)

    @property
    def loading(self) -> str:
        """Which models are being loaded just now and how far that is; empty where none is."""
        return self._parts.models.loading

    def held(self) -> tuple[int, int]:
        """Documents of the whole library, whatever the roots, and how many of them lack vectors."""
        space = self._catalog.active_space()
        counts = self._catalog.counts(Scope(None), space=space.id if space else None)
        return counts.documents, counts.pending if space else counts.documents

    def status(self) -> Status:
        """The library's health, within this connection's roots."""
        catalog, parts = self._catalog, self._parts
        space = catalog.active_space()
        scope = Scope(self.roots.folders)
        counts = catalog.counts(scope, space=space.id if space else None)
        index = parts.store.index.status()
        state, message = parts.serving.state, parts.serving.message
        problems = [parts.embedding.problem, parts.serving.problem, "" if state == "loading" else message]
        if (alone := parts.models.alone) and not any(alone in problem for problem in problems):
            problems.append(alone)
        if not self.roots.folders:
            problems.append("No folder is allowed, so nothing can be read. Start the server with --root FOLDER.")
        return Status(
            version=__version__,
            library=str(self.settings.library),
            roots=self.roots.folders,
            documents=catalog.modalities(scope),
            segments=counts.segments,
            bytes=_size(self.settings.library),
            pending_vectors=counts.pending if space else counts.documents,
            models={**parts.models.parts(), **parts.serving.lines()},
            models_state=state,
            index=f"{index.state}: {index.followed} of {index.total} vectors" + (f" ({index.note})" * bool(index.note)),
            sandbox=parts.workers.sandbox,
            jobs=tuple(self._latest()),
            problems=tuple(dict.fromkeys(text for text in problems if text)),
        )


def _shown(found: Target) -> StoredSegment:
    """The segment that stands for what was pointed at: the one in the middle of the place."""
    if not found.segments:
        raise NotInLibrary(
            f"{found.document.title or found.document.id[:12]}: nothing at {found.place.fragment}. "
            "Leave the place out to open the beginning."
        )
    if found.place.start is None or found.place.end is None:
        return found.segments[0]
    middle = (found.place.start + found.place.end) / 2
    return min(found.segments, key=lambda one: abs(_middle(one.segment.place) - middle))


def _middle(place: Place) -> float:
    return ((place.start or 0.0) + (place.end or 0.0)) / 2


def _seconds(name: str, date: str | None) -> float | None:
    if not date:
        return None
    try:
        return datetime.fromisoformat(date).timestamp()
    except ValueError as error:
        raise BadArgument(f"{name}: {date!r} is no ISO date. Write 2026-03-02 or 2026-03-02T14:30.") from error


def _hopeless(path: str) -> str:
    """Why a job is not begun once more; `path`: what it was reading the last time."""
    ended = f"The server ended {MAX_JOB_ATTEMPTS} times while this job ran, and it got no further"
    if path:
        advice = f"move that file or name it in .mmretrievalignore. {CALL_AGAIN_NOTE}"
        return f"{ended}. The last time it was reading {path}: {advice}"
    return f"{ended}. The server's log may say why. {CALL_AGAIN_NOTE}"


def _stored(outcome: Outcome) -> str:
    return json.dumps(asdict(outcome), ensure_ascii=True)


def _outcome(row: JobRow) -> Outcome:
    """Of a job that this process does not run."""
    given = json.loads(row.outcome)
    given["failed"] = tuple(Failure(**failure) for failure in given["failed"])
    given["notes"] = tuple(given["notes"]) if row.state != "running" else (RESTING_NOTE,)
    return Outcome(**given)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

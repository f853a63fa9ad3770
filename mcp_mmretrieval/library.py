"""The product: a person's files, findable. Knows no MCP; the documented Python API."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from mcp_mmretrieval import __version__
from mcp_mmretrieval.adding import Adding
from mcp_mmretrieval.answers import (
    Answer,
    DocumentInfo,
    Failure,
    Filters,
    Look,
    Outcome,
    Removal,
    Reranking,
    Status,
)
from mcp_mmretrieval.embedding import Embedding
from mcp_mmretrieval.errors import BadArgument, NotAllowed, NotInLibrary, UnreadableMedia
from mcp_mmretrieval.jobs import Job, Jobs
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.models.loading import Models
from mcp_mmretrieval.opening import reopen
from mcp_mmretrieval.reading import Reading
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.searching import Searching
from mcp_mmretrieval.settings import Settings
from mcp_mmretrieval.store import IndexStatus, Listed, Scope, Store, Stored
from mcp_mmretrieval.targets import Target, Targets
from mcp_mmretrieval.types import Lane, Modality, Place, Segment

logger = logging.getLogger(__name__)

SHOWN_CHARACTERS = 20_000
"""Text of one place that is shown at most."""
INTERRUPTED = (
    "The server ended before this job did. What it had read stays; call add_documents again with the same arguments."
)


class _Parts:
    """What all connections to one library share."""

    def __init__(self, settings: Settings, roots: Roots, models: Models | None) -> None:
        self.settings = settings
        self.store = Store.open(settings.library)
        self.models = models or Models(settings)
        self.workers = Workers(settings.limits, settings.workers)
        self.reading = Reading(self.workers, self.models)
        self.embedding = Embedding(self.store, self.models, self.workers, roots)
        self.jobs = Jobs(self._record)
        self.models.start()

    def close(self) -> None:
        """In the order of the data's way in, so that nothing is handed to what is closed already."""
        self.jobs.close()
        self.embedding.close()
        self.workers.close()
        self.store.close()

    def _record(self, job: Job) -> None:
        outcome = job.outcome
        self.store.catalog.put_job(
            job.id, arguments=job.key, state=outcome.state, outcome=json.dumps(asdict(outcome), ensure_ascii=True)
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
        self._targets = Targets(self._catalog, roots)
        self._adding = Adding(self._catalog, parts.reading, roots, parts.settings.library, parts.embedding.wake)
        self._searching = Searching(parts.store, parts.models, parts.workers, parts.reading, roots, self._targets)

    @classmethod
    def open(
        cls,
        folder: str | Path | None = None,
        *,
        roots: Sequence[str | Path] | None = None,
        settings: Settings | None = None,
        models: Models | None = None,
    ) -> Library:
        """Open or make a library and hold its lock until `close`.

        What is not given comes from the settings. Returns at once: the index is checked and the models are loaded in
        threads. Raises LibraryUnavailable when another process holds it, or it is damaged, too new or not writable.
        """
        settings = settings or Settings.read(library=folder, roots=None if roots is None else tuple(roots))
        allowed = Roots(settings.roots)
        return cls(_Parts(settings, allowed, models), allowed)

    def within(self, roots: Roots) -> Library:
        """The same library for a connection with other roots."""
        return Library(self._parts, roots)

    def close(self) -> None:
        """End jobs at their next step, then let go of the folder."""
        self._parts.close()

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
        answer = self._searching.search(query, like, limit, filters, rerank, deadline, lanes)
        if answer.hits:
            return answer
        return replace(answer, searched=replace(answer.searched, not_added=self._adding.not_added()))

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

        Raises BadArgument, NotInLibrary, ModelUnavailable.
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

        What has been committed is found by words at once and by meaning soon after. `owner`: whose leaving ends the
        job (`Job.leave`). Raises BadArgument.
        """
        if text is not None and paths:
            raise BadArgument("Give either paths or text, not both.")
        if text is not None and not text.strip():
            raise BadArgument("The text is empty. Give text to add, or leave it out to add files.")
        arguments = [list(self.roots.folders), list(paths), text, title, dry_run]
        key = hashlib.sha256(json.dumps(arguments).encode()).hexdigest()

        def work(job: Job) -> None:
            job.update(dry_run=dry_run)
            if text is not None:
                self._adding.text(job, text, title or "")
            else:
                self._adding.files(job, paths, dry_run=dry_run)
            self._parts.embedding.wake(again=True)

        return self._parts.jobs.start(key, work, owner)

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
        if dry_run:
            going = self._going(set(paths)) + list(inline)
            segments = sum(self._catalog.counts(Scope(None, Filters(document=id))).segments for id in going)
            return Removal(files=len(paths), documents=len(going), segments=segments, unknown=tuple(unknown))
        files = self._catalog.remove_files(list(paths))
        documents = self._catalog.remove_documents(list(inline))
        return Removal(
            files=files.files,
            documents=files.documents + documents.documents,
            segments=files.segments + documents.segments,
            unknown=tuple(unknown),
        )

    def _going(self, paths: set[str]) -> list[str]:
        """Documents that would go with these paths: those that have no other."""
        documents = {file.document for path in paths if (file := self._catalog.file(path))}
        files = self._catalog.files_of(documents)
        return [id for id in documents if paths.issuperset(file.path for file in files[id])]

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
        files = self._catalog.files_of([found.document.id]).get(found.document.id, [])
        file = self._targets.visible_file(files)
        content, stale, note = None, False, ""
        if stored.segment.modality != "text" and file is not None:
            try:
                with reopen([one for one in files if self.roots.covers(one.path)], self.roots) as opened:
                    content = self._parts.workers.load(
                        opened.fd, _narrowed(stored.segment, found.place), name=opened.path, side=side
                    )
            except UnreadableMedia as error:
                stale, note = error.code == "changed_while_read", str(error)
        around = self._catalog.around(stored.key)
        before = [one.segment.text for one in around if one.ordinal < stored.ordinal]
        after = [one.segment.text for one in around if one.ordinal > stored.ordinal]
        return Look(
            segment=stored.segment,
            path=file.path if file else "",
            citation=self._targets.citation(file, stored.segment),
            title=found.document.title,
            text=stored.segment.text[:SHOWN_CHARACTERS],
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

    def _info(self, listed: Listed) -> DocumentInfo:
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

    def index(self) -> IndexStatus:
        """How far the index follows the catalog; an exact scan covers the difference."""
        return self._parts.store.index.status()

    # -- health -----------------------------------------------------------------------------------------------------

    def job(self, id: str) -> Outcome:
        """What a job has come to, also one from before a restart. Raises BadArgument for an unknown one."""
        if job := self._parts.jobs.find(id):
            return job.outcome
        if row := self._catalog.job(id):
            outcome = _outcome(row.outcome)
            return outcome if outcome.state != "running" else _interrupted(outcome)
        raise BadArgument(f"{id}: no such job. Call status without a job to see the latest ones.")

    def status(self) -> Status:
        """The library's health, within this connection's roots."""
        catalog, parts = self._catalog, self._parts
        space = catalog.active_space()
        scope = Scope(self.roots.folders)
        counts = catalog.counts(scope, space=space.id if space else None)
        index = parts.store.index.status()
        loading = parts.models.state == "loading"
        problems = [text for text in (parts.embedding.problem, "" if loading else parts.models.message) if text]
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
            models=parts.models.parts(),
            models_state=parts.models.state,
            index=f"{index.state}: {index.followed} of {index.total} vectors" + (f" ({index.note})" * bool(index.note)),
            sandbox=parts.workers.sandbox,
            jobs=tuple(job.outcome for job in parts.jobs.all()[:5]),
            problems=tuple(dict.fromkeys(problems)),
        )


def _shown(found: Target) -> Stored:
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


def _narrowed(segment: Segment, place: Place) -> Segment:
    """The frames of a film that lie within the place that was asked for, where any do."""
    if segment.modality != "video" or place.start is None or place.end is None:
        return segment
    inside = tuple(time for time in segment.frames if place.start <= time <= place.end)
    return replace(segment, frames=inside or (_middle(place),))


def _seconds(name: str, date: str | None) -> float | None:
    if not date:
        return None
    try:
        return datetime.fromisoformat(date).timestamp()
    except ValueError as error:
        raise BadArgument(f"{name}: {date!r} is no ISO date. Write 2026-03-02 or 2026-03-02T14:30.") from error


def _outcome(stored: str) -> Outcome:
    row = json.loads(stored)
    row["failed"] = tuple(Failure(**failure) for failure in row["failed"])
    row["notes"] = tuple(row["notes"])
    return Outcome(**row)


def _interrupted(outcome: Outcome) -> Outcome:
    return replace(outcome, state="failed", current="", error=INTERRUPTED)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())

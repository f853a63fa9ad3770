"""The seven tools, written for an agent: what each does, when to use it, what comes next; and one for the gallery."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import anyio
import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, ContentBlock, TextContent, ToolAnnotations
from pydantic import Field

from mcp_mmretrieval.answers import MAX_QUERY_CHARACTERS, ListOrder
from mcp_mmretrieval.concurrency import foreground
from mcp_mmretrieval.errors import RetrievalError
from mcp_mmretrieval.server.connection import Connection, client_of, connection_of
from mcp_mmretrieval.server.gallery.app import FOR_PAGES_ONLY, SHOWN_IN_GALLERY
from mcp_mmretrieval.server.tools import as_text, results
from mcp_mmretrieval.server.tools.arguments import (
    ExamplesValue,
    ModalitiesValue,
    OrderValue,
    PathsValue,
    PathValue,
    TextsValue,
    TitleValue,
    WordsValue,
    is_blank,
)
from mcp_mmretrieval.server.tools.notes import add_notes, date_notes, list_notes, search_notes
from mcp_mmretrieval.server.tools.progress import WaitingCalls, with_progress
from mcp_mmretrieval.server.tools.results import (
    AddResult,
    ListResult,
    RemoveResult,
    RerankResult,
    SearchResult,
    StatusResult,
)
from mcp_mmretrieval.server.tools.strict_tool import StrictTool
from mcp_mmretrieval.types import Modality

if TYPE_CHECKING:
    from mcp_mmretrieval.library import Library

LibraryAnswerT = TypeVar("LibraryAnswerT")
MAX_DEADLINE_MS = 3_600_000
"""An hour: the call budget ends every call long before."""
MAX_OFFSET = 10_000_000
"""Documents: more than any library holds."""

ToolCall = Context[Connection, Any]
"""The call itself: who makes it, and where its progress goes."""

QueryArg = Annotated[
    str, Field(max_length=MAX_QUERY_CHARACTERS), WordsValue, Field(description="What to look for, in plain words.")
]
LikeArg = Annotated[
    Sequence[str],
    ExamplesValue,
    Field(
        description="Like all of these: file paths, hits' ids or citations, a picture or sound as data: URL (to 3 MB)."
    ),
]
AvoidArg = Annotated[
    Sequence[str],
    ExamplesValue,
    Field(description="Unlike any of these: such examples (left out), or words."),
]
LimitArg = Annotated[int, Field(ge=1, le=50, description="Hits at most; each costs about 100 tokens.")]
ModalityArg = Annotated[
    Sequence[Modality],
    ModalitiesValue,
    Field(description="Only these. page: PDF pages; image: photos and charts; text: passages."),
]
UnderArg = Annotated[str, PathValue, Field(description="Under this folder (absolute, or as cited).")]
AfterArg = Annotated[
    str,
    PathValue,
    Field(description="From 2026-03-02, 2026-03, last month on: its own date, else the file's."),
]
BeforeArg = Annotated[str, PathValue, Field(description="Before this date.")]
DocumentArg = Annotated[
    str, PathValue, Field(description="This document (id, citation or path), or seconds of it: #t=60,120.")
]
RerankArg = Annotated[
    bool | None,
    Field(description="A model orders the best hits anew: better, slower. Default: as set."),
]
DeadlineArg = Annotated[
    int | None,
    Field(
        ge=50,
        le=MAX_DEADLINE_MS,
        description="Milliseconds; what is late is left out.",
    ),
]
PathsArg = Annotated[
    Sequence[str],
    PathsValue,
    Field(description="Files, folders, globs. Left out: all that is allowed."),
]
TextArg = Annotated[str, WordsValue, Field(description="A note, instead of paths.")]
TitleArg = Annotated[str, TitleValue, Field(description="Title of that note.")]
DryRunArg = Annotated[bool, Field(description="Tell what would happen.")]
CandidatesArg = Annotated[
    Sequence[str], PathsValue, Field(max_length=200, description="Hit ids, citations or file paths.")
]
RawTextsArg = Annotated[Sequence[str], TextsValue, Field(max_length=200, description="Texts to rank too.")]
TargetsArg = Annotated[
    Sequence[str],
    PathsValue,
    Field(min_length=1, max_length=12, description="Hit ids, citations or file paths."),
]
ContextArg = Annotated[bool, Field(description="Also the text before and after.")]
SheetArg = Annotated[
    bool | None,
    Field(description="One contact sheet (default for several targets); false: a picture each, 4 at most."),
]
PictureArg = Annotated[
    bool | None,
    Field(description="false: text alone. true: also a table drawn, and the spectrogram of sound with words."),
]
RegionArg = Annotated[
    str,
    PathValue,
    Field(description="Part of a page or picture in full detail: left,top,width,height in percent."),
]
QuoteArg = Annotated[str, WordsValue, Field(description="Only tell whether these words stand at the one target.")]
ShownArg = Annotated[Sequence[str], PathsValue, Field(min_length=1, max_length=6, description="Ids of hits.")]
FormArg = Annotated[
    Literal["thumbnail", "detail", "sound"],
    Field(description="thumbnail: small pictures. detail, sound: of one hit."),
]
RemovalTargetsArg = Annotated[
    Sequence[str], PathsValue, Field(min_length=1, description="Files, folders, ids or citations to take out.")
]
PageSizeArg = Annotated[int, Field(ge=1, le=200, description="Documents at most.")]
OrderArg = Annotated[ListOrder, OrderValue, Field(description="date: newest first.")]
OffsetArg = Annotated[int, Field(ge=0, le=MAX_OFFSET, description="Documents to skip: the last next_offset.")]
JobIdArg = Annotated[str, PathValue, Field(description="A job of add_documents; else the whole library.")]

MAX_CALL_THREADS = 64
"""Threads that work for calls at most: more than are admitted, since one that nobody waits for any more may go on."""

SEARCH_BUDGET_SHARE = 0.9
"""Of the call budget: a search that takes longer answers with what it has, rather than not at all."""

READ_ANNOTATIONS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
ADD_ANNOTATIONS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
REMOVE_ANNOTATIONS = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)


class Tools:
    """The tools, whoever calls. Library calls run in worker threads and end within the call budget."""

    def __init__(self, waiting_calls: WaitingCalls, *, read_only: bool, gallery: bool) -> None:
        self._waiting_calls = waiting_calls
        self._read_only = read_only
        self._gallery = gallery
        self._threads = anyio.CapacityLimiter(MAX_CALL_THREADS)

    def registered(self) -> list[StrictTool]:
        """The tools that this server offers, always in the same order."""
        adding = [
            StrictTool.from_function(self.add_documents, title="Add documents", annotations=ADD_ANNOTATIONS),
            StrictTool.from_function(self.remove_documents, title="Remove documents", annotations=REMOVE_ANNOTATIONS),
        ]
        for_pages = StrictTool.from_function(
            self.show_hits,
            title="Show hits",
            annotations=READ_ANNOTATIONS,
            structured_output=False,
            meta=FOR_PAGES_ONLY,
        )
        return [
            StrictTool.from_function(
                self.search_media,
                title="Search media",
                annotations=READ_ANNOTATIONS,
                meta=SHOWN_IN_GALLERY if self._gallery else None,
            ),
            StrictTool.from_function(
                self.open_media, title="Open media", annotations=READ_ANNOTATIONS, structured_output=False
            ),
            StrictTool.from_function(self.rerank, title="Rerank", annotations=READ_ANNOTATIONS),
            StrictTool.from_function(self.list_documents, title="List documents", annotations=READ_ANNOTATIONS),
            *([] if self._read_only else adding),
            StrictTool.from_function(self.status, title="Status", annotations=READ_ANNOTATIONS),
            *([for_pages] if self._gallery else []),
        ]

    async def search_media(
        self,
        call: ToolCall,
        query: QueryArg = "",
        like: LikeArg = (),
        avoid: AvoidArg = (),
        limit: LimitArg = 8,
        modality: ModalityArg = (),
        under: UnderArg = "",
        after: AfterArg = "",
        before: BeforeArg = "",
        document: DocumentArg = "",
        rerank: RerankArg = None,
        deadline_ms: DeadlineArg = None,
    ) -> Annotated[CallToolResult, SearchResult]:
        """Search the person's files by meaning and words: PDF pages, charts, photos, stretches of sound and film, text
        passages, in one ranked list. Give query, like, or both. Hits have a snippet, an id, and a citation to quote.
        Look at a promising one with open_media before you rely on it. Few or no hits: read the notes.
        """
        query = "" if like and is_blank(query) else query  # "null" beside an example is no word to look for
        filters = {"modality": ",".join(modality), "under": under, "after": after, "before": before}
        filters = {name: value for name, value in {**filters, "document": document}.items() if value}

        def work(library: Library) -> SearchResult:
            within = library.filters(
                modality=modality,
                under=under or None,
                after=after or None,
                before=before or None,
                document=document or None,
            )
            answer = library.search(
                query,
                like=like,
                avoid=avoid,
                limit=limit,
                filters=within,
                rerank=rerank,
                deadline=_seconds(call, deadline_ms),
            )
            notes = [*search_notes(answer, filters, self._read_only), *date_notes(within)]
            return results.search_result(answer, notes)

        connection_of(call).expect(query)
        result = await self._ask(call, work)
        return _structured(result, as_text.search_text(result))

    async def open_media(
        self,
        call: ToolCall,
        targets: TargetsArg,
        context: ContextArg = True,
        sheet: SheetArg = None,
        picture: PictureArg = None,
        region: RegionArg = "",
        quote: QuoteArg = "",
    ) -> list[ContentBlock] | CallToolResult:
        """Look at what was found: the page, chart, photo or frames as a picture, with the text read or heard there.
        Text comes 20,000 characters at once; next goes on. Several targets give one contact sheet: choose, then open
        the best alone.
        """
        from mcp_mmretrieval.server.tools import look, quote_check

        if quote:
            checked = await self._ask(call, lambda library: quote_check.checked_quote(library, targets, quote))
            return _structured(checked, quote_check.quote_text(checked))
        return await self._ask(
            call,
            lambda library: look.open_media_content(
                library, targets, context=context, sheet=sheet, picture=picture, region=region
            ),
        )

    async def show_hits(self, call: ToolCall, targets: ShownArg, form: FormArg = "thumbnail") -> CallToolResult:
        """For the gallery's page: pictures, sound or details of hits, as base64."""

        def work(library: Library) -> CallToolResult:
            from mcp_mmretrieval.server.gallery.drawn import shown_hits

            items = shown_hits(library, targets, form)
            return _structured({"items": items}, f"{len(items)} of the gallery's pictures.")

        return await self._ask(call, work)

    async def rerank(
        self,
        call: ToolCall,
        query: QueryArg,
        candidates: CandidatesArg = (),
        texts: RawTextsArg = (),
        limit: Annotated[int | None, Field(ge=1, le=400, description="Results at most. Default: all.")] = None,
        deadline_ms: DeadlineArg = None,
    ) -> Annotated[CallToolResult, RerankResult]:
        """Order known candidates by how well they answer a query: pages, pictures, recordings and raw texts together,
        best first. Use it to merge searches, or to rank texts of your own.
        """

        def work(library: Library) -> RerankResult:
            seconds = _seconds(call, deadline_ms)
            return results.rerank_result(library.rerank(query, candidates, texts, limit=limit, deadline=seconds))

        result = await self._ask(call, work)
        return _structured(result, as_text.rerank_text(result))

    async def add_documents(
        self,
        call: ToolCall,
        paths: PathsArg = (),
        text: TextArg = "",
        title: TitleArg = "",
        dry_run: DryRunArg = False,
    ) -> Annotated[CallToolResult, AddResult]:
        """Read files into the library so that search_media finds them: PDF, pictures, sound, film, text. Safe to
        repeat: unchanged files are skipped, changed ones replaced, vanished ones taken out. With much to read the state
        is "running": call again with the same arguments to wait on. failed names what cannot be read, and why.
        """
        text = "" if paths and is_blank(text) else text
        started = anyio.current_time()
        owner = object()
        job = await self._ask(
            call,
            lambda library: library.add(paths, text=text or None, title=title or None, dry_run=dry_run, owner=owner),
        )
        left = connection_of(call).settings.call_budget_s - (anyio.current_time() - started)
        outcome = await self._waiting_calls.outcome(job, owner, call, left)
        result = results.add_result(outcome, add_notes(outcome))
        return _structured(result, as_text.add_text(result))

    async def list_documents(
        self,
        call: ToolCall,
        under: UnderArg = "",
        modality: ModalityArg = (),
        after: AfterArg = "",
        before: BeforeArg = "",
        order: OrderArg = "path",
        limit: PageSizeArg = 50,
        offset: OffsetArg = 0,
    ) -> Annotated[CallToolResult, ListResult]:
        """List what the library holds, with ids, citations and dates. To find by what it says, use search_media."""
        filters = {"under": under, "modality": ",".join(modality), "after": after, "before": before}
        filters = {name: value for name, value in filters.items() if value}

        def work(library: Library) -> ListResult:
            within = library.filters(modality=modality, under=under or None, after=after or None, before=before or None)
            documents, total = library.documents(within, order=order, limit=limit, offset=offset)
            notes = [*list_notes(len(documents), total, filters, self._read_only), *date_notes(within)]
            return results.list_result(documents, total, offset, notes)

        result = await self._ask(call, work)
        return _structured(result, as_text.list_text(result))

    async def remove_documents(
        self, call: ToolCall, targets: RemovalTargetsArg, dry_run: DryRunArg = False
    ) -> Annotated[CallToolResult, RemoveResult]:
        """Take files or documents out of the library: no search finds them. Files on disk stay. Use dry_run first
        for a folder.
        """
        result = await self._ask(
            call, lambda library: results.remove_result(library.remove(targets, dry_run=dry_run), dry_run)
        )
        return _structured(result, as_text.remove_text(result))

    async def status(self, call: ToolCall, job: JobIdArg = "") -> Annotated[CallToolResult, StatusResult]:
        """Health of the library: allowed folders, documents, models, jobs, problems and what to do. With job: how
        far it is.
        """
        engine, notes = connection_of(call).told()

        def work(library: Library) -> StatusResult:
            if not job:
                return results.status_result(library.status(), engine, notes)
            outcome = library.job(job)
            return {"jobs": [results.plain_dict(results.add_result(outcome, add_notes(outcome)))]}

        # who looks every second how far adding is must not hold it back
        result = await self._ask(call, work, goes_first=False)
        return _structured(result, as_text.status_text(result))

    async def _ask(
        self, call: ToolCall, work: Callable[[Library], LibraryAnswerT], *, goes_first: bool = True
    ) -> LibraryAnswerT:
        """The work's answer, from a worker thread, when it is this client's turn. `goes_first`: bulk work waits for it.

        Raises RetrievalError when the budget is over; the thread ends by itself. Raises Busy, and what the work raises.
        """
        connection = connection_of(call)
        budget = connection.settings.call_budget_s
        first = foreground.foreground_request() if goes_first else nullcontext()
        with anyio.move_on_after(budget), first:
            async with connection.admission.turn(client_of(call)):
                library = await connection.library()
                ask = partial(anyio.to_thread.run_sync, work, library, abandon_on_cancel=True, limiter=self._threads)
                return await with_progress(call, lambda: library.loading, ask)
        raise RetrievalError(
            f"No answer within {budget:g} s. Try again, with fewer targets or tighter filters; "
            "status tells whether something is wrong."
        )


def _seconds(call: ToolCall, deadline_ms: int | None) -> float:
    """Until when to answer: as asked, and in any case a little before the call's budget is over."""
    most = SEARCH_BUDGET_SHARE * connection_of(call).settings.call_budget_s
    return most if deadline_ms is None else min(deadline_ms / 1000, most)


def _structured(result: Mapping[str, Any], text: str) -> CallToolResult:
    """Data and the same facts as text, and never media: clients show the model only one of the two."""
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=results.plain_dict(result))

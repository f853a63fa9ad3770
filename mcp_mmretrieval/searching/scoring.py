"""Scores contents against a query, a few at a time, as far as there is time; loads the next ones meanwhile.

What a pair of a sort costs is measured as it goes, and remembered for the next call.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

import numpy as np

from mcp_mmretrieval.adding.parts import decoding_side
from mcp_mmretrieval.adding.shared import SharedResources
from mcp_mmretrieval.concurrency.abandonable import AbandonableCall
from mcp_mmretrieval.errors import Cancelled, UnreadableMedia
from mcp_mmretrieval.models import Reranker
from mcp_mmretrieval.searching.deadlines import DeadlineClock
from mcp_mmretrieval.store import File
from mcp_mmretrieval.targets import ConnectionView, reopen
from mcp_mmretrieval.types import Content, ContentSort, Film, Segment

UNMEASURED_STEP_TEXTS = 5
"""Texts that are scored between two looks at the clock, where there is a deadline and their cost is not known yet."""
MAX_SCORING_BATCH = 32
"""Without one: enough to fill a model's batches."""
SCORING_STEP_SECONDS = 0.25
"""Seconds between two looks at the clock, once the cost is known, where that is more than `UNMEASURED_STEP_TEXTS`."""
_AHEAD = 2
"""Contents that are loaded before the model asks for them, beside those that it has."""
_LOOK = 0.2
"""Seconds between two looks at whether a loaded content is still wanted."""
_NEW = 0.5
"""Weight of the newest measurement of a cost."""

Scores = list[float | None]
"""Of contents, in the order given; None for one that cannot be read."""
ScoreFunction = Callable[[Sequence[Content]], Scores]


@dataclass(frozen=True, slots=True)
class ScoringItem:
    """One content that is to be scored."""

    sort: ContentSort
    load: Callable[[threading.Event], Content | None]
    """None, or UnreadableMedia, where it cannot be read."""


def text_item(content: str) -> ScoringItem:
    """A text, which is there already."""
    return ScoringItem("text", lambda _: content if content.strip() else None)


@dataclass(slots=True)
class ScoringCosts:
    """Seconds of a pair by model and sort of content. Thread-safe: a float is replaced whole."""

    known: dict[tuple[str, ContentSort], float] = field(default_factory=dict)

    def took(self, name: str, sort: ContentSort, seconds: float) -> None:
        """One pair took so long."""
        before = self.known.get((name, sort), seconds)
        self.known[name, sort] = before + _NEW * (seconds - before)

    def step(self, name: str, sort: ContentSort, clock: DeadlineClock) -> int:
        """How many pairs may be begun now; none where not even one fits. Unknown ones begin carefully."""
        left = clock.left()
        if left is None:
            return MAX_SCORING_BATCH
        cost = self.known.get((name, sort))
        if cost is None:
            return 0 if left <= 0 else UNMEASURED_STEP_TEXTS if sort == "text" else 1
        most = max(UNMEASURED_STEP_TEXTS, int(SCORING_STEP_SECONDS / max(cost, 1e-6)))
        return min(MAX_SCORING_BATCH, most, int(left / max(cost, 1e-6)))


def score_in_time(
    score: ScoreFunction, wanted: Sequence[ScoringItem], clock: DeadlineClock, costs: ScoringCosts, name: str = ""
) -> Scores:
    """Scores of all, or of as many of the first as there is time for. Raises what `score` raises in time.

    The next few are begun only if they fit, as far as their cost is known. What cannot be loaded has no score.
    """
    scores: Scores = []

    def work(stop: threading.Event) -> None:
        with _Ahead(wanted, stop) as loaded:
            while len(scores) < len(wanted) and not stop.is_set():
                first = len(scores)
                sort = wanted[first].sort
                step = costs.step(name, sort, clock)
                if not step:
                    return
                contents = [next(loaded) for _ in _of_sort(sort, wanted[first : first + step])]
                began = time.monotonic()
                read = [content for content in contents if content is not None]
                found = iter(score(read) if read else ())
                if read:
                    costs.took(name, sort, (time.monotonic() - began) / len(read))
                scores.extend(next(found) if content is not None else None for content in contents)

    with AbandonableCall(work, "scoring") as scoring:
        scoring.ended(clock.left())
        return list(scores)  # those that come later are nobody's


def _of_sort(sort: ContentSort, wanted: Sequence[ScoringItem]) -> Iterator[ScoringItem]:
    """The first ones, as long as they are of that sort."""
    return takewhile(lambda one: one.sort == sort, wanted)


class _Ahead:
    """The contents one after the other, loaded in a thread while their reader is busy with the last ones.

    Texts are there already and need no thread.
    """

    def __init__(self, wanted: Sequence[ScoringItem], stop: threading.Event) -> None:
        self._wanted = wanted
        self._stop = stop
        self._left = threading.Event()
        self._ready: queue.Queue[Content | BaseException | None] = queue.Queue(UNMEASURED_STEP_TEXTS + _AHEAD)

    def __enter__(self) -> Iterator[Content | None]:
        if all(one.sort == "text" for one in self._wanted):
            return (one.load(self._stop) for one in self._wanted)
        threading.Thread(target=self._load, name="loading ahead", daemon=True).start()
        return self._contents()

    def __exit__(self, *_: object) -> None:
        self._left.set()

    @property
    def _over(self) -> bool:
        return self._left.is_set() or self._stop.is_set()

    def _load(self) -> None:
        for one in self._wanted:
            if self._over:
                return
            try:
                self._put(one.load(self._stop))
            except UnreadableMedia:
                self._put(None)
            except BaseException as error:  # noqa: BLE001 - it belongs to the reader
                self._put(error)
                return

    def _put(self, content: Content | BaseException | None) -> None:
        while not self._over:
            try:
                self._ready.put(content, timeout=_LOOK)
            except queue.Full:
                continue
            return

    def _contents(self) -> Iterator[Content | None]:
        while not self._stop.is_set():
            try:
                content = self._ready.get(timeout=_LOOK)
            except queue.Empty:
                continue
            if isinstance(content, BaseException):
                raise content
            yield content
        raise Cancelled("Nobody waits for it any more.")


class ScoringInputs:
    """What a reranker gets of places: pixels where it sees them, else their text."""

    def __init__(self, shared: SharedResources, view: ConnectionView) -> None:
        self._catalog = shared.catalog
        self._workers = shared.workers
        self._readable = view.files

    def of(self, segment: Segment, reranker: Reranker | None, file: File | None = None) -> ScoringItem | None:
        """The place as `reranker` (None: a reader of texts) looks at it; None where there is nothing for it to read.

        `file`: where it stands, for one that the library does not hold.
        """
        sort = content_sort(segment, reranker)
        if sort == "text":
            return text_item(segment.text) if segment.text.strip() else None
        assert reranker is not None  # without one, all is text
        side = decoding_side(segment, reranker)
        return ScoringItem(sort, lambda stop: self._seen(segment, file, side, stop))

    def _seen(self, segment: Segment, file: File | None, side: int, stop: threading.Event) -> Content | None:
        """Its pixels; its text where they are gone."""
        files = [file] if file is not None else self._catalog.files_of_one(segment.document)
        try:
            with reopen(files, self._readable) as opened:
                return self._workers.load(opened.fd, segment, name=opened.path, side=side, stop=stop)
        except UnreadableMedia:
            if segment.text.strip():
                return segment.text
            raise


def content_sort(segment: Segment, reranker: Reranker | None) -> ContentSort:
    """How a reranker looks at a place."""
    sort = segment.traits.reranked_as
    if reranker is None or sort == "text":
        return "text"
    blank = np.zeros((16, 16, 3), np.uint8)
    return sort if reranker.reads(Film([blank], (0.0,)) if sort == "film" else blank) else "text"

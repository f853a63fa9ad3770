"""Asks a library questions in several ways: with all lanes, with each alone, without each, and within one document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath

from mcp_mmretrieval.answers import Answer, Filters
from mcp_mmretrieval.bench.evaluation.measures import DEPTH
from mcp_mmretrieval.bench.evaluation.questions import JudgedQuestion
from mcp_mmretrieval.bench.evaluation.runs import ALL_LANES_RUN, Ranking
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.types import ALL_LANES, Lane

DOCUMENT_GIVEN = "document given"
"""The way of asking within the document of the first answer, for sets that ask for pages."""
LEFT_OUT = "without "
"""How the name of a way begins that leaves out a lane."""
WAYS: Mapping[str, tuple[Lane, ...] | None] = {
    ALL_LANES_RUN: None,
    **{lane: (lane,) for lane in ALL_LANES},
    **{f"{LEFT_OUT}{lane}": tuple(one for one in ALL_LANES if one != lane) for lane in ALL_LANES},
}
"""Lanes by way of asking; None: as every search."""


class Asker:
    """Asks one library, and names what it finds as the questions do."""

    def __init__(self, library: Library, questions: Iterable[JudgedQuestion]) -> None:
        self._library = library
        self._names = {document for question in questions for document in question.documents}

    def ask(self, question: JudgedQuestion, way: str, *, paged: bool) -> Ranking:
        """What is found for a question in one way. `paged`: pages are looked for, not files."""
        filters = Filters()
        if way == DOCUMENT_GIVEN:
            filters = self._library.filters(document=next(iter(question.grades)).partition("#page=")[0])
        lanes = WAYS.get(way)
        answer = self._library.search(question.query, limit=DEPTH, lanes=lanes, filters=filters)
        return self.named(answer, paged=paged)

    def named(self, answer: Answer, *, paged: bool) -> Ranking:
        """An answer as a run keeps it."""
        ranked = []
        for hit in answer.hits:
            name, page = self._name(hit.path or hit.id), hit.segment.place.page
            ranked.append(f"{name}#page={page}" if paged and page is not None else name)
        match = answer.hits[0].match if answer.hits else None
        return Ranking(ranked=tuple(dict.fromkeys(ranked)), match=match, elapsed_ms=dict(answer.elapsed_ms))

    def _name(self, path: str) -> str:
        """As the questions name a file: by the longest end of its path that is one of their names, or the stem."""
        parts = PurePath(path).parts
        ends = ["/".join(parts[at:]).replace("//", "/") for at in range(len(parts))]
        return next((name for name in [*ends, PurePath(path).stem] if name in self._names), parts[-1])


def ways_of(questions: Sequence[JudgedQuestion], *, every_lane: bool) -> list[str]:
    """In which ways the questions of a set are asked."""
    paged = any(question.paged for question in questions)
    return [*(WAYS if every_lane else [ALL_LANES_RUN]), *([DOCUMENT_GIVEN] if paged else [])]

"""One evaluation from beginning to end: sets with their own files in one library, or a copy of a person's library."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mcp_mmretrieval import __version__
from mcp_mmretrieval.bench.evaluation.asking import DOCUMENT_GIVEN, Asker, ways_of
from mcp_mmretrieval.bench.evaluation.question_sets import QuestionSet
from mcp_mmretrieval.bench.evaluation.questions import JudgedQuestion
from mcp_mmretrieval.bench.evaluation.runs import ALL_LANES_RUN, AskedQuestion, EvaluationRun, Ranking
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import BadArgument, ModelUnavailable, RetrievalError
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.models import LibraryModels
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.store.backup import back_up
from mcp_mmretrieval.store.recovery import CATALOG_NAME

READY_POLL_S = 0.1
"""Seconds between two looks whether the models are loaded."""
EMBEDDED_POLL_S = 0.5
"""The same whether every document has its vectors."""

Said = Callable[[str, int, int], None]
"""Called with what is done, how much of it, and how much there is in all; 0 where that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationPlan:
    """What is asked, and how."""

    sets: Sequence[QuestionSet]
    every_lane: bool = True
    """Also each lane alone, and left out."""
    absent: Sequence[JudgedQuestion] = ()
    """Questions that nothing in the library answers."""


@contextmanager
def library_of_sets(sets: Sequence[QuestionSet], settings: Settings, say: Said) -> Iterator[Library]:
    """One library with the files of all sets, read and embedded, in the folder of the settings.

    Raises RetrievalError where adding failed, ModelUnavailable where the models of the settings cannot serve it.
    """
    folders = tuple(one.files for one in sets if one.files is not None)
    with Library.open(settings=settings.model_copy(update={"roots": folders, "read_only": False})) as library:
        for one in sets:
            say(f"Reading {one.name}", 0, 0)
            job = library.add([str(one.files)])
            outcome = job.wait()
            if outcome.state != "done":
                raise RetrievalError(f"{one.files}: could not be added: {outcome.error or outcome.state}.")
        _until_embedded(library, say)
        yield library


@contextmanager
def library_copy(settings: Settings, scratch: Path, models: LibraryModels | None = None) -> Iterator[Library]:
    """A copy of a person's library, in `scratch`; the library itself may be in use, and is not written to.

    Raises LibraryUnavailable where there is none.
    """
    folder = scratch / "library"
    folder.mkdir(mode=0o700)
    back_up(settings.library, folder / CATALOG_NAME)
    update = {"library": folder, "read_only": True, "watch": False}
    with Library.open(settings=settings.model_copy(update=update), models=models) as library:
        yield library


def evaluated(library: Library, plan: EvaluationPlan, say: Said) -> EvaluationRun:
    """Ask all, in all ways. Raises ModelUnavailable where the models cannot be loaded."""
    _until_ready(library, say)
    ways = {one.name: ways_of(one.questions, every_lane=plan.every_lane) for one in plan.sets}
    absent = [*_asked_of_others(plan.sets), *((library.roots, plan.absent),)]
    total = sum(len(one.questions) * len(ways[one.name]) for one in plan.sets) + sum(len(asked) for _, asked in absent)
    done = 0

    def tick(what: str) -> None:
        nonlocal done
        done += 1
        say(f"Asking {what}", done, total)

    asked = tuple(one for each in plan.sets for one in _asked(library, each, ways[each.name], tick))
    without = []
    for roots, questions in absent:
        narrowed = library.within(roots)
        for question in questions:
            tick("what is not there")
            without.append(Asker(narrowed, ()).ask(question, ALL_LANES_RUN, paged=False))
    status = library.status()
    settings = {"profile": library.profile().wanted, **status.models}
    return EvaluationRun(
        version=__version__,
        settings=settings,
        documents=sum(status.documents.values()),
        segments=status.segments,
        asked=asked,
        absent=tuple(without),
    )


def _until_ready(library: Library, say: Said) -> None:
    say("Loading the models", 0, 0)
    while not library.ready:
        status = library.status()
        if status.models_state == "missing":
            raise ModelUnavailable(f"The models cannot be loaded: {'; '.join(status.problems)}")
        time.sleep(READY_POLL_S)


def _until_embedded(library: Library, say: Said) -> None:
    """Wait until the wanted models serve, with vectors of all documents: others of before may answer until then."""
    _until_ready(library, say)
    while not library.settle(EMBEDDED_POLL_S) or "building" in library.profile().spaces:
        if problem := library.profile().problem:
            raise ModelUnavailable(f"The models that were asked for do not serve: {problem}")
        documents, pending = library.held()
        say("Making vectors", documents - pending, documents)


def _asked(library: Library, one: QuestionSet, ways: Sequence[str], tick: Callable[[str], None]) -> list[AskedQuestion]:
    """Every question of a set in every way; way by way, as caches of a query are not to help the next one."""
    asker = Asker(library, one.questions)
    paged = any(question.paged for question in one.questions)
    found: list[dict[str, Ranking]] = [{} for _ in one.questions]
    for way in ways:
        for question, mine in zip(one.questions, found, strict=True):
            tick(f"{one.name}, {way}")
            if way == DOCUMENT_GIVEN and not question.grades:
                continue
            mine[way] = asker.ask(question, way, paged=paged)
    return [
        AskedQuestion(set=one.name, question=question, found=mine)
        for question, mine in zip(one.questions, found, strict=True)
    ]


def _asked_of_others(sets: Sequence[QuestionSet]) -> Iterator[tuple[Roots, Sequence[JudgedQuestion]]]:
    """The questions of each set, to be asked of the files of those that do not ask in the same words."""
    for mine in sets:
        words = {question.query for question in mine.questions}
        others = [
            one.files
            for one in sets
            if one is not mine and one.files and words.isdisjoint(question.query for question in one.questions)
        ]
        if others and mine.files:
            yield Roots(tuple(others)), mine.questions


def setting_override(written: str) -> Mapping[str, object]:
    """`NAME=VALUE` of a setting. Raises BadArgument."""
    name, mark, value = written.partition("=")
    if not mark or name not in Settings.model_fields:
        raise BadArgument(
            f"--versus {written}: write SETTING=VALUE, with a setting of docs/settings.md in small letters."
        )
    return {name: value}

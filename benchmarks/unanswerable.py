"""Fits and judges `searching.match`: are right first hits strong, and is nothing strong where nothing can be right?

    python benchmarks/unanswerable.py DATA [--library FOLDER]

DATA holds sets as `mcp-mmretrieval eval` takes them; files that the library lacks are added. Each question is asked
three times: of everything; of everything but its own set and those that ask in the same words; and of everything but
the documents that answer it (near misses). The last two have no right answer. Prints the curve over five folds by
document (fitted on four, judged on the fifth), the same with each set judged by what the others taught, and the
constants to paste into `searching/match.py`.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mcp_mmretrieval.answers import Filters
from mcp_mmretrieval.bench.evaluation.evaluate import library_of_sets
from mcp_mmretrieval.bench.evaluation.measures import DEPTH
from mcp_mmretrieval.bench.evaluation.question_sets import QuestionSet, question_sets
from mcp_mmretrieval.bench.evaluation.questions import JudgedQuestion
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.roots import Roots
from mcp_mmretrieval.searching import fusion
from mcp_mmretrieval.searching.deadlines import DeadlineClock
from mcp_mmretrieval.searching.match import STRONG_FROM, MatchCollector, MatchEvidence, judge
from mcp_mmretrieval.searching.query import Query
from mcp_mmretrieval.searching.run import SearchRun

FOLDS = 5
QUIET = 0.90
"""Share of the unanswerable questions that shall have no strong hit."""
LOST = 0.05
"""Share of the right first hits that may be weak: half of it is aimed at, since other data are not these."""
RIDGE = 1.0

Values = NDArray[np.float64]
Judge = Callable[[Values], Values]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, asked once."""

    group: str
    """Its set."""
    fold: int
    answerable: bool
    near: bool
    right: bool
    """Whether the first hit is."""
    evidence: tuple[MatchEvidence, ...]
    """Of each hit, best first."""

    @property
    def features(self) -> Values:
        return np.array([one.features for one in self.evidence])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=lambda path: Path(path).resolve())
    parser.add_argument("--library", type=Path, help="kept between runs; default: a new one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        sets = question_sets([arguments.data], None, Path(scratch) / "corpora")
        settings = Settings.read(library=arguments.library or Path(scratch) / "library")
        with library_of_sets(sets, settings, lambda what, done, total: None) as library:
            while not library.ready:
                time.sleep(0.1)
            asked = [one for each in sets for one in ask_all(library, each, sets)]
    report(asked)


# -- asking -----------------------------------------------------------------------------------------------------------


def ask_all(library: Library, mine: QuestionSet, sets: Sequence[QuestionSet]) -> Iterator[Asked]:
    """All questions of a set, each three times."""
    words = {question.query for question in mine.questions}
    others = [one for one in sets if one is not mine and not words & {question.query for question in one.questions}]
    without_set = library.within(Roots([one.files for one in others if one.files]))
    for question in mine.questions:
        files = question.documents
        fold = int(hashlib.sha256(min(files).encode()).hexdigest(), 16) % FOLDS
        yield ask(library, question, mine.name, fold, set())
        yield ask(without_set, question, mine.name, fold, None)
        yield ask(library, question, mine.name, fold, files)


def ask(library: Library, question: JudgedQuestion, group: str, fold: int, without: Collection[str] | None) -> Asked:
    """Ask once. `without`: files that are not to be found; None where the roots leave out all that answers."""
    searcher: Any = library._searcher
    with searcher._rollout.answering() as answering:
        run = SearchRun(
            query=Query(text=question.query, limit=DEPTH),
            scope=library._view.scope(Filters()),
            answering=answering,
            clock=DeadlineClock(None),
        )
        with hidden(library, searcher, without or ()):
            run.ranked = searcher._lanes.find(run)
            searcher._fuse(run, run.ranked)
    modalities = {key: held.modality for key, held in run.held.items()}
    shown = fusion.diversify(run.places, modalities, DEPTH)
    evidence = MatchCollector(run, library._catalog).collect(shown)
    right = bool(shown) and bool(targets(library, run, shown[0].hit.key) & question.grades.keys())
    return Asked(group, fold, without == set(), bool(without), right, tuple(evidence[place.hit.key] for place in shown))


@contextmanager
def hidden(library: Library, searcher: Any, files: Collection[str]) -> Iterator[None]:
    """While the lanes find nothing of these files."""
    lanes = searcher._lanes
    find = lanes.find

    def found(run: SearchRun) -> dict[str, list[tuple[int, float]]]:
        ranked = find(run)
        held = library._catalog.places({key for hits in ranked.values() for key, _ in hits})
        names = {
            document: {Path(file.path).name for file in paths}
            for document, paths in library._catalog.files_of({one.document for one in held.values()}).items()
        }
        left = {
            lane: [hit for hit in hits if not names.get(held[hit[0]].document, set()) & set(files)]
            for lane, hits in ranked.items()
        }
        return {lane: hits for lane, hits in left.items() if hits}

    if files:
        lanes.find = found
    try:
        yield
    finally:
        lanes.find = find


def targets(library: Library, run: SearchRun, key: int) -> set[str]:
    held = run.held[key]
    names = [Path(file.path).name for file in library._catalog.files_of_one(held.document)]
    return {*names, *(f"{name}#page={held.place.page}" for name in names)}


# -- fitting ----------------------------------------------------------------------------------------------------------


def fitted(asked: Sequence[Asked]) -> tuple[Values, float]:
    """Weights and intercept: first hits that are right against first hits where none can be."""
    used = [one for one in asked if one.evidence and (one.right if one.answerable else True)]
    features = np.array([one.features[0] for one in used])
    right = np.array([one.answerable for one in used], float)
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-9
    rows = np.column_stack([(features - mean) / spread, np.ones(len(used))])
    weights = np.zeros(rows.shape[1])
    ridge = np.diag([RIDGE] * (rows.shape[1] - 1) + [0.0])
    for _ in range(50):  # Newton's method
        chance = 1 / (1 + np.exp(-rows @ weights))
        slope = rows.T @ (chance - right) + ridge @ weights
        bend = (rows * (chance * (1 - chance))[:, None]).T @ rows + ridge
        weights = weights - np.linalg.solve(bend, slope)
    scaled = weights[:-1] / spread
    return scaled, float(weights[-1] - scaled @ mean)


def sums(asked: Sequence[Asked], weights: Values, intercept: float) -> list[Values]:
    """The sum of each hit of each question; what stands there to be looked up is as strong as can be."""
    return [
        np.array([bounded(hit, float(intercept + weights @ hit.features)) for hit in one.evidence]) for one in asked
    ]


def bounded(hit: MatchEvidence, total: float) -> float:
    """The sum, as high or low as can be where a code stands there or does not."""
    return 99.0 if hit.looked_up == "strong" else min(total, STRONG_FROM - 0.1) if hit.at_most == "fair" else total


def thresholds(asked: Sequence[Asked], found: Sequence[Values]) -> tuple[float, float]:
    """From where on hits are strong, and fair."""
    best = [hits.max(initial=-99.0) for one, hits in zip(asked, found, strict=True) if not one.answerable]
    right = [hits[0] for one, hits in zip(asked, found, strict=True) if one.answerable and one.right]
    return float(np.quantile(best, QUIET)), float(np.quantile(right, LOST / 2))


# -- judging ----------------------------------------------------------------------------------------------------------


def report(asked: Sequence[Asked]) -> None:
    folds: list[Values] = [np.empty(0)] * len(asked)
    sets: list[Values] = [np.empty(0)] * len(asked)
    for found, parts in ((folds, [str(one.fold) for one in asked]), (sets, [one.group for one in asked])):
        for name in set(parts):
            weights, intercept = fitted([one for one, part in zip(asked, parts, strict=True) if part != name])
            for index, part in enumerate(parts):
                if part == name:
                    (found[index],) = sums([asked[index]], weights, intercept)
    print("| no strong hit where none is right | right first hits strong | the same, each set judged by the others |")
    print("|---|---|---|")
    for quiet in (0.8, 0.85, 0.9, 0.925, 0.95, 0.975):
        print(f"| {quiet:.3f} | {kept(asked, folds, quiet):.3f} | {kept(asked, sets, quiet):.3f} |")
    weights, intercept = fitted(asked)
    strong, fair = thresholds(asked, folds)
    print(f"\nOver folds, strong from {strong:.2f}, fair from {fair:.2f}:\n")
    table(asked, [np.where(hits >= strong, 2, np.where(hits >= fair, 1, 0)) for hits in folds])
    print("\nAs the product judges now:\n")
    levels = ("weak", "fair", "strong")
    table(asked, [np.array([levels.index(judge(hit)) for hit in one.evidence]) for one in asked])
    print(f"\nWEIGHTS = ({', '.join(f'{weight:.2f}' for weight in weights)})\nINTERCEPT = {intercept:.2f}")
    print(f"STRONG_FROM, FAIR_FROM = {strong:.2f}, {fair:.2f}")


def kept(asked: Sequence[Asked], found: Sequence[Values], quiet: float) -> float:
    """Share of right first hits above the threshold that leaves such a share of the unanswerable without any."""
    best = [hits.max(initial=-99.0) for one, hits in zip(asked, found, strict=True) if not one.answerable]
    right = [hits[0] for one, hits in zip(asked, found, strict=True) if one.answerable and one.right]
    return float(np.mean(np.array(right) > np.quantile(best, quiet)))


def table(asked: Sequence[Asked], levels: Sequence[Values]) -> None:
    columns = ("set", "right first hits", "strong", "weak", "without its set: none strong", "all weak")
    print(f"| {' | '.join(columns)} | near misses: none strong |")
    print("|---" * (len(columns) + 1) + "|")
    pairs = list(zip(asked, levels, strict=True))
    for name in (*sorted({one.group for one in asked}), "all"):
        mine = [(one, level) for one, level in pairs if name in (one.group, "all")]
        right = np.array([level[0] for one, level in mine if one.answerable and one.right])
        away = np.array([level.max(initial=0) for one, level in mine if not one.answerable and not one.near])
        near = np.array([level.max(initial=0) for one, level in mine if one.near])
        shares = (np.mean(right == 2), np.mean(right == 0), np.mean(away < 2), np.mean(away == 0), np.mean(near < 2))
        print(f"| {name} | {len(right)} | " + " | ".join(f"{share:.2f}" for share in shares) + " |")


if __name__ == "__main__":
    main()

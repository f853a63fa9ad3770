"""Measures retrieval through the product: all sets in ONE library, all questions, each lane alone and all together.

    python benchmarks/quality.py DATA [--library FOLDER] [--folds 5]

DATA holds one folder per set: `files/` and `queries.jsonl` with lines
{"id", "query", "group", "relevant": [{"file", "page"?, "grade"}]}. Prints a Markdown table. Where pages are asked for,
`document given` asks again within the document of the first right page. With `--folds` the questions are split by
document, and the constants of fusion are fitted on all folds but one and judged on that one.
nDCG@10 (Järvelin & Kekäläinen 2002) with the grades as gains; 95 % intervals by 1,000 bootstrap samples.
"""

import argparse
import json
import math
import random
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from benchmarks import folds
from mcp_mmretrieval.answers import Hit
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.types import ALL_LANES, Lane

DEPTH = 10
GIVEN = "document given"
MEASURED_LANES: dict[str, tuple[Lane, ...] | None] = {"all": None, **{lane: (lane,) for lane in ALL_LANES}}

Target = tuple[str, int | None]
"""File name and page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    query: str
    group: str
    grades: dict[Target, int]


@dataclass(slots=True)
class Figures:
    """One value a question."""

    ndcg: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)
    found: list[float] = field(default_factory=list)

    def add(self, ranked: Sequence[Target], grades: dict[Target, int]) -> None:
        gains = [grades.get(target, 0) for target in ranked[:DEPTH]]
        ideal = sorted(grades.values(), reverse=True)[:DEPTH]
        self.ndcg.append(discounted(gains) / discounted(ideal))
        self.first.append(float(bool(gains) and gains[0] > 0))
        self.recall.append(sum(gain > 0 for gain in gains) / min(DEPTH, len(grades)))
        self.found.append(float(any(gain > 0 for gain in gains)))

    def row(self) -> str:
        return " | ".join(interval(values) for values in (self.ndcg, self.first, self.recall, self.found))


def discounted(gains: Iterable[float]) -> float:
    return sum(gain / math.log2(rank + 2) for rank, gain in enumerate(gains))


def interval(values: Sequence[float]) -> str:
    """Mean and the 95 % bootstrap interval of the mean."""
    chance = random.Random(0)
    means = sorted(sum(chance.choices(values, k=len(values))) / len(values) for _ in range(1000))
    return f"{sum(values) / len(values):.3f} [{means[25]:.2f}, {means[974]:.2f}]"


def questions(folder: Path) -> list[Question]:
    lines = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        Question(
            query=row["query"],
            group=row["group"],
            grades={(item["file"], item.get("page")): item["grade"] for item in row["relevant"]},
        )
        for row in map(json.loads, lines)
    ]


def targets(hits: Iterable[Hit], paged: bool) -> list[Target]:
    """Files, with their pages where the set asks for pages, each once, best first."""
    found = ((Path(hit.path).name, hit.segment.place.page if paged else None) for hit in hits)
    return list(dict.fromkeys(found))


def add(library: Library, folder: Path) -> float:
    """Seconds until everything is read and embedded."""
    began = time.monotonic()
    outcome = library.add([str(folder)]).wait()
    assert outcome.state == "done", outcome
    for failure in outcome.failed:
        sys.stderr.write(f"{failure.path}: {failure.code}: {failure.reason}\n")
    library.settle()
    return time.monotonic() - began


def asks_for_pages(asked: Sequence[Question]) -> bool:
    return any(page is not None for question in asked for _, page in question.grades)


def measure(library: Library, asked: Sequence[Question]) -> dict[str, dict[str, Figures]]:
    """Figures by lanes and group; group `all` holds every question."""
    paged = asks_for_pages(asked)
    results: dict[str, dict[str, Figures]] = {name: defaultdict(Figures) for name in MEASURED_LANES}
    if paged:
        results[GIVEN] = defaultdict(Figures)
    for name in results:
        for question in asked:
            document = next(iter(question.grades))[0] if name == GIVEN else None
            filters = library.filters(document=document)
            answer = library.search(question.query, limit=DEPTH, lanes=MEASURED_LANES.get(name), filters=filters)
            ranked = targets(answer.hits, paged)
            for group in ("all", question.group):
                results[name][group].add(ranked, question.grades)
    return results


def cross_validate(library: Library, sets: dict[str, list[Question]], count: int, out: TextIO) -> None:
    """Print how the constants of fusion do on documents that they were not fitted to, beside the best single lane."""
    asked = [(name, question) for name, questions_of in sets.items() for question in questions_of]
    where = [folds.fold(next(iter(question.grades))[0], count) for _, question in asked]
    recorded = []
    for _, question in asked:
        with folds.recording() as one:
            library.search(question.query, limit=DEPTH)
        recorded.append(one)
    shown = ShownTargets(library)

    def judged(values: Mapping[str, float]) -> list[float]:
        figures = Figures()
        with folds.constants(values):
            for (name, question), one in zip(asked, recorded, strict=True):
                keys = folds.refused(one) if "fuse" in one.calls else []
                figures.add(shown.of(keys, asks_for_pages(sets[name])), question.grades)
        return figures.ndcg

    now = judged({})
    tried = {name: {value: judged({name: value}) for value in values} for name, values in folds.CONSTANTS.items()}
    sizes = {name: len(questions_of) for name, questions_of in sets.items()}
    held_out = [0.0] * len(asked)
    fits: dict[str, list[float]] = defaultdict(list)
    for number in range(count):
        weights = [0.0 if at == number else 1 / sizes[name] for at, (name, _) in zip(where, asked, strict=True)]
        best = folds.fitted(tried, weights)
        for name, value in best.items():
            fits[name].append(value)
        for at, value in enumerate(judged(best)):
            if where[at] == number:
                held_out[at] = value
    print(
        f"\n| set | as it is | fitted on the other folds | best single lane | ({count} folds, nDCG@10 ± deviation)",
        file=out,
    )
    print("|---|---|---|---|---|", file=out)
    for name, questions_of in sets.items():
        of_set = [at for at, (other, _) in enumerate(asked) if other == name]
        split = [where[at] for at in of_set]
        lanes = {lane: measure_lane(library, questions_of, lane) for lane in ALL_LANES}
        means = {lane: folds.mean_over_folds(values, split) for lane, values in lanes.items()}
        lane = max(means, key=lambda each: means[each][0])
        figures = [folds.mean_over_folds([values[at] for at in of_set], split) for values in (now, held_out)]
        cells = [f"{mean:.3f} ± {spread:.3f}" for mean, spread in (*figures, means[lane])]
        print(f"| {name} | {' | '.join(cells)} | {lane} |", file=out)
    print("\nConstants fitted on all folds but one, fold by fold:", file=out)
    for name, values in fits.items():
        print(f"- {name}: {', '.join(f'{value:g}' for value in values)}", file=out)


def measure_lane(library: Library, asked: Sequence[Question], lane: Lane) -> list[float]:
    """nDCG@10 of one lane alone, one a question."""
    figures = Figures()
    for question in asked:
        answer = library.search(question.query, limit=DEPTH, lanes=(lane,))
        figures.add(targets(answer.hits, asks_for_pages(asked)), question.grades)
    return figures.ndcg


class ShownTargets:
    """Which file and page a key stands for."""

    def __init__(self, library: Library) -> None:
        self._catalog = library._catalog
        self._known: dict[int, Target] = {}

    def of(self, keys: Sequence[int], paged: bool) -> list[Target]:
        """As `targets`, for the keys of segments."""
        new = [key for key in keys if key not in self._known]
        for key, stored in self._catalog.segments(new).items():
            file = self._catalog.files_of_one(stored.segment.document)[0]
            self._known[key] = Path(file.path).name, stored.segment.place.page
        found = (self._known[key] for key in keys)
        return list(dict.fromkeys((name, page if paged else None) for name, page in found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=lambda path: Path(path).resolve())
    parser.add_argument("--library", type=Path, help="kept between runs; default: a new one")
    parser.add_argument("--folds", type=int, help="cross-validate the constants of fusion over so many folds")
    arguments = parser.parse_args()
    sets = sorted(path.parent for path in arguments.data.glob("*/queries.jsonl"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.library or Path(scratch) / "library"
        with Library.open(folder, roots=[path / "files" for path in sets]) as library:
            seconds = {path.name: add(library, path / "files") for path in sets}
            print("| set | group | questions | lanes | nDCG@10 | hit@1 | recall@10 | hit@10 |")
            print("|---|---|---|---|---|---|---|---|")
            for path in sets:
                for name, groups in measure(library, questions(path)).items():
                    for group, figures in sorted(groups.items()):
                        print(f"| {path.name} | {group} | {len(figures.ndcg)} | {name} | {figures.row()} |")
            if arguments.folds:
                cross_validate(library, {path.name: questions(path) for path in sets}, arguments.folds, sys.stdout)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nSeconds to add: {', '.join(f'{name} {value:.0f}' for name, value in seconds.items())}.")
    print(f"Peak memory, parsers not counted: {peak:.0f} MiB.")


if __name__ == "__main__":
    main()

"""Measures retrieval through the product: all sets in ONE library, all questions, each lane alone and all together.

    python benchmarks/quality.py DATA [--library FOLDER] [--out FILE]

DATA holds one folder per set: `files/` and `queries.jsonl` with lines
{"id", "query", "group", "relevant": [{"file", "page"?, "grade"}]}. Prints a Markdown table.
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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mcp_mmretrieval.answers import Hit
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.types import ALL_LANES, Lane

DEPTH = 10
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


def measure(library: Library, asked: Sequence[Question]) -> dict[str, dict[str, Figures]]:
    """Figures by lanes and group; group `all` holds every question."""
    paged = any(page is not None for question in asked for _, page in question.grades)
    results: dict[str, dict[str, Figures]] = {name: defaultdict(Figures) for name in MEASURED_LANES}
    for name, lanes in MEASURED_LANES.items():
        for question in asked:
            answer = library.search(question.query, limit=DEPTH, lanes=lanes)
            ranked = targets(answer.hits, paged)
            for group in ("all", question.group):
                results[name][group].add(ranked, question.grades)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=lambda path: Path(path).resolve())
    parser.add_argument("--library", type=Path, help="kept between runs; default: a new one")
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
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nSeconds to add: {', '.join(f'{name} {value:.0f}' for name, value in seconds.items())}.")
    print(f"Peak memory, parsers not counted: {peak:.0f} MiB.")


if __name__ == "__main__":
    main()

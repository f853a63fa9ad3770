"""Cross-validates the constants of fusion: fitted on the other folds, judged on one. Folds are split by document.

    python -m benchmarks.folds DATA [--work FOLDER] [--folds 5]

DATA holds sets as `mcp-mmretrieval eval` takes them. Each question is searched once; what its lanes found is fused
again with other constants, which takes milliseconds. Prints nDCG@10 by set beside the best single lane, and the
constants.
"""

import argparse
import math
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mcp_mmretrieval.bench.evaluation.asking import Asker
from mcp_mmretrieval.bench.evaluation.evaluate import library_of_sets
from mcp_mmretrieval.bench.evaluation.measures import DEPTH, measured
from mcp_mmretrieval.bench.evaluation.question_sets import QuestionSet, question_sets
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.searching import fusion
from mcp_mmretrieval.types import ALL_LANES

CONSTANTS: dict[str, tuple[float, ...]] = {
    "words slope": (0.6, 0.7, 0.8, 0.9),
    "text offset": (-0.2, -0.1, 0.0),
    "text slope": (0.75, 0.85, 1.0),
    "picture offset": (0.25, 0.35, 0.45),
    "picture slope": (1.1, 1.2, 1.3),
    "CONTEXT_WEIGHT": (0.35, 0.45, 0.55),
    "PICTURE_WORDS": (4, 5, 7),
}
"""What is tried for each constant of `searching.fusion`; all others stay as they are meanwhile."""


@dataclass(slots=True)
class Recorded:
    """What one search gave to fusion, and in which call of each function."""

    calls: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = field(default_factory=dict)


@contextmanager
def recording() -> Iterator[Recorded]:
    """Note what is given to fusion within; the last call counts."""
    recorded = Recorded()
    names = ("fuse", "builtin_scales", "merge_places", "diversify")
    originals = {name: getattr(fusion, name) for name in names}

    def noting(name: str) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            recorded.calls[name] = given, named
            return originals[name](*given, **named)

        return call

    for name in names:
        setattr(fusion, name, noting(name))
    try:
        yield recorded
    finally:
        for name, original in originals.items():
            setattr(fusion, name, original)


@contextmanager
def constants(values: Mapping[str, float]) -> Iterator[None]:
    """With other constants of fusion within."""
    scales: dict[str, fusion.LaneScale] = {str(lane): scale for lane, scale in fusion.BUILTIN_SCALES.items()}
    others: dict[str, object] = {name: value for name, value in values.items() if " " not in name}
    before = {name: getattr(fusion, name) for name in (*others, "BUILTIN_SCALES")}
    for name, value in values.items():
        lane, _, what = name.partition(" ")
        if what:
            scales[lane] = replace(scales[lane], **{what: value})  # type: ignore[arg-type]
    try:
        for name, changed in {**others, "BUILTIN_SCALES": scales}.items():
            setattr(fusion, name, changed)
        yield
    finally:
        for name, original in before.items():
            setattr(fusion, name, original)


def refused(recorded: Recorded) -> list[int]:
    """The keys that the search would show with the constants as they are now, best first."""
    (lanes, *_), named = recorded.calls["fuse"]
    scales = fusion.builtin_scales(*recorded.calls["builtin_scales"][0])
    places = recorded.calls["merge_places"][0][1]
    _, modalities, limit = recorded.calls["diversify"][0]
    fused = fusion.fuse(lanes, **{**named, "scales": scales})
    return [place.hit.key for place in fusion.diversify(fusion.merge_places(fused, places), modalities, limit)]


def fold(document: str, folds: int) -> int:
    """The fold of all questions on a document."""
    return zlib.crc32(document.encode()) % folds


def fitted(values: Mapping[str, Mapping[float, Sequence[float]]], weights: Sequence[float]) -> dict[str, float]:
    """For each constant the value with the highest weighted sum; `values`: one number a question."""
    return {
        name: max(tried, key=lambda value: sum(w * x for w, x in zip(weights, tried[value], strict=True)))
        for name, tried in values.items()
    }


def mean_over_folds(values: Sequence[float], folds: Sequence[int]) -> tuple[float, float]:
    """The mean of the folds' means, and their standard deviation."""
    groups: dict[int, list[float]] = defaultdict(list)
    for value, number in zip(values, folds, strict=True):
        groups[number].append(value)
    means = [sum(group) / len(group) for group in groups.values()]
    mean = sum(means) / len(means)
    return mean, math.sqrt(sum((each - mean) ** 2 for each in means) / len(means))


# -- the table --------------------------------------------------------------------------------------------------------


class ShownTargets:
    """Which file, or page of it, a key stands for."""

    def __init__(self, library: Library) -> None:
        self._catalog = library._catalog
        self._known: dict[int, tuple[str, int | None]] = {}

    def of(self, keys: Sequence[int], paged: bool) -> list[str]:
        """As a run names them."""
        new = [key for key in keys if key not in self._known]
        for key, stored in self._catalog.segments(new).items():
            file = self._catalog.files_of_one(stored.segment.document)[0]
            self._known[key] = Path(file.path).name, stored.segment.place.page
        found = (self._known[key] for key in keys)
        return list(dict.fromkeys(f"{name}#page={page}" if paged and page else name for name, page in found))


def cross_validate(library: Library, sets: Sequence[QuestionSet], count: int) -> None:
    """Print how the constants of fusion do on documents that they were not fitted to, beside the best single lane."""
    paged = {one.name: any(question.paged for question in one.questions) for one in sets}
    asked = [(one.name, question) for one in sets for question in one.questions if question.grades]
    where = [fold(min(question.documents), count) for _, question in asked]
    recorded = []
    for _, question in asked:
        with recording() as one_search:
            library.search(question.query, limit=DEPTH)
        recorded.append(one_search)
    shown = ShownTargets(library)

    def judged(values: Mapping[str, float]) -> list[float]:
        with constants(values):
            ranked = [
                shown.of(refused(one) if "fuse" in one.calls else [], paged[name])
                for (name, _), one in zip(asked, recorded, strict=True)
            ]
        return measured([(question, found) for (_, question), found in zip(asked, ranked, strict=True)])["nDCG@10"]

    now = judged({})
    tried = {name: {value: judged({name: value}) for value in values} for name, values in CONSTANTS.items()}
    sizes = {name: sum(other == name for other, _ in asked) for name in paged}
    held_out = [0.0] * len(asked)
    fits: dict[str, list[float]] = defaultdict(list)
    for number in range(count):
        weights = [0.0 if at == number else 1 / sizes[name] for at, (name, _) in zip(where, asked, strict=True)]
        best = fitted(tried, weights)
        for name, value in best.items():
            fits[name].append(value)
        for at, value in enumerate(judged(best)):
            if where[at] == number:
                held_out[at] = value
    print(f"| set | as it is | fitted on the other folds | best single lane | ({count} folds, nDCG@10 ± deviation)")
    print("|---|---|---|---|---|")
    for one in sets:
        of_set = [at for at, (name, _) in enumerate(asked) if name == one.name]
        split = [where[at] for at in of_set]
        asker = Asker(library, one.questions)
        questions = [asked[at][1] for at in of_set]
        lanes = {}
        for lane in ALL_LANES:
            found = [(each, asker.ask(each, lane, paged=paged[one.name]).ranked) for each in questions]
            lanes[lane] = mean_over_folds(measured(found)["nDCG@10"], split)
        best_lane = max(lanes, key=lambda each: lanes[each][0])
        figures = [mean_over_folds([values[at] for at in of_set], split) for values in (now, held_out)]
        cells = [f"{mean:.3f} ± {spread:.3f}" for mean, spread in (*figures, lanes[best_lane])]
        print(f"| {one.name} | {' | '.join(cells)} | {best_lane} |")
    print("\nConstants fitted on all folds but one, fold by fold:")
    for name, values in fits.items():
        print(f"- {name}: {', '.join(f'{value:g}' for value in values)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=lambda path: Path(path).resolve())
    parser.add_argument("--work", type=Path, help="the library of the sets, kept between runs; default: a new one")
    parser.add_argument("--folds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        sets = question_sets([arguments.data], None, Path(scratch) / "corpora")
        settings = Settings.read(library=arguments.work or Path(scratch) / "library")
        with library_of_sets(sets, settings, lambda what, done, total: None) as library:
            cross_validate(library, sets, arguments.folds)


if __name__ == "__main__":
    main()

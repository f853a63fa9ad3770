"""How a library grows: each call at 10,000 passages, at 100,000, and at a million if it is asked to.

    python -m benchmarks.scale [--sizes 10000 100000] [--json FILE]
    python -m benchmarks.scale --simulate

One library is filled in place: documents of 1 to 40 passages (9.7 on average) of 100 words by Zipf's law (s = 1) over
50,000 words; vectors of 2,000 topics around real vectors of the built-in model, which also embeds the questions; ten
folders of ten sizes, a file at each path. At each size a fresh process opens it and asks. Printed are milliseconds on
the clock (p50, p95) and of the processor (all processes), and how often those of the first size they are.

`--simulate`: with how many reading machines one committer keeps up, at half a second a file and 2 or 8 ms a commit.

A million passages take about an hour and 12 GB.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.processes import processor_seconds, pss
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.store import Catalog, Document, File, Store, VectorRows
from mcp_mmretrieval.types import Identity, Lane, Modality, Place, Segment, Vectors

WORDS, PASSAGE_WORDS, TOPICS, NOISE = 50_000, 100, 2_000, 0.7
MAX_PASSAGES, MORE = 40, 0.893
"""Of a document, and how likely one has another: 9.3 on average with the bound."""
TOGETHER = 100
"""Documents in one transaction of the filling."""
CALLS, WARMING = 60, 5
SEARCH_LANES: dict[str, tuple[Lane, ...]] = {"words": ("words",), "vectors": ("text",), "all lanes": ()}
PATIENCE = 7_200.0
DAY = 86_400.0


class Vocabulary:
    """Words that no language has, the first the most frequent."""

    def __init__(self) -> None:
        chance, known = random.Random(1), dict[str, None]()
        while len(known) < WORDS:
            syllables = chance.choices([a + b for a in "bdfgklmnprstvz" for b in "aeiou"], k=chance.randint(2, 4))
            known["".join(syllables)] = None
        self.words = np.array([*known])
        weights = 1 / np.arange(1, WORDS + 1)
        self._reach = np.cumsum(weights / weights.sum())

    def text(self, chance: np.random.Generator, count: int) -> str:
        ranks = np.minimum(np.searchsorted(self._reach, chance.random(count)), WORDS - 1)
        return " ".join(self.words[ranks])


@dataclass(frozen=True, slots=True)
class Filling:
    """What the documents are made of."""

    root: Path
    space: int
    reading: Identity
    centres: Vectors
    """Of the topics, of shape (TOPICS, dim), length 1."""
    vocabulary: Vocabulary

    def grow(self, store: Store, held: int, wanted: int) -> int:
        """Add documents until there are so many passages; how many there are. Nothing else may have the library."""
        catalog, told = store.catalog, held
        reading = catalog.reading(self.reading)
        while held < wanted:
            with catalog.together():
                some = []
                for _ in range(TOGETHER):
                    some.append(self._read(catalog, reading, held))
                    held += some[-1][1]
            with catalog.together():
                for id, count in some:
                    self._embed(catalog, id, count)
            if held // 20_000 != told // 20_000:
                print(f"{held:,} passages", file=sys.stderr, flush=True)
            told = held
        if not store.index.wait(PATIENCE):
            raise RuntimeError("the index does not come to an end")
        return held

    def _read(self, catalog: Catalog, reading: int, number: int) -> tuple[str, int]:
        """Its id, and how many passages it has."""
        chance = np.random.default_rng(number)
        count = min(MAX_PASSAGES, int(chance.geometric(1 - MORE)))
        page = chance.random() < 1 / 3
        path = self.root / f"folder{int(10 * chance.random() ** 2)}" / f"{number}.{'pdf' if page else 'md'}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
        when = 1_700_000_000 + int(chance.integers(0, 1_000)) * DAY
        os.utime(path, (when, when))
        id = f"{number:064x}"
        modality: Modality = "page" if page else "text"
        places = [Place(page=at + 1) if page else Place(first=at * 900, last=at * 900 + 800) for at in range(count)]
        segments = [
            Segment(document=id, modality=modality, place=place, text=self.vocabulary.text(chance, PASSAGE_WORDS))
            for place in places
        ]
        state = path.stat()
        file = File(path=str(path), document=id, size=state.st_size, mtime_ns=state.st_mtime_ns)
        catalog.commit_read(Document(id=id, modality=modality, reading=reading, bytes=1), segments, file=file)
        return id, count

    def _embed(self, catalog: Catalog, id: str, count: int) -> None:
        keys = [stored.key for stored in catalog.segments_of(id)]
        vectors = self._vectors(np.random.default_rng(int(id, 16) + 1), count)
        if not catalog.commit_embedded(
            id, self.space, [VectorRows(kind="text", segments=keys, parts=[0] * count, vectors=vectors)]
        ):
            raise RuntimeError(f"{id} could not be stored")

    def _vectors(self, chance: np.random.Generator, count: int) -> Vectors:
        own = self.centres[(int(chance.integers(TOPICS)) + chance.integers(0, 3, count)) % TOPICS]
        noise = chance.standard_normal(own.shape) * (NOISE / math.sqrt(own.shape[1]))
        rows = own + noise
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def begun(folder: Path, root: Path) -> Filling:
    """A new library with a note, and so with the space of the built-in model; topics by its vectors of sentences."""
    vocabulary, chance = Vocabulary(), np.random.default_rng(2)
    with Library.open(folder, roots=[root]) as library:
        library.add(text="A first note.", title="first").wait(PATIENCE)
        library.settle(PATIENCE)
        space = library._catalog.active_space()
        if space is None:
            raise RuntimeError("The built-in model is not there: pip install 'mcp-mmretrieval[builtin]'.")
        embedder = library._shared.rollout.embedder(PATIENCE)
        texts = [vocabulary.text(chance, 12) for _ in range(TOPICS)]
        centres = np.concatenate([embedder.embed_documents(texts[at : at + 256]) for at in range(0, TOPICS, 256)])
        return Filling(root, space.id, library._shared.reader.identity, centres, vocabulary)


@dataclass
class Measured:
    """Milliseconds by call: p50 and p95 on the clock, the mean of the processor; other figures by name and unit."""

    calls: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)


def measure(folder: Path, root: Path) -> Measured:
    """Ask a library that nobody else has open."""
    found = Measured()
    began = time.perf_counter()
    with Library.open(folder, roots=[root]) as library:
        found.figures["open, ms"] = (time.perf_counter() - began) * 1000
        library.search("a first note", lanes=("words",))
        found.figures["open to the first answer by words, ms"] = (time.perf_counter() - began) * 1000
        if not library._shared.store.index.wait(PATIENCE):
            raise RuntimeError("the index is not complete")
        found.figures["open to a whole index, ms"] = (time.perf_counter() - began) * 1000
        words, common = (asked_of(library, *ranks) for ranks in ((50, WORDS), (10, 200)))
        library.search(next(words), deadline=PATIENCE)

        def call(name: str, ask: Callable[[], object], times: int = CALLS) -> None:
            for _ in range(WARMING):
                ask()
            computed, clock = _computed(folder), []
            for _ in range(times):
                since = time.perf_counter()
                ask()
                clock.append((time.perf_counter() - since) * 1000)
            computed = (_computed(folder) - computed) * 1000 / times
            found.calls[name] = statistics.median(clock), sorted(clock)[int(0.95 * times)], computed

        def search(questions: Iterator[str], **options: Any) -> Callable[[], object]:
            return lambda: library.search(next(questions), **options)

        for name, lanes in SEARCH_LANES.items():
            call(f"search, {name}", search(words, lanes=lanes or None))
        call("search, common words alone", search(common, lanes=("words",)))
        within = {
            "a folder of 5 %": library.filters(under=str(root / "folder9")),
            "the last 10 % of time": library.filters(after="2026-05-01"),
            "pages": library.filters(modality=("page",)),
        }
        for name, filters in within.items():
            call(f"search, {name}", search(words, filters=filters))
        call("status", library.status)
        call("list_documents, the first page", library.documents)
        total = library.documents(limit=1)[1]
        call("list_documents, the last page", lambda: library.documents(offset=max(0, total - 50)))
        call("a note, until it is acknowledged", lambda: library.add(text=next(words)).wait(PATIENCE), 20)
        library.settle(PATIENCE)
        mine = next(
            line for line in Path("/proc/self/smaps_rollup").read_text().splitlines() if line.startswith("Pss:")
        )
        found.figures["memory of all processes, MB"] = pss(folder) + int(mine.split()[1]) / 1000
        found.figures["documents"] = total
    found.figures["disk, MB"] = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
    return found


def asked_of(library: Library, first: int, last: int) -> Iterator[str]:
    """Four words of one passage, of these ranks: passages that answer are there, as where people ask."""
    known = {word: rank for rank, word in enumerate(Vocabulary().words.tolist())}
    chance, total = random.Random(3), library.documents(limit=1)[1]
    questions = list[str]()
    while len(questions) < 8 * CALLS:  # none is asked twice, for a query asked again is not embedded again
        (document,), _ = library.documents(limit=1, offset=chance.randrange(total))
        words = {word for word in library.look(document.id).text.split() if first <= known.get(word, 0) < last}
        if len(words) >= 4:
            questions.append(" ".join(chance.sample(sorted(words), 4)))
    return itertools.cycle(questions)


def _computed(folder: Path) -> float:
    return time.process_time() + processor_seconds(folder)


def table(sizes: list[int], measured: list[Measured]) -> Iterator[str]:
    first = measured[0]
    yield f"| | {' | '.join(f'{size:,}' for size in sizes)} | growth |"
    yield "|---" * (len(sizes) + 2) + "|"
    for name in first.calls:
        cells = ["{:.1f} / {:.1f} / {:.1f}".format(*one.calls[name]) for one in measured]
        (p50, _, computed), last = first.calls[name], measured[-1].calls[name]
        yield f"| {name} | {' | '.join(cells)} | {last[0] / p50:.2f} / {last[2] / max(computed, 0.01):.2f} |"
    for name, value in first.figures.items():
        cells = [f"{one.figures[name]:,.0f}" for one in measured]
        yield f"| {name} | {' | '.join(cells)} | {measured[-1].figures[name] / value:.2f} |"


def simulate(commit_ms: float, readers: int, file_s: float, *, files: int = 20_000) -> tuple[float, float]:
    """Files a second of so many readers before one committer, and the share of time that it is busy.

    A reader takes `file_s` seconds for a file (exponential), and holds it until its turn to commit.
    """
    chance, free = random.Random(4), 0.0
    ready = sorted(chance.expovariate(1 / file_s) for _ in range(readers))
    for _ in range(files):
        since = max(heapq.heappop(ready), free)
        free = since + commit_ms / 1000
        heapq.heappush(ready, free + chance.expovariate(1 / file_s))
    return files / free, files * commit_ms / 1000 / free


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000], metavar="PASSAGES")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--simulate", action="store_true")
    parser.add_argument("--measure", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        one = measure(asked.measure / "library", asked.measure / "files")
        print(json.dumps({"calls": one.calls, "figures": one.figures}))
        return
    if asked.simulate:
        print("| readers | files a second, 2 ms a commit | busy | 8 ms | busy |", "|---|---|---|---|---|", sep="\n")
        for readers in (1, 2, 4, 8, 16, 32, 64, 128, 256):
            fast, slow = (simulate(commit, readers, 0.5) for commit in (2.0, 8.0))
            print(f"| {readers} | {fast[0]:.0f} | {fast[1]:.0%} | {slow[0]:.0f} | {slow[1]:.0%} |")
        return
    with tempfile.TemporaryDirectory() as made:
        (root := Path(made) / "files").mkdir()
        measured, held = list[Measured](), 0
        filling = begun(Path(made) / "library", root)
        for size in sorted(asked.sizes):
            with Store.open(Path(made) / "library") as store:
                held = filling.grow(store, held, size)
            command = [sys.executable, "-m", "benchmarks.scale", "--measure", made]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            told = json.loads(done.stdout)
            measured.append(Measured({name: tuple(row) for name, row in told["calls"].items()}, told["figures"]))
            print(*table(sorted(asked.sizes)[: len(measured)], measured), sep="\n", flush=True)
            if asked.json:
                asked.json.write_text(json.dumps([vars(one) for one in measured], indent=1))


if __name__ == "__main__":
    main()

"""What the scheduler costs and what it is good for, with the built-in text model.

    python -m benchmarks.scheduling [--windows 600] [--rounds 3] [--notes 300] [--only throughput|searches]

Throughput: this project's own texts, cut into the model's windows, through the product, against the same windows given
to plain sentence-transformers in several batchings sorted by hand, whose lengths are known beforehand. Each round runs
all of them in one process, in another order; they are compared within their round, and the median over the rounds
counts: by the clock, and by the processor's time, which a busy machine disturbs less.

Searches: the p50 of a search in an idle library, then p50 and p95 while a bulk add runs, all questions different. The
bound is 3 times the idle p50 plus 0.5 s.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mcp_mmretrieval.concurrency import foreground
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.models.device import threads
from mcp_mmretrieval.models.weights import MINILM_WHEEL

ROOT = Path(__file__).parent.parent
BY_HAND = [(1_024, 0.8), (2_048, 0.8), (2_048, 0.95), (4_096, 0.8), (8_192, 0.5)]
"""Tokens of a batch with its padding, and shortest to longest text in it."""
THINKING = 0.15
"""Seconds between an answer and the next question."""


def paragraphs() -> list[str]:
    """Of this project's documents and sources, shuffled: lengths as they come in prose and code."""
    files = sorted([*ROOT.glob("*.md"), *ROOT.glob("mcp_mmretrieval/**/*.py"), *ROOT.glob("tests/**/*.py")])
    found = [part.strip() for file in files for part in file.read_text(encoding="utf-8").split("\n\n")]
    found = [part for part in dict.fromkeys(found) if len(part.split()) > 3]
    random.Random(1).shuffle(found)
    return found


@dataclass
class Taken:
    """Seconds of each round."""

    clock: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def time(self, work: Callable[[], object]) -> None:
        clock, processor = time.perf_counter(), time.process_time()
        work()
        self.clock.append(time.perf_counter() - clock)
        self.processor.append(time.process_time() - processor)


def batches(lengths: Sequence[int], tokens: int, even: float) -> Iterator[list[int]]:
    """Rows sorted by length, cut by hand."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        longest = lengths[batch[0]] if batch else 0
        if batch and (longest * (len(batch) + 1) > tokens or lengths[row] < even * longest):
            yield batch
            batch = []
        batch.append(row)
    yield batch


def throughput(settings: Settings, count: int, rounds: int) -> None:
    threads.set_thread_environment()  # before torch and CTranslate2 are imported
    from sentence_transformers import SentenceTransformer

    from mcp_mmretrieval.models.builtin.minilm import MiniLM
    from mcp_mmretrieval.models.device import device

    text = MiniLM(threads.thread_budget(0), device.shared_device(settings, "cpu"), settings.cache)
    plain = SentenceTransformer(str(MINILM_WHEEL.locate()), device="cpu", local_files_only=True)
    windows = [window for part in paragraphs() for window in text.windows(part)][:count]
    lengths = [len(ids) for ids in plain.tokenizer(windows)["input_ids"]]

    def by_hand(tokens: int, even: float) -> None:
        for rows in batches(lengths, tokens, even):
            plain.encode([{"text": windows[row]} for row in rows], batch_size=len(rows), show_progress_bar=False)

    methods: dict[str, Callable[[], object]] = {
        "the product": lambda: text.encode(windows),
        "the product, as a library adds: 256 at a time": lambda: [
            text.encode(windows[start : start + 256]) for start in range(0, len(windows), 256)
        ],
        "plain, 32 at a time": lambda: plain.encode([{"text": one} for one in windows], show_progress_bar=False),
    }
    for tokens, even in BY_HAND:
        methods[f"by hand, {tokens:,} tokens, {even:g} even"] = lambda tokens=tokens, even=even: by_hand(tokens, even)  # type: ignore[misc]
    text.encode(windows[:50])
    by_hand(*BY_HAND[0])
    taken = {name: Taken() for name in methods}
    order, chance = list(methods), random.Random(3)
    for _ in range(rounds):
        for name in chance.sample(order, len(order)):
            taken[name].time(methods[name])
    print(f"{len(windows)} windows, {sum(lengths):,} tokens, {rounds} rounds, {threads.thread_budget(0)} threads.\n")
    print(
        "| | tokens/s | a second of the processor | product's speed / its | by the processor |\n|---|---|---|---|---|"
    )
    for name, one in taken.items():
        speeds = [sum(lengths) / statistics.median(seconds) for seconds in (one.clock, one.processor)]
        ratios = [
            statistics.median(its / ours for its, ours in zip(seconds, own, strict=True))
            for seconds, own in ((one.clock, taken[order[0]].clock), (one.processor, taken[order[0]].processor))
        ]
        print(f"| {name} | {speeds[0]:,.0f} | {speeds[1]:,.0f} | {ratios[0]:.2f} | {ratios[1]:.2f} |")


def searches(folder: Path, notes: int) -> None:
    root, chance, texts = folder / "files", random.Random(2), paragraphs()
    for name, number in (("first", 100), ("more", notes)):
        (root / name).mkdir(parents=True)
        for note in range(number):
            body = "\n\n".join(chance.sample(texts, 8))
            (root / name / f"{note}.md").write_text(f"# Note {name} {note}\n\n{body}\n", encoding="utf-8")
    words = [word for part in texts for word in part.split() if word.isalpha()]
    with Library.open(settings=Settings.read(library=folder / "library", roots=(root,))) as library:

        def ask() -> float:
            query = " ".join(chance.choices(words, k=6))
            began = time.perf_counter()
            with foreground.foreground_request():  # as the server does
                answer = library.search(query)
            took = time.perf_counter() - began
            assert "text" in {lane for hit in answer.hits for lane in hit.lanes}, answer
            return took

        library.add([str(root / "first")]).wait()
        library.settle()
        ask()
        idle = statistics.median(ask() for _ in range(100))
        job = library.add([str(root / "more")])
        busy: list[float] = []
        began = time.perf_counter()
        while job.outcome.state == "running" or library.working:
            busy.append(ask())
            time.sleep(chance.uniform(0, 2 * THINKING))
        took = time.perf_counter() - began
    cuts, bound = statistics.quantiles(busy, n=100), 3 * idle + 0.5
    print("| a search, in ms | p50 | p95 | p99 | longest |\n|---|---|---|---|---|")
    print(f"| idle | {idle * 1000:.0f} | | | |")
    print(
        f"| while {notes} notes are added ({took:.0f} s, {len(busy)} searches) | {cuts[49] * 1000:.0f} | "
        f"{cuts[94] * 1000:.0f} | {cuts[98] * 1000:.0f} | {max(busy) * 1000:.0f} |"
    )
    print(f"\np95 {cuts[94] * 1000:.0f} ms, bound {bound * 1000:.0f} ms.")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--windows", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--notes", type=int, default=300)
    parser.add_argument("--only", choices=["throughput", "searches"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve()
        if arguments.only != "searches":
            throughput(Settings(library=folder / "library"), arguments.windows, arguments.rounds)
        if arguments.only != "throughput":
            searches(folder, arguments.notes)


if __name__ == "__main__":
    main()

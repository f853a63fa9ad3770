"""How long a search takes while another client adds the bombs of `tests/attack/bombs.py`, and how long beside nothing.

    python -m benchmarks.beside_bombs [--rounds 6] [--rate 8] [--every 1] [--by-hand]

An engine with 150 notes and the built-in models (`--by-hand`: those of the tests). One client asks another question at
a steady rate. Rounds take turns: in one a second client adds a share of the bombs, one folder after the other; they are
removed, and a quiet round lasts as long. So what else the machine does meanwhile burdens both alike.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.processes import end_all
from benchmarks.texts import Texts
from tests.attack.bombs import BOMBS, write_bomb
from tests.support.engines import Front

NOTES = 150
PRODUCT, BY_HAND = "mcp_mmretrieval", "tests.support.engines"
LIMITS: dict[str, Any] = {
    "MMRETRIEVAL_WORKERS": "2",
    "MMRETRIEVAL_PART_TIMEOUT_S": "10",
    "MMRETRIEVAL_FILE_TIMEOUT_S": "20",
}
"""The usual number of parsers, and less time for each file, so that all bombs are done in minutes."""
MAX_RATIO = 2.0
"""Of p99 beside the bombs to p99 beside nothing."""


class Asking:
    """A client that asks at a steady rate, or one question after the other where answers take longer."""

    def __init__(self, front: Front, rate: float) -> None:
        self._front = front
        self._every = 1 / rate
        self._texts = Texts(seed=5)
        self._chance = random.Random(5)
        self.slowest: list[tuple[float, float]] = []

    def until(self, ended: threading.Event, least: float) -> list[float]:
        """Seconds of each answer; for `least` seconds and until `ended` is set."""
        taken, began = list[float](), time.monotonic()
        while not (ended.is_set() and time.monotonic() > began + least):
            due = began + len(taken) * self._every
            time.sleep(max(0.0, due - time.monotonic()))  # the rate, nothing to wait for
            words = self._texts.note(1).split()
            query = " ".join(self._chance.sample(words, min(4, len(words))))
            asked = time.monotonic()
            self._front.call("search_media", query=query)
            taken.append(time.monotonic() - asked)
            self.slowest.append((taken[-1], asked))
        return taken


def add(front: Front, folder: Path) -> None:
    while front.call("add_documents", paths=[str(folder)])["state"] == "running":
        pass


def settle(front: Front) -> None:
    """Until nothing waits for its vectors: those of a bomb's words are made for minutes after it was added."""
    while (told := front.call("status"))["models_state"] != "ready" or told["pending_vectors"]:
        time.sleep(0.2)


def p99(taken: Sequence[float]) -> float:
    return sorted(taken)[min(len(taken) - 1, int(len(taken) * 0.99))]


def measure(
    made: Path, module: str, bombs: Sequence[str], rounds: int, rate: float
) -> tuple[list[list[float]], list[list[float]]]:
    """Seconds of the answers in each round: beside nothing, and beside bombs."""
    root, library = made / "files", made / "library"
    notes, texts = root / "notes", Texts(seed=3)
    notes.mkdir(parents=True)
    for number in range(NOTES):
        (notes / f"{number}.md").write_text(texts.note(12), encoding="utf-8")
    for name in bombs:
        (root / "bombs" / name).mkdir(parents=True)
        write_bomb(name, root / "bombs" / name)
    quiet, beside = list[list[float]](), list[list[float]]()
    with (
        Front(library, root, module=module, **LIMITS) as searching,
        Front(library, root, module=module, **LIMITS) as adding,
    ):
        add(adding, notes)
        settle(searching)
        asking, over = Asking(searching, rate), threading.Event()
        over.set()
        asking.until(over, 5.0)  # what is made at the first questions is made
        for number in range(rounds):
            share, ended = bombs[number::rounds], threading.Event()

            def add_share(share: Sequence[str] = share, ended: threading.Event = ended) -> None:
                try:
                    for name in share:
                        t = time.monotonic()
                        add(adding, root / "bombs" / name)
                        when.append((t, time.monotonic(), name))
                finally:
                    ended.set()

            when = []
            asking.slowest.clear()
            began = time.monotonic()
            thread = threading.Thread(target=add_share)
            thread.start()
            beside.append(asking.until(ended, 0.0))
            thread.join()
            took = time.monotonic() - began
            for secs, at in sorted(asking.slowest, reverse=True)[:25]:
                print(
                    f"   {secs * 1000:.0f} ms at {at - began:.1f}",
                    [f"{n} {a - began:.1f}-{b - began:.1f}" for a, b, n in when if a < at + secs and b > at],
                    flush=True,
                )
            adding.call("remove_documents", targets=[str(root / "bombs" / name) for name in share])
            settle(searching)
            quiet.append(asking.until(over, took))
            print(line(f"round {number + 1}, {len(share)} bombs", quiet[-1], beside[-1]), flush=True)
    return quiet, beside


def line(name: str, quiet: Sequence[float], beside: Sequence[float]) -> str:
    figures = [1000 * figure for one in (quiet, beside) for figure in (statistics.median(one), p99(one))]
    ratio = p99(beside) / p99(quiet)
    return f"| {name} | {len(beside)} | " + " | ".join(f"{figure:.0f}" for figure in figures) + f" | {ratio:.2f} |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="beside_bombs", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--rate", type=float, default=8.0, help="questions a second")
    parser.add_argument("--every", type=int, default=1, help="add each so many-th bomb alone")
    parser.add_argument("--by-hand", action="store_true", help="without models, with those of the tests")
    given = parser.parse_args()
    print("| ms | answers | quiet p50 | quiet p99 | beside p50 | beside p99 | p99, beside / quiet |")
    print("|---|---|---|---|---|---|---|")
    made = Path(tempfile.mkdtemp(prefix="bombs-"))
    try:
        module = BY_HAND if given.by_hand else PRODUCT
        quiet, beside = measure(made, module, BOMBS[:: given.every], given.rounds, given.rate)
    finally:
        end_all(made)
        subprocess.run(["rm", "-r", str(made)], check=True)  # too deep for Python
    every = [[one for taken in rounds for one in taken] for rounds in (quiet, beside)]
    print(line("all", *every))
    return 0 if p99(every[1]) <= MAX_RATIO * p99(every[0]) else 1


if __name__ == "__main__":
    raise SystemExit(main())

"""Six assistants add, replace, remove, search and open for hours: nothing is wrong, nothing ends, nothing grows.

`python -m tests.attack.soak --minutes 120 --out soak.csv` writes a sample each ten seconds, and with the extra `plot`
a picture beside it. It ends with 1 where an answer was wrong or empty, the engine or a front ended, or the memory that
is the processes' own grew by more than 1 MB in ten minutes, the first ten left out. Linux only.
"""

from __future__ import annotations

import argparse
import csv
import random
import re
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from itertools import combinations
from pathlib import Path
from statistics import median

from benchmarks.processes import GONE, anonymous, end_all, family, pss
from mcp_mmretrieval.front.endpoint import Endpoint
from tests.support.engines import Front

CLIENTS = 6
SAMPLE_S = 10.0
WINDOW_S = 600.0
"""Seconds of which the median counts: what a parser takes for a moment, or lacks, is no growth."""
MAX_GROWTH_MB = 1.0
"""From one window to the next, the first left out: the median over all pairs of windows (Theil and Sen)."""
FILES = 30
"""Notes of one client at most."""
PRODUCT, BY_HAND = "mcp_mmretrieval", "tests.support.engines"


class WrongAnswer(Exception):
    """An answer that lacks what it must have, or has what it must not."""


class Assistant(threading.Thread):
    """One client with a folder of its own, which does one thing after the other and looks at each answer."""

    def __init__(self, number: int, module: str, library: Path, root: Path, pause: float) -> None:
        super().__init__(daemon=True)
        self.front = Front(library, root, stateless=bool(number % 2), module=module)
        self.calls = 0
        self.trouble = ""
        self.stop = threading.Event()
        self._folder = root / f"client{number}"
        self._folder.mkdir()
        self._number, self._count = number, 0
        self._pause = pause
        self._chance = random.Random(number)
        self._words: dict[Path, str] = {}
        """The word that stands in each note alone."""
        self._gone: list[str] = []
        """Words that stand nowhere any more."""

    def run(self) -> None:
        while not self.stop.wait(self._pause):
            work = self._chance.choices(
                (self._add, self._replace, self._remove, self._search, self._search_gone, self._open),
                (3, 2, 1 + (len(self._words) >= FILES) * 5, 6, 1, 3),
            )[0]
            try:
                work()
            except Exception as error:  # noqa: BLE001  the program tells it and ends
                self.trouble = f"client {self._number}, {work.__name__.strip('_')}: {error!r}"
                return

    def _ask(self, tool: str, **arguments: object) -> dict[str, object]:
        self.calls += 1
        return self.front.call(tool, **arguments)

    def _write(self, path: Path) -> None:
        """A note of a new word, which is added until that is done."""
        self._count += 1
        word = f"w{self._number}q{self._count}q"
        path.write_text(f"# A {self._chance.choice(('red', 'green', 'blue'))} ferry\n\n{word} crosses the fjord.\n" * 5)
        while (told := self._ask("add_documents", paths=[str(path)]))["state"] == "running":
            pass
        if told["state"] != "done" or told["failed"]:
            raise WrongAnswer(f"{path.name} was not added: {told}")
        if path in self._words:
            self._gone.append(self._words[path])
        self._words[path] = word

    def _add(self) -> None:
        self._write(self._folder / f"note-{self._count}.md")

    def _replace(self) -> None:
        if self._words:
            self._write(self._chance.choice(list(self._words)))

    def _remove(self) -> None:
        if self._words:
            path = self._chance.choice(list(self._words))
            path.unlink()
            told = self._ask("remove_documents", targets=[str(path)])
            if told["files"] != 1:
                raise WrongAnswer(f"{path.name} was not removed: {told}")
            self._gone.append(self._words.pop(path))

    def _search(self) -> None:
        if self._words:
            path, word = self._chance.choice(list(self._words.items()))
            hits = self._hits(word)
            if not hits or hits[0].get("path") != str(path):
                raise WrongAnswer(f"{word} stands in {path.name}, and the hits are {hits}")

    def _search_gone(self) -> None:
        if self._gone:
            word = self._chance.choice(self._gone[-50:])
            if held := [hit for hit in self._hits(word) if word in str(hit.get("snippet"))]:
                raise WrongAnswer(f"{word} is gone, and the hits are {held}")

    def _open(self) -> None:
        if self._words:
            path, word = self._chance.choice(list(self._words.items()))
            content = self._ask("open_media", targets=[str(path)], picture=False)["content"]
            if word not in str(content):
                raise WrongAnswer(f"{word} stands in {path.name}, and it opens as {content}")

    def _hits(self, word: str) -> list[dict[str, object]]:
        hits = self._ask("search_media", query=word)["hits"]
        assert isinstance(hits, list)
        return hits


@dataclass(frozen=True, kw_only=True)
class Sample:
    """How it stands at one moment, over all processes of the library."""

    seconds: float
    own_mb: float
    """Heaps and stacks, which nothing changes that other programs do."""
    pss_mb: float
    processes: int
    descriptors: int
    threads: int
    catalog_kb: float
    """The catalog and its log."""
    log_kb: float
    calls: int


def sample(began: float, folder: Path, library: Path, calls: int) -> Sample:
    pids = family(folder)
    return Sample(
        seconds=round(time.monotonic() - began, 1),
        own_mb=round(anonymous(folder), 2),
        pss_mb=round(pss(folder), 2),
        processes=len(pids),
        descriptors=sum(_entries(pid, "fd") for pid in pids),
        threads=sum(_entries(pid, "task") for pid in pids),
        catalog_kb=sum(map(_kb, library.glob("catalog.db*"))),
        log_kb=sum(map(_kb, library.glob("engine.log*"))),
        calls=calls,
    )


def _entries(pid: int, folder: str) -> int:
    with suppress(*GONE):
        return sum(1 for _ in Path(f"/proc/{pid}/{folder}").iterdir())
    return 0


def _kb(path: Path) -> float:
    with suppress(FileNotFoundError):
        return path.stat().st_size / 1000
    return 0.0


def growth_mb(samples: Sequence[Sample]) -> float | None:
    """MB by which memory grows from window to window, the first left out; None where two are not yet full.

    Of each window its median counts.
    """
    last = samples[-1].seconds if samples else 0.0
    whole = int((last + SAMPLE_S) // WINDOW_S)
    middle = [
        median(one.own_mb for one in samples if number * WINDOW_S <= one.seconds < (number + 1) * WINDOW_S)
        for number in range(1, whole)
    ]
    slopes = [(middle[late] - middle[early]) / (late - early) for early, late in combinations(range(len(middle)), 2)]
    return median(slopes) if slopes else None


def soak(minutes: float, out: Path, module: str, pause: float) -> str:
    """What was wrong; empty where nothing was."""
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory(prefix="soak-") as made:
        folder = Path(made)
        library, root = folder / "library", folder / "files"
        root.mkdir()
        assistants = [Assistant(number, module, library, root, pause) for number in range(CLIENTS)]
        endpoint = Endpoint(str(library))
        assistants[0].front.call("status")
        engine = endpoint.state()["pid"]
        try:
            with out.open("w", newline="") as file:
                rows = csv.DictWriter(file, [field.name for field in fields(Sample)])
                rows.writeheader()
                began = time.monotonic()
                for assistant in assistants:
                    assistant.start()
                while not (wrong := trouble(assistants, endpoint, engine)):
                    left = began + (len(samples) + 1) * SAMPLE_S - time.monotonic()
                    time.sleep(max(0.0, left))  # the interval of the samples, nothing to wait for
                    samples.append(sample(began, folder, library, sum(one.calls for one in assistants)))
                    rows.writerow(asdict(samples[-1]))
                    file.flush()
                    if samples[-1].seconds >= 60 * minutes:
                        break
                for assistant in assistants:
                    assistant.stop.set()
                for assistant in assistants:
                    assistant.join(60)
                    wrong = wrong or assistant.trouble or ("a call hangs" if assistant.is_alive() else "")
        finally:
            for assistant in assistants:
                assistant.front.kill()
                assistant.front.close()
            end_all(folder)
    print(f"{samples[-1] if samples else 'no sample'}")
    growth = growth_mb(samples)
    print("memory: too short to tell" if growth is None else f"memory: {growth:+.2f} MB in ten minutes")
    if not wrong and growth is not None and growth > MAX_GROWTH_MB:
        wrong = f"memory grows by {growth:.2f} MB in ten minutes"
    draw(samples, out.with_suffix(".png"))
    return wrong


def trouble(assistants: Sequence[Assistant], endpoint: Endpoint, engine: object) -> str:
    if endpoint.state().get("pid") != engine:
        return f"the engine {engine} ended: {endpoint.state()}"
    return next((one.trouble for one in assistants if one.trouble), "")


def draw(samples: Sequence[Sample], path: Path) -> None:
    """One curve for each column, over minutes; nothing without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("no picture: pip install 'mcp-mmretrieval[plot]'")
        return
    columns = [field.name for field in fields(Sample) if field.name not in ("seconds", "calls")]
    figure = Figure(figsize=(9, 2 * len(columns)), layout="constrained")
    for axes, column in zip(figure.subplots(len(columns), sharex=True), columns, strict=True):
        axes.plot([one.seconds / 60 for one in samples], [getattr(one, column) for one in samples], color="#12365c")
        axes.set_ylabel(re.sub(r"_(\w+)$", r", \1", column))
        axes.set_ylim(bottom=0)
        axes.grid(color="#e6ebf0")
    axes.set_xlabel("minutes")
    figure.savefig(path, dpi=110)


def main() -> int:
    parser = argparse.ArgumentParser(prog="soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--out", type=Path, default=Path("soak.csv"), help="the samples; the picture lies beside them")
    parser.add_argument("--pause", type=float, default=0.2, help="seconds between two calls of one client")
    parser.add_argument("--by-hand", action="store_true", help="without models, with those of the tests")
    given = parser.parse_args()
    wrong = soak(given.minutes, given.out, BY_HAND if given.by_hand else PRODUCT, given.pause)
    print(wrong or "nothing was wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

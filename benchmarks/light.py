"""What the product weighs and how quick it is, beside another checkout of it and two peers with the same weights.

    python benchmarks/light.py [--against PYTHON] [--peers PYTHON --weights FOLDER] [--only PART ...] [--json FILE]

PYTHON is that of another checkout's environment, and of one with mcp-server-qdrant and chroma-mcp, whose weights
`minilm_onnx.py` makes. All are measured in turn, round after round, in an order that alternates; a figure is the median
of the rounds, a ratio that of each round's ratio. The parts:

    memory       Pss of all processes over a day in fast motion, models resting after 5 s
    memory-large the same of a library of 10,000 passages, idle and after a search
    start        from spawning to tools/list, to the first answer, to the first answer by vectors
    queries      warm searches one by one in a library of 150 notes: time, and processor time of all processes
    queries-large the same in a library of 10,000 passages
    http         searches a second of 1, 8 and 64 HTTP clients (both checkouts)
    notes        150 notes, one a call
    files        150 text files in a folder (both checkouts)
    files-large  10,000 of two sentences each (both checkouts)
    media        scanned pages, then recordings (both checkouts)

Nothing else should run meanwhile: Pss counts what is shared with strangers in part only. For the same reason this
imports neither numpy nor torch.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, TypeVar

from benchmarks import load
from benchmarks.contenders import Chroma, Contender, Product, Qdrant, Session, bare, found
from benchmarks.processes import end_all, processor_seconds, pss, strangers
from benchmarks.texts import Texts

TurnT = TypeVar("TurnT")

DAY_IDLE_S, AWAKE_S = 5, 3600
"""Seconds until models rest: in the day in fast motion, and elsewhere."""
WARM_QUERIES = 10
TRIES = 5_000
"""Searches at most until vectors answer; time ends them earlier."""
HTTP_CLIENTS = (1, 8, 64)
HTTP_PATIENCE_S = 120.0
PART_PATIENCE_S = 1_500
ROUNDS = {"memory": 2, "memory-large": 3, "notes": 5, "files-large": 1, "media": 4}
"""Where a round takes long; 7 elsewhere."""
PART_FAILURES = (OSError, RuntimeError, EOFError, AssertionError, subprocess.SubprocessError)
"""What ends a part and not the run; a TimeoutError is an OSError."""


@dataclass
class Figures:
    """What was measured: by part, what and unit, and contender, a value for each round."""

    values: dict[str, dict[str, dict[str, list[float]]]] = field(default_factory=dict)

    def note(self, part: str, what: str, contender: str, value: float) -> None:
        self.values.setdefault(part, {}).setdefault(what, {}).setdefault(contender, []).append(value)

    def table(self, part: str, first: str, others: list[str]) -> str:
        """Medians, and how often the others' the first one's is."""
        heads = ["rounds", first, *(head for name in others for head in (name, f"{first} / {name}"))]
        lines = [f"| {part} | {' | '.join(heads)} |", f"|{'---|' * (len(heads) + 1)}"]
        for what, by in self.values.get(part, {}).items():
            cells = [str(max(map(len, by.values()))), _middle(by.get(first, []))]
            for name in others:
                cells += [_middle(by.get(name, [])), _ratio(by.get(first, []), by.get(name, []))]
            lines.append(f"| {what} | {' | '.join(cells)} |")
        return "\n".join(lines)


def _middle(values: list[float]) -> str:
    if not values:
        return ""
    middle = statistics.median(values)
    return f"{middle:.{3 if middle < 1 else 2 if middle < 10 else 1 if middle < 1000 else 0}f}"


def _ratio(ours: list[float], theirs: list[float]) -> str:
    ratios = [one / other for one, other in zip(ours, theirs, strict=False) if other]
    return f"{statistics.median(ratios):.2f}" if ratios else ""


class Bench:
    """One run over all contenders, in a folder of its own."""

    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        self._arguments = arguments
        self._folder = folder
        self._files = folder / "files"
        self._files.mkdir()
        self._media = self._files / "media"
        writing = [sys.executable, str(Path(__file__).with_name("media_files.py")), str(self._media)]
        subprocess.run(writing, check=True, timeout=120)
        self._questions = Texts(seed=2)
        self._libraries: dict[tuple[str, str], Path] = {}
        self._copies = itertools.count()
        self.figures = Figures()
        self.contenders: list[Contender] = [Product("this", Path(sys.executable), self._files)]
        if arguments.against:
            self.contenders.append(Product("before", arguments.against, self._files))
        if arguments.peers:
            self.contenders.append(Qdrant(arguments.peers, arguments.weights))
            self.contenders.append(Chroma(arguments.peers, arguments.weights))

    @property
    def products(self) -> list[Product]:
        return [one for one in self.contenders if isinstance(one, Product)]

    # -- parts ----------------------------------------------------------------------------------------------------

    def memory(self, part: str) -> None:
        media, photograph = self._media / "samples", self._media / "photograph.jpg"
        for _, one in self._turns(part, self.contenders):
            with self._copied(one) as folder, self._opened(one, folder, DAY_IDLE_S) as session:
                self._day(part, one, session, folder, media, photograph)

    def _day(self, part: str, one: Contender, session: Session, folder: Path, media: Path, photograph: Path) -> None:
        """Search, add, rest, search, rest."""

        def weigh(when: str, after: float = 0.0) -> None:
            time.sleep(after)
            self.figures.note(part, f"{when}, MB", one.name, pss(folder))

        weigh("tools listed")
        weigh(f"{self._arguments.wait:g} s later", self._arguments.wait)
        one.until_vectors(session, self._ask())
        weigh("first search", 1)
        if isinstance(one, Product):
            one.add_files(session, media)
        else:
            for text in Texts(seed=3).notes(20):
                one.add(session, text)
        one.settle(session)
        weigh("text, picture, sound, film, PDF added (peers: 20 texts)")
        weigh("at rest", self._arguments.rest)
        one.until_vectors(session, self._ask())
        weigh("another search", 1)
        if isinstance(one, Product):
            one.like(session, photograph)
            weigh("what is like a photograph", 1)
            weigh("at rest again", self._arguments.rest)

    def memory_large(self, part: str) -> None:
        for _, one in self._turns(part, self.contenders):
            with self._used(self._large(one)) as folder, self._opened(one, folder) as session:
                time.sleep(self._arguments.wait)
                self.figures.note(part, f"{self._arguments.wait:g} s after tools/list, MB", one.name, pss(folder))
                one.until_vectors(session, self._ask())
                time.sleep(1)
                self.figures.note(part, "after a search, MB", one.name, pss(folder))

    def start(self, part: str) -> None:
        for _, one in self._turns(part, [None, *self.contenders]):
            if one is None:
                self._started_bare(part)
                continue
            with self._used(self._small(one)) as folder:
                if isinstance(one, Product):
                    self._started(part, one, folder, ["cold"])
                    self._started(part, one, folder, ["warm"])
                else:  # a peer starts cold always, and both are compared with that
                    self._started(part, one, folder, ["cold", "warm"])

    def _started_bare(self, part: str) -> None:
        with self._used(self._folder / "bare") as folder:
            began = time.perf_counter()
            session = bare(folder)
            session.shake_hands()
            listed = time.perf_counter() - began
            session.close()
        self.figures.note(part, "a bare server of the SDK: tools listed, s", "this", listed)

    def _started(self, part: str, one: Contender, folder: Path, rows: Sequence[str]) -> None:
        """One start, and its first answers."""
        questions = self._ask()
        seconds: dict[str, float] = {}
        began = time.perf_counter()
        session = one.spawn(folder)
        try:
            session.shake_hands()
            seconds["tools listed"] = time.perf_counter() - began
            while (found := one.search(session, next(questions))) == "nothing":
                time.sleep(0.01)
            seconds["first answer"] = time.perf_counter() - began
            if found != "vectors":
                one.until_vectors(session, questions)
            seconds["answered by vectors"] = time.perf_counter() - began
        finally:
            session.close()
        for row in rows:
            for what, took in seconds.items():
                self.figures.note(part, f"{row}: {what}, s", one.name, took)

    def queries(self, part: str) -> None:
        self._queries(part, self._small)

    def queries_large(self, part: str) -> None:
        self._queries(part, self._large)

    def _queries(self, part: str, library: Callable[[Contender], Path]) -> None:
        with ExitStack() as running:
            warm = {one.name: self._warm(one, library(one), running) for one in self.contenders}
            for number, one in self._turns(part, self.contenders):
                session, folder = warm[one.name]
                asked = Texts(seed=100 + number).questions(self._arguments.queries)
                computed, seconds = processor_seconds(folder), []
                for query in asked:
                    began = time.perf_counter()
                    if one.search(session, query) != "vectors":
                        raise RuntimeError(f"{one.name}: {query!r} was not answered by vectors.")
                    seconds.append((time.perf_counter() - began) * 1000)
                computed = processor_seconds(folder) - computed
                self.figures.note(part, "p50, ms", one.name, statistics.median(seconds))
                self.figures.note(part, "p95, ms", one.name, statistics.quantiles(seconds, n=20)[18])
                self.figures.note(part, "processor time a search, ms", one.name, computed * 1000 / len(asked))

    def _warm(self, one: Contender, folder: Path, running: ExitStack) -> tuple[Session, Path]:
        """A server that has answered by vectors a few times, until `running` ends."""
        running.enter_context(self._used(folder))
        session = running.enter_context(self._opened(one, folder))
        one.until_vectors(session, self._ask())
        for query in itertools.islice(self._ask(), WARM_QUERIES):
            one.search(session, query)
        return session, folder

    def http(self, part: str) -> None:
        for _, one in self._turns(part, self.products):
            with self._used(self._small(one)) as folder:
                asyncio.run(asyncio.wait_for(self._served(part, one, folder), HTTP_PATIENCE_S))

    async def _served(self, part: str, one: Product, folder: Path) -> None:
        async with load.serving(folder, self._files, one.python) as (server, _):
            connection = load.Connection(server)
            for query in self._ask():
                outcome, answer = await connection.call("search_media", query=query)
                if outcome == "ok" and found(answer) == "vectors":
                    break
            connection.close()
            for clients in HTTP_CLIENTS:
                computed = processor_seconds(folder)
                tally, took = await load.closed(server, clients, self._arguments.seconds)
                computed = processor_seconds(folder) - computed
                if tally.errors:
                    raise RuntimeError(f"{one.name}: {tally.errors.most_common(1)}")
                answered = len(tally.seconds)
                self.figures.note(part, f"{clients} clients: answers a second", one.name, answered / took)
                self.figures.note(
                    part, f"{clients} clients: processor time a search, ms", one.name, computed * 1000 / answered
                )

    def notes(self, part: str) -> None:
        added = Texts(seed=4).notes(self._arguments.notes)
        for _, one in self._turns(part, self.contenders):
            with self._copied(one) as folder, self._opened(one, folder) as session:
                one.until_vectors(session, self._ask())
                with self._timed(part, "notes", len(added), one, folder):
                    began = time.perf_counter()
                    for text in added:
                        one.add(session, text)
                    took = time.perf_counter() - began
                    one.settle(session)
                self.figures.note(part, "notes a second, acknowledged", one.name, len(added) / took)

    def files(self, part: str) -> None:
        self._text_files(part, self._arguments.notes, sentences=8)

    def files_large(self, part: str) -> None:
        self._text_files(part, self._arguments.passages, sentences=2)

    def _text_files(self, part: str, number: int, sentences: int) -> None:
        written, texts = self._files / part, Texts(seed=5)
        written.mkdir()
        for name in range(number):
            (written / f"{name}.md").write_text(f"# Log {name}\n\n{texts.note(sentences)}\n")
        for _, one in self._turns(part, self.products):
            with self._copied(one) as folder, self._opened(one, folder) as session:
                one.until_vectors(session, self._ask())
                self._add_files(part, "files", one, session, folder, written)

    def media(self, part: str) -> None:
        """Other pages and another recording come first, so that the models are there."""
        for _, one in self._turns(part, self.products):
            with self._copied(one) as folder, self._opened(one, folder) as session:
                one.add_files(session, self._media / "warming")
                one.settle(session)
                for kind in ("scanned pages", "recordings"):
                    self._add_files(part, kind, one, session, folder, self._media / kind)

    def _add_files(self, part: str, what: str, one: Product, session: Session, folder: Path, written: Path) -> None:
        number, began = len(list(written.iterdir())), time.perf_counter()
        with self._timed(part, what, number, one, folder):
            one.add_files(session, written)
            self.figures.note(
                part, f"{what} a second, found by words", one.name, number / (time.perf_counter() - began)
            )
            one.settle(session)

    # -- what they share ------------------------------------------------------------------------------------------

    def _turns(self, part: str, among: Sequence[TurnT]) -> Iterator[tuple[int, TurnT]]:
        """Each of them once a round, with the round's number: forwards, then backwards."""
        rounds = self._arguments.rounds or ROUNDS.get(part, 7)
        for number in range(rounds):
            print(f"{part}: round {number + 1} of {rounds}", file=sys.stderr)
            for one in among if number % 2 == 0 else reversed(among):
                yield number, one

    def _ask(self) -> Iterator[str]:
        """Questions that were never asked before."""
        for _ in range(TRIES):
            yield from self._questions.questions(1)

    def _small(self, one: Contender) -> Path:
        """A library of some notes."""
        key = (one.name, "small")
        if key not in self._libraries:
            self._libraries[key] = self._folder / f"{one.name}-small"
            one.fill(self._libraries[key], Texts(seed=1).notes(self._arguments.notes))
        return self._libraries[key]

    def _large(self, one: Contender) -> Path:
        """The same with many passages more."""
        key = (one.name, "large")
        if key not in self._libraries:
            texts = self._folder / "passages.json"
            if not texts.exists():
                texts.write_text(json.dumps(Texts(seed=6).notes(self._arguments.passages)))
            self._libraries[key] = one.copy(self._small(one), self._folder / f"{one.name}-large")
            one.fill_more(self._libraries[key], texts)
        return self._libraries[key]

    @contextmanager
    def _copied(self, one: Contender) -> Iterator[Path]:
        """A small library that may be changed; it goes afterwards."""
        to = self._folder / f"{one.name}-{next(self._copies)}-copy"
        with self._used(one.copy(self._small(one), to)) as folder:
            yield folder
        shutil.rmtree(to, ignore_errors=True)

    @contextmanager
    def _used(self, folder: Path) -> Iterator[Path]:
        """Whatever happens, no process of the folder is left."""
        try:
            yield folder
        finally:
            end_all(folder)

    @contextmanager
    def _opened(self, one: Contender, folder: Path, idle: float = AWAKE_S) -> Iterator[Session]:
        """A server that has listed its tools; `idle`: seconds until its models rest, where they do."""
        session = one.spawn(folder, model_idle_s=idle)
        try:
            session.shake_hands()
            yield session
        finally:
            session.close()

    @contextmanager
    def _timed(self, part: str, what: str, number: int, one: Contender, folder: Path) -> Iterator[None]:
        """How many a second, and the processor time of each."""
        computed, began = processor_seconds(folder), time.perf_counter()
        yield
        took, computed = time.perf_counter() - began, processor_seconds(folder) - computed
        self.figures.note(part, f"{what} a second, embedded", one.name, number / took)
        self.figures.note(part, f"{what}: processor time of each, ms", one.name, computed * 1000 / number)


def _stop(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


def _late(_: int, __: object) -> NoReturn:
    raise TimeoutError(f"The part took more than {PART_PATIENCE_S} s.")


PARTS: dict[str, Callable[[Bench, str], None]] = {
    "memory": Bench.memory,
    "memory-large": Bench.memory_large,
    "start": Bench.start,
    "queries": Bench.queries,
    "queries-large": Bench.queries_large,
    "http": Bench.http,
    "notes": Bench.notes,
    "files": Bench.files,
    "files-large": Bench.files_large,
    "media": Bench.media,
}


def run(arguments: argparse.Namespace, folder: Path) -> int:
    """All parts that were asked for; 1 where one of them failed."""
    failed = []
    bench = Bench(arguments, folder)
    others = [one.name for one in bench.contenders[1:]]
    for part, measure in PARTS.items():
        if arguments.only and part not in arguments.only:
            continue
        if crowd := strangers():
            print(f"Also running with torch or ONNX Runtime, so Pss is too small: {crowd}", file=sys.stderr)
        began, load_before = time.monotonic(), os.getloadavg()[0]
        signal.alarm(PART_PATIENCE_S)
        try:
            measure(bench, part)
        except PART_FAILURES:
            traceback.print_exc()
            failed.append(part)
        finally:
            signal.alarm(0)
        print(bench.figures.table(part, "this", others))
        print(f"{time.monotonic() - began:.0f} s; load {load_before:.1f} before.\n", flush=True)
        if arguments.json:
            arguments.json.write_text(json.dumps(bench.figures.values, indent=1))
    print(*(f"{part}: failed" for part in failed), sep="\n", end="")
    return int(bool(failed))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, metavar="PYTHON", help="of another checkout")
    parser.add_argument("--peers", type=Path, metavar="PYTHON", help="of mcp-server-qdrant and chroma-mcp")
    parser.add_argument("--weights", type=Path, metavar="FOLDER", help="made by minilm_onnx.py")
    parser.add_argument("--only", nargs="+", metavar="PART", choices=PARTS)
    parser.add_argument("--rounds", type=int, help=f"of each part; left out: 7, but {ROUNDS}")
    parser.add_argument("--notes", type=int, default=150)
    parser.add_argument("--queries", type=int, default=60)
    parser.add_argument("--passages", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=4.0, help="of HTTP with each number of clients")
    parser.add_argument("--wait", type=float, default=20.0, help="seconds of doing nothing after tools/list")
    parser.add_argument("--rest", type=float, default=18.0, help="seconds in which models come to rest")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    if arguments.peers and not arguments.weights:
        parser.error("--peers needs --weights: make them with benchmarks/minilm_onnx.py")
    for name in ("against", "peers", "weights"):
        if path := getattr(arguments, name):
            setattr(arguments, name, path.absolute())
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGALRM, _late)
    with tempfile.TemporaryDirectory(prefix="light-", ignore_cleanup_errors=True) as made:
        folder = Path(made).resolve()
        try:
            return run(arguments, folder)
        finally:
            end_all(folder)


if __name__ == "__main__":
    sys.exit(main())

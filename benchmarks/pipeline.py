"""How close pages come to the speed of the slowest step on their way to a vector, and to another checkout's.

    python benchmarks/pipeline.py --against ../another-checkout [--prepare-ms 90 --card-ms 10]

Pages that were read are decoded by the parsers, handed to the model process, prepared by a processor of Qwen's, and
embedded. In the place of the network stands a card that takes so many milliseconds a page (`--card-ms`) and nothing of
the processor: on a CPU the real one would take the time from the other steps. On a machine with few cores, or busy
ones, `--prepare-ms` does the same for the processor of pictures, as if each thread had a core. Then the times show how
well the steps overlap, and without it what a page costs of the real processor.

In each round both checkouts have their turn, then each step of this one alone, over the same pages. The ratio of a
round's figures counts, and of the rounds the median: what else runs on the machine disturbs both.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).parent.parent
HOST = "measured_host"
"""Beside this file, which Python looks beside."""


def make_pages(folder: Path, count: int, side: int) -> list[Path]:
    """Pages of made text, as pictures whose longer side is `side`."""
    from mcp_mmretrieval.bench.workloads import Workloads

    made, files = Workloads(), []
    for number in range(count):
        files.append(folder / f"{number:03}.jpg")
        page = Image.fromarray(made.page(round(side * side / 2**0.5)))
        page.resize((round(side / 2**0.5), side)).save(files[-1], quality=85)
    return files


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """One run of the checkout that Python finds: seconds of the pages, and of each step alone where it has such."""
    from mcp_mmretrieval.adding.batching import DocumentBatcher
    from mcp_mmretrieval.config.profiles import EMBEDDERS, EmbedderSpec
    from mcp_mmretrieval.config.settings import Settings
    from mcp_mmretrieval.library import Library
    from mcp_mmretrieval.models import recipe
    from mcp_mmretrieval.models.process.remote import ProcessLoader

    for name in ("batching", "decoding"):
        module = f"mcp_mmretrieval.adding.{name}"
        if importlib.util.find_spec(module) and hasattr(importlib.import_module(module), "EMBED_SIDE_PIXELS"):
            importlib.import_module(module).EMBED_SIDE_PIXELS = arguments.side  # type: ignore[attr-defined]
    of = EMBEDDERS["vision-2b"]
    spec = EmbedderSpec(
        model=str(arguments.model), sees=of.sees, query_prompt=of.query_prompt, document_prompt=of.document_prompt,
        pixels=of.pixels,
    )  # fmt: skip
    files = sorted(arguments.files.iterdir())
    documents = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve()
        read = {"ocr": "off", "speech": "off", "profile": str(folder / "none"), "device": "cpu"}
        settings = Settings.read(library=folder / "library", roots=(arguments.files,), **read)
        with Library.open(settings=settings) as library:
            assert library.add().wait().added == len(files)
            loader = ProcessLoader(settings.model_copy(update={"library": folder}), entry=HOST)
            stand_ins = {"card_ms": arguments.card_ms, "prepare_ms": arguments.prepare_ms}
            (folder / "host.json").write_text(json.dumps(stand_ins), encoding="utf-8")
            embedder = loader.embedder(recipe.recipe_of("measured", spec))
            batcher = DocumentBatcher(library._catalog, library._shared.workers, settings.sound_s)

            def pipeline(some: list[str]) -> None:
                done = list(chain.from_iterable(batcher.gather(embedder, some, lambda: False)))
                assert [one.note for one in done if one.note] == []
                assert sum(len(one.vectors["picture"]) for one in done) == len(some)

            pipeline(documents[:4])
            before = processor_seconds()
            found: dict[str, Any] = {"seconds": seconds_of(lambda: pipeline(documents))}
            found["processor_s"] = processor_seconds() - before
            if arguments.steps:
                found["steps"] = steps(library, embedder, documents, arguments)
            loader.close()
    return found


def steps(library: Any, embedder: Any, documents: list[str], arguments: argparse.Namespace) -> dict[str, float]:
    """Seconds of each step alone, with as many threads as in the pipeline."""
    from mcp_mmretrieval.adding.batching import BATCH_DECODED_BYTES
    from mcp_mmretrieval.targets import reopen

    workers, decoded = library._shared.workers, list[Any]()

    def decode(document: str) -> Any:
        (stored,) = library._catalog.segments_of(document)
        with reopen(library._catalog.files_of_one(document)) as file:
            return workers.load(file.fd, stored.segment, name=file.path, side=arguments.side)

    with ThreadPoolExecutor(workers.count) as pool:
        decoding = seconds_of(lambda: decoded.extend(pool.map(decode, documents)))
    each = max(1, BATCH_DECODED_BYTES // decoded[0].nbytes)
    lots = [decoded[start : start + each] for start in range(0, len(decoded), each)]
    with ThreadPoolExecutor(embedder.calls_at_once) as pool:
        handed = seconds_of(lambda: list(pool.map(embedder.embed_documents, lots)))
    card = len(documents) * arguments.card_ms / 1_000
    return {"decoding": decoding, "from the contents to vectors": handed, "card": card}


def processor_seconds() -> float:
    """That this process and its children have computed: parsers, and the model process."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text(encoding="ascii", errors="replace").rpartition(") ")[2].split()
            if os.getpid() in (int(fields[1]), int(stat.parent.name)):
                ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def seconds_of(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def run(checkout: Path, arguments: argparse.Namespace, card_ms: float, *, with_steps: bool) -> dict[str, Any]:
    command = [
        sys.executable, __file__, "--one", "--files", arguments.files, "--model", arguments.model, "--side",
        arguments.side, "--card-ms", card_ms, "--prepare-ms", arguments.prepare_ms,
        *(["--steps"] if with_steps else []),
    ]  # fmt: skip
    own = {name: value for name, value in os.environ.items() if not name.startswith("MMRETRIEVAL_")}
    done = subprocess.run(
        list(map(str, command)), env={**own, "PYTHONPATH": str(checkout)}, cwd="/", stdout=subprocess.PIPE, check=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def compare(arguments: argparse.Namespace, card_ms: float) -> dict[str, Any]:
    """Round after round; what came of them."""
    rounds: list[dict[str, Any]] = []
    for number in range(arguments.rounds):
        ours = run(ROOT, arguments, card_ms, with_steps=True)
        theirs = run(arguments.against, arguments, card_ms, with_steps=False) if arguments.against else None
        slowest = max(ours["steps"], key=ours["steps"].get)
        one = {
            "pages_s": arguments.pages / ours["seconds"],
            "steps": {step: round(seconds, 2) for step, seconds in ours["steps"].items()},
            "slowest": slowest,
            "of_slowest": ours["steps"][slowest] / ours["seconds"],
            "processor_ms_a_page": 1_000 * ours["processor_s"] / arguments.pages,
        }
        if theirs:
            one["other_pages_s"] = arguments.pages / theirs["seconds"]
            one["to_the_other"] = theirs["seconds"] / ours["seconds"]
            one["processor_to_the_other"] = theirs["processor_s"] / ours["processor_s"]
        rounds.append(one)
        print(f"  round {number + 1}: {json.dumps(one)}", flush=True)
    medians = {
        name: statistics.median(one[name] for one in rounds) for name in rounds[0] if isinstance(rounds[0][name], float)
    }
    return {"card_ms": card_ms, "pages": arguments.pages, "rounds": rounds, "median": medians}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="another checkout")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pages", type=int, default=48)
    parser.add_argument("--side", type=int, default=1_362, help="pixels of a page's longer side")
    parser.add_argument("--card-ms", type=float, nargs="+", default=[0, 120])
    parser.add_argument("--prepare-ms", type=float, default=0.0)
    parser.add_argument("--json", type=Path)
    for hidden in ("--files", "--model"):
        parser.add_argument(hidden, type=Path, help=argparse.SUPPRESS)
    for hidden in ("--one", "--steps"):
        parser.add_argument(hidden, action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        arguments.card_ms = arguments.card_ms[0]
        print(json.dumps(measure(arguments)))
        return
    sys.path.insert(0, str(ROOT))
    from mcp_mmretrieval.bench.untrained import design, qwen

    arguments.against = arguments.against and arguments.against.resolve()
    found = []
    with tempfile.TemporaryDirectory() as made:
        arguments.files, arguments.model = Path(made).resolve() / "pages", Path(made).resolve() / "tiny"
        arguments.files.mkdir()
        make_pages(arguments.files, arguments.pages, arguments.side)
        design.save_design(qwen.embedding_tiny(), arguments.model, "cpu")
        for card_ms in arguments.card_ms:
            prepared = f"in {arguments.prepare_ms:g} ms" if arguments.prepare_ms else "really"
            print(
                f"{arguments.pages} pages of {arguments.side} px, prepared {prepared}, {card_ms:g} ms of a card each:"
            )
            found.append(compare(arguments, card_ms))
            print(f"  median: {json.dumps(found[-1]['median'])}", flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()

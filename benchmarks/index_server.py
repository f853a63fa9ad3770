"""The vector index on a Chroma server beside one in a folder: speed, recall, and searches while the server is away.

    python -m benchmarks.index_server [vectors]

Builds one library twice, with vectors in clusters (384 numbers), and asks both in turn. Then the server is killed and
started again, several times, while words and vectors are searched. Prints milliseconds: of the processor for words, on
the clock for the rest.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from mcp_mmretrieval.config.index_address import IndexServer
from mcp_mmretrieval.store import Document, File, Scope, Store, VectorRows, index
from mcp_mmretrieval.store.fulltext import query_terms
from mcp_mmretrieval.types import Place, Segment, Vectors
from tests.support.chroma_server import ChromaServer
from tests.support.rows import sha

DIM, CLUSTERS, EACH = 384, 100, 500
QUERIES, ROUNDS, DEPTH = 200, 5, 10
PATIENCE = 3_600.0


def clustered(count: int, seed: int) -> Vectors:
    chance = np.random.default_rng(seed)
    centres = np.random.default_rng(0).standard_normal((CLUSTERS, DIM))
    rows = centres[chance.integers(0, CLUSTERS, count)] + 0.7 * chance.standard_normal((count, DIM))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def fill(store: Store, count: int) -> int:
    catalog, names = store.catalog, ("pump", "valve", "gear", "motor", "shaft")
    space, reading = catalog.space({"model": "bench"}, dim=DIM), catalog.reading({"splitter": "bench"})
    for number in range(count // EACH):
        document = Document(id=sha(str(number)), modality="text", reading=reading)
        segments = [
            Segment(document=document.id, modality="text", place=Place(page=page + 1), text=f"{names[page % 5]} {page}")
            for page in range(EACH)
        ]
        file = File(path=f"/r/{number}", document=document.id, size=1, mtime_ns=1)
        catalog.commit_read(document, segments, file=file)
        keys = [stored.key for stored in catalog.segments_of(document.id)]
        rows = VectorRows(kind="text", segments=keys, parts=[0] * EACH, vectors=clustered(EACH, number + 1))
        assert catalog.commit_embedded(document.id, space, [rows])
    return space


def timed(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    began = clock()
    work()
    return (clock() - began) * 1000


def told(name: str, times: list[float]) -> None:
    p50, p95 = statistics.median(times), sorted(times)[int(0.95 * len(times))]
    sys.stdout.write(f"{name:<44} p50 {p50:8.2f}   p95 {p95:8.2f}   worst {max(times):8.2f}\n")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    index.MAX_SCANNED_VECTORS, index.UPSERT_DELAY_SECONDS, index.MAX_PAUSE_SECONDS = 0, 0.0, 1.0
    with tempfile.TemporaryDirectory() as made:
        server = ChromaServer(Path(made) / "data")
        server.start()
        try:
            with Store.open(Path(made) / "folder") as near:
                space = fill(near, count)
                began = time.perf_counter()
                assert near.index.wait(PATIENCE)
                sys.stdout.write(f"folder: the rest of {count:,} vectors in {time.perf_counter() - began:.1f} s\n")
                with Store.open(Path(made) / "server", IndexServer(origin=server.address)) as far:
                    fill(far, count)
                    began = time.perf_counter()
                    assert far.index.wait(PATIENCE)
                    sys.stdout.write(f"server: the rest of {count:,} vectors in {time.perf_counter() - began:.1f} s\n")
                    compare(near, far, space)
                    lose(far, server, space)
        finally:
            server.kill()


def compare(near: Store, far: Store, space: int) -> None:
    """Each query to the index in the folder and to the one on the server, and to an exact scan."""
    queries, scope = clustered(QUERIES, 10**6), Scope()
    times: dict[str, list[float]] = {"index in a folder": [], "index on a server": []}
    recalls = []
    for query in queries:
        for name, store in zip(times, (near, far), strict=True):
            opened = store.index._opened
            assert opened is not None
            times[name].append(timed(partial(opened.nearest, space, "text", query, 2 * DEPTH)))
        exact = far.index._scan.nearest(space, "text", query, scope, depth=DEPTH)
        found = far.index.nearest(space, "text", query, scope, depth=DEPTH)
        recalls.append(len(dict(exact).keys() & dict(found).keys()) / DEPTH)
    for name, found_in in times.items():
        told(name, found_in)
    ratio = statistics.median(times["index on a server"]) / statistics.median(times["index in a folder"])
    sys.stdout.write(f"server : folder {ratio:.2f}; recall@{DEPTH} of the server {statistics.mean(recalls):.4f}\n")


def lose(far: Store, server: ChromaServer, space: int) -> None:
    """Searches by words and by vectors with the server there, and after each kill of it."""
    queries, terms = clustered(QUERIES // ROUNDS, 10**7), query_terms("pump 7")
    words: dict[str, list[float]] = {"words, server there": [], "words, server away": []}
    vectors: dict[str, list[float]] = {"nearest, server there": [], "nearest, server away": []}
    for _ in range(ROUNDS):
        for by_words, by_vectors in zip(words, vectors, strict=True):
            if by_words.endswith("away"):
                server.kill()
            for query in queries:
                near = partial(far.index.nearest, space, "text", query, Scope(), depth=DEPTH)
                vectors[by_vectors].append(timed(near))
            for _ in queries:
                look = partial(far.catalog.words, terms, Scope(), depth=200)
                words[by_words].append(timed(look, time.thread_time))  # of the processor: other work counts not
        server.start()
        while far.index.status().state != "ready":
            time.sleep(0.01)
    for name, found in (words | vectors).items():
        told(name, found)
    there, away = (statistics.median(times) for times in words.values())
    sys.stdout.write(f"words away : there {away / there:.2f}\n")


if __name__ == "__main__":
    main()

"""What the gallery costs a search: a client that shows it against one that does not, of one engine, in one run.

    python -m benchmarks.gallery [--rounds 400]

Makes a library of notes with the built-in models. Both clients ask in turn, each time something else, and take turns at
being first. Prints the medians and their ratio, and the bytes of an answer of 50 hits, as JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.contenders import Product, Session
from benchmarks.processes import end_all
from benchmarks.starting import HANDSHAKE
from benchmarks.texts import Texts

EXTENSION = {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}
NOTES, MOST_HITS = 300, 50


def introduced(session: Session, *, shows: bool) -> Session:
    """A client that says whether it shows a page beside an answer, and has listed the tools that it is given."""
    capabilities = {"extensions": EXTENSION} if shows else {}
    session.ask("initialize", {**HANDSHAKE, "capabilities": capabilities})
    assert len(session.ask("tools/list", {})["tools"]) == (8 if shows else 7)
    return session


def seconds(session: Session, query: str) -> float:
    began = time.perf_counter()
    session.call("search_media", query=query)
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description="What the gallery costs a search.")
    parser.add_argument("--rounds", type=int, default=400)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder, texts, questions = Path(made), Texts(seed=1), Texts(seed=2)
        product = Product("this", Path(sys.executable), folder)
        try:
            product.fill(folder / "library", [texts.note() for _ in range(NOTES)])
            with_it = introduced(product.spawn(folder / "library", gallery=True), shows=True)
            without = introduced(product.spawn(folder / "library", gallery=False), shows=False)
            product.until_vectors(with_it, questions.questions(100))
            took: dict[Session, list[float]] = {with_it: [], without: []}
            for number in range(arguments.rounds):
                for session in (with_it, without) if number % 2 else (without, with_it):
                    took[session] += [seconds(session, query) for query in questions.questions(1)]
            (query,) = questions.questions(1)
            most = with_it.call("search_media", query=query, limit=MOST_HITS)["structuredContent"]
            with_it.close()
            without.close()
        finally:
            end_all(folder)
    shown, plain = (statistics.median(took[session]) for session in (with_it, without))
    print(f"search p50: {1e3 * shown:.2f} ms with the gallery, {1e3 * plain:.2f} without: {shown / plain:.3f}")
    print(f"{len(most['hits'])} hits: {len(json.dumps(most)):,} bytes of structured content")
    return 0


if __name__ == "__main__":
    sys.exit(main())

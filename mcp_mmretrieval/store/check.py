"""Whether an index is sound, tried out in a child process: a bad one can crash its reader, or grow without end.

`index_problem` is for the engine; run as a program, the module is the child.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_mmretrieval.store.catalog import Catalog
from mcp_mmretrieval.store.chroma import Chroma, ChromaFailed

if TYPE_CHECKING:
    from mcp_mmretrieval.types import VectorKind

OPENING_SECONDS = 60.0
"""Seconds for opening and the first vectors."""
MIN_VECTORS_PER_SECOND = 1_000.0
"""Vectors that are read in a second at the very least."""
CHECK_BLOCK_VECTORS = 2_000
"""Vectors that are read at a time."""
SAMPLES_PER_BLOCK = 8
"""Vectors of a block that are searched for; most must find themselves."""
VECTOR_TOLERANCE = 1e-2
"""How much a number may differ: float16 and normalising."""


def index_problem(folder: Path, catalog: Catalog, *, stop: threading.Event) -> str | None:
    """What is wrong with the index: None if nothing, "" if there is none yet.

    A failure is tried again once. Ends early, with any answer, when `stop` is set.
    """
    followed = [upto for upto in catalog.lanes().values() if upto]
    if not followed:
        return ""
    if not folder.is_dir():
        return "its folder was gone"
    limit = OPENING_SECONDS + catalog.behind()[1] / MIN_VECTORS_PER_SECOND
    found = _child(folder, catalog.path, limit, stop)
    return _child(folder, catalog.path, limit, stop) if found and not stop.is_set() else found


def _child(folder: Path, catalog: Path, seconds: float, stop: threading.Event) -> str | None:
    """Run the check in a child. It ends when this process does: its standard input is a pipe that closes then."""
    home = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))
    child = subprocess.Popen(
        [sys.executable, "-m", __spec__.name, str(folder), str(catalog)],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + seconds
    try:
        while child.poll() is None and time.monotonic() < end and not stop.wait(0.02):
            pass
        if child.poll() is None:
            return "reading it took too long"
        assert child.stdout is not None
        told = child.stdout.read()
        if child.returncode or not told:
            return f"reading it ended with {child.returncode}"
        return json.loads(told)["problem"]  # type: ignore[no-any-return]
    finally:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


# -- the child


def main(folder: Path, catalog: Path) -> None:
    """Read all of the index and tell on stdout, as JSON, what is wrong."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing but the answer goes out
    with contextlib.suppress(OSError):
        os.nice(10)
    try:
        found = _suspicious(folder) or _unlike(folder, Catalog(catalog))
    except ChromaFailed as error:
        found = str(error)
    told.write(json.dumps({"problem": found}))
    told.flush()
    os._exit(0)  # without Chroma's threads having a say


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def _suspicious(folder: Path) -> str | None:
    """What is wrong with the index as far as its files show. Bounds what opening it may take of disk and memory."""
    # A file of links far larger than its vectors need is damaged, and reading it in would take all memory. So sizes are
    # compared before Chroma opens anything. Then this child limits the size of the files that it writes and its memory
    # to several times what a sound index of this size needs. A bad one then ends the child, not the engine.
    size = 0
    for path in folder.rglob("*"):
        length = path.lstat().st_size
        size += length
        if path.name == "link_lists.bin" and length > 65_536 + 1_024 * _count(path.with_name("data_level0.bin")):
            return f"{path.name} has grown to {length} bytes"
    for kind, least in ((resource.RLIMIT_FSIZE, 1 << 30), (resource.RLIMIT_AS, 16 << 30)):
        with contextlib.suppress(OSError, ValueError):  # bounds that the system does not know, or that are lower
            resource.setrlimit(kind, (least + 8 * size, resource.getrlimit(kind)[1]))
    return _persisted_code(folder / "chroma.sqlite3")


def _count(data: Path) -> int:
    """Vectors that a data file can hold at most: each takes more than 128 bytes."""
    return data.stat().st_size // 128 if data.exists() else 0


def _persisted_code(path: Path) -> str | None:
    """Whether a collection brings an embedding function along, which Chroma might build and run. Ours have none."""
    try:
        # to be written, too: after a kill there is a journal to roll back
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as connection:
            found = connection.execute("SELECT config_json_str, schema_str FROM collections").fetchall()
        functions = [each for row in found for text in row if text for each in _functions(json.loads(text))]
    except (sqlite3.Error, ValueError) as error:
        return f"{path.name}: {error}"
    if any(not isinstance(each, dict) or each.get("type") not in ("legacy", "unknown") for each in functions):
        return "it names an embedding function"
    return None


def _functions(config: object) -> Iterator[object]:
    """All values of `embedding_function` in nested JSON."""
    if isinstance(config, dict):
        for name, value in config.items():
            if name == "embedding_function" and value is not None:
                yield value
            yield from _functions(value)
    elif isinstance(config, list):
        for value in config:
            yield from _functions(value)


def _unlike(folder: Path, catalog: Catalog) -> str | None:
    """How the index differs from what the catalog says that it has."""
    chroma = Chroma(folder)
    lanes = [(space, kind, upto) for (space, kind), upto in catalog.lanes().items() if upto]
    return next(filter(None, (_compare(chroma, catalog, *lane) for lane in lanes)), None)


def _compare(chroma: Chroma, catalog: Catalog, space: int, kind: VectorKind, upto: int) -> str | None:
    """Read each vector of one collection, and search for some: the graph may be torn although the vectors are whole."""
    import numpy as np  # which the engine that imports this module must not wait for

    asked = found = after = 0
    while True:
        after, places, vectors = catalog.next_vectors(space, kind, after, limit=CHECK_BLOCK_VECTORS, upto=upto)
        if not places:
            break
        held = chroma.vectors(space, kind, places)
        if len(held) < len(places):
            return f"{len(places) - len(held)} of {len(places)} vectors are missing"
        if not np.allclose(np.stack([held[place] for place in places]), vectors, atol=VECTOR_TOLERANCE):
            return "its vectors are not those of the catalog"
        for vector in vectors[:: 1 + len(places) // SAMPLES_PER_BLOCK]:
            nearest = [place for place, _ in chroma.nearest(space, kind, vector, 1)]
            own = chroma.vectors(space, kind, nearest)  # of equal vectors any will do
            asked, found = (
                asked + 1,
                found + any(np.allclose(each, vector, atol=VECTOR_TOLERANCE) for each in own.values()),
            )
    return "it does not find its own vectors" if found < 0.8 * asked else None


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

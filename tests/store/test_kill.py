"""What was acknowledged is kept, whenever the process is killed."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mcp_mmretrieval.store import Catalog, Scope, Store
from tests.store.making import held, unit
from tests.store.test_index import agree

ROUNDS = 6


def acknowledged_until_killed(library: Path, first: int, seconds: float) -> list[tuple[str, int]]:
    """Let a process commit, kill it `seconds` after its first word, and return what it had told."""
    command = [sys.executable, "-m", "tests.store.committing", str(library), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = process.stdout.readline()
        time.sleep(seconds)
        process.kill()
        told += process.stdout.read()
    whole = told[: told.rfind("\n")].splitlines()  # a line that was cut short does not count
    return [(verb, int(number)) for verb, number in (line.split() for line in whole)]


def expected(acknowledged: list[tuple[str, int]]) -> dict[int, int]:
    """Pages of each file that must be there."""
    pages: dict[int, int] = {}
    for verb, number in acknowledged:
        if verb == "removed":
            pages.pop(number, None)
        else:
            pages[number] = 1 if verb == "replaced" else number % 7 + 1
    return pages


def check(library: Path, acknowledged: list[tuple[str, int]], last: int) -> None:
    """`last` is the file that was being worked on: of it and its neighbours more may be there than was told."""
    catalog = Catalog(library / "catalog.db")
    assert catalog.check() == []
    space = catalog.active_space()
    assert space is not None
    waiting = set(catalog.unembedded(space.id, limit=10**6))
    embedded = {number for verb, number in acknowledged if verb == "embedded"}
    replaced = {number for verb, number in acknowledged if verb == "replaced"}
    for number, pages in expected(acknowledged).items():
        if number >= last - 3:
            continue
        id = held(catalog, f"/r/f{number}")
        segments = catalog.segments_of(id)
        assert len(segments) == pages
        assert (id in waiting) == (number in replaced or number not in embedded)
        if id not in waiting:
            found = catalog.exact(space.id, "text", unit(number, pages), Scope(), depth=1) if pages == 1 else []
            assert all(score > 0.999 for _, score in found)
    gone = {number for verb, number in acknowledged if verb == "removed"}
    assert not [number for number in gone if catalog.file(f"/r/f{number}")]
    catalog.close()


@pytest.mark.timeout(280)
def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    library, chance = tmp_path / "library", random.Random(11)
    acknowledged: list[tuple[str, int]] = []
    for _ in range(ROUNDS):
        first = acknowledged[-1][1] + 10 if acknowledged else 0
        acknowledged += acknowledged_until_killed(library, first, chance.uniform(0.2, 2.5))
        check(library, acknowledged, acknowledged[-1][1])
    assert len(acknowledged) > 10 * ROUNDS
    with Store.open(library) as store:
        assert store.index.wait(60)
        agree(store, 1, Scope())

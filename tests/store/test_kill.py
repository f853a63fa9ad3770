"""What was acknowledged is kept, whenever the process is killed."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mcp_mmretrieval.answers import Filters
from mcp_mmretrieval.store import Catalog, Scope, Store, index
from tests.support.rows import agree, held, unit

ROUNDS = 6


def acknowledged_until_killed(library: Path, first: int, seconds: float) -> list[tuple[str, int]]:
    """Let a process commit, kill it `seconds` after its first word, and return what it had told."""
    command = [sys.executable, "-m", "tests.support.committing", str(library), str(first)]
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


def check(library: Path, acknowledged: list[tuple[str, int]], unsure: set[int]) -> None:
    """`unsure` are files at which a kill came: more may have been done to them than was told."""
    catalog = Catalog(library / "catalog.db")
    assert catalog.check() == []
    waiting = set(catalog.unembedded(1, limit=10**6))
    embedded = {number for verb, number in acknowledged if verb == "embedded"}
    replaced = {number for verb, number in acknowledged if verb == "replaced"}
    wanted = {number: pages for number, pages in expected(acknowledged).items() if number not in unsure}
    for number, pages in wanted.items():
        id = held(catalog, f"/r/f{number}")
        assert len(catalog.segments_of(id)) == pages
        assert (id in waiting) == (number in replaced or number not in embedded)
        if id not in waiting:
            alone = Scope(None, Filters(document=id))
            assert catalog.exact(1, "text", unit(number, pages)[0], alone, depth=9)[0][1] > 0.999
    gone = {number for verb, number in acknowledged if verb == "removed"}
    assert not [number for number in gone if catalog.file(f"/r/f{number}")]
    catalog.close()


@pytest.mark.timeout(280)
def test_nothing_acknowledged_is_lost_when_the_process_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "MAX_SCANNED_VECTORS", 0)
    monkeypatch.setattr(index, "UPSERT_DELAY_SECONDS", 0.0)
    library, chance = tmp_path / "library", random.Random(11)
    acknowledged: list[tuple[str, int]] = []
    unsure: set[int] = set()
    for _ in range(ROUNDS):
        last = max((number for _, number in acknowledged), default=0)
        acknowledged += acknowledged_until_killed(library, last + 10, chance.uniform(0.2, 2.5))
        last = max(number for _, number in acknowledged)
        unsure.update(range(last - 4, last + 2))
        check(library, acknowledged, unsure)
    assert len(acknowledged) > 10 * ROUNDS
    with Store.open(library) as store:
        assert store.index.wait(60)
        agree(store, 1, Scope())

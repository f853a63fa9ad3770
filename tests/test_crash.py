"""Acknowledged means kept: the process that adds is killed again and again, and nothing it reported may be missing."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_mmretrieval.store import index
from tests.conftest import OpenLibrary

ROUNDS = int(os.environ.get("TEST_KILLS", "20"))
"""Kills; a release run takes 200."""
DURING_INDEX = 5
"""Of these, kills at a moment when Chroma was being written."""

CHILD = """
import sys, threading, time
from pathlib import Path
from tests.support.models import ModelsByHand
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.store import index

index.MAX_SCANNED_VECTORS, index.UPSERT_DELAY_SECONDS = 0, 0.0

def say(line):
    sys.stdout.write(line + "\\n"); sys.stdout.flush()

folder, root, first = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
settings = Settings(library=folder, roots=(root,), workers=1)
library = Library.open(settings=settings, models=ModelsByHand(settings))

def watch():
    while True:
        index = library._shared.store.index.status()
        if index.state == "ready" and index.followed < index.total:  # Chroma is open, and behind: it is being written
            say("INDEXING")
        time.sleep(0.002)

threading.Thread(target=watch, daemon=True).start()
for number in range(first, first + 10_000):
    path = root / f"note{number}.md"
    path.write_text(f"note number{number}x red\\n" * 3, encoding="utf-8")
    outcome = library.add([str(path)]).wait(60)
    assert outcome.added == 1, outcome
    say(f"ACK {number}")
"""


def killed_while_adding(folder: Path, root: Path, first: int, *, indexing: bool, patience: int) -> list[int]:
    """Numbers that were acknowledged before the kill; `patience`: lines to read first."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), str(root), str(first)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    assert child.stdout is not None
    acknowledged: list[int] = []
    for seen, line in enumerate(child.stdout, 1):
        if line.startswith("ACK "):
            acknowledged.append(int(line.split()[1]))
        if acknowledged and seen >= patience and (not indexing or line == "INDEXING\n"):
            break
    child.send_signal(signal.SIGKILL)
    rest = child.stdout.read()
    acknowledged += [int(line.split()[1]) for line in rest.splitlines(keepends=True) if line.startswith("ACK ")]
    assert child.wait() == -signal.SIGKILL
    child.stdout.close()
    return acknowledged


@pytest.mark.timeout(max(900, 15 * ROUNDS))
def test_nothing_acknowledged_is_lost_through_kills(
    tmp_path: Path, folder: Path, open_library: OpenLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "MAX_SCANNED_VECTORS", 0)
    chance = random.Random(7)
    acknowledged: list[int] = []
    for number in range(ROUNDS):
        first = max(acknowledged, default=-1) + 2
        known = killed_while_adding(
            tmp_path / "library", folder, first, indexing=number < DURING_INDEX, patience=chance.randint(1, 40)
        )
        assert known
        acknowledged += known
    library = open_library()
    assert library.settle(120)
    for number in acknowledged:
        hits = library.search(f"number{number}x", limit=1).hits
        assert [Path(hit.path).name for hit in hits] == [f"note{number}.md"], number
    answer = library.search("red", lanes=("text",), limit=50)
    assert len(answer.hits) >= min(50, len(acknowledged))  # and what jobs that were killed have added since

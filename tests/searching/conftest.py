"""A library whose models wait at gates, and the threads that a deadline leaves behind."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.library import Library
from tests.support.files import BLUE, RED, picture
from tests.support.models import PATIENCE, Gate, HeldModels

SHORT = 0.2
"""Seconds that are over before a gate opens."""
LONGER = 1.5
"""Such that what waits at no gate is done, also on a busy machine."""


@dataclass
class Held:
    """A library whose models wait at gates."""

    library: Library
    queries: Gate
    scores: Gate


@pytest.fixture
def held(tmp_path: Path, folder: Path) -> Iterator[Held]:
    (folder / "pump.md").write_text("a slow pump", encoding="utf-8")
    picture(folder / "red.png", RED)
    picture(folder / "blue.png", BLUE)
    settings = Settings.read(library=tmp_path / "library", roots=(folder,), workers=1)
    queries, scores = Gate(), Gate()
    with Library.open(settings=settings, models=HeldModels(settings, queries=queries, scores=scores)) as library:
        assert library.add().wait(PATIENCE).state == "done"
        assert library.settle(PATIENCE)
        yield Held(library, queries, scores)
        queries.open()
        scores.open()


def ended(name: str) -> bool:
    """Wait until no thread of this name runs any more."""
    for thread in [thread for thread in threading.enumerate() if thread.name == name]:
        thread.join(PATIENCE)
    return not running(name)


def running(name: str) -> int:
    return sum(thread.name == name for thread in threading.enumerate())

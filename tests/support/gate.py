"""Holds whoever reads a picture, so that a test decides what happens meanwhile."""

import threading
from collections.abc import Iterator

import pytest

from mcp_mmretrieval.types import Picture
from tests.support.models import ShapeReader

PATIENCE = 60.0


class Gate:
    """Closed until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()
        self.came: list[Picture] = []
        """Pictures that were to be read, also by several at once."""

    @property
    def reads(self) -> int:
        return len(self.came)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate, read = Gate(), ShapeReader.read

    def held(reader: ShapeReader, seen: Picture) -> str:
        gate.came.append(seen)
        gate.reached.set()
        assert gate.opened.wait(PATIENCE)
        return read(reader, seen)

    monkeypatch.setattr(ShapeReader, "read", held)
    yield gate
    gate.opened.set()

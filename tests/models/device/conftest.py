"""A device whose batches take no time unless a test says so."""

import pytest

from mcp_mmretrieval.concurrency import foreground
from mcp_mmretrieval.models.device import device as module
from mcp_mmretrieval.models.device.device import Device
from tests.support.batches import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Batches take no time unless a test says so, and no search of another test is remembered."""
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(foreground, "_answered", float("-inf"))
    return clock


@pytest.fixture
def device() -> Device:
    return Device("cpu")

"""Whatever runs in the thread that loads a model reports to the one who listens to that thread."""

import threading

import pytest

from mcp_mmretrieval.models import progress


class Listener:
    def __init__(self) -> None:
        self.heard: list[object] = []

    def hear(self, what: str, done: int, total: int) -> None:
        self.heard.append((what, done, total))

    def place(self, device: progress.DeviceLike) -> None:
        self.heard.append(device.generation)


class Place:
    generation = 7


def test_a_thread_reports_to_its_own_listener_alone() -> None:
    mine, other = Listener(), Listener()

    def load() -> None:
        with progress.progress_reported_to(other):
            progress.report_progress("fetching", 1, 2)

    with progress.progress_reported_to(mine):
        thread = threading.Thread(target=load)
        thread.start()
        thread.join(60)
        progress.report_device(Place())
        progress.report_progress("loading")
    assert (mine.heard, other.heard) == ([7, ("loading", 0, 0)], [("fetching", 1, 2)])


def test_after_a_load_that_failed_and_in_a_thread_that_loads_nothing_nobody_hears() -> None:
    listener = Listener()
    with pytest.raises(ValueError, match="broken"), progress.progress_reported_to(listener):
        raise ValueError("broken")
    progress.report_progress("fetching", 1, 2)
    progress.report_device(Place())
    assert listener.heard == []

"""Models serve in the order of asking, those first for whom somebody waits."""

import subprocess
import sys
import threading

import pytest

from mcp_mmretrieval.concurrency import priority_lock
from mcp_mmretrieval.concurrency.priority_lock import PriorityLock, urgent_turns
from mcp_mmretrieval.errors import Cancelled
from mcp_mmretrieval.models.pool import ModelPool
from tests.support.threads import until


class Queue:
    """Threads that ask for a turn one after the other, and the order in which they were served."""

    def __init__(self) -> None:
        self.turns = PriorityLock()
        self.served: list[str] = []
        self._threads: list[threading.Thread] = []

    def ask(self, name: str, *, for_somebody: bool = False) -> None:
        """Returns once the thread waits; the turn has to be taken."""

        def take() -> None:
            if for_somebody:
                with urgent_turns(), self.turns:
                    self.served.append(name)
            else:
                with self.turns:
                    self.served.append(name)

        waiting = self.turns.waiting
        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        self._threads.append(thread)
        until(lambda: self.turns.waiting > waiting)

    def served_in_the_end(self) -> list[str]:
        for thread in self._threads:
            thread.join(60)
        return self.served


def test_a_search_passes_between_two_batches_of_a_long_add() -> None:
    turns = PriorityLock()
    served: list[str] = []
    waiting = threading.Event()
    first_batch = threading.Event()

    def add() -> None:
        for number in range(100):
            with turns:
                served.append(f"batch {number}")
                if number == 0:
                    first_batch.set()
                    assert waiting.wait(60)
                    until(lambda: turns.waiting == 1)

    def search() -> None:
        assert first_batch.wait(60)
        waiting.set()
        with turns:
            served.append("search")

    threads = [threading.Thread(target=add), threading.Thread(target=search)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert served[:3] == ["batch 0", "search", "batch 1"]


def test_a_search_goes_before_all_batches_that_wait_already() -> None:
    queue = Queue()
    with queue.turns:
        for name in ("batch 1", "batch 2"):
            queue.ask(name)
        for name in ("search 1", "search 2"):
            queue.ask(name, for_somebody=True)
        queue.ask("batch 3")
    assert queue.served_in_the_end() == ["search 1", "search 2", "batch 1", "batch 2", "batch 3"]


def test_a_batch_is_served_now_and_then_under_any_number_of_searches() -> None:
    queue = Queue()
    with queue.turns:
        queue.ask("batch")
        for _ in range(2 * priority_lock._IN_A_ROW):
            queue.ask("search", for_somebody=True)
    assert queue.served_in_the_end().index("batch") == priority_lock._IN_A_ROW


def test_a_thread_for_which_nobody_waits_any_more_is_told_so_and_passes_the_turn_on() -> None:
    turns, stop = PriorityLock(), threading.Event()
    with urgent_turns(stop):
        with turns:
            stop.set()
        with pytest.raises(Cancelled), turns:
            pass
    with turns:  # the same thread, again for itself
        assert turns.waiting == 0


def test_at_the_end_the_running_turn_is_the_last() -> None:
    queue = Queue()
    queue.turns.__enter__()
    queue.ask("batch")
    queue.ask("search", for_somebody=True)
    ending = threading.Thread(target=queue.turns.close)
    ending.start()
    until(lambda: queue.turns._closing is not None)
    queue.turns.__exit__(None, None, None)
    ending.join(60)
    assert not ending.is_alive()
    assert (queue.served, queue.turns.waiting) == ([], 2)


def test_a_failure_passes_the_turn_on() -> None:
    turns = PriorityLock()
    for _ in range(2):
        try:
            with turns:
                raise ValueError("a bad batch")
        except ValueError:
            pass
    with turns:
        assert turns.waiting == 0


@pytest.mark.builtin
def test_a_text_is_cut_into_windows_while_the_model_works(models: ModelPool) -> None:
    text = models.builtin.text.get()
    windows: list[str] = []
    cutting = threading.Thread(target=lambda: windows.extend(text.windows("a passage " * 300)), daemon=True)
    with text._device.turns:
        cutting.start()
        cutting.join(30)
        assert len(windows) > 3


@pytest.mark.builtin
def test_the_process_ends_cleanly_while_a_model_works_in_the_background() -> None:
    code = """
import threading
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.builtin.minilm import MiniLM
text = MiniLM(2, Device(), Settings.read().cache)
begun = threading.Event()
def embed():
    while True:
        begun.set()
        text.encode(["a long passage " * 80] * 16)
threading.Thread(target=embed, daemon=True).start()
begun.wait()
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stderr, ended.stdout) == (0, "", "")

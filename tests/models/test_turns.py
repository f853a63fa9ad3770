"""Models serve in the order of asking."""

import subprocess
import sys
import threading

import pytest

from mcp_mmretrieval.models.turns import Turns


def test_a_search_passes_between_two_batches_of_a_long_add() -> None:
    turns = Turns()
    served: list[str] = []
    waiting = threading.Event()
    first_batch = threading.Event()

    def add() -> None:
        for number in range(100):
            with turns:
                served.append(f"batch {number}")
                if number == 0:
                    first_batch.set()
                    assert waiting.wait(10)
                    while turns.waiting < 1:
                        pass

    def search() -> None:
        assert first_batch.wait(10)
        waiting.set()
        with turns:
            served.append("search")

    threads = [threading.Thread(target=add), threading.Thread(target=search)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert served[:3] == ["batch 0", "search", "batch 1"]


def test_a_failure_passes_the_turn_on() -> None:
    turns = Turns()
    for _ in range(2):
        try:
            with turns:
                raise ValueError("a bad batch")
        except ValueError:
            pass
    with turns:
        assert turns.waiting == 0


@pytest.mark.builtin
def test_the_process_ends_cleanly_while_a_model_works_in_the_background() -> None:
    code = """
import threading
from mcp_mmretrieval.models.minilm import MiniLM
text = MiniLM(2)
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

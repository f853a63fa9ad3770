"""One model process as the engine sees it: started when needed, ended at rest, started again when it dies."""

import errno
import mmap
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from mcp_mmretrieval.concurrency.foreground import foreground_request
from mcp_mmretrieval.concurrency.priority_lock import urgent_turns
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.errors import Cancelled, DeviceLost, ModelUnavailable, Unfit
from mcp_mmretrieval.models import progress
from mcp_mmretrieval.models.device.memory import is_memory_shortage
from mcp_mmretrieval.models.process import client, frames
from mcp_mmretrieval.models.process.client import ModelAnswer, ModelCall, ModelProcess
from mcp_mmretrieval.models.process.messages import RemoteFailure
from mcp_mmretrieval.types import Content
from tests.support.engines import until

ENTRY = "tests.support.obedient_models"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_PAUSE", 0.001)
    monkeypatch.setattr(client, "KILLS_SECONDS", 1.0)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[ModelProcess]:
    made = ModelProcess(Settings(library=tmp_path), "cpu", entry=ENTRY)
    yield made
    made.close()


def embed(process: ModelProcess, *contents: Content, maker: str = "colours") -> ModelAnswer:
    return process.call(ModelCall("embedder", maker, "embed_documents", {"titles": []}, contents))


def count(tmp_path: Path, name: str) -> int:
    file = tmp_path / "counts" / f"count {name}"
    return int(file.read_text()) if file.exists() else 0


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_it_is_started_by_the_first_call_and_answers_the_next_ones_too(process: ModelProcess, tmp_path: Path) -> None:
    assert (process.generation, process.pid) == (0, None)
    first = embed(process, "red", "blue").arrays["vectors"]
    assert first.shape == (2, 3)
    pid = process.pid
    big = np.zeros((400, 300, 3), np.uint8)
    big[..., 2] = 255
    assert embed(process, big).arrays["vectors"].argmax() == 2
    assert (process.pid, process.generation, count(tmp_path, "load colours")) == (pid, 1, 1)


def test_calls_of_many_threads_run_side_by_side(process: ModelProcess, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        waiting = threads.submit(embed, process, "wait")
        until(lambda: count(tmp_path, "waiting") == 1, 30)
        others = list(threads.map(lambda number: embed(process, f"red {number}"), range(12)))
        assert not waiting.done()
        (tmp_path / "counts" / "go").touch()
        assert waiting.result(30).arrays["vectors"].shape == (1, 3)
    assert len(others) == 12


def test_at_rest_it_ends_and_comes_back_when_it_is_needed(process: ModelProcess, tmp_path: Path) -> None:
    embed(process, "red")
    pid = process.pid
    assert pid is not None
    assert not process.rest(60.0)
    assert process.rest(0.0)
    assert not process.rest(0.0)
    assert gone(pid)
    assert process.generation == 0
    embed(process, "red")
    assert (process.generation, count(tmp_path, "load colours")) == (2, 2)


def test_while_a_call_runs_it_does_not_rest(process: ModelProcess, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(embed, process, "wait")
        until(lambda: count(tmp_path, "waiting") == 1, 30)
        assert process.idle == 0.0
        assert not process.rest(0.0)
        (tmp_path / "counts" / "go").touch()
        waiting.result(30)


@pytest.mark.parametrize("order", ["die 2", "kill 9", "lose 2"])
def test_a_call_whose_process_dies_goes_again_in_the_next(process: ModelProcess, order: str) -> None:
    assert embed(process, order).arrays["vectors"].shape == (1, 3)
    assert process.generation == 1 + int(order.split()[1])


@pytest.mark.parametrize(("order", "why"), [("die 99", "with exit code 3"), ("kill 99", "killed, as for want of")])
def test_a_content_that_ends_one_process_after_the_other_is_given_up(
    process: ModelProcess, order: str, why: str
) -> None:
    with pytest.raises(Unfit, match=f"did not survive this: .*{why}"):
        embed(process, order)
    assert embed(process, "red").arrays["vectors"].shape == (1, 3)


def test_a_device_that_every_process_loses_is_lost(process: ModelProcess) -> None:
    with pytest.raises(DeviceLost, match="an ECC error"):
        embed(process, "lose 99")


def test_a_process_that_is_killed_while_nobody_asks_is_replaced_by_the_next_call(process: ModelProcess) -> None:
    embed(process, "red")
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: process.generation == 0, 10)
    embed(process, "red")
    assert process.generation == 2


def test_calls_that_were_under_way_when_it_was_killed_are_all_answered(process: ModelProcess, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        waiting = threads.submit(embed, process, "wait")
        until(lambda: count(tmp_path, "waiting") == 1, 30)
        (tmp_path / "counts" / "go").touch()
        calls = [threads.submit(embed, process, f"red {number}") for number in range(8)]
        if (pid := process.pid) is not None:
            os.kill(pid, signal.SIGKILL)
        assert [call.result(60).arrays["vectors"].shape for call in [waiting, *calls]] == [(1, 3)] * 9


def test_what_the_model_raises_is_raised_here(process: ModelProcess) -> None:
    with pytest.raises(Unfit, match="too long") as unfit:
        embed(process, "red", "unfit")
    assert unfit.value.rows == (1,)
    with pytest.raises(RemoteFailure, match="KeyError: 'a bug'"):
        embed(process, "break")
    with pytest.raises(ModelUnavailable, match="missing: no such model"):
        embed(process, "red", maker="missing")
    assert process.generation == 1


def test_a_panic_is_told_and_keeps_nobody_waiting(process: ModelProcess) -> None:
    with pytest.raises(RemoteFailure, match="Panic: index out of bounds"):
        embed(process, "panic")
    assert embed(process, "red").arrays["vectors"].shape == (1, 3)
    assert process.generation == 1


def test_what_cannot_be_handed_over_is_told_and_keeps_nobody_waiting(
    process: ModelProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed(process, "red")
    with monkeypatch.context() as short:
        short.setattr(frames, "_anonymous_file", Mock(side_effect=OSError(errno.EMFILE, "Too many open files")))
        with pytest.raises(ModelUnavailable, match=r"Too many open files\. Free memory") as told:
            embed(process, np.zeros((400, 300, 3), np.uint8))
    assert is_memory_shortage(told.value)
    assert embed(process, "red").arrays["vectors"].shape == (1, 3)
    assert process.generation == 1


def test_an_answer_that_cannot_be_taken_is_told_and_keeps_nobody_waiting(
    process: ModelProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = ["red"] * 3_000  # whose vectors lie in shared memory
    with monkeypatch.context() as short:
        short.setattr(mmap, "mmap", Mock(side_effect=OSError(errno.ENOMEM, "Cannot allocate memory")))
        with pytest.raises(ModelUnavailable, match="Cannot allocate memory") as told:
            embed(process, *many)
    assert is_memory_shortage(told.value)
    assert embed(process, *many).arrays["vectors"].shape == (3_000, 3)


def test_a_process_without_a_descriptor_left_blames_no_content(process: ModelProcess) -> None:
    embed(process, "red")
    assert process.pid is not None
    before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (3, before[1]))
    with pytest.raises(ModelUnavailable, match="too many open files") as told:
        embed(process, np.zeros((400, 300, 3), np.uint8))
    assert is_memory_shortage(told.value)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)
    assert len(embed(process, np.zeros((400, 300, 3), np.uint8)).arrays["vectors"]) == 1
    assert process.generation == 1


def test_nobody_waits_for_a_call_that_nobody_needs(process: ModelProcess, tmp_path: Path) -> None:
    stop = threading.Event()

    def urgent() -> None:
        with urgent_turns(stop):
            embed(process, "wait")

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(embed, process, "wait")
        until(lambda: count(tmp_path, "waiting") == 1, 30)
        second = threads.submit(urgent)
        stop.set()
        with pytest.raises(Cancelled):
            second.result(30)
        (tmp_path / "counts" / "go").touch()
        first.result(30)


def test_closed_it_ends_what_is_under_way_and_starts_no_more(process: ModelProcess, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(embed, process, "wait")
        until(lambda: count(tmp_path, "waiting") == 1, 30)
        process.close()
        with pytest.raises(Cancelled):
            waiting.result(30)
    with pytest.raises(Cancelled):
        embed(process, "red")
    assert process.generation == 0


def test_a_process_that_does_not_start_is_told(tmp_path: Path) -> None:
    process = ModelProcess(Settings(library=tmp_path), "cpu", entry="tests.support.no_such_module")
    with pytest.raises(ModelUnavailable, match=r"does not start: it ended with exit code 1\. Run: mcp-mm"):
        embed(process, "red")


def test_the_thread_that_loads_hears_how_far_it_is(process: ModelProcess) -> None:
    class Listener:
        def __init__(self) -> None:
            self.heard: list[tuple[str, int, int]] = []

        def hear(self, what: str, done: int, total: int) -> None:
            self.heard.append((what, done, total))

        def place(self, device: progress.DeviceLike) -> None:
            raise AssertionError

    listener = Listener()
    with progress.progress_reported_to(listener):
        embed(process, "red")
    assert listener.heard == [("fetching", 1, 2)]


def test_it_knows_while_somebody_waits_for_an_answer(process: ModelProcess) -> None:
    embed(process, "foreground")
    with foreground_request(), pytest.raises(ValueError, match="somebody waits"):
        embed(process, "foreground")


def test_one_that_is_started_while_somebody_waits_knows_it(process: ModelProcess) -> None:
    with foreground_request(), pytest.raises(ValueError, match="somebody waits"):
        embed(process, "foreground")


def test_a_process_that_hangs_is_replaced_and_holds_up_nobody_whose_wait_it_is_told_of(
    process: ModelProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "DEAF_SECONDS", 0.2)
    embed(process, "red")
    hanging = process.pid
    assert hanging is not None
    os.kill(hanging, signal.SIGSTOP)
    for _ in range(5_000):  # more than a socket holds
        with foreground_request():
            pass
    until(lambda: process.pid is None, 30)
    assert embed(process, "red").arrays["vectors"].shape == (1, 3)
    assert process.generation == 2
    assert gone(hanging)


def test_it_ends_with_the_process_that_started_it(tmp_path: Path, run_python: Callable[[str], str]) -> None:
    pid = int(
        run_python(f"""
from pathlib import Path
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.models.process.client import ModelCall, ModelProcess
import os, signal
folder = Path({str(tmp_path)!r})
process = ModelProcess(Settings(library=folder), "cpu", entry={ENTRY!r})
process.call(ModelCall("embedder", "colours", "load"))
print(process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
""")
    )
    end = time.monotonic() + 30
    while not gone(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert gone(pid)


@pytest.fixture
def run_python() -> Callable[[str], str]:
    import subprocess
    import sys

    def run(code: str) -> str:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60).stdout

    return run

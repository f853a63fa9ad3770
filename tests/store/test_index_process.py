"""The index process does what Chroma does, and whatever becomes of it is told as a failure, in time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from mcp_mmretrieval.store import Catalog, index_process
from mcp_mmretrieval.store.chroma import ChromaFailed
from mcp_mmretrieval.store.index_process import IndexProcess, Patience, ProcessFailed, processor_seconds
from mcp_mmretrieval.types import Vectors
from tests.support.rows import fill, unit

KEYS = np.array([(1, 0), (1, 1), (2, 0), (30, 0)])
MANY = np.stack([np.arange(4_000), np.zeros(4_000, np.int64)], axis=1)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[IndexProcess]:
    """One with an empty index."""
    process = IndexProcess(tmp_path / "index", threading.Event())
    try:
        process.begin()
        yield process
    finally:
        process.end()


def nearest(process: IndexProcess, vector: Vectors, depth: int) -> list[tuple[int, float]]:
    found = process.nearest(1, "text", vector, depth)
    assert found is not None
    return found


def gone(process: IndexProcess) -> bool:
    return process._process.poll() is not None


def test_it_answers_as_chroma_does(process: IndexProcess) -> None:
    vectors = unit(0, 4)
    process.upsert(1, "text", KEYS, vectors)
    similar = vectors @ vectors[2]
    order = np.argsort(-similar)
    found = nearest(process, vectors[2:3], 4)
    assert [key for key, _ in found] == KEYS[order, 0].tolist()
    assert [score for _, score in found] == pytest.approx(similar[order].tolist(), abs=1e-5)
    process.delete(1, "text", KEYS[:3])
    assert [key for key, _ in nearest(process, vectors[2], 4)] == [30]
    process.drop(1)
    assert nearest(process, vectors[2], 4) == []


def test_the_engine_does_not_import_chroma(process: IndexProcess) -> None:
    process.upsert(1, "text", KEYS, unit(0, 4))
    program = "import sys, mcp_mmretrieval.store.index_process; sys.exit('chromadb' in sys.modules)"
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", program]) == 0


def test_it_runs_with_as_little_as_possible(process: IndexProcess) -> None:
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    said = Path(f"/proc/{process._process.pid}/environ").read_bytes().decode().split("\0")
    held = dict(each.split("=", 1) for each in said if each)
    assert held["ANONYMIZED_TELEMETRY"] == "False"
    assert {"ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"} <= set(held)
    assert "HOME" not in held
    assert Path(f"/proc/{process._process.pid}/fd/1").readlink() == Path("/dev/null")


def test_what_chroma_refuses_is_told_and_the_process_lives_on(process: IndexProcess) -> None:
    process.upsert(1, "text", KEYS, unit(0, 4))
    with pytest.raises(ChromaFailed, match="dimension") as told:
        process.nearest(1, "text", unit(0, 1, 5), 1)
    assert not isinstance(told.value, ProcessFailed)
    assert len(nearest(process, unit(0, 1), 4)) == 4


def test_an_index_closed_in_order_is_there_when_it_is_opened(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.db")
    space, vectors = fill(catalog, 10)
    last, keys, _ = catalog.next_vectors(space, "text", 0, limit=1_000)
    first = IndexProcess(tmp_path / "index", threading.Event())
    first.begin()
    first.upsert(space, "text", keys, vectors)
    catalog.follow(space, "text", last)
    first.close()
    assert gone(first)
    again = IndexProcess(tmp_path / "index", threading.Event())
    assert again.open(catalog.path, 50, sample=True) is None
    assert nearest(again, vectors[7], 1)[0][1] == pytest.approx(1.0, abs=1e-5)
    again.delete(space, "text", keys[:2])
    again.close()
    damaged = IndexProcess(tmp_path / "index", threading.Event())
    assert damaged.open(catalog.path, 50, sample=False) == "2 of 50 vectors are missing"
    damaged.end()
    catalog.close()


def test_a_folder_may_be_named_from_where_the_engine_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Catalog(Path("catalog.db")).close()
    first = IndexProcess(Path("index"), threading.Event())
    first.begin()
    first.close()
    assert (tmp_path / "index" / "chroma.sqlite3").exists()
    again = IndexProcess(Path("index"), threading.Event())
    assert again.open(Path("catalog.db"), 0, sample=False) is None
    again.end()


# -- ends


def test_a_process_that_cannot_be_started_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    with pytest.raises(ProcessFailed, match="does not start"):
        IndexProcess(tmp_path / "index", threading.Event())


@pytest.mark.parametrize("work", ["upsert", "nearest", "open"])
def test_a_process_that_is_killed_at_work_fails_who_waits_for_it(
    process: IndexProcess, tmp_path: Path, work: str
) -> None:
    catalog = Catalog(tmp_path / "catalog.db")
    process._process.send_signal(signal.SIGSTOP)  # so that the kill comes amid the work
    with ThreadPoolExecutor(1) as pool:
        if work == "upsert":
            waiting = pool.submit(process.upsert, 1, "text", MANY, unit(0, len(MANY)))
        elif work == "nearest":
            waiting = pool.submit(process.nearest, 1, "text", unit(0, 1), 3)  # type: ignore[arg-type]
        else:
            waiting = pool.submit(process.open, catalog.path, 0, sample=False)  # type: ignore[arg-type]
        while not process._turn.locked():
            time.sleep(0.001)
        process._process.kill()
        with pytest.raises(ProcessFailed, match="ended with -9"):
            waiting.result(30)
    catalog.close()


def test_a_search_goes_on_without_a_process_that_does_not_answer(
    process: IndexProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_process, "QUERY_SECONDS", 0.1)
    process.upsert(1, "text", KEYS, unit(0, 4))
    process._process.send_signal(signal.SIGSTOP)
    assert process.nearest(1, "text", unit(0, 1), 4) is None
    assert [process.silent] == [True]
    assert process.nearest(1, "text", unit(0, 1), 4) is None
    process._process.send_signal(signal.SIGCONT)
    process.ping()
    assert [process.silent] == [False]
    monkeypatch.setattr(index_process, "QUERY_SECONDS", 60.0)
    assert len(nearest(process, unit(0, 1), 3)) == 3  # the answer to this question, not the late one


def test_a_process_that_hangs_is_given_up(process: IndexProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_process, "HANG_SECONDS", 0.3)
    process._process.send_signal(signal.SIGSTOP)
    with pytest.raises(ProcessFailed, match="did nothing"):
        process.upsert(1, "text", MANY, unit(0, len(MANY), 384))  # more than a socket holds
    process.end()
    assert gone(process)


def test_a_search_does_not_wait_for_a_running_upsert(process: IndexProcess) -> None:
    process._process.send_signal(signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(process.upsert, 1, "text", KEYS, unit(0, 4))
        while not process._turn.locked():
            time.sleep(0.001)
        assert process.nearest(1, "text", unit(0, 1), 4) is None
        assert not process.silent
        process._process.send_signal(signal.SIGCONT)
        writing.result(30)
    assert len(nearest(process, unit(0, 1), 4)) == 4


def test_opening_ends_when_the_library_is_closed(tmp_path: Path) -> None:
    stop = threading.Event()
    process = IndexProcess(tmp_path / "index", stop)
    process._process.send_signal(signal.SIGSTOP)
    stop.set()
    with pytest.raises(ProcessFailed, match="being closed"):
        process.open(tmp_path / "catalog.db", 0, sample=False)
    process.end()


def test_what_hangs_keeps_no_library_from_being_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_process, "CLOSING_SECONDS", 0.2)
    stop = threading.Event()
    process = IndexProcess(tmp_path / "index", stop)
    process.begin()
    process._process.send_signal(signal.SIGSTOP)
    stop.set()
    with pytest.raises(ProcessFailed, match="being closed"):
        process.close()
    process.end()
    assert gone(process)


def test_what_runs_when_the_library_is_closed_has_time_to_end(tmp_path: Path) -> None:
    stop = threading.Event()
    process = IndexProcess(tmp_path / "index", stop)
    process.begin()
    process._process.send_signal(signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(process.upsert, 1, "text", KEYS, unit(0, 4))
        stop.set()
        while process._stopped is None:
            time.sleep(0.001)
        process._process.send_signal(signal.SIGCONT)
        writing.result(30)
    process.close()
    assert gone(process)


def test_it_ends_with_the_engine(tmp_path: Path) -> None:
    program = (
        "import sys, threading, time; from pathlib import Path\n"
        "from mcp_mmretrieval.store.index_process import IndexProcess\n"
        "process = IndexProcess(Path(sys.argv[1]), threading.Event()); process.begin()\n"
        "print(process._process.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "index")], stdout=subprocess.PIPE, text=True
    ) as engine:
        assert engine.stdout is not None
        pid = int(engine.stdout.readline())
        engine.kill()
    end = time.monotonic() + 30
    while alive(pid):
        assert time.monotonic() < end
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")  # an orphan that ended may wait to be buried
    return not stat.exists() or ") Z " not in stat.read_text()


# -- patience


class Clock:
    """Processor time by hand."""

    now = 5.0

    def __call__(self) -> float:
        return self.now


def test_patience_ends_with_work_and_not_with_the_clock_on_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, work = Clock(), Clock()
    monkeypatch.setattr("mcp_mmretrieval.store.index_process.time.monotonic", wall)
    patience = Patience(20.0, work)
    for _ in range(1_000):  # a busy machine: a hundredth of the processor, for hours
        wall.now += 10.0
        work.now += 0.01 + 1e-9
        patience.check()
    work.now = 25.1
    with pytest.raises(ProcessFailed, match="20 s of processor time"):
        patience.check()


def test_patience_ends_where_no_work_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, work = Clock(), Clock()
    monkeypatch.setattr("mcp_mmretrieval.store.index_process.time.monotonic", wall)
    patience = Patience(20.0, work)
    wall.now += index_process.HANG_SECONDS
    patience.check()
    wall.now += 1
    with pytest.raises(ProcessFailed, match="did nothing"):
        patience.check()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the clock on the wall stands in for it")
def test_the_processor_time_of_a_child_is_known(process: IndexProcess) -> None:
    before = processor_seconds(process._process.pid)
    assert before > 0.1  # it has imported Chroma
    process.upsert(1, "text", MANY, unit(0, len(MANY)))
    assert processor_seconds(process._process.pid) > before
    process.end()
    assert processor_seconds(process._process.pid) == 0.0

"""Memory of the machine, as its container may use it."""

import ctypes
import gc
import weakref
from pathlib import Path

import pytest
import torch

from mcp_mmretrieval.errors import ModelUnavailable
from mcp_mmretrieval.models.device import memory

GIGABYTE = 1_000_000_000


def test_a_container_has_what_its_group_may_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_whole", lambda: (6 * GIGABYTE, 10 * GIGABYTE))
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    assert memory.machine_memory() == (6 * GIGABYTE, 10 * GIGABYTE)
    (tmp_path / "memory.max").write_text("4000000000\n")
    (tmp_path / "memory.current").write_text("3000000000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 500000000\n")
    assert memory.machine_memory() == (1_500_000_000, 4_000_000_000)
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.machine_memory() == (6 * GIGABYTE, 10 * GIGABYTE)


def test_where_linux_does_not_say_what_is_free_it_is_all_that_is_built_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    free, total = memory.machine_memory()
    assert 0 < free <= total
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    assert memory.machine_memory() == (memory.physical_memory(), memory.physical_memory())


def test_a_want_of_memory_is_seen_through_the_errors_that_hide_it() -> None:
    hidden = ModelUnavailable("does not load")
    hidden.__cause__ = RuntimeError("wrapped")
    assert not memory.is_memory_shortage(hidden)
    hidden.__cause__.__cause__ = MemoryError()
    assert memory.is_memory_shortage(hidden)
    assert not memory.is_memory_shortage(None)


def test_what_nobody_refers_to_goes_even_where_it_was_frozen_and_all_else_stays_frozen() -> None:
    class Weights:
        """Refers to itself, so that only the garbage collector frees it."""

        def __init__(self) -> None:
            self.own = self

    weights = Weights()
    gone = weakref.ref(weights)
    gc.freeze()
    try:
        del weights
        gc.collect()
        assert gone() is not None
        memory.release_memory()
        assert gone() is None
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_what_a_gpu_of_apples_holds_in_reserve_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    given_back: list[str] = []
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "empty_cache", lambda: given_back.append("mps"))
    memory.release_memory()
    assert given_back == ["mps"]


def resident_mb() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS:"))


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="needs glibc")
def test_what_was_freed_below_the_end_of_a_heap_is_given_back_once_the_process_has_grown_by_it() -> None:
    heap = memory.GrownHeap()
    held = [bytearray(20_000) for _ in range(10_000)]
    del held[:-1]  # the last of them keeps the heap from becoming shorter
    before = resident_mb()
    heap.trim()
    after = resident_mb()
    assert before - after > 100


def test_a_process_that_has_hardly_grown_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    heap, looked = memory.GrownHeap(), []
    monkeypatch.setattr(memory, "trim_heap", lambda: looked.append(resident_mb()))
    heap.trim()
    assert not looked
    held = bytearray(b"a") * 100_000_000
    heap.trim()
    heap.trim()
    del held
    assert len(looked) == 1

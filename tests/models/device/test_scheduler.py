"""One device, many callers: batches by cost, searches first, and nothing lost when something goes wrong."""

import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from mcp_mmretrieval.concurrency import foreground
from mcp_mmretrieval.concurrency.priority_lock import urgent_turns
from mcp_mmretrieval.errors import Cancelled, DeviceLost, ModelUnavailable, Unfit
from mcp_mmretrieval.models.builtin.minilm import MiniLM
from mcp_mmretrieval.models.device.device import Device
from mcp_mmretrieval.models.pool import ModelPool
from mcp_mmretrieval.types import Vectors
from tests.support.batches import Clock, Model, all_of
from tests.support.threads import until

pytestmark = pytest.mark.usefixtures("clock")


def test_no_memory_at_batch_k_halves_the_batches_from_then_on_and_loses_nothing(device: Device) -> None:
    sizes = [100] * 100
    model = Model(sizes)
    again = model.__call__

    def run(rows: list[int]) -> list[int]:
        model.room = float("inf") if len(model.batches) < 2 else 1_000
        return again(rows)

    assert all_of(device.each("m", sizes, run)) == list(range(100))
    lengths = [len(batch) for batch in model.batches]
    assert lengths[:4] == [20, 20, 20, 10]
    assert set(lengths[3:]) == {10}
    model.batches.clear()
    all_of(device.each("m", sizes, model))
    assert {len(batch) for batch in model.batches} == {10}  # it is remembered
    other = Model(sizes)
    all_of(device.each("another", sizes, other))
    assert len(other.batches[0]) == 20  # of that model alone


def test_a_model_that_is_not_there_is_not_tried_again(device: Device) -> None:
    tried: list[list[int]] = []

    def run(rows: list[int]) -> list[int]:
        tried.append(rows)
        raise ModelUnavailable("damaged")

    with pytest.raises(ModelUnavailable, match="damaged"):
        all_of(device.each("m", [50] * 300, run))
    assert len(tried) == 1


@pytest.mark.parametrize(
    "error",
    [
        torch.AcceleratorError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("CUDA error: device-side assert triggered\nCUDA kernel errors might be asynchronously reported"),
        RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling cublasSgemm"),
    ],
)
def test_a_device_that_is_lost_stays_lost(device: Device, error: Exception) -> None:
    told: list[str] = []
    device.tell_loss_to(told.append)

    def run(rows: list[int]) -> list[int]:
        raise error

    with pytest.raises(DeviceLost, match=r"cpu was lost: CUDA error.*Ask again"):
        all_of(device.each("m", [50] * 300, run))
    assert device.lost
    model = Model([1])
    with pytest.raises(DeviceLost):
        all_of(device.each("another", [1], model))
    assert model.batches == []
    assert len(told) == 1


def test_those_who_wait_for_a_device_that_is_lost_meanwhile_are_told(device: Device) -> None:
    told: list[str] = []

    def ask() -> None:
        try:
            all_of(device.each("m", [1], Model([1])))
        except DeviceLost as error:
            told.append(str(error))

    def run(rows: list[int]) -> list[int]:
        thread.start()
        until(lambda: device.turns.waiting > 0)
        raise RuntimeError("CUDA error: unspecified launch failure")

    thread = threading.Thread(target=ask)
    with pytest.raises(DeviceLost):
        all_of(device.each("m", [1], run))
    thread.join(60)
    assert told == [device.lost]


def test_a_search_passes_between_two_batches_and_those_are_short_then(device: Device, clock: Clock) -> None:
    sizes, served = [100] * 60, list[str]()

    def search() -> None:
        with foreground.foreground_request(), urgent_turns():
            for _ in device.each("m", [10], lambda rows: rows):
                served.append("search")

    def run(rows: list[int]) -> list[int]:
        clock.now += 0.45 * len(rows) / 20
        served.append(f"{len(rows)} rows")
        if len(served) == 1:
            thread.start()
            until(lambda: device.turns.waiting > 0)
        return rows

    thread = threading.Thread(target=search)
    assert all_of(device.each("m", sizes, run)) == list(range(60))
    thread.join(60)
    assert served[:3] == ["20 rows", "search", "2 rows"]


def test_who_is_left_behind_runs_no_further_batch(device: Device) -> None:
    stop, model = threading.Event(), Model([100] * 60)
    with urgent_turns(stop), pytest.raises(Cancelled):
        for _ in device.each("m", model.sizes, model):
            stop.set()
    assert len(model.batches) == 1
    with device.turns:
        assert device.turns.waiting == 0


@pytest.mark.builtin
def test_minilm_gives_a_text_the_same_vector_alone_and_among_others(models: ModelPool) -> None:
    text = models.builtin.text.get()
    texts = [f"The ferry number {number} left the harbour. " * (1 + number % 7) for number in range(60)]
    together = text.encode(texts)
    alone = np.concatenate([text.encode([one]) for one in texts])
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.builtin
def test_minilms_vectors_are_the_same_after_memory_was_short(
    models: ModelPool, machine_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = MiniLM(1, Device("cpu"), machine_cache)
    texts = [f"The ferry number {number} left the harbour. " * 3 for number in range(100)]
    states, lengths = text._states, list[int]()

    def short(given: list[list[int]]) -> list[Vectors]:
        lengths.append(len(given))
        if len(lengths) == 2:
            raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8796093022208 bytes.")
        return states(given)

    monkeypatch.setattr(text, "_states", short)
    np.testing.assert_allclose(text.encode(texts), models.builtin.text.get().encode(texts), atol=1e-6)
    assert len(lengths) > 2 and max(lengths[2:]) <= lengths[1] // 2


# -- batches that are prepared before their turn ----------------------------------------------------------------------


def test_one_call_prepares_its_batch_while_that_of_another_runs(device: Device) -> None:
    happened = list[str]()

    def second() -> None:
        def prepare(rows: list[int]) -> list[int]:
            happened.append("second prepared")
            return rows

        all_of(device.each_prepared("m", [1], prepare, lambda rows: rows))

    def run(rows: list[int]) -> list[int]:
        thread.start()
        until(lambda: "second prepared" in happened and device.turns.waiting > 0)
        happened.append("first ran")
        return rows

    thread = threading.Thread(target=second)
    assert all_of(device.each_prepared("m", [1], lambda rows: rows, run)) == [0]
    thread.join(60)
    assert happened == ["second prepared", "first ran"]


def test_only_the_turn_counts_as_the_models_time(device: Device, clock: Clock) -> None:
    sizes = [100] * 400

    def prepare(rows: list[int]) -> list[int]:
        clock.now += 60.0
        return rows

    def run(rows: list[int]) -> list[int]:
        clock.now += 0.45 * len(rows) / 20
        lengths.append(len(rows))
        return rows

    lengths = list[int]()
    assert all_of(device.each_prepared("m", sizes, prepare, run)) == list(range(400))
    assert min(lengths[:-1]) >= 19


def test_what_fails_while_it_is_prepared_fails_as_in_its_turn(device: Device) -> None:
    """One bad content alone; no memory halves the batches; a loss ends the call."""
    sizes, lengths = [100] * 60, list[int]()

    def prepare(rows: list[int]) -> list[int]:
        if len(rows) > 10:
            raise MemoryError
        if 37 in rows:
            raise ValueError("no picture")
        return rows

    def run(rows: list[int]) -> list[int]:
        lengths.append(len(rows))
        return rows

    ran = list[int]()
    with pytest.raises(Unfit, match="no picture") as told:
        for rows, _ in device.each_prepared("m", sizes, prepare, run):
            ran += rows
    assert (told.value.rows, sorted(ran)) == ((37,), [row for row in range(60) if row != 37])
    assert max(lengths) == 10

    def lose(rows: list[int]) -> list[int]:
        raise RuntimeError("CUDA error: unspecified launch failure")

    with pytest.raises(DeviceLost):
        all_of(device.each_prepared("m", sizes, lose, run))
    with pytest.raises(DeviceLost):
        all_of(device.each_prepared("m", sizes, lambda rows: rows, run))


def test_who_is_left_behind_while_it_prepares_gets_no_turn(device: Device) -> None:
    stop, model = threading.Event(), Model([100])

    def prepare(rows: list[int]) -> list[int]:
        stop.set()
        return rows

    with urgent_turns(stop), pytest.raises(Cancelled):
        all_of(device.each_prepared("m", model.sizes, prepare, model))
    assert model.batches == []

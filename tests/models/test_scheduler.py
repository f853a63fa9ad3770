"""One device, many callers: batches by cost, searches first, and nothing lost when something goes wrong."""

import threading
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
import torch

from mcp_mmretrieval.concurrency import foreground as precedence
from mcp_mmretrieval.concurrency.priority_lock import urgent
from mcp_mmretrieval.errors import BadArgument, Cancelled, DeviceLost, ModelUnavailable, Unfit
from mcp_mmretrieval.models import device as module
from mcp_mmretrieval.models.device import Device
from mcp_mmretrieval.models.loading import Models
from mcp_mmretrieval.models.minilm import MiniLM

Run = Callable[[list[int]], list[int]]


class Clock:
    """Seconds that pass only as told."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Batches take no time unless a test says so, and no search of another test is remembered."""
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(precedence, "_answered", float("-inf"))
    return clock


@pytest.fixture
def device() -> Device:
    return Device("cpu")


class Model:
    """Gives each row its own number back, within so many tokens; notes its batches."""

    def __init__(self, sizes: Sequence[int], room: float = float("inf")) -> None:
        self.sizes = sizes
        self.room = room
        self.batches: list[list[int]] = []

    def __call__(self, rows: list[int]) -> list[int]:
        self.batches.append(rows)
        if len(rows) * max(self.sizes[row] for row in rows) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        return rows


def all_of(ran: Iterator[tuple[list[int], list[int]]]) -> list[int]:
    """The rows that ran, each of them once."""
    found = [row for rows, result in ran for row in rows if rows == result]
    assert len(found) == len(set(found))
    return sorted(found)


def test_batches_are_of_like_length_longest_first_and_within_the_budget(device: Device) -> None:
    sizes = [10, 100, 12, 95, 130, 60, 11] * 30
    model = Model(sizes)
    assert all_of(device.each("m", sizes, model)) == list(range(len(sizes)))
    lengths = [[sizes[row] for row in batch] for batch in model.batches]
    assert [max(batch) for batch in lengths] == sorted((max(batch) for batch in lengths), reverse=True)
    for batch in lengths:
        assert min(batch) >= module._EVEN_CPU * max(batch)
        assert len(batch) * max(batch) <= module._TOKENS_CPU


def test_a_call_without_contents_runs_nothing(device: Device) -> None:
    assert all_of(device.each("m", [], Model([]))) == []


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


def test_batches_grow_again_after_many_clean_ones(device: Device) -> None:
    sizes = [100] * 2_500
    model = Model(sizes, room=1_000)
    all_of(device.each("m", sizes, model))
    lengths = [len(batch) for batch in model.batches]
    assert lengths[1] == 10
    assert 11 in lengths


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8796093022208 bytes."),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
    ],
    ids=lambda error: str(error)[:24] or type(error).__name__,
)
def test_one_content_that_never_fits_fails_alone(device: Device, error: Exception) -> None:
    sizes = [50] * 60 + [70_000]

    def run(rows: list[int]) -> list[int]:
        if 60 in rows:
            raise error
        return rows

    ran: list[int] = []
    with pytest.raises(Unfit, match=r"m cannot take this in: it does not fit into the memory of cpu") as told:
        for rows, _ in device.each("m", sizes, run):
            ran += rows
    assert told.value.rows == (60,)
    assert sorted(ran) == list(range(60))
    assert not device.lost


def test_one_bad_content_among_many_is_known_and_its_neighbours_run(device: Device) -> None:
    sizes = [50] * 60

    def run(rows: list[int]) -> list[int]:
        if 37 in rows:
            raise ValueError("Found 1 <|image|> tokens in the text but no images were passed.\nAt line 7.")
        return rows

    ran: list[int] = []
    with pytest.raises(Unfit, match=r"cannot take this in: Found 1 .* no images were passed\.$") as told:
        for rows, _ in device.each("m", sizes, run):
            ran += rows
    assert told.value.rows == (37,)
    assert sorted(ran) == [row for row in range(60) if row != 37]


def test_where_all_contents_fail_in_the_same_way_it_is_that_failure(device: Device) -> None:
    def run(rows: list[int]) -> list[int]:
        raise BadArgument("Ask in other words.")

    with pytest.raises(BadArgument, match="other words"):
        all_of(device.each("m", [50] * 3, run))


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
    device.when_lost = told.append

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
        while device.turns.waiting < 1:
            pass
        raise RuntimeError("CUDA error: unspecified launch failure")

    thread = threading.Thread(target=ask)
    with pytest.raises(DeviceLost):
        all_of(device.each("m", [1], run))
    thread.join(10)
    assert told == [device.lost]


def test_a_search_passes_between_two_batches_and_those_are_short_then(device: Device, clock: Clock) -> None:
    sizes, served = [100] * 60, list[str]()

    def search() -> None:
        with precedence.answering(), urgent():
            for _ in device.each("m", [10], lambda rows: rows):
                served.append("search")

    def run(rows: list[int]) -> list[int]:
        clock.now += 0.45 * len(rows) / 20
        served.append(f"{len(rows)} rows")
        if len(served) == 1:
            thread.start()
            while device.turns.waiting < 1:
                pass
        return rows

    thread = threading.Thread(target=search)
    assert all_of(device.each("m", sizes, run)) == list(range(60))
    thread.join(10)
    assert served[:3] == ["20 rows", "search", "2 rows"]


def test_who_is_left_behind_runs_no_further_batch(device: Device) -> None:
    stop, model = threading.Event(), Model([100] * 60)
    with urgent(stop), pytest.raises(Cancelled):
        for _ in device.each("m", model.sizes, model):
            stop.set()
    assert len(model.batches) == 1
    with device.turns:
        assert device.turns.waiting == 0


def test_a_batch_takes_no_longer_than_asked_as_far_as_those_before_tell(clock: Clock) -> None:
    device, sizes = Device("cpu", batch_s=0.4), [10] * 2_000
    batches: list[int] = []

    def run(rows: list[int]) -> list[int]:  # a start of 20 ms and 1 ms a token
        clock.now += 0.02 + 0.001 * 10 * len(rows)
        batches.append(len(rows))
        return rows

    all_of(device.each("m", sizes, run))
    assert batches[0] == module._TOKENS_CPU // 10
    assert all(0.3 < 0.02 + 0.01 * rows < 0.45 for rows in batches[1:-1])


def test_a_slow_first_pass_and_short_queries_do_not_keep_batches_small(device: Device, clock: Clock) -> None:
    batches: list[int] = []

    def run(rows: list[int]) -> list[int]:
        clock.now += (0.5 if not batches else 0.015) + 0.0002 * 100 * len(rows)
        batches.append(len(rows))
        return rows

    for _ in range(20):
        all_of(device.each("m", [10], run))
    all_of(device.each("m", [100] * 1_000, run))
    assert max(batches[-20:-1]) == 20


@pytest.mark.builtin
def test_minilm_gives_a_text_the_same_vector_alone_and_among_others(models: Models) -> None:
    text = models.text.get()
    texts = [f"The ferry number {number} left the harbour. " * (1 + number % 7) for number in range(60)]
    together = text.encode(texts)
    alone = np.concatenate([text.encode([one]) for one in texts])
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.builtin
def test_minilms_vectors_are_the_same_after_memory_was_short(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device("cpu")
    text = MiniLM(1, device)
    texts = [f"The ferry number {number} left the harbour. " * 3 for number in range(100)]
    encode, lengths = text._model.encode, list[int]()

    def short(given: list[object], **how: object) -> object:
        lengths.append(len(given))
        if len(lengths) == 2:
            raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8796093022208 bytes.")
        return encode(given, **how)  # type: ignore[call-overload]

    monkeypatch.setattr(text._model, "encode", short)
    np.testing.assert_allclose(text.encode(texts), models.text.get().encode(texts), atol=1e-6)
    assert len(lengths) > 2 and max(lengths[2:]) <= lengths[1] // 2

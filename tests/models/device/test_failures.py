"""What a batch that fails means: a content that never fits, one that is at fault, or a model that does nothing."""

import pytest
import torch

from mcp_mmretrieval.errors import BadArgument, Unfit
from mcp_mmretrieval.models.device import failures
from mcp_mmretrieval.models.device.device import Device
from tests.support.batches import all_of

pytestmark = pytest.mark.usefixtures("clock")


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


def test_a_device_that_has_no_memory_left_is_not_lost() -> None:
    full = RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)")
    assert (failures.is_out_of_memory(full), failures.is_device_lost(full)) == (True, False)
    lost = torch.AcceleratorError("CUDA error: an illegal memory access was encountered")
    assert (failures.is_out_of_memory(lost), failures.is_device_lost(lost)) == (False, True)
    assert not failures.is_device_lost(ValueError("CUDA error, says a processor of texts"))


def test_of_many_reasons_a_few_are_told() -> None:
    failed = failures.RowFailures("m", "cpu")
    for row in range(5):
        failed.add(row, ValueError(f"Reason {row}.\nAt line 7."))
    failed.all = False
    with pytest.raises(Unfit, match=r"m cannot take this in: Reason 0; Reason 1; Reason 2\.$") as told:
        failed.tell()
    assert told.value.rows == (0, 1, 2, 3, 4)

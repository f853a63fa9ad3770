"""Which contents of a call go through a model together."""

import pytest

from mcp_mmretrieval.models.device import device as module
from mcp_mmretrieval.models.device.batches import PendingRows
from mcp_mmretrieval.models.device.device import Device
from tests.support.batches import Model, all_of

pytestmark = pytest.mark.usefixtures("clock")


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


def test_rows_that_come_again_are_next_and_alone_where_one_of_them_is_at_fault() -> None:
    rows = PendingRows([10.0] * 6)
    first = rows.take(40.0, 0.5)
    assert first == [0, 1, 2, 3]
    rows.again(first)
    assert rows.take(20.0, 0.5) == [0, 1]
    rows.again([0, 1], alone=True)
    assert [rows.take(40.0, 0.5) for _ in range(3)] == [[0], [1], [2, 3, 4, 5]]
    assert not rows


def test_a_batch_costs_what_it_is_padded_to() -> None:
    assert PendingRows([100.0, 60.0, 0.0]).tokens([0, 1]) == 200.0
    assert PendingRows([0.0]).tokens([0]) == 1.0

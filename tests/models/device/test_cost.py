"""How many tokens a batch may have, learned from the batches that ran."""

import pytest

from mcp_mmretrieval.models.device import device as module
from mcp_mmretrieval.models.device.device import Device
from tests.support.batches import Clock, Model, all_of

pytestmark = pytest.mark.usefixtures("clock")


def test_batches_grow_again_after_many_clean_ones(device: Device) -> None:
    sizes = [100] * 2_500
    model = Model(sizes, room=1_000)
    all_of(device.each("m", sizes, model))
    lengths = [len(batch) for batch in model.batches]
    assert lengths[1] == 10
    assert 11 in lengths


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


def test_a_batch_may_have_tokens_that_cost_hardly_more_however_slow_the_device_is(clock: Clock) -> None:
    device, batches = Device("cpu", batch_s=0.4), []

    def run(rows: list[int]) -> list[int]:  # whatever it is given, it takes a second
        clock.now += 1.0
        batches.append(len(rows))
        return rows

    for count in (1, 1, 12):
        all_of(device.each("m", [30] * count, run, least=256))
    assert batches == [1, 1, 8, 4]


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

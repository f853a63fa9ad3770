import numpy as np

from mcp_mmretrieval.bench import footprint


def test_the_peak_of_memory_is_that_since_it_was_reset() -> None:
    footprint.reset_peak_memory()
    before = footprint.peak_memory_bytes()
    held = np.ones(200_000_000, np.uint8)
    assert footprint.peak_memory_bytes() >= before + 0.8 * held.nbytes

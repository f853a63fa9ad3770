"""Windows over time, and how long a recording is said to be."""

from itertools import pairwise

import numpy as np
import pytest

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media import time_windows


def windows_over(seconds: float) -> list[tuple[float, float]]:
    """Start and end of every window over a recording of so many seconds."""
    return list(time_windows.streamed_windows(lambda until: min(until, seconds)))


def test_windows_cover_a_recording_and_leave_no_sliver() -> None:
    assert windows_over(0.0) == []
    assert windows_over(12.0) == [(0.0, 12.0)]
    assert windows_over(34.9) == [(0.0, 34.9)]
    assert windows_over(35.0) == [(0.0, 30.0), (25.0, 35.0)]
    assert windows_over(72.0) == [(0.0, 30.0), (25.0, 55.0), (50.0, 72.0)]


@pytest.mark.parametrize("seconds", np.linspace(0.1, 200.0, 57).tolist())
def test_windows_overlap_cover_everything_and_are_never_tiny(seconds: float) -> None:
    found = windows_over(seconds)
    assert found[0][0] == 0.0 and found[-1][1] == seconds
    assert all(after[0] == before[1] - 5.0 for before, after in pairwise(found))
    assert all(10.0 <= end - start < 35.0 for start, end in found) or len(found) == 1


def test_time_is_told_in_words() -> None:
    assert (time_windows.hours_minutes_seconds(3723.9), time_windows.rounded_up(1.01)) == ("1:02:03", 1.1)
    (closing,) = time_windows.closing_metadata(90.0, Limits(seconds=40.0), ["Cut."])
    assert (closing.seconds, closing.note) == (40.0, "Cut. Only the first 0:00:40 were read.")

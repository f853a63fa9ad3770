from datetime import datetime

import pytest

from mcp_mmretrieval.errors import BadArgument
from mcp_mmretrieval.searching.dates import date_seconds

NOW = datetime(2026, 3, 31, 15, 30)  # a Tuesday


@pytest.mark.parametrize(
    ("written", "begins"),
    [
        ("2026-11-03", datetime(2026, 11, 3)),
        ("2026-11", datetime(2026, 11, 1)),
        ("2026", datetime(2026, 1, 1)),
        ("2026/11/3", datetime(2026, 11, 3)),
        ("20261103", datetime(2026, 11, 3)),
        ("2026-W02", datetime(2026, 1, 5)),
        ("2026-11-03T14:30", datetime(2026, 11, 3, 14, 30)),
        (" 2026-11-03 14:30:05 ", datetime(2026, 11, 3, 14, 30, 5)),
        ("3.11.2026", datetime(2026, 11, 3)),
        ("November 2026", datetime(2026, 11, 1)),
        ("3 Nov 2026", datetime(2026, 11, 3)),
        ("3rd November, 2026", datetime(2026, 11, 3)),
        ("Nov. 3, 2026", datetime(2026, 11, 3)),
        ("today", datetime(2026, 3, 31)),
        ("Yesterday", datetime(2026, 3, 30)),
        ("now", NOW),
        ("this week", datetime(2026, 3, 30)),
        ("last week", datetime(2026, 3, 23)),
        ("this month", datetime(2026, 3, 1)),
        ("last month", datetime(2026, 2, 1)),
        ("past year", datetime(2025, 1, 1)),
        ("10 days ago", datetime(2026, 3, 21)),
        ("last 7 days", datetime(2026, 3, 24)),
        ("a week ago", datetime(2026, 3, 24)),
        ("1 month ago", datetime(2026, 2, 28)),
        ("2 years ago", datetime(2024, 3, 31)),
    ],
)
def test_a_date_means_the_moment_at_which_it_begins(written: str, begins: datetime) -> None:
    assert date_seconds("after", written, NOW) == begins.timestamp()


def test_a_time_zone_that_is_said_counts() -> None:
    assert date_seconds("after", "1970-01-02T00:00:00Z") == 86_400.0
    assert date_seconds("after", "1970-01-02T01:00+01:00") == 86_400.0


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_nothing_is_no_date(blank: str | None) -> None:
    assert date_seconds("after", blank) is None


@pytest.mark.parametrize(
    "written", ["soon", "03/11/2026", "2026-13", "2026-02-30", "0000", "99999 years ago", "last moon", "31 Feb 2026"]
)
def test_what_cannot_be_understood_is_refused_with_its_name_and_how_to_write_it(written: str) -> None:
    with pytest.raises(BadArgument, match=r"^before: .*2026-11-03.*last month"):
        date_seconds("before", written, NOW)

"""Dates as documents write them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from mcp_mmretrieval.media.notation.dates import parse_date

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC).timestamp()
MIDNIGHT = datetime(2026, 3, 4, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-03-04", MIDNIGHT),
        ("2026/3/4", MIDNIGHT),
        ("20260304", MIDNIGHT),
        ("20260304T120000Z", NOON),
        ("20260304T120000", NOON),
        ("2026-03-04T13:00:00+01:00", NOON),
        ("2026-03-04 12:00", NOON),
        ("2026-03-04T12:00:00.000Z", NOON),
        ("2026-03-04 12:00:00 Europe/Berlin", NOON),
        ("Wed, 04 Mar 2026 13:00:00 +0100", NOON),
        ("4 March 2026", MIDNIGHT),
        ("March 4, 2026", MIDNIGHT),
        (date(2026, 3, 4), MIDNIGHT),
        (datetime(2026, 3, 4, 13, tzinfo=timezone(timedelta(hours=1))), NOON),
        ("3/4/26", None),
        ("someday", None),
        ("2026-13-45", None),
        ("", None),
        (None, None),
    ],
)
def test_dates_are_seconds_since_1970(written: object, read: float | None) -> None:
    assert parse_date(written) == read

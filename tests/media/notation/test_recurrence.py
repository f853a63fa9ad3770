"""Times of calendars in words."""

import pytest

from mcp_mmretrieval.media.notation.recurrence import (
    duration_in_words,
    moment_in_words,
    reminder_in_words,
    rule_in_words,
)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=DAILY", "every day"),
        ("FREQ=MONTHLY;BYDAY=2TU", "every month on the 2nd Tuesday"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "every month on the last Friday"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,-1", "every month on day 1 and the last day"),
        ("FREQ=MONTHLY;BYMONTHDAY=-3", "every month on the last day but 2"),
        ("FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=14", "every year on day 14 in March"),
        (
            "FREQ=WEEKLY;BYDAY=MO,WE,FR;UNTIL=20261231T000000Z",
            "every week on Monday, Wednesday and Friday, until Thursday, 2026-12-31 00:00 UTC",
        ),
        ("FREQ=SOMETIMES", "FREQ=SOMETIMES"),
        ("", ""),
    ],
)
def test_rules(rule: str, words: str) -> None:
    assert rule_in_words(rule) == words


def test_durations_and_reminders() -> None:
    assert duration_in_words("P1W") == "1 week"
    assert duration_in_words("-P1DT2H") == "1 day 2 hours"
    assert duration_in_words("soon") == "soon"
    assert reminder_in_words("PT0S") == "at the time"
    assert reminder_in_words("PT5M") == "5 minutes after"
    assert reminder_in_words("20260314T090000Z") == "Saturday, 2026-03-14 09:00 UTC"


def test_moments_and_what_is_none() -> None:
    assert moment_in_words("1970-03-14") == "Saturday, 1970-03-14"
    assert moment_in_words("20260314T0900") == "Saturday, 2026-03-14 09:00"
    assert moment_in_words("20261399") == "20261399"
    assert moment_in_words("--0314") == "--0314"

"""Calendars and address cards."""

import base64

import pytest

from mcp_mmretrieval.media.notation.dates import parse_date
from mcp_mmretrieval.media.notation.icalendar import is_calendar, read_calendar

EVENT = (
    "BEGIN:VEVENT\r\nDTSTART;TZID=Europe/Berlin:20260314T090000\r\nSUMMARY:Inspection\\, the slip\r\n way\r\n"
    "DESCRIPTION:One\\nTwo\\; three \\\\ four\r\nEND:VEVENT\r\n"
)
ZONE = "BEGIN:VTIMEZONE\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"


def test_lines_are_unfolded_and_values_unescaped() -> None:
    source = f"BEGIN:VCALENDAR\r\n{ZONE}{EVENT}END:VCALENDAR\r\n"
    assert is_calendar(source)
    read = read_calendar(source)
    assert read.title == "Inspection, the slipway"
    assert read.dated == parse_date("2026-03-14 09:00")
    assert "One\nTwo; three \\ four" in read.mapped.text
    assert [heading.title for heading in read.headings] == ["Inspection, the slipway"]
    first = read.mapped.text.index("slipway")
    assert source[slice(*read.mapped.source_of(first, first + 7))] == "slip\r\n way"


def test_a_calendar_of_many_has_its_own_name() -> None:
    named = f"BEGIN:VCALENDAR\nX-WR-CALNAME:Harbour\n{EVENT}{EVENT.replace('Inspection', 'Painting')}END:VCALENDAR\n"
    read = read_calendar(named)
    assert read.title == "Harbour"
    assert [heading.title[:8] for heading in read.headings] == ["Inspecti", "Painting"]
    assert read_calendar(named.replace("X-WR-CALNAME:Harbour\n", "")).title == ""


def test_a_colon_within_quotes_does_not_end_the_name_of_a_property() -> None:
    zone = 'TZID="(UTC+01:00) Amsterdam, Berlin"'
    source = f"BEGIN:VCALENDAR\n{EVENT}END:VCALENDAR\n".replace("TZID=Europe/Berlin", zone)
    read = read_calendar(source.replace("SUMMARY:", 'SUMMARY;ALTREP="cid:1":'))
    assert read.title == "Inspection, the slipway"
    assert read.dated == parse_date("2026-03-14 09:00")


def test_address_cards_are_decoded_without_their_photos() -> None:
    photo = base64.b64encode(bytes(range(256))).decode()
    folded = "\r\n ".join(photo[at : at + 70] for at in range(0, len(photo), 70))
    source = (
        "BEGIN:VCARD\r\nVERSION:2.1\r\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=BCrgen =\r\nM=C3=BCller\r\n"
        f"PHOTO;ENCODING=BASE64;JPEG:{folded}\r\n\r\nNOTE:friend\r\nEND:VCARD\r\n"
    )
    read = read_calendar(source)
    assert read.title == "Jürgen Müller"
    assert "NOTE:friend" in read.mapped.text
    assert photo[:40] not in read.mapped.text


@pytest.mark.timeout(20)
@pytest.mark.parametrize("broken", ["BEGIN:VEVENT\nSUMMARY:a\n" * 40_000, "N;" + "QUOTED-PRINTABLE " * 60_000])
def test_broken_calendars_are_read_in_time(broken: str) -> None:
    assert read_calendar(f"BEGIN:VCALENDAR\n{EVENT}{broken}").title == "Inspection, the slipway"

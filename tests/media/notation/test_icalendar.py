"""Calendars."""

import base64

import pytest

from mcp_mmretrieval.media.notation.dates import parse_date
from mcp_mmretrieval.media.notation.icalendar import is_calendar, read_calendar
from mcp_mmretrieval.media.source_text import SourceText

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


def read(*lines: str) -> str:
    return read_calendar(
        "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR"])
    ).mapped.text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("DTSTART;TZID=Europe/Berlin:20260314T090000", "Starts: Saturday, 2026-03-14 09:00 (Europe/Berlin)"),
        ("DTEND;VALUE=DATE:20260315", "Ends: Sunday, 2026-03-15"),
        ("DURATION:PT1H30M", "Lasts: 1 hour 30 minutes"),
        ("RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;COUNT=5", "Repeats: every 2 weeks on Monday and Friday, 5 times"),
        ("EXDATE:20260314T090000Z,20260315", "Except: Saturday, 2026-03-14 09:00 UTC; Sunday, 2026-03-15"),
        ('ATTENDEE;CN="Oar, Ann";PARTSTAT=ACCEPTED:mailto:ann@b.org', "Attendee: Oar, Ann <ann@b.org> (accepted)"),
        ("ORGANIZER:MAILTO:ann@b.org", "Organiser: ann@b.org"),
        ("STATUS:CANCELLED", "Status: cancelled"),
        ("ATTACH:https://example.org/a.pdf", "Attachment: https://example.org/a.pdf"),
        (
            "BEGIN:VALARM\r\nTRIGGER:-PT15M\r\nDESCRIPTION:Oil it\r\nEND:VALARM",
            "Reminder: 15 minutes before\nDescription: Oil it",
        ),
    ],
)
def test_properties_are_told_in_words(line: str, words: str) -> None:
    assert f"{words}\n" in read("SUMMARY:x", line)


def test_what_is_for_machines_is_not_shown() -> None:
    text = read("UID:a1", "DTSTAMP:20260314T090000Z", "X-MICROSOFT-CDO-BUSYSTATUS:FREE", "SUMMARY:x")
    assert text == "Summary: x\n"
    assert "1970" not in read_calendar(f"BEGIN:VCALENDAR\n{ZONE}END:VCALENDAR\n").mapped.text


def test_each_event_is_a_passage_of_its_own() -> None:
    rendering = read_calendar(f"BEGIN:VCALENDAR\n{EVENT * 3}END:VCALENDAR\n")
    passages = list(SourceText(rendering, 10_000, "a.ics").cited())
    assert [passage.heading for passage in passages] == ["Inspection, the slipway"] * 3
    assert all(passage.text.startswith("Starts: ") for passage in passages)


def test_files_inside_are_left_out_and_said() -> None:
    data = base64.b64encode(bytes(range(256))).decode()
    lines = f"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:x\nATTACH;ENCODING=BASE64;VALUE=BINARY:{data}\nEND:VEVENT\n"
    rendering = read_calendar(lines)
    assert data[:20] not in rendering.mapped.text
    assert rendering.notes == ["Photos and files inside of it were left out: 1."]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("broken", ["BEGIN:VEVENT\nSUMMARY:a\n" * 40_000, "N;" + "QUOTED-PRINTABLE " * 60_000])
def test_broken_calendars_are_read_in_time(broken: str) -> None:
    assert read_calendar(f"BEGIN:VCALENDAR\n{EVENT}{broken}").title == "Inspection, the slipway"

"""Which numbers the named properties of appointments have in a message."""

import struct
import uuid

from mcp_mmretrieval.media.mail.appointments import END, LOCATION, START, appointment_numbers

OTHER = uuid.UUID("{00062008-0000-0000-c000-000000000046}").bytes_le
APPOINTMENTS = uuid.UUID("{00062002-0000-0000-c000-000000000046}").bytes_le


def entry(name: int, of: int, number: int, *, text: bool = False) -> bytes:
    return struct.pack("<IHH", name, of << 1 | text, number)


def test_numbers_are_those_of_the_set_of_appointments() -> None:
    entries = entry(START, 4, 0) + entry(START, 3, 1) + entry(END, 4, 2) + entry(LOCATION, 4, 3, text=True)
    assert appointment_numbers(entries, OTHER + APPOINTMENTS) == {START: 0x8000, END: 0x8002}


def test_what_is_cut_off_or_points_nowhere_says_nothing() -> None:
    assert appointment_numbers(entry(START, 1, 0) + entry(END, 9, 0) + b"abc", APPOINTMENTS) == {}
    assert appointment_numbers(b"", b"") == {}

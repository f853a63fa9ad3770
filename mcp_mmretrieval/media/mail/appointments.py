"""When and where an appointment of Outlook is: properties that have a name, and a number of their own in each message.

[MS-OXOCAL] 2.2.1 has the names, [MS-OXMSG] 2.2.3 how a message keeps the numbers.
"""

from __future__ import annotations

import struct

START, END, LOCATION = 0x820D, 0x820E, 0x8208
"""Names of the properties of appointments, which are numbers too."""
_APPOINTMENTS = bytes.fromhex("02200600 0000 0000 c000 000000000046")
"""The set that these names belong to, PSETID_Appointment."""
_FIRST_NUMBER = 0x8000
_FIRST_SET = 3
"""Sets before it are known to all, and not in the stream."""


def appointment_numbers(entries: bytes, sets: bytes) -> dict[int, int]:
    """The numbers of the properties, by their names. `entries` and `sets`: the streams of a message that say so."""
    found = {}
    for name, kind, number in struct.iter_unpack("<IHH", entries[: len(entries) // 8 * 8]):
        at = 16 * ((kind >> 1) - _FIRST_SET)
        if not kind & 1 and at >= 0 and sets[at : at + 16] == _APPOINTMENTS:
            found[name] = _FIRST_NUMBER + number
    return found

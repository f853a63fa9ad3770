"""Which bytes of a file a request asks for (RFC 9110, section 14): without it no browser goes to a place in a film."""

from __future__ import annotations

import re

_ONE_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII)
"""Several ranges at once may be left aside, and no player asks for them; nor is another unit known."""


class NotSatisfiable(ValueError):
    """The range begins behind the end of the file."""


def asked_bytes(header: str | None, size: int) -> range | None:
    """The positions that a Range header asks for, in a file of `size` bytes; None where all of it is to be sent.

    Raises NotSatisfiable.
    """
    found = _ONE_RANGE.fullmatch(header or "")
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:  # so many bytes at the end
        if int(last) == 0 or size == 0:
            raise NotSatisfiable
        return range(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None  # no range at all
    if int(first) >= size:
        raise NotSatisfiable
    return range(int(first), min(size, int(last) + 1) if last else size)

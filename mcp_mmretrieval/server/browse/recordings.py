"""Open recordings, by tickets that nobody can guess: an element of a page sends no key, and no address names a path."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MAX_OPEN = 16
"""Recordings that are kept open; the one that was not played for longest makes room."""
_TICKET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Playing:
    """A descriptor, the media type, and how the file was when it was opened."""

    fd: int
    media_type: str
    state: tuple[int, int]
    """Size in bytes, and time of the last change in nanoseconds."""


class OpenRecordings:
    """Descriptors that the engine opened, and that are closed here."""

    def __init__(self) -> None:
        self._playing: dict[str, Playing] = {}

    def add(self, fd: int, media_type: str) -> str:
        """Keep an open file; the ticket for it."""
        while len(self._playing) >= MAX_OPEN:
            os.close(self._playing.pop(next(iter(self._playing))).fd)
        ticket = secrets.token_urlsafe(_TICKET_BYTES)
        self._playing[ticket] = Playing(fd, media_type, _state(fd))
        return ticket

    @contextmanager
    def opened(self, ticket: str) -> Iterator[Playing | None]:
        """The recording of a ticket, with a descriptor for as long as it is read; None where there is none.

        None also where its content is another one now: what the engine judged is what is played.
        """
        kept = self._playing.get(ticket)
        if kept is None or _state(kept.fd) != kept.state:
            yield None
            return
        self._playing[ticket] = self._playing.pop(ticket)  # the latest
        fd = os.dup(kept.fd)  # the kept one may be closed meanwhile, and its number be another file's
        try:
            yield Playing(fd, kept.media_type, kept.state)
        finally:
            os.close(fd)

    def close(self) -> None:
        """Close all of them."""
        while self._playing:
            os.close(self._playing.popitem()[1].fd)


def _state(fd: int) -> tuple[int, int]:
    state = os.fstat(fd)
    return state.st_size, state.st_mtime_ns

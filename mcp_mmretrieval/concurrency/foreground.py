"""Answers go before bulk work: what adds and embeds waits, within reason, while somebody waits for an answer.

One for the process, as the processor and the models are.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 1.0
"""Seconds that a step of bulk work waits at most: it goes on under any number of questions, only slower."""
_LINGERS = 2.0
"""Seconds after an answer in which the next question is expected."""

_changed = threading.Condition()
_answering = 0
_answered = float("-inf")


@contextmanager
def answering() -> Iterator[None]:
    """Somebody waits for what is done within."""
    global _answering, _answered
    with _changed:
        _answering += 1
    try:
        yield
    finally:
        with _changed:
            _answering -= 1
            _answered = time.monotonic()
            _changed.notify_all()


def give_way(patience: float = PATIENCE) -> None:
    """Before a step of bulk work: wait until nobody waits for an answer, but not for ever."""
    if _answering:
        with _changed:
            _changed.wait_for(lambda: not _answering, patience)


def pressed() -> bool:
    """Whether steps should be short, since somebody waits for an answer or will soon."""
    return bool(_answering) or time.monotonic() < _answered + _LINGERS

"""What can go wrong, as the agent and the person read it.

RetrievalError             a deliberate answer: what was wrong, with what, what to do next
├── BadArgument            an argument makes no sense; say which would
├── NotAllowed             outside the allowed folders, or not there: one text for both, so that nothing is given away
├── NotInLibrary           an id, citation or path that the library does not hold
├── UnreadableMedia        one file cannot be read; its `code` says why (see `FAILURE_CODES`)
├── ModelUnavailable       a model is missing, damaged or not loaded yet
│   └── DeviceLost         the device went away under the model; only a new process gets it back
├── Unfit                  a model cannot take in some contents of a batch; the others can go again
├── LibraryUnavailable     the library folder is locked, too new, damaged or full
├── IndexUnavailable       the server of the vector index is away, and comparing with each vector would take too long
├── ClusterUnavailable     the Ray cluster cannot be reached, does not fit, or none of its nodes can read a file
├── EngineUnavailable      the engine of a library cannot be reached or started
├── Busy                   more calls wait than may; says when to ask again
└── Cancelled              the work was stopped on request

Everything else that escapes is a bug and never reaches the model.
"""

import math
from collections.abc import Sequence
from typing import Literal, get_args

FailureCode = Literal[
    "not_found_or_not_allowed",
    "unsupported_type",
    "empty",
    "corrupt",
    "encrypted",
    "too_large",
    "timeout",
    "memory",
    "parser_crashed",
    "changed_while_read",
    "model_missing",
    "nothing_to_read",
    "internal",
]
"""Why one file was not added. A closed set: clients may branch on it."""

FAILURE_CODES: frozenset[str] = frozenset(get_args(FailureCode))


def first_error_line(error: BaseException) -> str:
    """Why something failed, for a person: the first line of the error, without a full stop, or else its type."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


class RetrievalError(Exception):
    """A failure with a message made for the reader. The message ends with the next step."""


class BadArgument(RetrievalError):
    """An argument makes no sense."""


class NotAllowed(RetrievalError):
    """A path outside the allowed folders, or one that is not there."""

    def __init__(self, path: str, hint: str = "Call status to see which folders are allowed.") -> None:
        super().__init__(f"{path}: not found under the allowed folders. {hint}")


class NotInLibrary(RetrievalError):
    """An id, citation or path that the library does not hold."""


class UnreadableMedia(RetrievalError):
    """One file that cannot be read. `code` is one of `FAILURE_CODES`; the message is the reason."""

    def __init__(self, code: FailureCode, reason: str) -> None:
        super().__init__(reason)
        self.code: FailureCode = code


class ModelUnavailable(RetrievalError):
    """A model is missing, damaged or not loaded."""


class DeviceLost(ModelUnavailable):
    """The device went away under the model, as after a CUDA error that sticks: only a new process gets it back."""


class Unfit(RetrievalError):
    """A model cannot take in some contents of a call. `rows` are their numbers; the others can go again."""

    def __init__(self, rows: Sequence[int], reason: str) -> None:
        super().__init__(reason)
        self.rows = tuple(rows)


class LibraryUnavailable(RetrievalError):
    """The library folder cannot be used: locked, too new, damaged, full."""


class IndexUnavailable(RetrievalError):
    """The server of the vector index is away, and there are too many vectors to compare with each."""


class ClusterUnavailable(RetrievalError):
    """The Ray cluster cannot be reached, has other versions or storage than the engine, or was lost."""


class EngineUnavailable(RetrievalError):
    """The engine of a library cannot be reached or started."""


class Busy(RetrievalError):
    """More calls wait than may. `retry_after` is the time, in seconds, after which asking again makes sense."""

    def __init__(self, waiting: int, retry_after: float) -> None:
        calls = "1 call is" if waiting == 1 else f"{waiting} calls are"
        super().__init__(f"Busy: {calls} waiting. Ask again in about {max(1, math.ceil(retry_after))} s.")
        self.retry_after = retry_after


class Cancelled(RetrievalError):
    """The work was stopped on request; what was committed stays."""

"""What a parser raised, as what is wrong with the file."""

from __future__ import annotations

from mcp_mmretrieval.errors import FailureCode, UnreadableMedia

_OWN_FAULTS = (TypeError, LookupError, AttributeError, AssertionError, NotImplementedError, ImportError, NameError)
"""Exceptions that speak of our code and not of the file. (A subclass from a parser's package speaks of the file.)"""


def failure_of(error: Exception) -> UnreadableMedia:
    """Any exception as the file's failure: never a stack trace, never the message of a parser."""
    if isinstance(error, UnreadableMedia):
        return error
    kind = type(error)
    foreign = kind.__module__ not in {"builtins", "__main__"} and not kind.__module__.startswith("mcp_mmretrieval")
    code: FailureCode = "internal" if isinstance(error, _OWN_FAULTS) and not foreign else "corrupt"
    return UnreadableMedia(code, f"reading it failed with {kind.__name__}")

"""How many attacks are made."""

import os

FULL = os.environ.get("TEST_ATTACK") == "full"


def rounds(short: int, full: int) -> int:
    """As many as the form that runs has."""
    return full if FULL else short

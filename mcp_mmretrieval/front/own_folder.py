"""Folders that nobody but their owner may enter."""

from __future__ import annotations

import os
from contextlib import suppress


def make_own_folder(folder: str) -> None:
    """Make a folder and its missing parents, each for its owner alone. `os.makedirs` leaves parents to the umask.

    One that is there stays as it is. Raises OSError.
    """
    parent = os.path.dirname(os.path.abspath(folder))
    if not os.path.lexists(parent):
        make_own_folder(parent)
    with suppress(FileExistsError):
        os.mkdir(folder, 0o700)
    if not os.path.isdir(folder):
        raise NotADirectoryError(20, os.strerror(20), folder)

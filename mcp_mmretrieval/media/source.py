"""What the parsers get of one document: open files and their names, never a path."""

from dataclasses import dataclass
from typing import BinaryIO

MAX_SIDECARS = 16
"""Files that are read with one document, at most: each is a descriptor of the worker's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """A file that belongs to another one, such as the subtitles of a film."""

    name: str
    file: BinaryIO
    """Seekable, open, read-only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One document to be read."""

    file: BinaryIO
    """Seekable, open, read-only."""
    name: str
    """File name, only for titles and hints: what a file is, its bytes say."""
    document: str
    """Id of the document in hex, for its segments."""
    sidecars: tuple[Sidecar, ...] = ()
    depth: int = 0
    """How many files it lies within."""

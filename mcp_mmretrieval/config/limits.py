"""How much of one file is read, and what reading it may cost. Passed to the parser workers as it is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds for one file. Beyond a bound a file is refused, or cut with a note; never silently."""

    file_bytes: int = 2_000_000_000
    pixels: int = 120_000_000
    """Pixels of one picture, checked before it is decoded. A JPEG is scaled down while it is decoded: here what is left
    of it counts."""
    pages: int = 2_000
    seconds: float = 4 * 3600.0
    frames: int = 128
    """Frames kept of one film, spread evenly."""
    characters: int = 20_000_000
    """Characters of one plain text."""
    side: int = 1_280
    """Longer side, in pixels, of the pictures that are handed on for reading."""
    reading_pixels: int = 24_000_000
    """Pixels of a picture that is handed on larger than that, for its small print."""
    memory_bytes: int = 3_000_000_000
    """Address space of a parser worker."""
    part_timeout: float = 60.0
    """Seconds until the next part of a file must have arrived."""
    file_timeout: float = 600.0
    """Seconds of parsing for one file, to which half of its playing time is added."""

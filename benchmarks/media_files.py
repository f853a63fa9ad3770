"""Writes what `light.py` adds beside texts. A process of its own: what it imports would be shared with the product.

    python benchmarks/media_files.py FOLDER

Makes FOLDER/samples (one file of each kind), FOLDER/photograph.jpg, FOLDER/scanned pages, FOLDER/recordings, and
FOLDER/warming, which holds another page and another recording.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from benchmarks.texts import Texts
from mcp_mmretrieval.demo_media import make_another_photograph, make_samples
from mcp_mmretrieval.demo_media.film import read_recording, write_sound

PAGES, RECORDINGS = 4, 2
SENTENCES = 8
"""Of a page."""


def write_page(path: Path, text: str) -> None:
    """A4 at 150 dots an inch, as a scanner gives it: a picture of words."""
    page = Image.new("L", (1240, 1754), 255)
    lines = "\n".join(textwrap.wrap(text, 70))
    ImageDraw.Draw(page).multiline_text((120, 120), lines, 0, ImageFont.load_default(30), spacing=14)
    page.save(path)


def write_all(folder: Path) -> None:
    """All of it."""
    make_samples(folder / "samples")
    make_another_photograph(folder / "photograph.jpg")
    warming, pages, recordings = (folder / name for name in ("warming", "scanned pages", "recordings"))
    for made in (warming, pages, recordings):
        made.mkdir()
    texts = Texts(seed=7)
    for path in (warming / "page.png", *(pages / f"page-{number}.png" for number in range(PAGES))):
        write_page(path, texts.note(SENTENCES))
    write_sound(warming / "drill.wav", read_recording("safety-drill.ogg"))
    log = read_recording("engine-log.ogg")
    for number in range(RECORDINGS):  # each a little quieter, which is another content
        write_sound(recordings / f"log-{number}.wav", (log * (1 - number / 10)).astype(log.dtype))


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))

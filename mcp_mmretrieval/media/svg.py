"""SVG drawings, for `image`: drawn by resvg, which is given nothing that names another file."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import resvg_py
from PIL import Image

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.sandbox import FONT_FOLDERS
from mcp_mmretrieval.media.svg_style import for_resvg
from mcp_mmretrieval.media.svg_words import read_svg_words

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Picture

MAX_SVG_BYTES = 30_000_000
"""Larger drawings are refused: drawing takes time and memory by the number of their elements."""

_HEAD = 65_536
_EXPANSION = 1_000_000
"""Characters that a drawing's entities may grow to, all together."""

_DEEPEST = 200
"""Elements within elements. Some more, and drawing them overflows the stack, which ends the process."""

_ROOT = re.compile(
    r"(?:\s++|<\?[^>]*+>|<!--.*?-->|<!DOCTYPE[^\[>]*+(?:\[.*?\]\s*+)?>)*+<(?:[\w.-]+:)?svg(?=[\s>/])[^>]*+>", re.DOTALL
)
_ENCODING = re.compile(rb"<\?xml[^>]*?encoding=[\"']([\w.-]+)")
_HREF = re.compile(r"""(?P<name>\bhref\s*=\s*)(?P<quote>["'])(?!\s*(?:\#|data:image/(?:png|jpe?g|gif|webp)[;,]))""")
_ENTITY = re.compile(
    r"<!ENTITY\s+(?P<name>[^\s%]+)\s+(?P<quote>[\"'])(?P<value>(?:(?!(?P=quote)).)*+)(?P=quote)\s*>", re.DOTALL
)
_SIZE = re.compile(r"""\s(?:width|height|viewBox)\s*=\s*("[^"]*"|'[^']*')""")
_TAGS = re.compile(r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<(?P<close>/?)(?P<name>[^\W\d])[^<>]*+>", re.DOTALL)
_FAMILIES = (
    ("DejaVu Sans", "DejaVu Serif", "DejaVu Sans Mono"),
    ("Liberation Sans", "Liberation Serif", "Liberation Mono"),
    ("Noto Sans", "Noto Serif", "Noto Sans Mono"),
    ("Helvetica", "Times", "Courier"),
)
"""What stands in for fonts that are not there: without one resvg leaves the words out. Sans, serif, fixed width."""
_FONT_FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path(os.path.expanduser("~/.local/share/fonts")),  # noqa: PTH111  Path's own raises for a user without a home
    Path(os.path.expanduser("~/.fonts")),  # noqa: PTH111
)
_EAST_ASIAN = (
    "NotoSansCJK*",
    "NotoSans[JKST]*",
    "SourceHanSans*",
    "wqy-*",
    "DroidSansFallback*",
    "ipa*g*",
    "Takao*Gothic*",
    "VL-*Gothic*",
    "Nanum*Gothic*",
    "uming*",
    "unifont*",
)
"""Names of fonts with the signs of Chinese, Japanese or Korean, those with all of them first. resvg finds by itself in
which of its fonts a sign is."""
_FONT_SUFFIXES = (".ttf", ".otf", ".ttc")
_FONT_BYTES = 5_000_000
_EAST_ASIAN_BYTES = 120_000_000


def _openable(font: Path) -> str:
    """A name under which the font opens even in a locked worker: its own, or that of a copy that lies in no folder."""
    real = font.resolve()
    if any(real.is_relative_to(Path(folder).resolve()) for folder in FONT_FOLDERS):
        return str(real)
    fd = os.memfd_create(font.name)
    os.write(fd, font.read_bytes())
    return f"/proc/self/fd/{fd}"


def _east_asian_fonts(files: Sequence[Path]) -> list[str]:
    """The first font that is installed of those, as a name under which it opens."""
    fit = [file for file in files if file.stat().st_size < _EAST_ASIAN_BYTES and "Bold" not in file.stem]
    for name in _EAST_ASIAN:
        if found := [file for file in fit if file.match(name)]:
            return [_openable(sorted(found)[0])]
    return []


def _fonts() -> tuple[tuple[str, str, str], list[str] | None]:
    """Families to draw with, and the files that hold them; no files where resvg is to look for itself."""
    if sys.platform != "linux":
        return _FAMILIES[-1], None
    files_of = [file for folder in _FONT_FOLDERS for file in folder.rglob("*") if file.suffix in _FONT_SUFFIXES]
    installed = {file.stem.removesuffix(".otf"): file for file in files_of}
    east_asian = _east_asian_fonts(files_of)
    for families in _FAMILIES:
        stems = [family.replace(" ", "") + end for family in families for end in ("", "-Regular", "-Bold")]
        files = [installed[stem] for stem in stems if stem in installed]
        if files:
            return families, [_openable(file) for file in files if file.stat().st_size < _FONT_BYTES] + east_asian
    return _FAMILIES[0], east_asian


(_SANS, _SERIF, _MONO), FONT_FILES = _fonts()


def recognises(head: bytes) -> bool:
    """Whether a file that begins like this is a drawing."""
    return b"svg" in head.replace(b"\0", b"") and _ROOT.match(decode_svg(head[:_HEAD])) is not None


def decode_svg(data: bytes) -> str:
    """The source as text, by its byte order mark, its declaration, or else as UTF-8."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    declared = _ENCODING.match(data)
    encoding = declared[1].decode("ascii") if declared else "utf-8"
    try:
        text = data.decode(encoding, "replace")
    except (LookupError, ValueError):
        text = data.decode("utf-8", "replace")
    return text.removeprefix("\ufeff")


def svg_words(source: str) -> tuple[str, str, str]:
    """Title, description, and the words that are drawn, a line each."""
    found = read_svg_words(source)
    title = found.titles[0] if found.titles else ""  # further ones name the author, or parts
    return title, "\n".join(found.descriptions), "\n".join(found.lines)


def render_svg(source: str, name: str, side: int) -> Picture:
    """The drawing on white, its longer side `side` pixels. Raises UnreadableMedia (`corrupt`)."""
    # what is rewritten may hold no reference to other files either, so these are taken out last
    safe = _HREF.sub(r"\g<name>\g<quote>#left-out-", for_resvg(_without_bombs(source, name)))
    try:
        data = _draw(safe, side)
    except ValueError as error:
        if "invalid size" not in str(error):
            raise UnreadableMedia("corrupt", f"{name}: not a drawing that can be drawn{_place(error)}.") from error
        data = _draw_whole(safe, name, side)
    with Image.open(io.BytesIO(data), formats=("PNG",)) as drawn:
        return np.asarray(drawn.convert("RGB"))


def _draw(source: str, side: int) -> bytes:
    # width and height are a box that the drawing is fitted into; without dpi, sizes in mm and pt count as zero
    return resvg_py.svg_to_bytes(
        svg_string=source,
        background="white",
        width=side,
        height=side,
        dpi=96.0,
        skip_system_fonts=FONT_FILES is not None,
        font_files=FONT_FILES,
        font_family=_SANS,
        sans_serif_family=_SANS,
        serif_family=_SERIF,
        monospace_family=_MONO,
    )


def _draw_whole(source: str, name: str, side: int) -> bytes:
    """Drawings whose size makes no sense get the one of what they hold."""
    root = _ROOT.match(source)
    begin = source.rindex("<", 0, root.end()) if root else 0
    end = root.end() if root else 0
    try:
        return _draw(source[:begin] + _SIZE.sub("", source[begin:end]) + source[end:], side)
    except ValueError as error:
        raise UnreadableMedia("corrupt", f"{name}: a drawing without a size.") from error


def _place(error: ValueError) -> str:
    """Where the parser stopped. The rest of its message may repeat what the drawing says."""
    found = re.search(r" at (\d{1,9}):(\d{1,9})\Z", str(error))
    return f": its markup is broken at line {int(found[1]):,}, column {int(found[2]):,}" if found else ""


def _without_bombs(source: str, name: str) -> str:
    """The source as it is. Raises UnreadableMedia where its entities or the depth of its elements make it a weapon."""
    declared = source.count("<!ENTITY")
    entities = list(_ENTITY.finditer(source)) if declared else []
    odd = any("&" in entity["value"] or "<" in entity["value"] for entity in entities)
    grown = sum(source.count(f"&{entity['name']};") * len(entity["value"]) for entity in entities[:100])
    if odd or declared > min(len(entities), 100) or grown > _EXPANSION:
        raise UnreadableMedia("corrupt", f"{name}: a drawing whose entities name files, nest or grow without measure.")
    if _depth(source) > _DEEPEST:
        raise UnreadableMedia("corrupt", f"{name}: a drawing whose elements nest deeper than {_DEEPEST} levels.")
    return source


def _depth(source: str) -> int:
    depth = deepest = 0
    for tag in _TAGS.finditer(source):
        if tag["close"]:
            depth -= 1
        elif tag["name"] and not tag[0].endswith("/>"):
            depth += 1
            deepest = max(deepest, depth)
    return deepest

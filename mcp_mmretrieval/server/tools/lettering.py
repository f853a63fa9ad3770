"""Text in pictures: fonts that know its letters, and how it is cut to fit."""

from __future__ import annotations

from functools import cache, lru_cache

from PIL import ImageFont

_FALLBACK_FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "NotoSansCJK-Regular.ttc",
    "Arial Unicode.ttf",
    "Hiragino Sans GB.ttc",
    "msyh.ttc",
)


def shortened(line: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """The beginning of a line that fits, with an ellipsis."""
    while line and font.getlength(line + "...") > width:
        line = line[:-1]
    return line.rstrip() + "..."


def narrowed(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """A text that fits, without its middle where it is too long: a file's end tells as much as its beginning."""
    shown, kept = text, len(text)
    while font.getlength(shown) > width and kept > 2:
        kept -= 1
        shown = f"{text[: kept // 2]}...{text[-(kept - kept // 2) :]}"
    return shown


def wrapped(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """Lines no wider than `width` pixels; words longer than a line, and scripts without spaces, break anywhere."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split():
            joined = f"{line} {word}".lstrip()
            if font.getlength(joined) <= width:
                line = joined
                continue
            if line:
                lines.append(line)
            while font.getlength(word) > width and len(word) > 1:
                fits = _fitting(word, font, width)
                lines.append(word[:fits])
                word = word[fits:]
            line = word
        if line:
            lines.append(line)
    return lines


def _fitting(word: str, font: ImageFont.FreeTypeFont, width: float) -> int:
    """How many letters of a word fit; at least one."""
    fits = 1
    while fits < len(word) and font.getlength(word[: fits + 1]) <= width:
        fits += 1
    return fits


def written(text: str, size: int) -> tuple[ImageFont.FreeTypeFont, str]:
    """A font that can write the text, and the text; letters that no font here has become a question mark."""
    lacking = [(sum(not _has(size, index, letter) for letter in set(text)), index) for index in range(len(fonts(size)))]
    missing, index = min(lacking)
    if missing:
        text = "".join(letter if letter.isspace() or _has(size, index, letter) else "?" for letter in text)
    return fonts(size)[index], text


@cache
def fonts(size: int) -> tuple[ImageFont.FreeTypeFont, ...]:
    """Pillow's own font, then those of this machine that know more letters."""
    own = ImageFont.load_default(size)
    assert isinstance(own, ImageFont.FreeTypeFont)
    found = [own]
    for name in _FALLBACK_FONTS:
        try:
            found.append(ImageFont.truetype(name, size))
        except OSError:
            continue
    return tuple(found)


@lru_cache(20_000)
def _has(size: int, index: int, letter: str) -> bool:
    """Whether a font draws this letter as something else than its sign for a missing one."""
    font = fonts(size)[index]
    return letter.isspace() or bytes(font.getmask(letter)) != bytes(font.getmask("\U0010fffe"))

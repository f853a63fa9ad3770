r"""LaTeX and BibTeX: the letters behind accents (`\"u`, `{\ss}`), the headings, the title.

Commands themselves stay as they are written: they name what stands there.
"""

from __future__ import annotations

import re
import unicodedata

from mcp_mmretrieval.media.notation.rendering import Rendering
from mcp_mmretrieval.media.notation.source_map import substitute
from mcp_mmretrieval.media.passages import ENDS_IN_PROSE, Heading

_ACCENTS = {
    "`": "\u0300",
    "'": "\u0301",
    "^": "\u0302",
    "~": "\u0303",
    '"': "\u0308",
    "=": "\u0304",
    ".": "\u0307",
    "u": "\u0306",
    "v": "\u030c",
    "H": "\u030b",
    "c": "\u0327",
    "k": "\u0328",
    "r": "\u030a",
    "d": "\u0323",
    "b": "\u0331",
}
_LETTERS = {
    "ss": "ß",
    "o": "ø",
    "O": "Ø",
    "l": "ł",
    "L": "Ł",
    "ae": "æ",
    "AE": "Æ",
    "oe": "œ",
    "OE": "Œ",
    "aa": "å",
    "AA": "Å",
    "i": "ı",
    "j": "ȷ",
    "dj": "đ",
    "DJ": "Đ",
    "dh": "ð",
    "DH": "Ð",
    "th": "þ",
    "TH": "Þ",
    "ng": "ŋ",
    "SS": "ẞ",
    "textquotesingle": "'",
    "textdegree": "°",
    "euro": "€",
    "pounds": "£",
    "textendash": "–",
}
_SHORT = {"a": "ä", "o": "ö", "u": "ü", "A": "Ä", "O": "Ö", "U": "Ü", "s": "ß", "z": "ß", "-": "", "=": "-", "~": "-"}
_BASE = r"(?:\\([ij])(?![A-Za-z])[ ]?|([A-Za-z]))"
_ACCENT = (
    rf"\\([`'^~\"=.])\s*(?:\{{\s*{_BASE}\s*\}}|{_BASE})"  # \"u  \"{u}  \'\i
    rf"|\\([uvHckrdb])(?:\s*\{{\s*{_BASE}\s*\}}|[ ]+{_BASE})"  # \v{s}  \v s
)
_NAMES = "|".join(sorted(_LETTERS, key=len, reverse=True))
_LETTER = rf"\\({_NAMES})(?![A-Za-z])(?:\{{\}}|[ ]+(?=[A-Za-z])|(?=[^ ])|(?=[ ]*$))"
_NOTATION = re.compile(
    rf"\{{(?:{_ACCENT})\}}|(?:{_ACCENT})|\{{{_LETTER}\s*\}}|{_LETTER}|(?P<mark>\\\\|\\-|\\/|\\([&%$#_{{}}])|(?<!\\)~|\\,|---?)",
    re.MULTILINE,
)
_GERMAN = re.compile(
    r"\[(?=[^\[\]]*?\b(?:n?german|naustrian|austrian|nswissgerman)\b)[^\[\]]*+\]|\\usepackage\{n?german\}"
)
_SHORTHAND = re.compile(r"(?<!\\)\"([aouAOUsz\-=~])")
_HEADING = re.compile(r"\\(part|chapter|section|subsection|subsubsection)\*?\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_TITLE = re.compile(r"\\title\s*(?:\[[^\]]*\])?\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_LEVELS = {"part": 1, "chapter": 2, "section": 3, "subsection": 4, "subsubsection": 5}
_BRACES = re.compile(r"\\[A-Za-z]+\*?\s*|\\\\|[{}]")
_KEPT_CAPITALS = re.compile(r"(?<![\\A-Za-z])\{([A-Z][A-Za-z]{0,3})\}(?=[a-z-])")

_SET_OFF = r"\\(?:emph|underline|text(?:it|bf|sc|sl|sf|tt|rm|up|md))\{([^\W\d_]{1,40})\}"
_WITHIN_WORD = re.compile(rf"{_SET_OFF}(?=[^\W\d_])|(?<=[^\W\d_]){_SET_OFF}|(?<=[^\W\d_])\{{\}}(?=[^\W\d_])")
"""Part of a word in another face, and a ligature that is kept from forming."""


def read_tex(source: str) -> Rendering:
    """A LaTeX or BibTeX source."""
    mapped = substitute(_NOTATION, _read, source)
    if _GERMAN.search(source[:20_000]):
        mapped = substitute(_SHORTHAND, lambda found: _SHORT[found[1]], mapped.text).over(mapped)
    mapped = substitute(_KEPT_CAPITALS, lambda found: found[1], mapped.text).over(mapped)
    mapped = substitute(_WITHIN_WORD, lambda found: found[1] or found[2] or "", mapped.text).over(mapped)
    headings = [
        Heading(found.start(), found.end(), _LEVELS[found[1]], _plain(found[2]))
        for found in _HEADING.finditer(mapped.text)
    ]
    title = _TITLE.search(mapped.text, 0, 50_000)
    return Rendering(
        mapped=mapped,
        headings=[heading for heading in headings if heading.title],
        ends=ENDS_IN_PROSE,
        title=_plain(title[1]) if title else "",
    )


def _read(found: re.Match[str]) -> str:
    """The letter of one match: `_ACCENT` has twelve groups in it, once in braces and once without."""
    if mark := found["mark"]:
        return {"~": " ", "\\\\": "\\\\", "\\-": "", "\\/": "", "\\,": " ", "--": "–", "---": "—"}.get(mark, mark[1:])
    groups = [group for group in found.groups() if group]
    if len(groups) == 1:
        return _LETTERS[groups[0]]
    accent, base = groups
    return unicodedata.normalize("NFC", base + _ACCENTS[accent])


def _plain(title: str) -> str:
    return " ".join(_BRACES.sub(" ", title).split())[:200]

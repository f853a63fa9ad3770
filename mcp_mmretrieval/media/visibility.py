"""Which text of an HTML page a browser does not show, for `markup`: by attribute, by `style`, by the page's `<style>`.

`aria-hidden` hides nothing from who sees. What only a script or a linked style sheet hides is not known here.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from PIL import ImageColor

from mcp_mmretrieval.media.style_rules import StyleRules

Colour = tuple[int, ...]

_MAY_HIDE = re.compile(r"<style\b|\bhidden\b|\bstyle\s*=|<dialog\b", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""([^\s"'<>/=]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++)))?""",
)
_LENGTH = re.compile(r"([-+]?(?:\d++\.?\d*+|\.\d++)(?:e[-+]?\d++)?)(px|pt|pc|in|cm|mm|em|rem|ex|ch|vw|vh|%)?\Z")
_PIXELS = {"px": 1.0, "pt": 1.33, "pc": 16.0, "in": 96.0, "cm": 38.0, "mm": 3.8, "em": 16.0, "rem": 16.0, "ex": 8.0} | {
    "ch": 8.0,
    "vw": 10.0,
    "vh": 10.0,
    "%": 10.0,
}
"""About how many pixels a unit has: what is asked is whether a length is next to nothing, or far."""
_RELATIVE = ("em", "ex", "ch", "%")
_TINY_PIXELS = 1.0
"""Letters, or a box, of at most so many are not seen."""
_FAR_PIXELS = 900.0
"""A box that far to the left of the page, or above it, is not seen."""
_OPACITY = 0.05
_SAME_COLOUR = 8
"""Steps of 255 in each channel that no eye tells apart."""
_NO_CLIP = re.compile(r"rect\((?:[01](?:px)?[\s,]*){4}\)|inset\((?:50|100)%|circle\(0|polygon\((?:0(?:px|%)?[\s,]*)+\)")

_VOID = frozenset(
    [
        *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta"),
        *("param", "source", "track", "wbr"),
    ]
)
_SCOPES = frozenset(["table", "td", "th", "caption", "button", "object", "body", "html"])
_BLOCKS = frozenset(
    [
        *("address", "article", "aside", "blockquote", "center", "dd", "details", "dialog", "dir", "div", "dl", "dt"),
        *("fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header"),
        *("hgroup", "li", "main", "menu", "nav", "ol", "p", "pre", "section", "summary", "ul"),
    ]
)
_TABLE = frozenset(["tbody", "td", "tfoot", "th", "thead", "tr"])
_SPECIAL = _SCOPES | _BLOCKS | _TABLE
_FORMATS = frozenset(["a", "b", "big", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u"])
_INLINE = _FORMATS | frozenset(["span", "label", "sub", "sup", "mark", "abbr", "cite", "q", "kbd"])
_CELLS = frozenset(["td", "th"])
_ENDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "li": (frozenset(["li"]), frozenset(["ul", "ol", "menu"]) | _SCOPES),
    **dict.fromkeys(("dt", "dd"), (frozenset(["dt", "dd"]), frozenset(["dl"]) | _SCOPES)),
    **dict.fromkeys(_CELLS, (_CELLS, frozenset(["tr", "table"]))),
    "tr": (_CELLS | {"tr"}, frozenset(["table"])),
    **dict.fromkeys(("tbody", "thead", "tfoot"), (_TABLE, frozenset(["table"]))),
    "option": (frozenset(["option"]), frozenset(["select"]) | _SCOPES),
}
"""Elements that the start of another one ends, and those beyond which it ends none (HTML, 13.1.2.4)."""
_DEEPEST = 500
"""Elements within elements that are kept, about as browsers do."""


class _Looks(NamedTuple):
    """How an element looks, as far as it says whether its text is seen."""

    gone: bool = False
    """Nothing in it can be seen, whatever it states."""
    invisible: bool = False
    tiny: bool = False
    ink: Colour | None = None
    paper: Colour | None = None
    """The colour below its text. None: not stated."""

    @property
    def hides(self) -> bool:
        """Whether its own text is not seen."""
        ink, paper = self.ink, self.paper
        return (
            self.gone
            or self.invisible
            or self.tiny
            or (ink is not None and len(ink) == 4 and ink[3] == 0)
            or (ink is not None and paper is not None and _alike(ink, paper))
        )


class VisibleElements:
    """The open elements of a page that is read from front to back, and whether the text at this point is seen."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._asks = _MAY_HIDE.search(source) is not None
        """Whether anything here may hide anything: most pages of plain markup are read without this."""
        self._rules = StyleRules.of_page(source) if self._asks else StyleRules()
        self._open: list[tuple[str, _Looks]] = []
        self._count: Counter[str] = Counter()
        self.hidden = False
        """Whether text that stands here is not seen."""

    def start(self, name: str, at: int, end: int) -> bool:
        """Take a start tag, whose attributes are `source[at:end]`. Whether the element itself is seen."""
        if not self._asks:
            return True
        self._end_implied(name)
        parent = self._open[-1][1] if self._open else _Looks()
        looks = self._looks(parent, name, at, end)
        if name not in _VOID and len(self._open) < _DEEPEST:
            self._open.append((name, looks))
            self._count[name] += 1
            self.hidden = looks.hides
        return not looks.hides

    def end(self, name: str) -> None:
        """Take an end tag; one that ends nothing is passed over."""
        if not self._count[name]:
            return
        barrier = _SPECIAL
        if name in _TABLE or name == "table":
            barrier = frozenset(["table"])
        elif name in _FORMATS:
            barrier = frozenset()
        elif name in _BLOCKS:
            barrier = _SCOPES
        self._end_nearest(frozenset([name]), barrier)

    def _end_implied(self, name: str) -> None:
        ended, barrier = _ENDS.get(name, (frozenset[str](), _SPECIAL))
        if name in _BLOCKS or name in ("table", "hr"):
            self._end_nearest(frozenset(["p"]), _SPECIAL)
        for _ in range(3 if ended else 0):  # a row may end a row and its cell
            self._end_nearest(ended, barrier)

    def _end_nearest(self, names: frozenset[str], barrier: frozenset[str]) -> None:
        if not any(self._count[name] for name in names):
            return
        for back in range(len(self._open) - 1, -1, -1):
            name = self._open[back][0]
            if name in names:
                self._count.subtract(name for name, _ in self._open[back:])
                del self._open[back:]
                self.hidden = bool(self._open) and self._open[-1][1].hides
                return
            if name in barrier:
                return

    def _looks(self, parent: _Looks, name: str, at: int, end: int) -> _Looks:
        given: dict[str, str] = {}
        for found in _ATTRIBUTE.finditer(self._source, at, end):
            given.setdefault(found[1].lower(), found[2] or found[3] or found[4] or "")
        unseen = "hidden" in given or (name == "dialog" and "open" not in given)
        classes = frozenset(html.unescape(given.get("class", "")).split()[:50])
        style = html.unescape(given.get("style", ""))
        declared = self._rules.declared(name, html.unescape(given.get("id", "")), classes, style)
        if name in ("html", "body"):
            unseen, declared = False, {key: declared[key] for key in declared if "color" in key}  # scripts show a page
        if not (declared or unseen or name == "a"):
            return parent
        return _looks_within(parent, name, declared, unseen)


def _looks_within(parent: _Looks, name: str, declared: Mapping[str, str], unseen: bool) -> _Looks:
    ink = None if name == "a" else parent.ink  # links have a colour of their own
    stated = _colour(declared.get("color", ""))
    below = declared.get("background-color", "")
    paper = _colour(below)
    if below != "image" and (paper is None or (len(paper) == 4 and paper[3] == 0)):
        paper = parent.paper
    return _Looks(
        gone=parent.gone
        or declared.get("display", "none" if unseen else "") == "none"
        or _is_out_of_sight(name, declared),
        invisible=_is_invisible(parent, declared.get("visibility", "")),
        tiny=_is_tiny(parent, declared.get("font-size", "")),
        ink=parent.ink if declared.get("color") == "inherit" else ink if stated is None else stated,
        paper=paper,
    )


def _is_invisible(parent: _Looks, visibility: str) -> bool:
    if visibility in ("hidden", "collapse"):
        return True
    return parent.invisible and visibility not in ("visible", "initial")


def _is_tiny(parent: _Looks, size: str) -> bool:
    pixels = _pixels(size)
    if pixels is None:
        return parent.tiny and (not size or size in ("inherit", "smaller", "larger", "unset"))
    return pixels <= _TINY_PIXELS or (parent.tiny and size.endswith(_RELATIVE) and not size.endswith("rem"))


def _is_out_of_sight(name: str, declared: Mapping[str, str]) -> bool:
    """Whether its box is empty, clipped away, far from the page, or as clear as glass."""
    opacity = _LENGTH.match(declared.get("opacity", ""))
    if opacity and float(opacity[1]) / (100 if opacity[2] == "%" else 1) < _OPACITY:
        return True
    placed = declared.get("position", "static") in ("absolute", "fixed")
    moved = placed or declared.get("position") == "relative"
    if (_pixels(declared.get("text-indent", "")) or 0.0) <= -_FAR_PIXELS:
        return True
    if moved and any(
        (_pixels(declared.get(side, "")) or 0.0) <= -_FAR_PIXELS for side in ("left", "top", "right", "bottom")
    ):
        return True
    if (placed and _NO_CLIP.match(declared.get("clip", ""))) or _NO_CLIP.match(declared.get("clip-path", "")):
        return True
    if name in _INLINE and not placed and "float" not in declared and "display" not in declared:
        return False  # has no box
    clipped = any(declared.get(side) in ("hidden", "clip") for side in ("overflow", "overflow-x", "overflow-y"))
    lengths = (_pixels(declared.get(side, "")) for side in ("width", "height", "max-width", "max-height"))
    return clipped and any(pixels is not None and pixels <= _TINY_PIXELS for pixels in lengths)


def _pixels(length: str) -> float | None:
    """A length of CSS in pixels, about; None where it is none."""
    found = _LENGTH.match(length)
    return float(found[1]) * _PIXELS[found[2] or "px"] if found else None


@lru_cache(maxsize=1_000)
def _colour(value: str) -> Colour | None:
    if value == "transparent":
        return (0, 0, 0, 0)
    try:
        return ImageColor.getrgb(value)
    except ValueError:
        return None


def _alike(one: Colour, other: Colour) -> bool:
    return all(abs(a - b) <= _SAME_COLOUR for a, b in zip(one[:3], other[:3], strict=True))

"""The words of an SVG drawing that are to be seen: those of `text`, and of HTML within it (Mermaid, draw.io)."""

from __future__ import annotations

import html
import re
from collections import Counter
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[(?P<data>.*?)(?:\]\]>|\Z)|<[?!][^>]*>"
    r"|<(?P<close>/?)(?:[\w.-]+:)?(?P<name>[^\W\d][\w.-]*)(?P<attributes>(?:\"[^\"]*\"|'[^']*'|[^<>\"'])*)>|(?P<text>[^<]+)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""(?<![\w.:-])(?:[\w.-]++:)?([\w-]++)\s*+=\s*(?:"([^"]*)"|'([^']*)')""")
_NOT_SEEN = re.compile(r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse))")
_CLASS_NOT_SEEN = re.compile(r"\.([\w-]++)\s*+\{[^{}]*display\s*:\s*none")
_UNSEEN = {"defs", "metadata", "style", "script", "clipPath", "mask", "pattern", "marker", "symbol"}
_WITH_WORDS = ("title", "desc", "text", "foreignObject")
_WORK = "Work"
_OF_THE_WORK = {"title": "title", "description": "desc"}
"""What the metadata say of the drawing itself (Dublin Core, as Inkscape writes it). A title further down names a person
or, with Matplotlib, the program."""
_PLACED = {"x", "y"}
_BREAKS = {"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "pre", "table", "ul", "ol"}
_EMPTY = {"br", "img", "hr", "input", "wbr"}
"""Elements of HTML that some programs leave open."""


@dataclass(slots=True)
class SvgWords:
    """What can be read in a drawing."""

    titles: list[str] = field(default_factory=list)
    descriptions: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    """The words that are drawn, a line each."""


@dataclass(frozen=True, slots=True)
class _Element:
    name: str
    hidden: bool
    sort: str
    """What its characters are: one of those with words, or empty."""
    lines_before: int
    """How many lines there were when it began."""


def read_svg_words(source: str) -> SvgWords:
    """Titles, descriptions, and the words that are drawn. A label that stands twice counts once.

    Programs write labels in HTML and, cut short, for those that know none. What is no element is passed over.
    """
    reader = _Reader(set(_CLASS_NOT_SEEN.findall(source)))
    for token in _TOKEN.finditer(source):
        words = token["text"] or token["data"]
        if words is not None:
            reader.words(html.unescape(words))
        elif token["name"] and token["close"]:
            reader.close(token["name"])
        elif token["name"]:
            reader.open(token["name"], token["attributes"])
    reader.end_line()
    return reader.found


class _Reader:
    """Follows the elements and gathers words, line by line."""

    def __init__(self, hidden_classes: set[str]) -> None:
        self.found = SvgWords()
        self._hidden_classes = hidden_classes
        self._open = [_Element("", False, "", 0)]
        self._names = Counter[str]()
        """Of the open elements."""
        self._line: list[str] = []
        self._sort = ""
        self._html_said = False
        """Whether HTML that was just left had words: then the text beside it is the same label for other programs."""

    def words(self, words: str) -> None:
        here = self._open[-1]
        if here.sort and not here.hidden:
            self._line.append(words)
            self._sort = here.sort

    def open(self, name: str, written: str) -> None:
        here = self._open[-1]
        attributes = {each[1]: each[2] or each[3] or "" for each in _ATTRIBUTE.finditer(written)}
        sort = here.sort or (name if name in _WITH_WORDS else "")
        if here.sort and name in _BREAKS:
            self.end_line()
        elif here.sort and name == "tspan" and _PLACED & attributes.keys():
            self._line.append(" ")
        hidden = here.hidden or _is_hidden(name, attributes, self._hidden_classes)
        hidden = hidden or (self._html_said and name == "text" and here.name == "switch")
        if here.name == _WORK and name in _OF_THE_WORK:
            sort, hidden = _OF_THE_WORK[name], False
        if not written.rstrip().endswith("/") and name not in _EMPTY:
            self._open.append(_Element(name, hidden, sort, len(self.found.lines)))
            self._names[name] += 1

    def close(self, name: str) -> None:
        if not self._names[name]:
            return
        while True:
            ended = self._open.pop()
            self._names[ended.name] -= 1
            if ended.name == name:
                break
        if ended.sort and (not self._open[-1].sort or name in _BREAKS):
            self.end_line()
        if name == "switch":
            self._html_said = False
        elif name == "foreignObject":
            self._html_said = len(self.found.lines) > ended.lines_before

    def end_line(self) -> None:
        text = " ".join("".join(self._line).split())
        self._line.clear()
        if text:
            {"title": self.found.titles, "desc": self.found.descriptions}.get(self._sort, self.found.lines).append(text)


def _is_hidden(name: str, attributes: dict[str, str], classes: set[str]) -> bool:
    return (
        name in _UNSEEN
        or attributes.get("display") == "none"
        or attributes.get("visibility") in ("hidden", "collapse")
        or _NOT_SEEN.search(attributes.get("style", "")) is not None
        or not classes.isdisjoint(attributes.get("class", "").split())
    )


def label_lines(markup: str) -> list[str]:
    """The lines of a piece of HTML within a drawing."""
    return read_svg_words(f"<foreignObject>{markup}</foreignObject>").lines

"""The words of an SVG drawing that are to be seen: those of `text`, and of HTML within it (Mermaid, draw.io)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[(?P<data>.*?)(?:\]\]>|\Z)|<[?!][^>]*>"
    r"|<(?P<close>/?)(?:[\w.-]+:)?(?P<name>[^\W\d][\w.-]*)(?P<attributes>(?:\"[^\"]*\"|'[^']*'|[^<>\"'])*)>|(?P<text>[^<]+)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""(?:[\w.-]+:)?([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_NOT_SEEN = re.compile(r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse))")
_CLASS_NOT_SEEN = re.compile(r"\.([\w-]+)\s*\{[^}]*display\s*:\s*none")
_UNSEEN = {"defs", "metadata", "style", "script", "clipPath", "mask", "pattern", "marker", "symbol"}
_PLACED = {"x", "y", "dx", "dy"}
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
    """What its characters are: `title`, `desc`, `text`, `foreignObject`, or empty."""
    html_lines: int
    """How many lines there were when it began."""


def read_svg_words(source: str) -> SvgWords:
    """Titles, descriptions, and the words that are drawn. A label that stands twice, in HTML and cut short, counts once."""
    found = SvgWords()
    hidden_classes = set(_CLASS_NOT_SEEN.findall(source))
    open_elements = [_Element("", False, "", 0)]
    line: list[str] = []
    in_html = False

    def end_line(sort: str) -> None:
        text = " ".join("".join(line).split())
        line.clear()
        if text:
            {"title": found.titles, "desc": found.descriptions}.get(sort, found.lines).append(text)

    for token in _TOKEN.finditer(source):
        here = open_elements[-1]
        words = token["text"] or token["data"]
        if words is not None:
            if here.sort and not here.hidden:
                line.append(html.unescape(words))
            continue
        name = token["name"]
        if name is None:
            continue
        if token["close"]:
            if not any(element.name == name for element in open_elements):
                continue
            while (ended := open_elements.pop()).name != name:
                pass
            if (ended.sort and not open_elements[-1].sort) or (name in _BREAKS and ended.sort):
                end_line(ended.sort)
            in_html = in_html or (ended.sort == "foreignObject" and len(found.lines) > ended.html_lines)
            in_html = in_html and name != "switch"
            continue
        attributes = {each[1]: each[2] or each[3] or "" for each in _ATTRIBUTE.finditer(token["attributes"])}
        sort = here.sort or (name if name in ("title", "desc", "text", "foreignObject") else "")
        if here.sort and ((name == "tspan" and _PLACED & attributes.keys()) or name in _BREAKS):
            line.append(" ") if name == "tspan" else end_line(here.sort)
        hidden = here.hidden or _is_hidden(name, attributes, hidden_classes)
        # the text that programs without HTML are to show instead: the same label, often cut short
        hidden = hidden or (in_html and name == "text" and here.name == "switch")
        if not token["attributes"].rstrip().endswith("/") and name not in _EMPTY:
            open_elements.append(_Element(name, hidden, sort, len(found.lines)))
    end_line(open_elements[-1].sort)
    return found


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


def tags_of(source: str) -> Iterator[tuple[re.Match[str], dict[str, str]]]:
    """Each tag that opens an element, with its attributes."""
    for token in _TOKEN.finditer(source):
        if token["name"] and not token["close"]:
            yield token, {each[1]: each[2] or each[3] or "" for each in _ATTRIBUTE.finditer(token["attributes"])}

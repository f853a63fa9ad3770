"""What an HTML page states of an element's looks, for `visibility`: its `style` and the page's `<style>` (CSS 2.2).

Of selectors those without combinators are matched. One with a combinator or a pseudo-class counts by its last part
where it shows something, and is passed over where it hides: a page rather keeps too much. What stands in `@media` and
other blocks is passed over too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_STYLE_RULES = 5_000
"""Selectors of one page that are looked at."""
_MAX_ALIKE = 500
"""Different selectors that an element may match for one reason (its class, its id, its name)."""

_KNOWN = frozenset(
    [
        *("display", "visibility", "opacity", "font-size", "color", "background-color", "position", "float"),
        *("width", "height", "max-width", "max-height", "overflow", "overflow-x", "overflow-y", "text-indent"),
        *("left", "top", "right", "bottom", "clip", "clip-path"),
    ]
)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_COMMENT_OR_STRING = re.compile(rf"{_COMMENT.pattern}|\"(?:[^\"\\\n]|\\.)*+\"?|'(?:[^'\\\n]|\\.)*+'?", re.DOTALL)
"""What of a sheet may hold braces that are none (CSS Syntax 3, 4.3.5); no known property has a string for a value."""
_COMMENT_END = re.compile("-->")
_NOT_STYLE = re.compile(r"<(?:!--|(script|style)\b([^>]*+)>)", re.IGNORECASE)
_OTHER_MEDIA = re.compile(r"(?<![\w-])media\s*+=\s*+[\"']?+\s*+(?!all\b|screen\b|[\"'])", re.IGNORECASE)
_MARK = re.compile(r"[{};]")
_COMPOUND = re.compile(r"(?P<tag>[a-z][\w-]*+|\*)?(?P<rest>(?:[.#][\w-]++)*+)\Z", re.IGNORECASE)
_PART = re.compile(r"([.#])([\w-]++)")
_SHOWING = {"display": {"none"}, "visibility": {"hidden", "collapse"}}
_FONT_SIZE = re.compile(r"(?<![\w.-])(?:\d++(?:\.\d++)?+|\.\d++)(?:px|pt|em|rem|%)?(?=\s*/|\s)")

Rank = tuple[bool, int, int]
"""Whether it is important, how specific its selector is, and its place in the page: the greatest wins."""
Declared = dict[str, tuple[Rank, str]]


class _Compound(NamedTuple):
    """A selector without combinators."""

    tag: str
    id: str
    classes: frozenset[str]


@dataclass(slots=True)
class StyleRules:
    """The rules of a page's `<style>` elements."""

    _by_key: dict[str, dict[_Compound, Declared]] = field(default_factory=dict)

    @classmethod
    def of_page(cls, source: str) -> StyleRules:
        """The rules of all `<style>` elements, also of those that come after what they style."""
        rules, count = cls(), 0
        for selector, inside in _page_rules(source):
            for one in selector.split(","):
                count += 1
                if count > MAX_STYLE_RULES:
                    return rules
                rules._add(one.strip(), inside, count)
        return rules

    def declared(self, tag: str, id: str, classes: frozenset[str], style: str) -> dict[str, str]:
        """The value of each property that counts, for an element with these."""
        found = stated(style, specificity=1 << 30, order=0)
        for key in (tag, "*", f"#{id}", *(f".{name}" for name in classes)):
            for wanted, block in self._by_key.get(key, {}).items():
                if wanted.tag in ("", "*", tag) and wanted.id in ("", id) and wanted.classes <= classes:
                    _merge(found, block)
        return {name: value for name, (_, value) in found.items()}

    def _add(self, selector: str, inside: str, order: int) -> None:
        last = re.split(r"[\s>+~]+", selector)[-1]
        bare = re.sub(r"::?[\w-]+(?:\([^()]*\))?|\[[^\]]*\]", "", last)
        matched = _COMPOUND.match(bare)
        if matched is None or not bare:
            return
        parts = _PART.findall(matched["rest"])
        classes = frozenset(name for kind, name in parts if kind == ".")
        id = next((name for kind, name in parts if kind == "#"), "")
        tag = (matched["tag"] or "").lower()
        specificity = 10_000 * bool(id) + 100 * len(classes) + (tag not in ("", "*"))
        declared = stated(inside, specificity=specificity, order=order)
        if bare != selector:
            declared = {name: found for name, found in declared.items() if _shows(name, found[1])}
        if not declared:
            return
        key = f"#{id}" if id else f".{min(classes)}" if classes else tag or "*"
        alike, compound = self._by_key.setdefault(key, {}), _Compound(tag, id, classes)
        if compound in alike or len(alike) < _MAX_ALIKE:
            _merge(alike.setdefault(compound, {}), declared)


def stated(style: str, *, specificity: int, order: int) -> Declared:
    """The known properties of a block of declarations, the later one where one is important as the other."""
    found: Declared = {}
    for line in _unescaped(_COMMENT.sub(" ", style)).split(";"):
        name, _, value = line.partition(":")
        name, value = name.strip().lower(), value.strip().lower()
        important = value.endswith(("!important", "! important"))
        value = value.partition("!")[0].strip()
        if name == "background":
            name, value = "background-color", _colour_of(value)
        elif name == "font" and (size := _FONT_SIZE.search(value)):
            name, value = "font-size", size[0]
        if name in _KNOWN and value and (name not in found or found[name][0][0] <= important):
            found[name] = (important, specificity, order), value
    return found


def _merge(found: Declared, more: Declared) -> None:
    """Put the properties of one block to those of others; the greatest rank counts."""
    for name, (rank, value) in more.items():
        if name not in found or found[name][0] < rank:
            found[name] = rank, value


def _shows(name: str, value: str) -> bool:
    return name in _SHOWING and value not in _SHOWING[name]


def _colour_of(background: str) -> str:
    """The colour of a shorthand, or the word `image`, over which any colour may be seen."""
    if "url(" in background or "gradient" in background:
        return "image"
    function = re.search(r"\b(?:rgb|hsl)a?\([^()]*\)", background)
    words = [word for word in background.split() if word.startswith("#") or word.isalpha()]
    return function[0] if function else words[0] if words else ""


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: chr(min(int(found[1], 16), 0x10FFFF)) if found[1] else found[2], text)


def _page_rules(source: str) -> Iterator[tuple[str, str]]:
    """Selector and block of each rule that stands at the top of a style sheet."""
    for sheet in _sheets(source):
        sheet, begin, depth, selector = _COMMENT_OR_STRING.sub(" ", sheet), 0, 0, ""
        for mark in _MARK.finditer(sheet):
            if mark[0] == "{":
                depth += 1
                selector = sheet[begin : mark.start()].strip()
            elif mark[0] == "}":
                if depth == 1 and not selector.startswith("@"):
                    yield selector, sheet[begin : mark.start()]
                depth = max(0, depth - 1)
            elif depth:
                continue
            begin = mark.end()


def _sheets(source: str) -> Iterator[str]:
    """What stands in the `<style>` elements for screens. Comments and scripts may hold what only looks like one."""
    at = 0
    while found := _NOT_STYLE.search(source, at):
        name = (found[1] or "").lower()
        if name:
            end = re.compile(rf"</{name}", re.IGNORECASE).search(source, found.end())
        else:
            end = _COMMENT_END.search(source, found.end() - len("--"))  # `<!-->` is a whole comment
        if name == "style" and not _OTHER_MEDIA.search(found[2]):
            yield source[found.end() : end.start() if end else len(source)]
        if end is None:
            return
        at = end.end()

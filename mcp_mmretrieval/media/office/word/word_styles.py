"""What the styles of a Word document say of its paragraphs and letters (ECMA-376-1, 17.7): headings, hidden text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mcp_mmretrieval.media.office.xml_parts import Element, local_name

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
"""The namespace of WordprocessingML, as lxml writes it before a name."""

_HEADING = re.compile(
    r"(?:heading|überschrift|titre|título|titolo|kop|rubrik|overskrift|otsikko|nagłówek|заголовок|标题|標題|見出し|제목)"
    r"\s*([1-9])"
)
"""Headings as other programs call them. Word writes `heading 1` in each language."""
_TITLES = frozenset(["title", "titel", "titre", "título", "titolo", "название", "标题", "標題", "表題", "제목"])
_CODE = frozenset(["html preformatted", "preformatted text", "source code", "code", "listing"])
_MAX_BASES = 30
"""Styles on which a style stands, one on the other."""
_BODY_LEVEL = 9
"""The outline level of text that is no heading; levels count from 0."""
_HAIRLINE = 2
"""Half points up to which nobody can read letters."""
_OFF = frozenset(["0", "false", "off", "none"])


@dataclass(frozen=True, slots=True)
class TextLook:
    """What the properties of some letters say of their being seen. None: nothing."""

    vanishes: bool | None = None
    white: bool | None = None
    shaded: bool | None = None
    tiny: bool | None = None

    def over(self, base: TextLook) -> TextLook:
        """These properties, and for what they do not say those of a style below them."""
        if self is PLAIN_LOOK or base is PLAIN_LOOK:
            return base if self is PLAIN_LOOK else self
        return TextLook(
            base.vanishes if self.vanishes is None else self.vanishes,
            base.white if self.white is None else self.white,
            base.shaded if self.shaded is None else self.shaded,
            base.tiny if self.tiny is None else self.tiny,
        )


PLAIN_LOOK = TextLook()
"""Says nothing."""


@dataclass(frozen=True, slots=True)
class WordStyle:
    """A style with all that it has from those it is based on."""

    level: int | None = None
    """Of a heading, from 1; 0 of the document's title, None of other text."""
    look: TextLook = PLAIN_LOOK
    numbering: tuple[str, int] | None = None
    """The list that its paragraphs are items of, and their depth in it, from 0."""
    is_caption: bool = False
    is_code: bool = False


NO_STYLE = WordStyle()
"""The style of what names none."""


class WordStyles:
    """The styles of a document by their ids."""

    def __init__(self, root: Element | None) -> None:
        self._raw = {
            style.get(f"{W}styleId", ""): style
            for style in (() if root is None else root)
            if local_name(style) == "style"
        }
        self._known: dict[str, WordStyle] = {}
        default = (one for one in self._raw.values() if is_on(one.get(f"{W}default")) and _type_of(one) == "paragraph")
        self.default = next((style.get(f"{W}styleId", "") for style in default), "")
        """The style of paragraphs that name none."""

    def style(self, name: str) -> WordStyle:
        """The style with an id; one that says nothing for an unknown one."""
        if name not in self._known:
            self._known[name] = self._resolved(name)
        return self._known[name]

    def _resolved(self, name: str) -> WordStyle:
        level: int | None = None
        found = NO_STYLE
        for style in reversed(list(self._chain(name))):
            called = value_of(style, "name").casefold().strip()
            paragraph = style.find(f"{W}pPr")
            letters = style.find(f"{W}rPr")
            level = _level_of(called, paragraph, level)
            found = WordStyle(
                level=level,
                look=look_of(letters).over(_shading_of(paragraph)).over(found.look),
                numbering=numbering_of(paragraph, found.numbering),
                is_caption=found.is_caption or called == "caption",
                is_code=found.is_code or called in _CODE,
            )
        return found

    def _chain(self, name: str) -> Iterator[Element]:
        """A style and those below it, itself first."""
        for _ in range(_MAX_BASES):
            style = self._raw.get(name)
            if style is None:
                return
            yield style
            name = value_of(style, "basedOn")


def _type_of(style: Element) -> str:
    return str(style.get(f"{W}type", ""))


def _level_of(called: str, paragraph: Element | None, base: int | None) -> int | None:
    outline = outline_level(paragraph)
    if outline is not None:
        return outline or None
    if found := _HEADING.fullmatch(called):
        return int(found[1])
    return 0 if called in _TITLES else base


def outline_level(paragraph: Element | None) -> int | None:
    """The level of a heading that properties of paragraphs say, from 1; 0 of body text; None where they say nothing."""
    written = "" if paragraph is None else value_of(paragraph, "outlineLvl")
    if not written.isdecimal():
        return None
    return int(written[:3]) + 1 if int(written[:3]) < _BODY_LEVEL else 0


def numbering_of(paragraph: Element | None, base: tuple[str, int] | None) -> tuple[str, int] | None:
    """The list and the depth that properties of paragraphs say, over those of a style."""
    found = None if paragraph is None else paragraph.find(f"{W}numPr")
    if found is None:
        return base
    number, depth = value_of(found, "numId"), value_of(found, "ilvl")
    if number == "0":
        return None
    list_of = number or (base[0] if base else "")
    return (list_of, int(depth[:2]) if depth.isdecimal() else base[1] if base and not number else 0)


def look_of(letters: Element | None) -> TextLook:
    """What properties of letters say of their being seen."""
    if letters is None or not len(letters):
        return PLAIN_LOOK
    vanishes = white = shaded = tiny = None
    for each in letters:
        name, value = each.tag, each.get(f"{W}val")
        if name == _VANISH:
            vanishes = is_on(value, absent=True)
        elif name == _COLOR:
            white = (value or "").upper() == "FFFFFF" and each.get(f"{W}themeColor") in (None, "background1")
        elif name == _SHADING:
            shaded = (each.get(f"{W}fill") or "auto").lower() not in ("auto", "ffffff") or value not in _CLEAR
        elif name == _HIGHLIGHT:
            shaded = value not in ("none", "white")
        elif name == _SIZE:
            tiny = (value or "").isdecimal() and int(str(value)[:6]) <= _HAIRLINE
    if vanishes is None and white is None and shaded is None and tiny is None:
        return PLAIN_LOOK
    return TextLook(vanishes, white, shaded, tiny)


_VANISH, _COLOR, _SHADING, _HIGHLIGHT, _SIZE = (f"{W}{name}" for name in ("vanish", "color", "shd", "highlight", "sz"))
_CLEAR = (None, "clear", "nil")


def _shading_of(paragraph: Element | None) -> TextLook:
    shading = None if paragraph is None else paragraph.find(_SHADING)
    return PLAIN_LOOK if shading is None else look_of([shading])


def value_of(parent: Element, name: str) -> str:
    """The value of a property, such as of `<w:ilvl w:val="2"/>`; empty where there is none."""
    found = parent.find(f"{W}{name}")
    return "" if found is None else str(found.get(f"{W}val") or "")


def is_on(value: str | None, *, absent: bool = False) -> bool:
    """Whether a switch is on; `absent`: what it is without a value."""
    return absent if value is None else value not in _OFF

"""What the styles of an OpenDocument text say of its paragraphs, letters and lists (OpenDocument 1.3, 16 and 20)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from mcp_mmretrieval.media.office.word.word_lists import BULLET, number_written
from mcp_mmretrieval.media.office.xml_parts import Element, local_name

_ODF = "urn:oasis:names:tc:opendocument:xmlns:"
TEXT, TABLE, DRAW, OFFICE, STYLE = (f"{{{_ODF}{name}:1.0}}" for name in ("text", "table", "drawing", "office", "style"))
"""Namespaces of OpenDocument, as lxml writes them before a name."""
FO = f"{{{_ODF}xsl-fo-compatible:1.0}}"
"""The namespace of properties that XSL knows too."""

_MAX_PARENTS = 30
_FORMATS = {"1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_WHITE = frozenset(["#ffffff", "#fff"])
_NO_GROUND = frozenset(["", "transparent", "#ffffff"])
_HAIRLINE_POINTS = 1.0


@dataclass(frozen=True, slots=True)
class OdtStyle:
    """A style with all that it has from its parents."""

    names: frozenset[str] = frozenset()
    """Its own name and those of its parents."""
    level: int = 0
    """Of a heading, from 1; 0 of other text."""
    hidden: bool = False
    white: bool = False
    shaded: bool = False
    list_style: str = ""


NO_ODT_STYLE = OdtStyle()
"""The style of what names none."""


@dataclass(frozen=True, slots=True)
class _ListLevel:
    format: str
    prefix: str
    suffix: str
    start: int
    shown_levels: int


class OdtStyles:
    """The styles of a document by family and name."""

    def __init__(self, roots: Iterable[Element | None]) -> None:
        self._raw: dict[tuple[str, str], Element] = {}
        self._lists: dict[str, dict[int, _ListLevel]] = {}
        for root in roots:
            for each in () if root is None else root.iter(f"{STYLE}style", f"{TEXT}list-style", f"{TEXT}outline-style"):
                name = each.get(f"{STYLE}name", "")
                if local_name(each) == "style":
                    self._raw[each.get(f"{STYLE}family", ""), name] = each
                else:
                    self._lists[name] = dict(_list_levels(each))
        self._known: dict[tuple[str, str], OdtStyle] = {}

    def style(self, family: str, name: str | None) -> OdtStyle:
        """A style; one that says nothing for an unknown one."""
        if not name:
            return NO_ODT_STYLE
        key = (family, name)
        if key not in self._known:
            self._known[key] = self._resolved(family, name)
        return self._known[key]

    def label(self, list_style: str, depth: int, counts: Mapping[int, int]) -> str:
        """What stands before an item of a list, from the numbers on its levels, which count from 1."""
        levels = self._lists.get(list_style, {})
        level = levels.get(depth)
        if level is None:
            return BULLET
        if not level.format:
            return ""
        if level.format == "bullet":
            return BULLET
        shown = range(max(1, depth - level.shown_levels + 1), depth + 1)
        numbers = (number_written(counts.get(each, 1), _format_of(levels.get(each))) for each in shown)
        return f"{level.prefix}{'.'.join(numbers)}{level.suffix}".strip()

    def is_numbered(self, list_style: str, depth: int) -> bool:
        """Whether a level of a list has numbers."""
        level = self._lists.get(list_style, {}).get(depth)
        return level is not None and level.format not in ("", "bullet")

    def start(self, list_style: str, depth: int) -> int:
        """The first number on a level of a list."""
        level = self._lists.get(list_style, {}).get(depth)
        return level.start if level else 1

    def _resolved(self, family: str, name: str) -> OdtStyle:
        chain = list(self._chain(family, name))
        names = {name} | {each.get(f"{STYLE}name", "") for each in chain}
        level, list_style = "", ""
        said: dict[str, str] = {}
        for each in chain:
            level = level or each.get(f"{STYLE}default-outline-level", "")
            list_style = list_style or each.get(f"{STYLE}list-style-name", "")
            for properties in each:
                if local_name(properties) in ("text-properties", "paragraph-properties"):
                    for key in (f"{TEXT}display", f"{FO}color", f"{FO}font-size"):
                        if key in properties.attrib:
                            said.setdefault(key, properties.get(key))
                    if properties.get(f"{FO}background-color", "") not in _NO_GROUND:
                        said["shaded"] = "yes"
        return OdtStyle(
            names=frozenset(names),
            level=int(level[:2]) if level.isdecimal() else 0,
            hidden=said.get(f"{TEXT}display") == "none" or _is_hairline(said.get(f"{FO}font-size", "")),
            white=said.get(f"{FO}color", "").lower() in _WHITE,
            shaded="shaded" in said,
            list_style=list_style,
        )

    def _chain(self, family: str, name: str) -> Iterator[Element]:
        for _ in range(_MAX_PARENTS):
            style = self._raw.get((family, name))
            if style is None:
                return
            yield style
            name = style.get(f"{STYLE}parent-style-name", "")


def _format_of(level: _ListLevel | None) -> str:
    return level.format if level else "decimal"


def _list_levels(style: Element) -> Iterator[tuple[int, _ListLevel]]:
    for each in style:
        depth, written = each.get(f"{TEXT}level", ""), each.get(f"{STYLE}num-format", "")
        if not depth.isdecimal():
            continue
        kind = _FORMATS.get(written, "decimal" if written else "")
        if local_name(each).startswith("list-level-style-") and not local_name(each).endswith("number"):
            kind = "bullet"
        start, shown = each.get(f"{TEXT}start-value", ""), each.get(f"{TEXT}display-levels", "")
        yield (
            int(depth[:2]),
            _ListLevel(
                kind,
                each.get(f"{STYLE}num-prefix", "")[:20],
                each.get(f"{STYLE}num-suffix", "")[:20],
                int(start[:9]) if start.isdecimal() else 1,
                int(shown[:2]) if shown.isdecimal() else 1,
            ),
        )


def _is_hairline(size: str) -> bool:
    number = size.removesuffix("pt")
    return size.endswith("pt") and number.replace(".", "", 1).isdecimal() and float(number) <= _HAIRLINE_POINTS

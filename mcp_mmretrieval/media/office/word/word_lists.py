"""The numbers and bullets of lists in a Word document (ECMA-376-1, 17.9), which stand nowhere in its text."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from mcp_mmretrieval.media.office.word.word_styles import W, value_of
from mcp_mmretrieval.media.office.xml_parts import Element, local_name

_DEEPEST = 9
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl")),
    *((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
_MAX_ROMAN = 4_000
_PLACE = re.compile(r"%([1-9])")
BULLET = "\u2022"
"""Before the items of a list without numbers."""


@dataclass(frozen=True, slots=True)
class _Level:
    format: str = "decimal"
    shown: str = ""
    start: int = 1


class WordLists:
    """Counts the items of lists, as they come."""

    def __init__(self, root: Element | None) -> None:
        children = [] if root is None else list(root)
        abstract = {
            each.get(f"{W}abstractNumId", ""): _levels_of(each)
            for each in children
            if local_name(each) == "abstractNum"
        }
        styled = {
            value_of(each, "styleLink"): each.get(f"{W}abstractNumId", "")
            for each in children
            if local_name(each) == "abstractNum"
        }
        linked = {
            each.get(f"{W}abstractNumId", ""): styled.get(value_of(each, "numStyleLink"), "")
            for each in children
            if local_name(each) == "abstractNum" and value_of(each, "numStyleLink")
        }
        self._levels: dict[str, dict[int, _Level]] = {}
        self._counted_with: dict[str, str] = {}
        self._restarts: dict[str, dict[int, int]] = {}
        for each in children:
            if local_name(each) != "num":
                continue
            number, base = each.get(f"{W}numId", ""), value_of(each, "abstractNumId")
            base = linked.get(base, base)
            self._levels[number] = abstract.get(base, {}) | _overriding(each)
            self._counted_with[number] = base
            self._restarts[number] = _restarts_of(each)
        self._counts: defaultdict[str, dict[int, int]] = defaultdict(dict)

    def next_label(self, number: str, depth: int) -> str:
        """What stands before the next item of a list: `2.1.`, a bullet; empty where nothing does."""
        levels, depth = self._levels.get(number), min(depth, _DEEPEST - 1)
        if levels is None:
            return ""
        counts = self._counts[self._counted_with[number]]
        for restarted, start in self._restarts.pop(number, {}).items():
            counts[restarted] = start - 1
        level = levels.get(depth, _Level())
        counts[depth] = counts.get(depth, level.start - 1) + 1
        for deeper in [each for each in counts if each > depth]:
            del counts[deeper]
        if level.format == "bullet":
            return BULLET if level.shown.strip() else ""
        if level.format == "none":
            return level.shown if "%" not in level.shown else ""

        def written(found: re.Match[str]) -> str:
            at = int(found[1]) - 1
            of_level = levels.get(at, _Level())
            return number_written(counts.setdefault(at, of_level.start), of_level.format)

        return _PLACE.sub(written, level.shown).strip()


def number_written(number: int, style: str) -> str:
    """A number as lists write it: `decimal`, `lowerLetter`, `upperRoman` and the like; others as decimals."""
    if style.endswith("Letter") and number > 0:
        letter = chr(ord("a") + (number - 1) % 26) * min(1 + (number - 1) // 26, 20)
        return letter.upper() if style.startswith("upper") else letter
    if style.endswith("Roman") and 0 < number < _MAX_ROMAN:
        roman = ""
        for value, letters in _ROMAN:
            roman += letters * (number // value)
            number %= value
        return roman.upper() if style.startswith("upper") else roman
    return f"{number:02}" if style == "decimalZero" else str(number)


def _levels_of(parent: Element) -> dict[int, _Level]:
    levels = {}
    for each in parent:
        if local_name(each) == "lvl":
            start = value_of(each, "start")
            depth = each.get(f"{W}ilvl", "")
            levels[int(depth[:2]) if depth.isdecimal() else 0] = _Level(
                value_of(each, "numFmt") or "decimal",
                value_of(each, "lvlText")[:100],
                int(start[:9]) if start.isdecimal() else 1,
            )
    return levels


def _overriding(number: Element) -> dict[int, _Level]:
    return {
        depth: level
        for each in number
        if local_name(each) == "lvlOverride"
        for depth, level in _levels_of(each).items()
    }


def _restarts_of(number: Element) -> dict[int, int]:
    restarts = {}
    for each in number:
        start = value_of(each, "startOverride") if local_name(each) == "lvlOverride" else ""
        depth = each.get(f"{W}ilvl", "")
        if start.isdecimal() and depth.isdecimal():
            restarts[int(depth[:2])] = int(start[:9])
    return restarts

"""Rewrites what resvg does not know of a drawing into what it does: newer colours and variables of CSS, and HTML.

resvg takes a colour that it does not know for black, and leaves `foreignObject` out.
"""

from __future__ import annotations

import colorsys
import html
import math
import re

from mcp_mmretrieval.media.svg_words import label_lines

_STYLED = re.compile(r"<style\b[^<>]*(?<!/)>.*?(?:</style\s*>|\Z)|<[^!?/][^<>]*>", re.DOTALL | re.IGNORECASE)
_DARK = re.compile(r"@media[^{}@]*prefers-color-scheme\s*:\s*dark[^{}@]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_VARIABLE = re.compile(r"(?<![\w-])(--[\w-]++)\s*+:\s*([^;}\"'<>]+)")
_FUNCTION = re.compile(
    r"\b(light-dark|var|oklch|oklab|lch|lab|hwb|hsla?|rgba?|color-mix|color)\(([^()]*)\)", re.IGNORECASE
)
_ROUNDS = 12
"""How deep such functions may stand within each other."""
_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(%|deg|rad|turn|grad)?|none", re.IGNORECASE)
_UNKNOWN = "#808080"
_FOREIGN = re.compile(
    r"<((?:[\w.-]+:)?)foreignObject\b([^<>]*)>((?:[^<]++|<(?!/?\1foreignObject\b))*+)</\1foreignObject\s*>"
)
_FALLBACK = re.compile(r"\s*<((?:[\w.-]+:)?)text\b([^<>]*)>(?:[^<]++|<(?!/?\1text\b))*+</\1text\s*>")
_ATTRIBUTE = re.compile(r"""(?<![\w-])([\w-]++)\s*+=\s*["']([^"']*)["']""")
_FONT_SIZE = re.compile(r"font-size\s*:\s*([\d.]+)px")
_INK = re.compile(r"(?<![\w-])color\s*:\s*(#[0-9a-fA-F]{3,8}|[a-z]+)\s*[;\"]")
_FONT_PIXELS = 16.0
_LEADING = 1.25
_TURNS = {"deg": 1.0, "rad": 180 / math.pi, "turn": 360.0, "grad": 0.9}


def for_resvg(source: str) -> str:
    """The drawing with colours that resvg knows, and the words of HTML in it as words of SVG."""
    light = _DARK.sub("", source)
    values = {name: value.strip() for name, value in reversed(_VARIABLE.findall(light))}  # the first one counts
    plain = _STYLED.sub(lambda tag: _with_plain_colours(tag[0], values), light)
    return _with_labels(plain)


def _with_plain_colours(styled: str, values: dict[str, str]) -> str:
    if "(" not in styled:
        return styled
    for _ in range(_ROUNDS):
        styled, count = _FUNCTION.subn(lambda found: _plain(found[1].lower(), found[2], values), styled)
        if not count:
            break
    return styled


def _plain(name: str, inside: str, values: dict[str, str]) -> str:
    """What a function of CSS means, as a colour in hex where it is one."""
    first, _, rest = (part.strip() for part in inside.partition(","))
    if name == "light-dark":
        return first
    if name == "var":
        return values.get(first) or rest or "inherit"
    if name == "color-mix":
        return re.sub(r"\s+[\d.]+%\s*$", "", rest.split(",")[0].strip()) or _UNKNOWN
    numbers = [
        (float(found[1] or 0), (found[2] or "").lower()) for found in _NUMBER.finditer(_components(name, inside))
    ]
    if len(numbers) < 3:
        return _UNKNOWN
    red, green, blue = (min(1.0, max(0.0, value)) for value in _rgb(name, numbers))
    alpha = _part(numbers[3], 1) if len(numbers) > 3 else 1.0
    channels = (red, green, blue) if alpha >= 1 else (red, green, blue, max(0.0, alpha))
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)


def _components(name: str, inside: str) -> str:
    """The numbers of a colour without the name of its space, whose digits are none of them."""
    return inside.strip().partition(" ")[2] if name == "color" else inside


def _part(number: tuple[float, str], whole: float) -> float:
    value, unit = number
    return value / 100 if unit == "%" else value / whole


def _degrees(number: tuple[float, str]) -> float:
    value, unit = number
    return value * _TURNS.get(unit, 1.0)


def _rgb(name: str, numbers: list[tuple[float, str]]) -> tuple[float, float, float]:
    """Red, green and blue of a colour, mostly from 0 to 1."""
    one, two, three = numbers[:3]
    match name:
        case "rgb" | "rgba":
            return _part(one, 255), _part(two, 255), _part(three, 255)
        case "color":
            return _part(one, 1), _part(two, 1), _part(three, 1)
        case "hsl" | "hsla":
            return colorsys.hls_to_rgb(_degrees(one) / 360 % 1, _part(three, 100), _part(two, 100))
        case "hwb":
            white, black = _part(two, 100), _part(three, 100)
            pure = colorsys.hls_to_rgb(_degrees(one) / 360 % 1, 0.5, 1.0)
            red, green, blue = (white + value * max(0.0, 1 - white - black) for value in pure)
            return red, green, blue
        case "oklch":
            chroma = two[0] * 0.004 if two[1] == "%" else two[0]
            angle = math.radians(_degrees(three))
            return _from_oklab(_part(one, 1), chroma * math.cos(angle), chroma * math.sin(angle))
        case "oklab":
            return _from_oklab(_part(one, 1), *(0.004 * v if unit == "%" else v for v, unit in (two, three)))
        case _:
            a, b = two[0], three[0]
            if name == "lch":
                angle = math.radians(_degrees(three))
                a, b = two[0] * math.cos(angle), two[0] * math.sin(angle)
            return _from_lab(one[0], a, b)


def _from_oklab(lightness: float, a: float, b: float) -> tuple[float, float, float]:
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        _gamma(4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short),
        _gamma(-1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short),
        _gamma(-0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short),
    )


def _from_lab(lightness: float, a: float, b: float) -> tuple[float, float, float]:
    """By way of XYZ in the light D65, near enough to D50 for a drawing."""
    middle = (lightness + 16) / 116
    x, y, z = (
        white * (value**3 if value > 6 / 29 else 3 * (6 / 29) ** 2 * (value - 4 / 29))
        for white, value in ((0.9505, middle + a / 500), (1.0, middle), (1.089, middle - b / 200))
    )
    return (
        _gamma(3.2406 * x - 1.5372 * y - 0.4986 * z),
        _gamma(-0.9689 * x + 1.8758 * y + 0.0415 * z),
        _gamma(0.0557 * x - 0.2040 * y + 1.0570 * z),
    )


def _gamma(linear: float) -> float:
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055


def _with_labels(source: str) -> str:
    """The drawing with the words of HTML as words of SVG, where no text stands in for them."""
    pieces, at = [], 0
    for found in _FOREIGN.finditer(source):
        if found.start() < at:
            continue
        pieces.append(source[at : found.start()])
        lines, at = label_lines(found[3]), found.end()
        if not lines:
            continue
        if fallback := _FALLBACK.match(source, at):  # programs that know no HTML are shown this, often cut short
            at = fallback.end()
            text = html.escape(" ".join(lines))
            pieces.append(f"<{fallback[1]}text{fallback[2]}>{text}</{fallback[1]}text>")
        else:
            pieces.append(_label(found, lines))
    return "".join(pieces) + source[at:]


def _label(found: re.Match[str], lines: list[str]) -> str:
    """Lines in the middle of the box that the HTML had."""
    box = dict(_ATTRIBUTE.findall(found[2]))
    x, y, width, height = (_pixels(box.get(name, "")) for name in ("x", "y", "width", "height"))
    size = float(match[1]) if (match := _FONT_SIZE.search(found[3])) else _FONT_PIXELS
    ink = f' fill="{match[1]}"' if (match := _INK.search(found[3])) else ""
    top = y + height / 2 - _LEADING * size * (len(lines) - 1) / 2 + 0.35 * size
    rows = "".join(
        f'<{found[1]}tspan x="{x + width / 2:.1f}" y="{top + number * _LEADING * size:.1f}">{html.escape(line)}'
        f"</{found[1]}tspan>"
        for number, line in enumerate(lines)
    )
    return f'<{found[1]}text text-anchor="middle" font-size="{size:g}"{ink}>{rows}</{found[1]}text>'


def _pixels(length: str) -> float:
    try:
        return float(length.removesuffix("px"))
    except ValueError:
        return 0.0

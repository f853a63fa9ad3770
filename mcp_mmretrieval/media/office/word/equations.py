"""Equations of Office files (ECMA-376-1, 22.1) as a line of text: `x^(2)`, `(a+b)/c`, `√(x)`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mcp_mmretrieval.media.office.xml_parts import Element, local_name


def equation_text(element: Element) -> str:
    """What an equation says."""
    name = local_name(element)
    if name == "t":
        return element.text or ""
    if name.endswith("Pr"):
        return ""
    write = _FORMS.get(name)
    return write(element) if write else "".join(map(equation_text, element))


def _of(element: Element, name: str) -> str:
    return "".join(equation_text(child) for child in element if local_name(child) == name)


def _group(text: str) -> str:
    return text if len(text) <= 1 or text.isalnum() else f"({text})"


def _mark(element: Element, name: str, otherwise: str) -> str:
    """A character that the properties of an element name."""
    for properties in element:
        if local_name(properties).endswith("Pr"):
            for each in properties:
                if local_name(each) == name:
                    return next(iter(each.attrib.values()), "")
    return otherwise


def _raised(element: Element, base: str = "") -> str:
    low, high = _of(element, "sub"), _of(element, "sup")
    return base + (f"_{_group(low)}" if low else "") + (f"^{_group(high)}" if high else "")


def _delimited(element: Element) -> str:
    inside = _mark(element, "sepChr", "|").join(equation_text(child) for child in element if local_name(child) == "e")
    return _mark(element, "begChr", "(") + inside + _mark(element, "endChr", ")")


def _matrix(element: Element) -> str:
    rows = (child for child in element if local_name(child) == "mr")
    return "; ".join(", ".join(map(equation_text, row)) for row in rows)


def _root(element: Element) -> str:
    return _of(element, "deg") + f"√({_of(element, 'e')})"


_FORMS: Mapping[str, Callable[[Element], str]] = {
    "f": lambda element: f"{_group(_of(element, 'num'))}/{_group(_of(element, 'den'))}",
    "sSup": lambda element: _raised(element, _of(element, "e")),
    "sSub": lambda element: _raised(element, _of(element, "e")),
    "sSubSup": lambda element: _raised(element, _of(element, "e")),
    "sPre": lambda element: _raised(element) + _of(element, "e"),
    "nary": lambda element: _raised(element, _mark(element, "chr", "∫")) + " " + _of(element, "e"),
    "rad": _root,
    "d": _delimited,
    "m": _matrix,
    "eqArr": lambda element: "; ".join(equation_text(child) for child in element if local_name(child) == "e"),
    "func": lambda element: f"{_of(element, 'fName')} {_of(element, 'e')}",
}

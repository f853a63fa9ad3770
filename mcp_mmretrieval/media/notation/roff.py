r"""Manual pages in roff: the letters behind `\(co` and `\-`, the headings, the title; no faces (`\fB`) and requests."""

from __future__ import annotations

import re
import unicodedata

from mcp_mmretrieval.media.notation.rendering import Rendering
from mcp_mmretrieval.media.notation.source_map import substitute
from mcp_mmretrieval.media.passages import ENDS_IN_PROSE, Heading

_SUFFIX = re.compile(r"\.(?:[1-9][a-z]{0,4}|man|mdoc|roff)")
_PAGE = re.compile(r"(?:[.'][ \t]*\\[\"#].*\n|[.'](?:de|ds|ie|el|if|nr|so|nh|ad|mso)\b.*\n|[ \t]*\n)*\.(?:TH|Dd)[ \t]")
_SIGNS = {"-": "-", "e": "\\", " ": " ", "~": " ", "0": " "} | dict(
    zip(
        re.findall(r"\S+", "aq dq lq rq oq cq ga ha em en hy bu co rg de mu ti rs ss ae AE oe OE /o /O /l /L Eu"),
        "'\"\u201c\u201d\u2018\u2019`^\u2014\u2013-\u2022©®°\u00d7~\\ßæÆœŒøØłŁ€",
        strict=True,
    )
)
_ACCENTS = {"'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", ":": "\u0308", ",": "\u0327", "o": "\u030a"}
_NOTATION = re.compile(
    r"\\(?:f(?:\[[^\]\n]{0,20}\]|\(..|[A-Z0-9])|s(?:[+-]?\d{1,2}|\[[^\]\n]{0,9}\])|[&%/,:|^c)]|\"[^\n]*"
    r"|\[(?P<named>[^\]\n]{1,20})\]|\((?P<two>\S\S)|(?P<one>[-e ~0]))"
)
_REQUEST = re.compile(
    r"^[.'][ \t]*(?:[BI]|[BIR]{2}|S[HSMB]|TP|TQ|PP|P|LP|IP|HP|RS|RE|nf|fi|br|sp|ad|na|nh|UR|UE|EX|EE)(?:[ \t]+|$)",
    re.MULTILINE,
)
_TITLE = re.compile(r"^\.(?:TH|Dt)[ \t]+\"?([^\s\"]+)\"?(?:[ \t]+\"?([^\s\"]+))?", re.MULTILINE)
_HEADING = re.compile(r"^\.[ \t]*(S[HSsh])[ \t]+(.+)$", re.MULTILINE)


def is_manual(source: str, suffix: str) -> bool:
    """Whether a text is called as manual pages are, and begins as they do."""
    return _SUFFIX.fullmatch(suffix) is not None and _PAGE.match(source) is not None


def read_manual(source: str) -> Rendering:
    """A manual page (`man` or `mdoc`)."""
    letters = substitute(_NOTATION, _read, source)
    title = _TITLE.search(letters.text)
    found = [(heading.start(2), heading.end(2), heading) for heading in _HEADING.finditer(letters.text)]
    mapped = substitute(_REQUEST, lambda _: "", letters.text)
    headings = []
    for first, last, heading in found:
        begin, end = mapped.range_of(first, last)
        level = 1 if heading[1].upper() == "SH" else 2
        headings.append(Heading(begin, end, level, heading[2].strip().strip('"')[:200]))
    return Rendering(
        mapped=mapped.over(letters),
        headings=headings,
        ends=ENDS_IN_PROSE,
        title=f"{title[1]}({title[2]})"[:200] if title and title[2] else "",
    )


def _read(found: re.Match[str]) -> str:
    name = found["one"] or found["two"] or found["named"]
    if name is None:
        return ""
    if name in _SIGNS:
        return _SIGNS[name]
    if len(name) == 2 and name[0] in _ACCENTS and name[1].isalpha():
        return unicodedata.normalize("NFC", name[1] + _ACCENTS[name[0]])
    if re.fullmatch(r"u[0-9A-F]{4,5}", name):
        return chr(int(name[1:], 16)) if not 0xD800 <= int(name[1:], 16) < 0xE000 else "\ufffd"
    return found[0]

"""A text layer as one reads it: words whole, lines as on the page, no glyphs that mean nothing elsewhere."""

from __future__ import annotations

import re

LINE_END_HYPHEN = "\ufffe"
"""How PDFium marks a hyphen at the end of a line."""

_HYPHEN = re.compile("(?<!\\w)(\\w++)(?:[\x02\ufffe](?:\r?\n)?|[\u2010\xad]\r?\n)(\\w+)")
_WORD = re.compile(r"[a-z]{2,}")
_FIRST = re.compile("co|cross|ex|long|multi|non|part|post|pre|self|semi|short|sub|third|well|wholly")
_SECOND = re.compile(
    "based|term|party|related|owned|service|for|than|to|of|in|up|off|free|side|level|time|year|day|wide|like|"
    "specific|driven|neutral|sale|employee|current|recurring|public|line|end|high|low"
)
"""Halves that mostly stand before or after a hyphen that is always there."""
_CODES = re.compile("[\x0b-\x0f\x1b-\x1f]")
_TEX = re.compile("[\x0b-\x0f\x1b-\x1f](?=[^\\W\\d_])|(?<=[^\\W\\d_])[\x0b-\x0f\x1b-\x1f]")
_TEX_LIGATURES = {
    code: ligature
    for codes in ("\x0b\x0c\r\x0e\x0f", "\x1b\x1c\x1d\x1e\x1f")  # its old encoding and the new one, OT1 and T1
    for code, ligature in zip(codes, ("ff", "fi", "fl", "ffi", "ffl"), strict=True)
}
"""Where TeX's fonts have their ligatures: as bitmaps these letters have no names, and their codes come back."""
_STRANGE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\ufeff\ufffd-\uffff\ud800-\udfff]")
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_GLYPHS = str.maketrans(
    {"\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl", "\ufb05": "st", "\ufb06": "st"}
    | {"\uf0b7": "•", "\uf0a7": "•", "\uf0d8": "•", "\xa0": " "}
)
_SPACES = re.compile(r"[ \t]+")


def clean_text_layer(text: str) -> str:
    """The text of a page as PDFium gives it, to be read and searched."""
    text = text.replace("\r\n", "\n")
    if _CODES.search(text):
        text = _TEX.sub(lambda match: _TEX_LIGATURES[match[0]], text)
    text = text.translate(_GLYPHS)
    alone = set(_WORD.findall(_HYPHEN.sub(" ", text))) if _HYPHEN.search(text) else set()

    def joined(match: re.Match[str]) -> str:
        # PDFium marks every hyphen at a line's end alike, those of `long-term` and those of `improve-ment`
        left, right = match[1], match[2]
        known = _FIRST.fullmatch(left.lower()) or _SECOND.fullmatch(right) or right in alone
        return f"{left}-{right}" if known or not right[0].islower() else left + right

    text = _SPACES.sub(" ", _PRIVATE.sub("", _STRANGE.sub("", _HYPHEN.sub(joined, text))))
    return "\n".join(line for line in map(str.strip, text.split("\n")) if line)


def clean_string(text: str) -> str:
    """A bookmark, a property, a remark: text that belongs to no font, and whose lines may end in a carriage return."""
    return clean_text_layer(text.replace("\r\n", "\n").replace("\r", "\n"))

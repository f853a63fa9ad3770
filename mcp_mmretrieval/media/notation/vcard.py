"""Contacts (vCard 2.1, 3.0 and 4.0; RFC 6350): one section a contact, under its name, with fields in words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mcp_mmretrieval.media.notation.content_lines import (
    ContentLine,
    content_lines,
    left_out,
    put_field,
    unfolded,
    without_escapes,
)
from mcp_mmretrieval.media.notation.recurrence import moment_in_words
from mcp_mmretrieval.media.notation.rendering import Rendering
from mcp_mmretrieval.media.notation.source_map import MapBuilder
from mcp_mmretrieval.media.passages import Heading

_BEGINS = re.compile(r"\s*BEGIN:VCARD\b", re.IGNORECASE)
_LABELS = {
    "FN": "Name",
    "N": "Name",
    "TEL": "Phone",
    "EMAIL": "Email",
    "ADR": "Address",
    "LABEL": "Address",
    "ORG": "Organisation",
    "TITLE": "Job title",
    "ROLE": "Role",
    "NICKNAME": "Nickname",
    "BDAY": "Birthday",
    "ANNIVERSARY": "Anniversary",
    "NOTE": "Note",
    "URL": "Web page",
    "CATEGORIES": "Categories",
    "IMPP": "Messages",
    "RELATED": "Related",
    "LANG": "Language",
    "GEO": "Position",
    "HOBBY": "Hobby",
    "INTEREST": "Interest",
    "EXPERTISE": "Expertise",
    "MEMBER": "Member",
    "X-ABLABEL": "Label",
    "X-ABRELATEDNAMES": "Related",
    "X-ABDATE": "Date",
    "X-SOCIALPROFILE": "Profile",
    "X-ANNIVERSARY": "Anniversary",
    "X-SPOUSE": "Spouse",
    "X-MANAGER": "Manager",
    "X-ASSISTANT": "Assistant",
    "X-MAIDENNAME": "Maiden name",
    "X-PHONETIC-FIRST-NAME": "Spoken",
    "X-PHONETIC-LAST-NAME": "Spoken",
}
"""What a person reads, by property; all else is for machines."""
_STRUCTURED = frozenset(["N", "ADR", "ORG", "GEO"])
_DATES = frozenset(["BDAY", "ANNIVERSARY", "X-ANNIVERSARY", "X-ABDATE"])
_TYPES = {"cell": "mobile", "iphone": "mobile", "msg": "messages"}
_UNSAID_TYPES = frozenset(["pref", "voice", "internet", "x-internet", "other", "dom", "intl", "postal", "parcel"])
_URI = re.compile(r"^(?:tel|mailto|xmpp|sip|skype|aim):", re.IGNORECASE)
_WORD = re.compile(r"[\w.]+")
_APPLE = re.compile(r"_\$!<(.*)>!\$_")
_NAME_ORDER = (3, 1, 2, 0, 4)
"""Prefix, given name, further names, family name, suffix."""


@dataclass(slots=True)
class _Card:
    """A contact that is read."""

    at: int
    name: str = ""
    otherwise: str = ""
    """What it is called where it has no name: the organisation, the first address."""
    closed: bool = False


def is_contact(source: str) -> bool:
    """Whether a text holds contacts."""
    return _BEGINS.match(source) is not None


def read_contacts(source: str) -> Rendering:
    """All contacts, each under its name."""
    lines, files = unfolded(source)
    out = MapBuilder(lines.text)
    cards: list[_Card] = []
    for line in content_lines(lines.text):
        if line.name == "BEGIN" and line.value.upper() == "VCARD":
            out.put("\n" if out.length else "", line.at, line.at)
            cards.append(_Card(out.length))
        elif line.name == "END" and cards:
            cards[-1].closed = True
        elif line.name in _LABELS and cards and line.value.strip("; "):
            _put(out, line, cards[-1])
    headings = [
        Heading(card.at, card.at, 1, title) for card in cards if card.closed and (title := card.name or card.otherwise)
    ]
    return Rendering(
        mapped=out.mapped().over(lines),
        headings=headings,
        title=headings[0].title if len(headings) == 1 else "",
        notes=left_out(files),
        least_section=1,
    )


def _put(out: MapBuilder, line: ContentLine, card: _Card) -> None:
    words = _words(line)
    said = " ".join(without_escapes(line.value if words is None else words).split())[:200]
    if line.name in ("FN", "N"):
        if set(_WORD.findall(said)) <= set(_WORD.findall(card.name)):
            return  # it says the same
        card.name = said if line.name == "FN" else card.name or said
    elif line.name in ("ORG", "EMAIL", "TEL"):
        card.otherwise = card.otherwise or said
    types = _types(line)
    put_field(out, line, f"{_LABELS[line.name]} ({types})" if types else _LABELS[line.name], words)


def _words(line: ContentLine) -> str | None:
    """What a line says in words; None where it says it as it stands."""
    value = line.value
    if line.name in _DATES:
        return moment_in_words(value)
    if line.name == "X-ABLABEL" and (found := _APPLE.fullmatch(value)):
        return found[1]
    if line.name == "N":
        fields = line.fields
        return " ".join(fields[at] for at in _NAME_ORDER if at < len(fields) and fields[at])
    if line.name in _STRUCTURED:
        return ", ".join(filter(None, line.fields))
    return _URI.sub("", value) if _URI.match(value) else None


def _types(line: ContentLine) -> str:
    """`work, mobile`: what kind of number or address it is."""
    types = [each.strip().lower() for each in line.parameters.get("TYPE", "").split(",")]
    encodings = ("quoted-printable", "base64", "8bit", "7bit", "")
    said = [_TYPES.get(each, each) for each in types if each not in (*encodings, *_UNSAID_TYPES)]
    return ", ".join(dict.fromkeys(said))

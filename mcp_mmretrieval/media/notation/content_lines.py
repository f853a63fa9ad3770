"""Lines of calendars and contacts (RFC 5545, 3.1; RFC 6350, 3.2; vCard 2.1): `NAME;PARAMETER=VALUE:what it says`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mcp_mmretrieval.media.notation.source_map import MapBuilder, MappedText, substitute
from mcp_mmretrieval.media.notation.transfer import put_decoded

_FOLD = re.compile(r"(?:\r\n|\n|\r)[ \t]")
_ESCAPE = re.compile(r"\\[nN,;:\\]")
_QUOTED = re.compile(
    r"^[A-Za-z0-9.-]+(?P<how>;(?=[^:\n]*?QUOTED-PRINTABLE)[^:\n]*+):(?P<value>(?:[^\n]*=\r?\n)*[^\n]*)",
    re.MULTILINE | re.IGNORECASE,
)
_CHARSET = re.compile(r"CHARSET=\"?([\w.:-]+)", re.IGNORECASE)
_BINARY = re.compile(
    r"^(?:[\w-]+\.)?(?:PHOTO|LOGO|SOUND|KEY|ATTACH)\b[^:\n]*(?:ENCODING=B|;BASE64|:data:)[^\n]*"
    r"(?:\n(?!BEGIN|END|(?:[\w-]+\.)?[A-Z-]+[:;])[^\n]*)*",
    re.MULTILINE | re.IGNORECASE,
)
_LINE = re.compile(
    r"^(?:[\w-]+\.)?(?P<name>[A-Za-z0-9-]+)(?P<parameters>(?:;(?:\"[^\"\n]*\"|[^\":\n])*+)?):(?P<value>[^\r\n]*)",
    re.MULTILINE,
)
_PARAMETER = re.compile(r";\s*(?P<name>[A-Za-z0-9-]+)(?:=(?P<value>(?:\"[^\"]*\"|[^\";])*))?")
_SEMICOLON = re.compile(r"(?<!\\);")


@dataclass(frozen=True, slots=True)
class ContentLine:
    """One line, unfolded."""

    name: str
    """In capitals, without its group."""
    value: str
    """With its escapes."""
    parameters: dict[str, str]
    """By their names in capitals; of vCard 2.1, which leaves out names, what stands there as `TYPE`."""
    at: int
    """Where the line begins in the text, and its value, and where it ends."""
    value_at: int
    end: int

    @property
    def fields(self) -> Sequence[str]:
        """The pieces of a value that has several, such as an address."""
        return [field.strip() for field in _SEMICOLON.split(self.value)]


def unfolded(source: str) -> tuple[MappedText, int]:
    """Whole lines, decoded, without photos and files; and how many of those were left out."""
    quoted, done = MapBuilder(source), 0
    for found in _QUOTED.finditer(source):
        charset = _CHARSET.search(found["how"])
        quoted.keep(done, found.start("value"))
        put_decoded(
            quoted, source, *found.span("value"), transfer="quoted-printable", charset=charset[1] if charset else ""
        )
        done = found.end("value")
    quoted.keep(done, len(source))
    mapped = quoted.mapped()
    mapped = substitute(_FOLD, lambda _: "", mapped.text).over(mapped)
    files = sum(1 for _ in _BINARY.finditer(mapped.text))
    return substitute(_BINARY, lambda _: "", mapped.text).over(mapped), files


def content_lines(text: str) -> Iterator[ContentLine]:
    """The lines of an unfolded text; what is no such line is passed over."""
    for found in _LINE.finditer(text):
        parameters: dict[str, str] = {}
        for each in _PARAMETER.finditer(found["parameters"]):
            name, value = (each["name"], each["value"]) if each["value"] is not None else ("TYPE", each["name"])
            before = parameters.get(name.upper())
            said = value.strip().strip('"')
            parameters[name.upper()] = f"{before},{said}" if before else said
        value = found["value"]
        value_at = found.start("value") + len(value) - len(value.lstrip())
        yield ContentLine(found["name"].upper(), value.strip(), parameters, found.start(), value_at, found.end())


def put_field(out: MapBuilder, line: ContentLine, label: str, words: str | None = None) -> None:
    """Add `Label: what it says` to a map; without words of another kind the value as it is, without its escapes."""
    out.put(f"{label}: ", line.at, line.value_at)
    if words is None:
        out.extend(substitute(_ESCAPE, _read, line.value).moved(line.value_at))
    else:
        out.put(without_escapes(words), line.value_at, line.end)
    out.put("\n", line.end, line.end)


def without_escapes(value: str) -> str:
    """One value without its escapes."""
    return _ESCAPE.sub(_read, value)


def _read(found: re.Match[str]) -> str:
    return "\n" if found[0][1] in "nN" else found[0][1]


def left_out(files: int) -> Sequence[str]:
    """What is said of photos and files that stand in a text."""
    if not files:
        return []
    return [f"Photos and files inside of it were left out: {files:,}."]

"""Text: plain, Markdown, HTML, CSV, JSON, calendars, contacts, TeX, source code, subtitles. One segment a passage.

Places count characters of the source, see `source_text`.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import PurePath

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.media import charset, markup, passages
from mcp_mmretrieval.media.notation import escapes, icalendar, payloads, roff, table, tex, vcard
from mcp_mmretrieval.media.notation.front_matter import read_front_matter
from mcp_mmretrieval.media.notation.markdown import markdown_structure
from mcp_mmretrieval.media.notation.program import program_structure
from mcp_mmretrieval.media.notation.rendering import Rendering
from mcp_mmretrieval.media.notation.source_map import MappedText
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.media.source_text import SourceText, decode_source
from mcp_mmretrieval.types import DocumentMetadata, Place, Segment, SplitPart

_SAMPLE = 65_536
_NOT_TEXT = (b"{\\rtf", b"%!PS", b"%PDF-")
"""What is text only on the outside: RTF, PostScript."""
_CONTROLS = bytes(code for code in range(32) if code not in b"\a\b\t\n\v\f\r\x1b") + b"\x7f"

_PAGES = {".html", ".htm", ".xhtml"}
_TABLES = {".csv", ".tsv", ".tab", ".psv"}
_MARKDOWN = {".md", ".markdown", ".mdx", ".qmd", ".rmd", ".mkd"}
_INDENTS_CODE = {*_MARKDOWN, ".rst"}
_PROSE = {*_INDENTS_CODE, ".txt", ".text", ""}
_TEX = {".tex", ".bib", ".ltx", ".latex"}
_PROPERTIES = {".properties"}
_QUOTED_TWICE = {".yaml", ".yml", ".toml", ".po", ".pot"}
"""Where double quotes alone have escapes in them."""
_CODE = {
    *(".py", ".pyi", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".java", ".kt", ".kts", ".scala", ".groovy"),
    *(".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".cs", ".go", ".rs", ".swift", ".m", ".mm", ".php", ".rb"),
    *(
        ".pl",
        ".pm",
        ".lua",
        ".dart",
        ".r",
        ".jl",
        ".ex",
        ".exs",
        ".erl",
        ".hs",
        ".proto",
        ".gradle",
        ".strings",
        ".vue",
    ),
}
_WITHOUT_BRACES = {".py", ".pyi", ".rb", ".lua", ".jl", ".ex", ".exs", ".erl", ".hs"}
_JSON = {".json", ".jsonl", ".ndjson", ".geojson", ".topojson", ".ipynb", ".har", ".webmanifest", ".jsonc", ".json5"}
_MAY_BE_JSON = {"", ".txt", ".log", ".data", ".cache", ".dump", ".out"}
"""Where the first characters tell."""


def recognises(source: Source) -> bool:
    """Whether samples from the beginning, the middle and the end are characters that somebody wrote."""
    size = source.file.seek(0, 2)
    source.file.seek(0)
    head = source.file.read(_SAMPLE)
    if head.startswith(_NOT_TEXT):
        return False
    encoding = charset.unicode_encoding(head)
    if encoding is None and (_strange(head) or charset.encoding_of(head) is None):
        return False
    if encoding is not None and encoding.startswith(("utf-16", "utf-32")):
        return _is_wide_text(head, encoding)
    return not any(_strange(sample) for sample in (head, *_samples(source, size)))


def split(source: Source, limits: Limits, start: int = 0) -> Iterator[SplitPart | DocumentMetadata]:
    """A part a passage, in order; together they hold every word."""
    decoded = decode_source(source, limits)
    text = _read(decoded.text, source.name)
    yield from decoded.metadata(text.read, limits)
    for passage in islice(text.cited(), start, None):
        yield SplitPart(
            segment=Segment(
                document=source.document,
                modality="text",
                place=Place(first=passage.first, last=passage.last),
                text=passage.text,
                heading=passage.heading[:500],
            )
        )


def load(source: Source, segment: Segment, limits: Limits) -> str:
    """The passage as `split` gave it, or the whole text for the whole. Raises UnreadableMedia beyond the end."""
    return _read(decode_source(source, limits).text, source.name).shown(segment.place.first, segment.place.last)


def _read(text: str, name: str) -> SourceText:
    return SourceText(_rendered(text, PurePath(name).suffix.lower()), len(text), name)


def _rendered(source: str, suffix: str) -> Rendering:
    """What the text says, by its first characters and its suffix."""
    if suffix in _PAGES or (suffix not in _MARKDOWN and markup.is_html(source)):
        return markup.read_html(source)
    if icalendar.is_calendar(source):
        return icalendar.read_calendar(source)
    if vcard.is_contact(source):
        return vcard.read_contacts(source)
    without, encoded = payloads.leave_out_payloads(source)
    read = _over(without, _plain(without.text, suffix))
    if not encoded:
        return read
    note = (
        f"Encoded data inside of it was left out: {encoded:,} pieces of base64."
        if encoded > 1
        else "A piece of base64 inside of it was left out."
    )
    return replace(read, notes=[note])


def _plain(source: str, suffix: str) -> Rendering:
    """A text that is neither a page nor a message."""
    if suffix in _TEX:
        return tex.read_tex(source)
    if roff.is_manual(source, suffix):
        return roff.read_manual(source)
    if suffix in _TABLES:
        return table.read_table(source)
    read = _NOTATIONS.get(suffix)
    if read is None and suffix in _MAY_BE_JSON and escapes.looks_like_json(source):
        read = escapes.read_json_escapes
    elif read is None and source.lstrip("\ufeff \t\r\n").startswith("<?xml"):
        read = escapes.read_xml
    mapped = read(source) if read else MappedText.as_written(source)
    mapped = escapes.read_terminal(mapped.text).over(mapped)
    if read is escapes.read_json_escapes:
        return Rendering(mapped=mapped, ends=passages.ENDS_IN_OBJECTS)
    if suffix in _CODE:
        headings, blocks = program_structure(mapped.text, braces=suffix not in _WITHOUT_BRACES)
        return Rendering(mapped=mapped, headings=headings, blocks=blocks)
    if suffix not in _PROSE:
        return Rendering(mapped=mapped)
    mapped = escapes.read_ruby(mapped.text).over(mapped)
    headings, blocks = markdown_structure(mapped.text, indented_code=suffix in _INDENTS_CODE)
    front = read_front_matter(mapped.text)
    title = front.title or (headings[0].title if headings else "")
    return Rendering(
        mapped=mapped,
        headings=headings,
        blocks=blocks,
        ends=passages.ENDS_IN_PROSE,
        title=title[:200],
        dated=front.dated,
    )


_NOTATIONS: dict[str, Callable[[str], MappedText]] = {
    **dict.fromkeys(_JSON, escapes.read_json_escapes),
    **dict.fromkeys(_MARKDOWN, escapes.read_markdown),
    **dict.fromkeys(_PROPERTIES, escapes.read_properties),
    **dict.fromkeys(_CODE, escapes.read_code),
    **dict.fromkeys(_QUOTED_TWICE, escapes.read_yaml),
    ".xml": escapes.read_xml,
}


def _over(below: MappedText, read: Rendering) -> Rendering:
    return read if below.is_as_written else replace(read, mapped=read.mapped.over(below))


def _samples(source: Source, size: int) -> Iterator[bytes]:
    for at in (size // 2, size - _SAMPLE // 4):
        if at > _SAMPLE:
            source.file.seek(at)
            yield source.file.read(_SAMPLE // 4)


def _strange(sample: bytes) -> bool:
    """Whether there are more control characters than a slip or a terminal's log explains. NUL is one too many."""
    return b"\0" in sample or len(sample) - len(sample.translate(None, _CONTROLS)) > len(sample) // 200


def _is_wide_text(head: bytes, encoding: str) -> bool:
    """Whether two or four bytes a character make sense: samples of sound and pixels look much like them."""
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    odd = sum(not (character.isprintable() or character.isspace()) or character == "\ufffd" for character in text)
    return odd <= len(text) // 200

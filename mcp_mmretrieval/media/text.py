"""Text: plain, Markdown, HTML, CSV, JSON, source code, subtitles. One segment a passage.

A place counts code points of the decoded source, from 0, without its byte order mark and with its line ends as they
are. A passage's text is exactly that slice of the source; of an HTML page it is what can be seen of the slice.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath

import charset_normalizer

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import markup, passages
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.types import About, Part, Place, Segment

_SAMPLE = 65_536
_NOT_TEXT = (b"{\\rtf", b"%!PS", b"%PDF-")
"""What is text only on the outside: RTF, PostScript."""
_CONTROLS = bytes(code for code in range(32) if code not in b"\b\t\n\v\f\r\x1b") + b"\x7f"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LEGACY = [
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp437", "cp866"),
    *("iso8859_2", "koi8_r", "mac_roman", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr", "tis_620"),
]
"""Encodings that are still met, and considered where a text is not Unicode."""

_PAGES = {".html", ".htm", ".xhtml"}
_TABLES = {".csv", ".tsv"}
_PROSE = {".md", ".markdown", ".mdx", ".qmd", ".rmd", ".rst", ".txt", ".text", ""}


@dataclass(frozen=True, slots=True)
class _Text:
    """A decoded source, and what is known of it."""

    source: str
    cut: bool
    """Whether the file goes on beyond the limit."""
    suffix: str

    @property
    def page(self) -> markup.Page | None:
        """What can be seen, where the source is an HTML page."""
        if markup.is_page(self.source) or self.suffix in _PAGES:
            return markup.page(self.source)
        return None


def recognises(source: Source) -> bool:
    """Whether samples from the beginning, the middle and the end are characters that somebody wrote."""
    size = source.file.seek(0, 2)
    source.file.seek(0)
    head = source.file.read(_SAMPLE)
    if head.startswith(_NOT_TEXT):
        return False
    encoding = _unicode(head)
    if encoding is None and (_strange(head) or _legacy(head) is None):
        return False
    if encoding is not None and encoding.startswith(("utf-16", "utf-32")):
        return _is_wide_text(head, encoding)
    return not any(_strange(sample) for sample in (head, *_samples(source, size)))


def split(source: Source, limits: Limits, start: int = 0) -> Iterator[Part | About]:
    """A part a passage, in order; together they hold every word."""
    text = _decoded(source, limits)
    page = text.page
    if page is not None:
        title = page.title or (page.headings[0].title if page.headings else "")
        found = passages.cut(page.text, page.headings, passages.PROSE)
    else:
        title, found = _plain(text)
    yield About(title=title)
    if text.cut:
        yield About(note=f"Only the first {limits.characters:,} characters were read, which is the limit.")
    for passage in islice(found, start, None):
        if page is None:
            first, last, words = passage.first, passage.last, text.source[passage.first : passage.last]
        else:
            first, last = page.source_of(passage.first, passage.last)
            words = page.seen(first, last)
        place = Place(first=first, last=last)
        heading = passage.heading[:500]
        yield Part(segment=Segment(document=source.document, modality="text", place=place, text=words, heading=heading))


def load(source: Source, segment: Segment, limits: Limits) -> str:
    """The passage as `split` gave it, or the whole text for the whole. Raises UnreadableMedia beyond the end."""
    text = _decoded(source, limits)
    first = segment.place.first or 0
    last = segment.place.last if segment.place.last is not None else len(text.source)
    if not 0 <= first <= last <= len(text.source):
        reason = f"{source.name}: has {len(text.source):,} characters, no range {first:,} to {last:,}."
        raise UnreadableMedia("corrupt", reason)
    page = text.page
    return text.source[first:last] if page is None else page.seen(first, last)


def decode(data: bytes) -> str:
    """Characters of a file's bytes, by its byte order mark, as UTF-8, or as its statistics suggest.

    Half a character at the end is left out; what is no character elsewhere becomes U+FFFD.
    """
    encoding = _unicode(data) or _legacy(data) or "cp1252"
    return codecs.getincrementaldecoder(encoding)("replace").decode(data)


def _decoded(source: Source, limits: Limits) -> _Text:
    source.file.seek(0)
    data = source.file.read(4 * limits.characters + 4)
    text = decode(data)
    cut = len(text) > limits.characters or bool(source.file.read(1))
    return _Text(text[: limits.characters], cut, PurePath(source.name).suffix.lower())


def _plain(text: _Text) -> tuple[str, Iterator[passages.Passage]]:
    """Title and passages of a text that is no HTML page."""
    if text.suffix in _PROSE:
        headings = passages.markdown_headings(text.source)
        title = passages.markdown_title(text.source) or (headings[0].title if headings else "")
        return title[:200], passages.cut(text.source, headings, passages.PROSE)
    if text.suffix in _TABLES:
        header, _, _ = text.source.partition("\n")
        columns = passages.Heading(0, 0, 1, header.strip()[:200])
        return "", passages.cut(text.source, [columns], passages.ROWS)
    return "", passages.cut(text.source, [], passages.LINES)


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


def _unicode(data: bytes) -> str | None:
    """The encoding by byte order mark, by zeros in every other byte, or UTF-8 if what is not ASCII mostly is."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return encoding
    sample = data[:_SAMPLE]
    zeros = (sample[0::2].count(0), sample[1::2].count(0))
    half = len(sample) // 2
    if max(zeros) > half * 0.3 and min(zeros) < half * 0.02:
        return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    if data.isascii():
        return "utf-8"
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(data)
    wrong = text.count("\ufffd")
    right = len(text) - len(text.encode("ascii", "ignore")) - wrong
    return "utf-8" if wrong <= right else None  # a damaged spot is no reason to misread all the rest


def _legacy(data: bytes) -> str | None:
    """The older encoding that makes words of what is not ASCII."""
    beyond = re.search(rb"[\x80-\xff]", data)
    around = max(0, beyond.start() - _SAMPLE // 4) if beyond else 0
    best = charset_normalizer.from_bytes(data[around : around + _SAMPLE // 2], cp_isolation=_LEGACY).best()
    return best.encoding if best is not None else None

"""What can be seen of an HTML page, for `text`, and where in the source each character of it stands.

A citation is a range of characters of the source, so each visible character needs its offset there. `html.parser` is
not used: it tells the line and column where a piece begins and no offset, and releases of Python read broken markup
differently, while a stored place must lead to the same words again.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from dataclasses import dataclass, field

from mcp_mmretrieval.media.passages import Heading

_PAGE = re.compile(r"(?:\s++|<\?[^>]*+>|<!--.*?-->)*+<(?:!doctype\s+html|html)\b", re.DOTALL | re.IGNORECASE)
_MARK = re.compile(r"<!--|<[!?]|<(?P<close>/?)(?P<name>[a-zA-Z][^\s/>]*)")
_TO_THE_END = re.compile(r"(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+>")
_LONGEST_TAG = 100_000
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});?")
_ALT = re.compile(r"""\balt\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)')""", re.IGNORECASE)
_BREAKS = str.maketrans("\n\r\t\f", "    ")

_UNSEEN = frozenset(["script", "style", "noscript", "template", "svg", "iframe", "object", "title"])
_LINES = frozenset(["br", "li", "tr", "dt", "dd", "option", "figcaption", "caption"])
_BLOCKS = frozenset(
    [
        *("p", "div", "section", "article", "aside", "header", "footer", "main", "nav", "table", "ul", "ol", "dl"),
        *("pre", "blockquote", "figure", "form", "hr", "body", "address", "details", "summary"),
        *("h1", "h2", "h3", "h4", "h5", "h6"),
    ]
)
_LEVELS = {f"h{level}": level for level in range(1, 7)}


def is_html(text: str) -> bool:
    """Whether a source begins as an HTML page does."""
    return _PAGE.match(text[:20_000]) is not None


@dataclass(slots=True)
class HtmlPage:
    """The visible text, piece by piece; each piece knows from where in the source to where it stands."""

    text: str = ""
    title: str = ""
    headings: list[Heading] = field(default_factory=list)
    begins: list[int] = field(default_factory=list)
    """Where each piece begins in `text`."""
    sources: list[int] = field(default_factory=list)
    """Where each piece begins in the source."""
    source_ends: list[int] = field(default_factory=list)

    def source_of(self, first: int, last: int) -> tuple[int, int]:
        """The range of the source that `text[first:last]` comes from."""
        head = bisect_right(self.begins, first) - 1
        tail = bisect_right(self.begins, last - 1) - 1
        tail_length = (self.begins[tail + 1] if tail + 1 < len(self.begins) else len(self.text)) - self.begins[tail]
        inside = last - self.begins[tail]
        end = self.source_ends[tail] if inside == tail_length else self.sources[tail] + inside
        return self.sources[head] + first - self.begins[head], end

    def seen(self, first: int, last: int) -> str:
        """What stands in a range of the source, as it is read."""
        return tidy_blanks(self.text[self._text_at(first) : self._text_at(last - 1) + 1])

    def _text_at(self, source: int) -> int:
        piece = max(0, bisect_right(self.sources, source) - 1)
        following = self.begins[piece + 1] if piece + 1 < len(self.begins) else len(self.text)
        return min(self.begins[piece] + source - self.sources[piece], following - 1)


def tidy_blanks(text: str) -> str:
    """Without runs of blanks, empty lines twice over, and blanks at either end of a line."""
    text = re.sub(r"[ \xa0]+", " ", text)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" ?\n ?", "\n", text)).strip()


def read_html(source: str) -> HtmlPage:
    """Read a page once, from front to back. Broken markup is read as well as may be, as browsers do."""
    return _Reader(source).read()


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._page = HtmlPage()
        self._pieces: list[str] = []
        self._length = 0
        self._breaks = 2
        self._pre = False
        self._heading: tuple[int, int] | None = None

    def read(self) -> HtmlPage:
        source, at = self._source, 0
        while at < len(source):
            mark = _MARK.search(source, at)
            self._data(at, mark.start() if mark else len(source))
            at = self._markup(mark) if mark else len(source)
        self._page.text = "".join(self._pieces)
        for number, heading in enumerate(self._page.headings):
            title = " ".join(self._page.text[heading.at : heading.end].split())[:200]
            self._page.headings[number] = Heading(heading.at, heading.end, heading.level, title)
        self._page.headings = [heading for heading in self._page.headings if heading.title]
        return self._page

    def _markup(self, mark: re.Match[str]) -> int:
        """Take one tag, comment or declaration; where it ends."""
        if mark[0] == "<!--":
            return self._after("-->", mark.end())
        if mark["name"] is None:
            return self._after(">", mark.end())
        rest = _TO_THE_END.match(self._source, mark.end(), mark.end() + _LONGEST_TAG)
        end = rest.end() if rest else self._source.find(">", mark.end(), mark.end() + _LONGEST_TAG) + 1
        if not end:
            self._add(mark[0][0], mark.start(), mark.start() + 1)
            return mark.start() + 1
        name = mark["name"].lower()
        if name in _UNSEEN and not mark["close"]:
            return self._skip(name, end)
        self._tag(name, bool(mark["close"]), mark.start(), end)
        return end

    def _tag(self, name: str, closes: bool, at: int, end: int) -> None:
        if name in _BLOCKS or name in _LINES:
            self._break(2 if name in _BLOCKS else 1, at)
        elif name in ("td", "th"):
            self._add(" ", at, at)
        elif name == "img" and (alt := _ALT.search(self._source, at, end)):
            self._add(f" {html.unescape(alt['double'] or alt['single'] or '')} ".translate(_BREAKS), at, end)
        if name == "pre":
            self._pre = not closes
        if name in _LEVELS and not closes:
            self._heading = (self._length, _LEVELS[name])
        elif name in _LEVELS and self._heading:
            begin, level = self._heading
            self._page.headings.append(Heading(begin, self._length, level, ""))
            self._heading = None

    def _skip(self, name: str, at: int) -> int:
        """Leave out an element with all that it holds, but keep the page's title."""
        closing = re.compile(rf"</{name}\b[^>]*>?", re.IGNORECASE).search(self._source, at)
        if name == "title" and not self._page.title and closing:
            self._page.title = " ".join(html.unescape(self._source[at : closing.start()]).split())[:200]
        return closing.end() if closing else len(self._source)

    def _after(self, what: str, at: int) -> int:
        found = self._source.find(what, at)
        return found + len(what) if found >= 0 else len(self._source)

    def _data(self, at: int, end: int) -> None:
        data = self._source[at:end]
        if not self._pre and data.isspace():
            self._add(" ", at, end)
            return
        for entity in _ENTITY.finditer(data):
            self._plain(at, entity.start() + end - len(data))
            at = entity.end() + end - len(data)
            self._add(html.unescape(entity[0]), at - len(entity[0]), at)
        self._plain(at, end)

    def _plain(self, at: int, end: int) -> None:
        data = self._source[at:end]
        self._add(data if self._pre else data.translate(_BREAKS), at, end)

    def _break(self, lines: int, at: int) -> None:
        if lines > self._breaks:
            self._add("\n" * (lines - self._breaks), at, at)
            self._breaks = lines

    def _add(self, text: str, at: int, end: int) -> None:
        if not text:
            return
        self._page.begins.append(self._length)
        self._page.sources.append(at)
        self._page.source_ends.append(end)
        self._pieces.append(text)
        self._length += len(text)
        if not text.isspace():
            self._breaks = 0

"""What can be seen of an HTML page, for `text`, and where in the source each character of it stands.

A citation is a range of characters of the source, so each visible character needs its offset there. `html.parser` is
not used: it tells the line and column where a piece begins and no offset, and releases of Python read broken markup
differently, while a stored place must lead to the same words again.
"""

from __future__ import annotations

import html
import re

from mcp_mmretrieval.media.notation.dates import parse_date
from mcp_mmretrieval.media.notation.page_blocks import PAGE_BLOCK_TAGS, PageBlocks
from mcp_mmretrieval.media.notation.rendering import Rendering
from mcp_mmretrieval.media.notation.source_map import MapBuilder
from mcp_mmretrieval.media.passages import (
    ENDS_IN_PROSE,
    Heading,
)
from mcp_mmretrieval.media.visibility import VisibleElements

_PAGE = re.compile(r"(?:\s++|<\?[^>]*+>|<!--.*?-->)*+<(?:!doctype\s+html|html)\b", re.DOTALL | re.IGNORECASE)
_MARK = re.compile(r"<!--|<[!?]|<(?P<close>/?)(?P<name>[a-zA-Z][^\s/<>]*)")
_TO_THE_END = re.compile(r"(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+>")
_LONGEST_TAG = 100_000
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});?")
_ALT = re.compile(r"""(?<![\w-])alt\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)')""", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""(?<![\w:-])([\w:-]++)\s*+=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'>]+))"""
)
_BREAKS = str.maketrans("\n\r\t\f", "    ")

_UNSEEN = frozenset(
    [
        *("script", "style", "noscript", "template", "svg", "iframe", "object", "title", "noframes", "noembed"),
        *("datalist", "audio", "video", "canvas"),
    ]
)
"""What a browser with scripts does not show as text of the page, or shows only where it can do no better."""
_LINES = frozenset(["br", "li", "tr", "dt", "dd", "option", "figcaption", "caption"])
_BLOCKS = frozenset(
    [
        *("p", "div", "section", "article", "aside", "header", "footer", "main", "nav", "table", "ul", "ol", "dl"),
        *("pre", "blockquote", "figure", "form", "hr", "body", "address", "details", "summary"),
        *("h1", "h2", "h3", "h4", "h5", "h6"),
    ]
)
_READINGS = frozenset(["rt", "rp", "rtc"])
"""How the words of a `ruby` are pronounced: furigana. Their end tags may be missing."""
_READING_ENDS = re.compile(r"<(?:/(?:rt|rp|rtc|ruby|p|div)\b|(?:rt|rp|rb|p|div|br)\b)", re.IGNORECASE)
_KEYWORDS = (
    *("description", "og:description", "keywords", "news_keywords", "author", "article:author", "article:tag"),
    *("dc.description", "dc.subject", "dc.creator", "dcterms.creator", "og:title", "og:site_name", "twitter:title"),
)
_DATES = (
    *("article:published_time", "datepublished", "date", "dc.date", "dcterms.created", "dcterms.date", "pubdate"),
    *("dc.date.issued", "parsely-pub-date", "sailthru.date", "article:modified_time"),
)
_TOLD = frozenset([*_KEYWORDS, *_DATES])
_MAX_KEYWORDS = 5_000
_IN_CELLS = frozenset(["p", "div", "br"])
"""What ends a line on a page, and none where a row of a table is one line."""
_LEVELS = {f"h{level}": level for level in range(1, 7)}


def is_html(text: str) -> bool:
    """Whether a source begins as an HTML page does."""
    return _PAGE.match(text[:20_000]) is not None


def tidy_blanks(text: str) -> str:
    """Without runs of blanks, empty lines twice over, and blanks at either end of a line."""
    text = re.sub(r"[ \xa0]+", " ", text)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" ?\n ?", "\n", text)).strip()


def read_html(source: str) -> Rendering:
    """Read what can be seen of a page, from front to back. Broken markup is read as well as may be, as browsers do.

    What its `meta` elements say of it are its keywords: they stand nowhere on the page.
    """
    return _Reader(source).read()


def _left_out(characters: int) -> str:
    what = "1 character is" if characters == 1 else f"{characters:,} characters are"
    return f"What a reader of the page cannot see was left out: {what} hidden by its markup."


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._out = MapBuilder(source)
        self._title = ""
        self._headings: list[Heading] = []
        self._about: dict[str, str] = {}
        self._breaks = 2
        self._pre = False
        self._heading: tuple[int, int] | None = None
        self._blocks = PageBlocks()
        self._elements = VisibleElements(source)
        self._hidden = 0
        """Characters that nobody sees."""

    def read(self) -> Rendering:
        source, at = self._source, 0
        while at < len(source):
            mark = _MARK.search(source, at)
            self._data(at, mark.start() if mark else len(source))
            at = self._markup(mark) if mark else len(source)
        mapped = self._out.mapped()
        headings = [
            Heading(heading.at, heading.end, heading.level, title)
            for heading in self._headings
            if (title := " ".join(mapped.text[heading.at : heading.end].split())[:200])
        ]
        about = self._about
        dates = (parse_date(about[name]) for name in _DATES if name in about)
        title = self._title or about.get("og:title", "")[:200] or (headings[0].title if headings else "")
        words = dict.fromkeys(about[name] for name in _KEYWORDS if about.get(name) and about[name] != title)
        return Rendering(
            mapped=mapped,
            headings=headings,
            ends=ENDS_IN_PROSE,
            title=title,
            keywords="\n".join(words)[:_MAX_KEYWORDS],
            dated=next((moment for moment in dates if moment is not None), None),
            notes=[_left_out(self._hidden)] if self._hidden else [],
            blocks=self._blocks.finished(self._out.length),
            loose=True,
            verbatim=self._blocks.verbatim,
        )

    def _markup(self, mark: re.Match[str]) -> int:
        """Take one tag, comment or declaration; where it ends."""
        if mark[0] == "<!--":
            return self._after("-->", mark.start() + len("<!"))  # `<!-->` is a whole comment
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
        if name in _READINGS and not mark["close"]:
            over = _READING_ENDS.search(self._source, end)
            return over.start() if over else end
        closes = bool(mark["close"])
        if closes:
            self._elements.end(name)
        seen = closes or self._elements.start(name, mark.end(), end)
        if seen or name != "img":
            self._tag(name, closes, mark.start(), end)
        return end

    def _tag(self, name: str, closes: bool, at: int, end: int) -> None:
        before = self._out.length
        if name in _IN_CELLS and self._blocks.in_row:
            self._add(" ", at, at)
        elif name in _BLOCKS or name in _LINES:
            self._break(2 if name in _BLOCKS else 1, at)
        elif name in ("td", "th"):
            self._add(" " if closes else self._blocks.cell(names=name == "th"), at, at)
        elif name == "meta":
            self._meta(at, end)
        elif name == "img" and (alt := _ALT.search(self._source, at, end)):
            self._add(f" {html.unescape(alt['double'] or alt['single'] or '')} ".translate(_BREAKS), at, end)
        if name in PAGE_BLOCK_TAGS:
            self._blocks.tag(name, closes, before if closes else self._out.length)
        if name == "pre":
            self._pre = not closes
        if name in _LEVELS and not closes:
            self._heading = (self._out.length, _LEVELS[name])
        elif name in _LEVELS and self._heading:
            begin, level = self._heading
            self._headings.append(Heading(begin, self._out.length, level, ""))
            self._heading = None

    def _skip(self, name: str, at: int) -> int:
        """Leave out an element with all that it holds, but keep the page's title."""
        closing = re.compile(rf"</{name}\b[^>]*>?", re.IGNORECASE).search(self._source, at)
        if name == "title" and not self._title and closing:
            self._title = " ".join(html.unescape(self._source[at : closing.start()]).split())[:200]
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
            self._out.put("\n" * (lines - self._breaks), at, at)
            self._breaks = lines

    def _add(self, text: str, at: int, end: int) -> None:
        if self._elements.hidden:
            self._hidden += sum(not letter.isspace() for letter in text)
            return
        self._out.put(text, at, end)
        if text and not text.isspace():
            self._breaks = 0

    def _meta(self, at: int, end: int) -> None:
        """Keep what a `meta` element says of the page."""
        fields = {
            found[1].lower(): html.unescape(found["double"] or found["single"] or found["bare"] or "")
            for found in _ATTRIBUTE.finditer(self._source, at, end)
        }
        name = (fields.get("name") or fields.get("property") or fields.get("itemprop") or "").strip().lower()
        if name in _TOLD and name not in self._about and (content := " ".join(fields.get("content", "").split())):
            self._about[name] = content[:2000]

"""E-books (EPUB 2 and 3, OCF): the chapters in the order in which they are read, and their pictures.

Places count the characters of a chapter's page. Nothing is fetched, and no script runs.
"""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import unquote, urlsplit

from lxml import etree  # type: ignore[import-untyped]

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.charset import decode_text
from mcp_mmretrieval.media.compound import CompoundStep, InnerFile, TextPart
from mcp_mmretrieval.media.markup import read_html
from mcp_mmretrieval.media.notation.dates import parse_date
from mcp_mmretrieval.media.passages import CitedPassage
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.media.source_text import SourceText
from mcp_mmretrieval.media.zipped import ZipContainer, is_zip
from mcp_mmretrieval.types import DocumentMetadata, part_name

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_FONT_OBFUSCATIONS = frozenset(["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"])
"""Algorithms that scramble fonts alone, and lock nothing."""
_PAGES = frozenset(["application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document"])
_ABOUT = ("creator", "contributor", "subject", "publisher", "description", "identifier")
"""What of Dublin Core are words about the book."""
_MAX_KEYWORDS = 5_000
_PICTURE = re.compile(r"<(?:img|image)\b[^>]{0,10000}>", re.IGNORECASE)
_TARGET = re.compile(r"""(?<![\w-])(?:src|href|xlink:href)\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_ALT = re.compile(r"""(?<![\w-])(?:alt|title)\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_NOTE = re.compile(r"""<(?:aside|section|div|li|p)\b(?=[^>]{0,2000}epub:type\s*=\s*["'][^"'>]*note)[^>]{0,2000}>""")
_HIDDEN = re.compile(r"""(?<=\s)hidden(?:\s*=\s*(?:"[^"]*"|'[^']*'))?(?=[\s/>])""")
_EPUB_TYPE = "{http://www.idpf.org/2007/ops}type"
_MOST_NAMED = 5
_MAX_ENTRIES = 20_000
"""Lines of a table of contents that are read."""


@dataclass(slots=True)
class _Item:
    """A file of the book, as its manifest has it."""

    name: str
    kind: str
    properties: str


@dataclass(slots=True)
class _Book:
    """What the package document says."""

    items: dict[str, _Item]
    """By their ids."""
    spine: Sequence[_Item | str]
    """In the order of reading; what is missing in the manifest by its id."""
    about: DocumentMetadata
    cover: str = ""
    titles: dict[str, str] = field(default_factory=dict)
    """Where the table of contents leads: headings by file, `Part > Chapter`."""


def recognises(source: Source) -> bool:
    """Whether a ZIP container says where a book's package document is."""
    if not is_zip(source.file):
        return False
    try:
        return _CONTAINER in ZipContainer(source.file)
    except UnreadableMedia:
        return False


def parts(source: Source, limits: Limits) -> Iterator[CompoundStep]:
    """The cover, then each chapter with its pictures."""
    container = ZipContainer(source.file)
    locked = _locked(container)
    book = _book(container, source.name)
    pages = [item.name for item in book.spine if isinstance(item, _Item)]
    if pages and set(pages) <= locked:
        reason = f"{source.name}: the book is encrypted (DRM). Only the program that it was bought for can open it."
        raise UnreadableMedia("encrypted", reason)
    yield book.about
    yield from _Reading(container, book, locked, limits).parts()


@dataclass(slots=True)
class _Reading:
    """One reading of a book."""

    container: ZipContainer
    book: _Book
    locked: frozenset[str]
    limits: Limits
    shown: set[str] = field(default_factory=set)
    """Pictures that were given: an ornament stands in many chapters."""
    missing: list[str] = field(default_factory=list)
    hiding: list[int] = field(default_factory=list)
    """Chapters with words that nobody sees."""

    def parts(self) -> Iterator[CompoundStep]:
        """All of it."""
        cover = self.book.cover
        if cover in self.container and cover not in self.locked:
            self.shown.add(cover)
            yield self._inner(part_name("picture", 1), cover, "Cover")
        title = ""
        for number, item in enumerate(self.book.spine, 1):
            if isinstance(item, str) or item.name not in self.container:
                self.missing.append(item if isinstance(item, str) else item.name)
                continue
            title = self.book.titles.get(item.name, title)
            if item.name in self.locked:
                yield DocumentMetadata(note=f"Chapter {number} is encrypted, and was not read.")
            elif item.kind in _PAGES:
                yield from self._chapter(number, item.name, title)
            elif item.kind.startswith("image/"):
                self.shown.add(item.name)
                yield self._inner(part_name("chapter", number), item.name, title)
            else:
                yield DocumentMetadata(note=f"Chapter {number} was not read: it is {item.kind or 'of no known kind'}.")
        if self.hiding:
            numbers = ", ".join(map(str, dict.fromkeys(self.hiding)))
            yield DocumentMetadata(note=f"What a reader cannot see was left out: words hidden in chapter {numbers}.")
        if self.missing:
            missing = list(dict.fromkeys(self.missing))
            names = ", ".join(missing[:_MOST_NAMED]) + (", ..." if len(missing) > _MOST_NAMED else "")
            yield DocumentMetadata(note=f"Files that the book names are missing in it: {names}.")

    def _chapter(self, number: int, name: str, title: str) -> Iterator[CompoundStep]:
        part = part_name("chapter", number)
        try:
            page = decode_text(self.container.read(name))
        except UnreadableMedia as failure:
            yield DocumentMetadata(note=f"Chapter {number} could not be read: {failure}.")
            return
        if len(page) > self.limits.characters:
            page = page[: self.limits.characters]
            yield DocumentMetadata(note=f"Of chapter {number} only the first {len(page):,} characters were read.")
        text = _Page(page, name, partial(self.hiding.append, number))
        yield TextPart(text=text, part=part, heading=title, label=title.split(" > ")[-1])
        pictures = 0
        for target, alt in _pictures(page):
            found = _resolved(name, target)
            if not found or found in self.shown:
                continue
            if found not in self.container:
                self.missing.append(found)
                continue
            self.shown.add(found)
            pictures += 1
            if found in self.locked:
                yield DocumentMetadata(note=f"A picture of chapter {number} is encrypted, and was not read.")
                continue
            yield self._inner(f"{part}&{part_name('picture', pictures)}", found, " > ".join(filter(None, (title, alt))))

    def _inner(self, part: str, name: str, heading: str) -> InnerFile:
        return InnerFile(
            part=part, name=posixpath.basename(name), data=partial(self.container.read, name), heading=heading
        )


@dataclass(frozen=True, slots=True)
class _Page:
    """The text of a chapter, read when it is asked for: a place in the last chapter waits for no other."""

    source: str
    name: str
    on_hidden: Callable[[], None]
    """Called where words in it cannot be seen."""

    def cited(self) -> Iterator[CitedPassage]:
        """Its passages in order."""
        text = self._text()
        if text.read.notes:
            self.on_hidden()
        yield from text.cited()

    def shown(self, first: int | None, last: int | None) -> str:
        """What is read of a range of it."""
        return self._text().shown(first, last)

    def _text(self) -> SourceText:
        return SourceText(read_html(_with_notes_shown(self.source)), len(self.source), self.name)


def _book(container: ZipContainer, called: str) -> _Book:
    """What the package document says. Raises UnreadableMedia without one."""
    rootfile = _first(_xml(container.read(_CONTAINER)), "rootfile")
    name = unquote((rootfile.get("full-path") or "") if rootfile is not None else "")
    if name not in container:
        raise UnreadableMedia("corrupt", f"{called}: the book's package document is missing.")
    package = _xml(container.read(name))
    items = {
        item.get("id", ""): _Item(
            _resolved(name, item.get("href", "")),
            item.get("media-type", "").strip().lower(),
            item.get("properties", ""),
        )
        for item in _all(package, "item")
    }
    references = [each.get("idref", "") for each in _all(package, "itemref")]
    book = _Book(items, [items.get(each, each) for each in references], _about(package))
    covers = [each.get("content", "") for each in _all(package, "meta") if each.get("name") == "cover"]
    shown = [item.name for item in items.values() if "cover-image" in item.properties.split()]
    shown += [items[each].name for each in covers if each in items and items[each].kind.startswith("image/")]
    book.cover = next(iter(shown), "")
    book.titles = _titles(container, package, items)
    return book


def _about(package: etree._Element) -> DocumentMetadata:
    """Title, date and words about the book (Dublin Core)."""
    told: dict[str, list[str]] = {}
    for element in _all(package, "metadata"):
        for each in element.iter():
            if isinstance(each.tag, str) and (said := " ".join("".join(each.itertext()).split())):
                told.setdefault(etree.QName(each).localname.lower(), []).append(said)
    words = [_plain(said) for name in _ABOUT if name != "identifier" for said in told.get(name, [])]
    words += [said for said in told.get("identifier", []) if re.search(r"\b97[89][\d -]{10,14}\b", said)]  # ISBN
    dates = (parse_date(said) for said in told.get("date", []))
    return DocumentMetadata(
        title=told.get("title", [""])[0][:200],
        keywords="\n".join(dict.fromkeys(words))[:_MAX_KEYWORDS],
        dated=next((moment for moment in dates if moment is not None), None),
    )


def _titles(container: ZipContainer, package: etree._Element, items: Mapping[str, _Item]) -> dict[str, str]:
    """Headings by file, from the navigation document of EPUB 3, or else the NCX of EPUB 2."""
    navigation = next((item.name for item in items.values() if "nav" in item.properties.split()), "")
    spine = _first(package, "spine")
    ncx = items.get(spine.get("toc", "") if spine is not None else "")
    titles: dict[str, str] = {}
    try:
        if navigation in container:
            tree = _xml(container.read(navigation))
            lists = [nav for nav in _all(tree, "nav") if "toc" in (nav.get(_EPUB_TYPE) or "").split()] or [tree]
            _collect(lists[0], navigation, ("li", "a", "href"), (), titles)
        elif ncx is not None and ncx.name in container:
            _collect(_xml(container.read(ncx.name)), ncx.name, ("navPoint", "content", "src"), (), titles)
    except UnreadableMedia:  # costs the headings, and no word of the book
        return titles
    return titles


def _collect(
    element: etree._Element, base: str, names: tuple[str, str, str], over: tuple[str, ...], titles: dict[str, str]
) -> None:
    """The lines of a table of contents below an element: which file each leads to, and what it says."""
    entry, link, target = names
    for child in element:
        if not isinstance(child.tag, str) or len(titles) > _MAX_ENTRIES:
            continue
        if etree.QName(child).localname != entry:
            _collect(child, base, names, over, titles)
            continue
        own = [each for each in child if isinstance(each.tag, str)]
        leads = next((each for each in own if etree.QName(each).localname == link), None)
        label = next((each for each in own if etree.QName(each).localname in ("a", "span", "navLabel")), None)
        said = " ".join("".join(label.itertext()).split()) if label is not None else ""
        path = (*over, said) if said else over
        if leads is not None and path:
            titles.setdefault(_resolved(base, leads.get(target, "")), " > ".join(path)[:500])
        _collect(child, base, names, path, titles)


def _locked(container: ZipContainer) -> frozenset[str]:
    """The files that are encrypted, other than fonts that are only scrambled."""
    if _ENCRYPTION not in container:
        return frozenset()
    locked = set()
    for data in _all(_xml(container.read(_ENCRYPTION)), "EncryptedData"):
        method = _first(data, "EncryptionMethod")
        if method is None or method.get("Algorithm") not in _FONT_OBFUSCATIONS:
            locked |= {unquote(each.get("URI", "")) for each in _all(data, "CipherReference")}
    return frozenset(locked)


def _pictures(page: str) -> Iterator[tuple[str, str]]:
    """Target and alternative text of each picture of a page, in order."""
    for image in _PICTURE.finditer(page):
        if target := _TARGET.search(image[0]):
            alt = _ALT.search(image[0])
            said = " ".join(html.unescape(alt[1] or alt[2] or "").split()) if alt else ""
            yield html.unescape(target[1] or target[2] or ""), said


def _with_notes_shown(page: str) -> str:
    """A page whose footnotes are not hidden: a reading system shows them where they are asked for. Same length."""
    return _NOTE.sub(lambda tag: _HIDDEN.sub(lambda found: " " * len(found[0]), tag[0]), page)


def _resolved(base: str, target: str) -> str:
    """The file that a target of another file names; empty for what lies elsewhere."""
    try:
        parts = urlsplit(target.strip())
    except ValueError:
        return ""
    if parts.scheme or parts.netloc or not parts.path:
        return ""
    found = posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(parts.path)))
    return found.lstrip("/")


def _plain(said: str) -> str:
    """A description, which may be a page of its own."""
    return " ".join(read_html(said).mapped.text.split()) if "<" in said else said


def _xml(data: bytes) -> etree._Element:
    """A document of XML, mended where it is broken; without entities of its own. Raises UnreadableMedia."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableMedia("corrupt", "the book's description of itself is damaged") from error
    if root is None:
        raise UnreadableMedia("corrupt", "the book's description of itself is damaged")
    return root


def _all(element: etree._Element, name: str) -> list[etree._Element]:
    return list(element.iter(f"{{*}}{name}"))


def _first(element: etree._Element, name: str) -> etree._Element | None:
    return next(iter(_all(element, name)), None)

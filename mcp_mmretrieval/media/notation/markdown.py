"""The structure of Markdown, reStructuredText and plain text: headings, tables, code, items of lists (CommonMark, GFM).

Plain text is written in the same way where it has a structure at all, so one set of rules reads all three.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from mcp_mmretrieval.media.passages import MAX_PASSAGE_CHARACTERS, Block, Heading, outermost

_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}(?=[^`]*\Z)|~{3,})(?P<info>[^\r\n]*)")
_CLOSING_HASHES = re.compile(r"(?:^|[ \t])#+\Z")
_HASHES = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*)", re.DOTALL)
_UNDERLINE = re.compile(r"(=+|-{3,}|~{3,})\s*")
_NO_TITLE = re.compile(r"\s|[-=>*+|#`:]")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_FRONT = re.compile(r"(---|\+\+\+)[ \t]*\r?\n.*?^(?:\1|\.\.\.)[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_LEVELS = {"=": 1, "-": 2, "~": 3}

# each begins with a line end, for which `re` looks quickly: a text is searched behind one of its own
_MARKS = re.compile(r"\n(?= {0,3}[#=~`-])")
"""Lines that are a heading, underline one, or fence code."""
_DELIMITERS = re.compile(
    r"\n[ \t]*+(?=[|: \t]*+-)(?=[^\n]*\|)\|?(?:[ \t]*+:?-++:?[ \t]*+\|)*+(?:[ \t]*+:?-++:?)?[ \t\r]*+(?=\n|\Z)"
)
"""The row of dashes under the names of a pipe table."""
_PIPE_ROWS = re.compile(r"(?:\n[^\n|]*+\|[^\n]*+)*+")
_GRID = re.compile(r"\n[ \t]*+\+(?=[-=])[-=+]++[ \t\r]*+(?:\n[ \t]*+[|+][^\n]*+)++")
_GRID_NAMES = re.compile(r"\n[ \t]*+\+=[=+]*+[ \t\r]*+(?=\n)")
_SIMPLE = re.compile(
    r"\n(?P<names>(?P<border>=++(?: ++=++)++)[ \t\r]*+(?:\n(?!=)[ \t]*+[^\s][^\n]*+)++\n(?P=border)[ \t\r]*+)"
    r"(?:\n(?!=)[^\n]*+)*+\n(?P=border)(?=\s|\Z)"
)
"""A simple table of reStructuredText with names."""
_CODE_LINE = r"(?: {4}|\t)[ \t]*+[^\s][^\n]*+"
_INDENTED = re.compile(rf"\n[ \t\r]*+\n(?P<code>{_CODE_LINE}(?:\n{_CODE_LINE}|\n(?:[ \t\r]*+\n)++{_CODE_LINE})*+)")
_ITEM = re.compile(r"\n(?P<indent>[ \t]*+)(?!(?:[-*][ \t]*+){3,}(?:[\r\n]|\Z))(?:[-*+•]|\d{1,3}[.)])[ \t]++(?=[^\s])")
_AFTER_ITEM = re.compile(r"\n(?:[ \t\r]*+\n)++(?P<indent>[ \t]*+)(?P<more>\S?)|\n(?=(?P<other>#{1,6}[ \t]|```|~~~))")


def markdown_structure(text: str, *, indented_code: bool = False) -> tuple[list[Heading], list[Block]]:
    """Headings, and what stays whole: tables, code, items of lists with those under them. Each in order.

    `indented_code`: whether what is indented by four is code.
    """
    behind = "\n" + text  # where a line begins in the text, its line end stands here
    headings, code = _headings_and_code(text, behind)
    blocks = [*code, *_tables(behind), *_items(behind, code)]
    if indented_code:
        indented = (match.span("code") for match in _INDENTED.finditer(behind))
        blocks += [Block(at - 1, end - 1) for at, end in indented]
    return headings, outermost(blocks)


def _headings_and_code(text: str, behind: str) -> tuple[list[Heading], list[Block]]:
    """Headings by `#` and by underlines, outside of code and front matter; and the code between fences."""
    front = _FRONT.match(text)
    over = front.end() if front else 0  # what stands before it is no title
    headings: list[Heading] = []
    code: list[Block] = []
    fence, opened = "", 0
    for found in _MARKS.finditer(behind, over):
        at = found.start()
        end = text.find("\n", at) + 1 or len(text)
        line = text[at:end]
        title_at = text.rfind("\n", 0, max(0, at - 1)) + 1
        title = text[title_at:at] if title_at >= over else ""
        if mark := _FENCE.match(line):
            over = end
        if fence:
            if mark and mark["fence"].startswith(fence) and not mark["info"].strip():
                code.append(Block(opened, end))
                fence = ""
        elif mark and not _is_underlined(title, line):
            fence, opened = mark["fence"], at
        elif hashes := _HASHES.match(line):
            named = _CLOSING_HASHES.sub("", hashes[2].rstrip()).rstrip()
            headings.append(Heading(at, end, len(hashes[1]), _plain(named)))
        elif title and _UNDERLINE.fullmatch(line) and not _NO_TITLE.match(title):
            headings.append(Heading(title_at, end, _LEVELS[line[0]], _plain(title.strip())))
    return [heading for heading in headings if heading.title], code


def _tables(behind: str) -> Iterator[Block]:
    """Tables with pipes, and the two kinds of reStructuredText."""
    over = 0
    for match in _DELIMITERS.finditer(behind, 1):
        names = behind.rfind("\n", over, match.start())
        if names < 0 or "|" not in behind[names : match.start()]:
            continue
        rows = _PIPE_ROWS.match(behind, match.end())
        over = rows.end() if rows else match.end()
        yield Block(names, over - 1, match.end() - 1)
    for match in _GRID.finditer(behind):
        named = _GRID_NAMES.search(behind, *match.span())
        yield Block(match.start(), match.end() - 1, named.end() - 1 if named else 0)
    for match in _SIMPLE.finditer(behind):
        yield Block(match.start(), match.end() - 1, match.end("names") - 1)


def _items(behind: str, code: Sequence[Block]) -> Iterator[Block]:
    """Items of lists that fit in a passage, each with all that stands indented under it."""
    fences = [block.at for block in code]
    begun: list[tuple[int, int]] = []
    ended: list[tuple[int, int]] = []
    seen = 0

    def end_those(indent: int, at: int) -> None:
        while begun and begun[-1][0] >= indent:
            ended.append((begun.pop()[1], at))

    def end_before(limit: int) -> None:
        for after in _AFTER_ITEM.finditer(behind, seen, limit) if begun else ():
            if after["more"] or after["other"]:
                end_those(_width(after["indent"] or ""), after.start())
            if not begun:
                return

    for mark in _ITEM.finditer(behind):
        within = bisect_right(fences, mark.start()) - 1
        if within >= 0 and mark.start() < code[within].end:
            continue
        end_before(mark.start() + 1)
        indent = _width(mark["indent"])
        end_those(indent, mark.start())
        begun.append((indent, mark.start()))
        seen = mark.end()
    end_before(len(behind))
    end_those(0, len(behind) - 1)
    return (Block(at, end) for at, end in ended if end - at <= MAX_PASSAGE_CHARACTERS)


def _width(blanks: str) -> int:
    return len(blanks.expandtabs(4))


def _is_underlined(title: str, line: str) -> bool:
    """Whether a line of tildes is no fence but the underline of a title, at least as long, as in reStructuredText."""
    if not title or _NO_TITLE.match(title):
        return False
    return not line.strip().strip("~") and len(line.strip()) >= len(title.strip())


def _plain(title: str) -> str:
    return _LINK.sub(r"\1", title[:500]).replace("`", "").replace("**", "").strip()[:200]

"""The structure of source code: definitions with the comments over them, by how lines are indented.

No grammar of any language: what is indented belongs to the line above it, as in every style guide. Code that is not
indented so has no structure here, and is cut at blank lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mcp_mmretrieval.media.passages import MAX_BLOCK_CHARACTERS, Block, Heading, outermost

_MODIFIERS = (
    r"(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|sealed|override|virtual|open"
    r"|inline|const|unsafe|extern(?:\s+\"C\")?|pub(?:\([^)\n]{0,40}\))?|partial|data|suspend|declare|local|readonly"
    r"|synchronized|native)\s+){0,6}"
)
_NAMED = (
    r"(?:def|class|function\*?|func|fn|fun|sub|interface|struct|enum|trait|impl|module|namespace|record|object|protocol"
    r"|extension|type|defmodule|defp?|macro|mod|union|service|message)\b[^\S\n]*[^\s=:;]"
)
_BOUND = r"(?:const|let|var)\s+[\w$]+\s*=\s*(?:async\b\s*)?(?:function\b|\([^()\n]{0,300}\)\s*=>|[\w$]+\s*=>)"
_TYPED = (
    r"(?!(?:if|else|for|while|switch|catch|return|do|try|using|lock|foreach|elif|when|with|case|new|throw|delete|await"
    r"|yield|assert|print|and|or|not)\b)[\w$~:<>\[\],*&?.]{1,80}(?:[^\S\n]+[\w$~:<>\[\],*&?.]{1,80}){0,6}"
    r"[^\S\n]*\([^;\n]{0,400}\)[^;\n()={]{0,200}(?:\{[^\S\n]*\r?$|\r?$(?=\n[ \t]*+\{))"
)


# each begins with a line end, for which `re` looks quickly: a text is searched behind one of its own
def _definition(*forms: str) -> re.Pattern[str]:
    named = rf"{_MODIFIERS}(?:{'|'.join(forms)})[^\n]{{0,500}}"
    return re.compile(rf"\n(?P<indent>[ \t]*+)(?=[a-zA-Z_$~])(?P<named>{named})", re.MULTILINE)


_DEFINITION = _definition(_NAMED)
_DEFINITION_WITH_BRACES = _definition(_NAMED, _BOUND, _TYPED)
_LINE = re.compile(r"\n(?P<indent>[ \t]*+)(?P<mark>[^\s#]\w*)")
"""Lines that are neither blank nor a comment, or one of a preprocessor's."""
_ABOVE = re.compile(r"[ \t]*+(?:@|#|//|/\*|\*|--|;;|\[\[?\w)")
"""How lines begin that belong to the definition under them: comments, decorators, attributes."""
_LABEL = re.compile(r"\w+:[ \t]*+(?:\r?\n|\Z)")
_GO_ON = ("{", ")", "]")
_ENDS = ("}", "end")
_MAX_TITLE = 120


@dataclass(frozen=True, slots=True)
class _Definition:
    at: int
    """With what belongs to it above."""
    indent: int
    heading: Heading


def program_structure(text: str, *, braces: bool) -> tuple[list[Heading], list[Block]]:
    """Definitions: as headings, each with its signature, and as blocks with their bodies. Each in order.

    `braces`: whether bodies stand in braces, so that a function may begin with its type instead of a word for it.
    """
    behind = "\n" + text  # where a line begins in the text, its line end stands here
    pattern = _DEFINITION_WITH_BRACES if braces else _DEFINITION
    definitions = list(_definitions(text, pattern.finditer(behind)))
    return [one.heading for one in definitions], outermost(_bodies(behind, definitions))


def _definitions(text: str, found: Iterator[re.Match[str]]) -> Iterator[_Definition]:
    over = 0
    for match in found:
        at = match.start()
        while at > over and (before := text.rfind("\n", 0, at - 1) + 1) >= over and _ABOVE.match(text, before):
            at = before
        over = match.end() - 1
        indent = _width(match["indent"])
        title = " ".join(match["named"].split()).rstrip("{: ")[:_MAX_TITLE]
        yield _Definition(at, indent, Heading(at, over, indent + 1, title))


def _bodies(behind: str, definitions: list[_Definition]) -> Iterator[Block]:
    """Each definition to the first line that is indented no deeper, and with it, where that one closes a bracket."""
    begun: list[_Definition] = []
    ended: list[tuple[int, int]] = []

    def end_those(indent: int, at: int) -> None:
        while begun and begun[-1].indent >= indent:
            ended.append((begun.pop().at, at))

    number = signature_end = 0
    for line in _LINE.finditer(behind):
        at = line.start()
        while number < len(definitions) and definitions[number].at <= at:
            one = definitions[number]
            end_those(one.indent, one.at)
            begun.append(one)
            number, signature_end = number + 1, one.heading.end
        indent = _width(line["indent"])
        if not begun or at < signature_end or indent > begun[-1].indent:
            continue
        if line["mark"] in _ENDS:
            end = behind.find("\n", line.end())
            end_those(indent, end if end >= 0 else len(behind) - 1)
        elif line["mark"] not in _GO_ON and not _LABEL.match(behind, line.start("mark")):
            end_those(indent, at)
    end_those(0, len(behind) - 1)
    return (Block(at, end) for at, end in ended if end - at <= MAX_BLOCK_CHARACTERS)


def _width(blanks: str) -> int:
    return len(blanks.expandtabs(4)) if "\t" in blanks else len(blanks)

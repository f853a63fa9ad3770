"""Jupyter notebooks (nbformat 3 and 4): what stands in the cells, and the text that they put out. No pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from mcp_mmretrieval.media.notation.escapes import read_json_escapes, read_terminal
from mcp_mmretrieval.media.notation.markdown import markdown_structure
from mcp_mmretrieval.media.notation.rendering import Rendering
from mcp_mmretrieval.media.notation.source_map import MapBuilder
from mcp_mmretrieval.media.passages import ENDS_IN_PROSE, MAX_BLOCK_CHARACTERS, Block, Heading, outermost

_TOKEN = re.compile(r"\"(?:[^\"\\]|\\[\s\S])*+\"|[{}\[\],:]")
_WORDS = frozenset(["source", "input", "text", "text/plain", "text/markdown", "text/latex", "ename", "evalue"])
"""Under which keys words stand; all others hold settings, pictures and JavaScript."""
_CELLS = re.compile(r"(cells|worksheets/\d+/cells)/(\d+)/(.+)")


def read_notebook(source: str) -> Rendering | None:
    """A notebook, cell after cell; None for what is none."""
    try:
        kinds = _kinds_of_cells(json.loads(source))
    except (ValueError, RecursionError, AttributeError, TypeError, LookupError):
        return None
    out = MapBuilder(source)
    prose: list[tuple[int, int]] = []
    cells: list[list[int]] = []
    fields: list[list[int]] = []
    before = ("", "")
    for path, first, last in _strings(source):
        cell = _CELLS.fullmatch(path)
        if cell is None or _WORDS.isdisjoint(re.split(r"/(?!plain|markdown|latex)", cell[3])):
            continue
        field = (cell[2], re.sub(r"/\d+$", "", cell[3]))
        if out.length and field != before:
            out.put("\n" if field[0] == before[0] else "\n\n", first, first)
        at = out.length
        words = read_json_escapes(source[first:last])
        out.extend(read_terminal(words.text).over(words).moved(first))
        if kinds.get(f"{cell[1]}/{cell[2]}") in ("markdown", "heading", "raw") and cell[3].startswith("source"):
            prose.append((at, out.length))
        else:
            _go_on(cells, at, out.length, begins=field[0] != before[0])
            _go_on(fields, at, out.length, begins=field != before)
        before = field
    mapped = out.mapped()
    headings, blocks = _structure(mapped.text, prose)
    blocks += [Block(at, end) for at, end in cells if end - at <= MAX_BLOCK_CHARACTERS]
    blocks += [Block(at, end) for at, end in fields]
    title = headings[0].title if headings else ""
    return Rendering(mapped=mapped, headings=headings, blocks=outermost(blocks), ends=ENDS_IN_PROSE, title=title)


def _go_on(ranges: list[list[int]], at: int, end: int, *, begins: bool) -> None:
    """Take in what comes next of a cell, or of a program or an output within it."""
    if begins or not ranges:
        ranges.append([at, end])
    ranges[-1][1] = end


def _kinds_of_cells(notebook: Any) -> dict[str, str]:
    """What each cell is, by its path."""
    sheets = {"cells": notebook.get("cells", [])}
    sheets |= {f"worksheets/{at}/cells": sheet["cells"] for at, sheet in enumerate(notebook.get("worksheets", []))}
    kinds = {f"{name}/{at}": cell["cell_type"] for name, cells in sheets.items() for at, cell in enumerate(cells)}
    if not kinds:
        raise ValueError("no cells")
    return kinds


def _strings(source: str) -> Iterator[tuple[str, int, int]]:
    """Path, beginning and end of each string that is a value in valid JSON: `cells/0/source/1`."""
    path: list[str | int] = []
    key, is_key = "", False
    for token in _TOKEN.finditer(source):
        mark = token[0][0]
        if mark == '"' and is_key:
            key = token[0][1:-1]
        elif mark == '"':
            yield "/".join(map(str, path)), token.start() + 1, token.end() - 1
        elif mark == "{":
            path.append("")
            is_key = True
        elif mark == "[":
            path.append(0)
        elif mark in "}]":
            path.pop()
            is_key = False
        elif mark == ":":
            path[-1], is_key = key, False
        elif isinstance(path[-1], int):
            path[-1] += 1
        else:
            is_key = True


def _structure(text: str, prose: list[tuple[int, int]]) -> tuple[list[Heading], list[Block]]:
    """What the cells hold that are Markdown: a comment in Python begins as a heading does."""
    joined: list[list[int]] = []
    for first, last in prose:
        if joined and joined[-1][1] == first:
            joined[-1][1] = last
        else:
            joined.append([first, last])
    headings: list[Heading] = []
    blocks: list[Block] = []
    for first, last in joined:
        within, whole = markdown_structure(text[first:last], indented_code=True)
        headings += [Heading(one.at + first, one.end + first, one.level, one.title) for one in within]
        blocks += [Block(one.at + first, one.end + first, one.header_end and one.header_end + first) for one in whole]
    return headings, blocks

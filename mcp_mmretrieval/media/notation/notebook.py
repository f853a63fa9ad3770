"""Jupyter notebooks (nbformat 3 and 4): what stands in the cells, and the text that they put out. No pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from mcp_mmretrieval.media.notation.escapes import read_json_escapes, read_terminal
from mcp_mmretrieval.media.notation.rendering import Rendering
from mcp_mmretrieval.media.notation.source_map import MapBuilder
from mcp_mmretrieval.media.passages import ENDS_IN_PROSE, Heading, markdown_headings

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
    before = ("", "")
    for path, first, last in _strings(source):
        cell = _CELLS.fullmatch(path)
        if cell is None or _WORDS.isdisjoint(re.split(r"/(?!plain|markdown|latex)", cell[3])):
            continue
        field = (cell[2], re.sub(r"/\d+$", "", cell[3]))
        if out.length and field != before:
            out.put("\n" if field[0] == before[0] else "\n\n", first, first)
        before, at = field, out.length
        words = read_json_escapes(source[first:last])
        out.extend(read_terminal(words.text).over(words).moved(first))
        if kinds.get(f"{cell[1]}/{cell[2]}") in ("markdown", "heading", "raw") and cell[3].startswith("source"):
            prose.append((at, out.length))
    mapped = out.mapped()
    headings = _headings(mapped.text, prose)
    title = headings[0].title if headings else ""
    return Rendering(mapped=mapped, headings=headings, ends=ENDS_IN_PROSE, title=title)


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


def _headings(text: str, prose: list[tuple[int, int]]) -> list[Heading]:
    """Headings of the cells that are Markdown: a comment in Python begins with the same mark."""
    joined: list[list[int]] = []
    for first, last in prose:
        if joined and joined[-1][1] == first:
            joined[-1][1] = last
        else:
            joined.append([first, last])
    return [
        Heading(heading.at + first, heading.end + first, heading.level, heading.title)
        for first, last in joined
        for heading in markdown_headings(text[first:last])
    ]

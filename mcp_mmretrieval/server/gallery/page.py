"""The page as one self-contained text: no host is asked for anything else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
_STYLE_MARK, _SCRIPT_MARK = "/* style */", "/* script */"

GALLERY_STYLE = _FOLDER / "page.css"
CARD_SCRIPTS = tuple(
    _FOLDER / f"{name}.js"
    for name in ("building", "names", "results", "cards", "citations", "details", "player", "keys")
)
"""What shows hits, wherever the page stands. One more script says where that is, and begins.

It has `callTool(name, given)` with the answer of a tool, `canCall()`, `actsFor(hit)` with more buttons for what is
opened, `isWhole()`, whether there is room for all hits, and `widen()`, which asks for it. It calls `receive(result)`.
"""


@cache
def gallery_page() -> str:
    """The page in an assistant's frame, joined when it is first asked for."""
    return joined_page(
        _FOLDER / "page.html", page_style(GALLERY_STYLE), page_script(*CARD_SCRIPTS, _FOLDER / "assistant.js")
    )


def joined_page(html: Path, style: str, script: str) -> str:
    """The HTML with its style and its script in it."""
    return _bare([html]).replace(_STYLE_MARK, style).replace(_SCRIPT_MARK, script)


def page_style(*files: Path) -> str:
    """The rules of these files, in order, without their comments."""
    return re.sub(r"/\*.*?\*/", "", _bare(files), flags=re.DOTALL)


def page_script(*files: Path) -> str:
    """One script of these files, in order: they see each other's names."""
    return f'"use strict";\n{_bare(files)}'


def _bare(files: Sequence[Path]) -> str:
    """Files without indentation and lines of comment: they are for who reads the source, and a seventh of it."""
    lines = [line.strip() for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return "\n".join(line for line in lines if line and not line.startswith("//"))

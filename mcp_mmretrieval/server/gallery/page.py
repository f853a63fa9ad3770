"""The page as one self-contained text: no host is asked for anything else."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
_STYLE_MARK, _SCRIPT_MARK = "/* page.css */", "/* page.js */"


@cache
def gallery_page() -> str:
    """The HTML with its style and its script in it, joined when it is first asked for."""
    html, style, script = (_read(f"page.{kind}") for kind in ("html", "css", "js"))
    return html.replace(_STYLE_MARK, style).replace(_SCRIPT_MARK, script)


def _read(name: str) -> str:
    """A file without indentation and lines of comment: they are for who reads the source, and a seventh of it."""
    lines = (line.strip() for line in (_FOLDER / name).read_text(encoding="utf-8").splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))

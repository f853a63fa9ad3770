"""The page for a browser, and the policy under which it runs there: its own script and style by their hashes alone."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from mcp_mmretrieval.server.gallery.page import CARD_SCRIPTS, GALLERY_STYLE, joined_page, page_script, page_style

_FOLDER = Path(__file__).parent
_SCRIPTS = (*CARD_SCRIPTS, *(_FOLDER / f"{name}.js" for name in ("server", "recording", "status", "search")))

STRICTEST_POLICY = "default-src 'none'; frame-ancestors 'none'"
"""For all that is no page."""


@cache
def browse_page() -> tuple[bytes, str]:
    """The HTML, joined when it is first asked for, and its Content-Security-Policy."""
    style, script = page_style(GALLERY_STYLE, _FOLDER / "page.css"), page_script(*_SCRIPTS)
    policy = (  # a picture of its own: Firefox asks for an icon in any case, and complains where it may not
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; connect-src 'self'; "
        "media-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return joined_page(_FOLDER / "page.html", style, script).encode(), policy


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"

"""Makes OpenDocument texts from pieces of their XML."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from tests.media.test_zipped import packed

_ODF = "urn:oasis:names:tc:opendocument:xmlns:"
_NAMES = {
    **{name: f"{_ODF}{name}:1.0" for name in ("office", "style", "text", "table", "meta", "chart")},
    "draw": f"{_ODF}drawing:1.0",
    "fo": f"{_ODF}xsl-fo-compatible:1.0",
    "svg": f"{_ODF}svg-compatible:1.0",
    "xlink": "http://www.w3.org/1999/xlink",
    "dc": "http://purl.org/dc/elements/1.1/",
    "math": "http://www.w3.org/1998/Math/MathML",
}
_NAMESPACES = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in _NAMES.items())
MIMETYPE = "application/vnd.oasis.opendocument.text"


def root(name: str, content: str, attributes: str = "") -> bytes:
    """A part of XML."""
    return f'<?xml version="1.0" encoding="UTF-8"?><{name} {_NAMESPACES} {attributes}>{content}</{name}>'.encode()


def p(content: str, style: str = "") -> str:
    named = f' text:style-name="{style}"' if style else ""
    return f"<text:p{named}>{content}</text:p>"


def h(content: str, level: int) -> str:
    return f'<text:h text:outline-level="{level}">{content}</text:h>'


def frame(content: str, about: str = "") -> str:
    return f"<draw:frame>{content}{about}</draw:frame>"


def image(target: str) -> str:
    return f'<draw:image xlink:href="{target}"/>'


def odt(
    body: str,
    styles: str = "",
    masters: str = "",
    parts: Mapping[str, bytes] | None = None,
    meta: str = "",
) -> bytes:
    """A document with a body, styles, pages, other parts, and what it says of itself."""
    return packed(
        {
            "mimetype": MIMETYPE.encode(),
            "content.xml": content(body),
            "styles.xml": root(
                "office:document-styles",
                f"<office:styles>{styles}</office:styles><office:master-styles>{masters}</office:master-styles>",
            ),
            "meta.xml": root("office:document-meta", f"<office:meta>{meta}</office:meta>"),
            **(parts or {}),
        }
    )


def content(body: str, kind: str = "text") -> bytes:
    return root("office:document-content", f"<office:body><office:{kind}>{body}</office:{kind}></office:body>")


def fodt(body: str, styles: str = "", meta: str = "") -> bytes:
    """The same as one file of XML."""
    return root(
        "office:document",
        f"<office:meta>{meta}</office:meta><office:styles>{styles}</office:styles>"
        f"<office:body><office:text>{body}</office:text></office:body>",
        f'office:mimetype="{MIMETYPE}" office:version="1.3"',
    )


def inline_image(data: bytes) -> str:
    return f"<draw:image><office:binary-data>{base64.b64encode(data).decode()}</office:binary-data></draw:image>"

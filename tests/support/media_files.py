"""Makes files of every kind, good and hostile, so that no binary file lies in the repository."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from PIL import Image, ImageDraw

from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.types import DocumentMetadata, Place, Segment, SplitPart, SplitStep

DOCUMENT = "0123456789ab" + "0" * 52


def source(data: bytes, name: str = "file") -> Source:
    """An open file with these bytes."""
    return Source(file=io.BytesIO(data), name=name, document=DOCUMENT)


def parts(steps: Iterable[SplitStep]) -> list[SplitPart]:
    return [step for step in steps if isinstance(step, SplitPart)]


def abouts(steps: Iterable[SplitStep]) -> list[DocumentMetadata]:
    return [step for step in steps if isinstance(step, DocumentMetadata)]


def title(steps: Iterable[SplitStep]) -> str:
    return next((about.title for about in reversed(abouts(steps)) if about.title), "")


def notes(steps: Iterable[SplitStep]) -> list[str]:
    return [about.note for about in abouts(steps) if about.note]


def page(number: int) -> Segment:
    return Segment(document=DOCUMENT, modality="page", place=Place(page=number))


def whole(number: int | None = None) -> Segment:
    return Segment(document=DOCUMENT, modality="image", place=Place(page=number))


# -- texts -------------------------------------------------------------------------------------------------------------

GUIDE = """# Guide

Welcome to the guide.

## Setup

{long}

### On Linux

Use the package.

## Use

```python
# this is no heading
```

{long}

Appendix
========

The end.
"""
"""Markdown with a trail of headings."""

PARAGRAPHS = "\n\n".join(
    f"Paragraph {number} says something of interest, and then some more of it. " * 4 for number in range(6)
)
"""Paragraphs that end in sentences."""

HTML_PAGE = """<!DOCTYPE html>
<html><head><title>Tea &amp; coffee</title><style>p { color: red }</style>
<script>var hidden = "<p>script words</p>";</script></head>
<body><!-- comment words --><nav>Menu</nav>
<h1>Drinks</h1>
<p>Hot   <b>cof</b>fee &eacute;t&eacute; caf&#233;
is 3 &lt; 5.</p>
<h2>Cold</h2><ul><li>Juice</li><li>Water<br>Ice</li></ul>
<table><tr><th>a</th><td>1</td></tr></table>
<pre>x = 1
    y = 2</pre>
<img src="x.png" alt="A cup on a table">
<p title="a > b">Last & least</p></body></html>"""
"""HTML with what can be seen and what cannot."""


# -- pictures ----------------------------------------------------------------------------------------------------------


def picture(
    kind: str = "PNG", size: tuple[int, int] = (60, 40), colour: Any = "red", mode: str = "RGB", **options: Any
) -> bytes:
    """A picture of one colour."""
    return saved(Image.new(mode, size, colour), kind, **options)


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def half_red_half_blue(size: tuple[int, int] = (60, 40)) -> Image.Image:
    """Red on the left, blue on the right: shows how it was turned."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (size[0] // 2, 0, *size))
    return image


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int, *chunks: bytes, data: bytes | None = None) -> bytes:
    """A one-bit grey PNG of any size; what it lacks of pixels is left out."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    pixels = zlib.compress(bytes((width + 7) // 8 + 1) * min(height, 1000)) if data is None else data
    body = b"".join(chunks) + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + body


def large_png(side: int = 13_000) -> bytes:
    """169 megapixels in half a megabyte: below the size at which Pillow itself refuses."""
    row = zlib.compressobj()
    data = b"".join(row.compress(bytes((side + 7) // 8 + 1)) for _ in range(side)) + row.flush()
    return png_of(side, side, data=data)


def ztxt_bomb() -> bytes:
    """200 MB of text, compressed, in a PNG of one pixel."""
    return png_of(1, 1, png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(200_000_000))))


def svg(body: str, attributes: str = 'width="100" height="50"', before: str = "") -> bytes:
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f"{before}<svg {names} {attributes}>{body}</svg>".encode()


# -- PDF ---------------------------------------------------------------------------------------------------------------


class Pdf:
    """Writes objects one after the other, then the table of where they stand."""

    def __init__(self, key: bytes = b"") -> None:
        self._objects: list[bytes] = []
        self._key = key

    def reserve(self) -> int:
        self._objects.append(b"null")
        return len(self._objects)

    def put(self, number: int, body: str) -> int:
        self._objects[number - 1] = body.encode("latin-1")
        return number

    def add(self, body: str) -> int:
        return self.put(self.reserve(), body)

    def stream(self, data: bytes, extra: str = "") -> int:
        number = self.reserve()
        if self._key:
            salt = struct.pack("<I", number)[:3] + b"\0\0"
            data = rc4(hashlib.md5(self._key + salt).digest()[: len(self._key) + 5], data)
        head = f"<< /Length {len(data)} {extra} >>\nstream\n".encode("latin-1")
        self._objects[number - 1] = head + data + b"\nendstream"
        return number

    def written(self, catalog: int, trailer: str = "") -> bytes:
        out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        places = []
        for number, body in enumerate(self._objects, 1):
            places.append(len(out))
            out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
        table = len(out)
        out += f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n".encode()
        out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
        size = len(places) + 1
        out += f"trailer << /Size {size} /Root {catalog} 0 R {trailer} >>\nstartxref\n{table}\n%%EOF".encode("latin-1")
        return bytes(out)


def pdf(
    pages: Sequence[str],
    *,
    title: str = "",
    bookmarks: Sequence[tuple[int, str, int]] = (),
    size: tuple[float, float] = (612, 792),
    resources: str = "",
    graphics: str = "",
    key: bytes = b"",
    trailer: str = "",
) -> bytes:
    """Pages of text in lines; `bookmarks` are (level, title, page from 1); `graphics` is drawn on each page."""
    out = Pdf(key)
    catalog, tree = out.reserve(), out.reserve()
    font = out.add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    kids = []
    for text in pages:
        content = out.stream((graphics + _lines(text, size[1])).encode("cp1252"))
        kids.append(
            out.add(
                f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 {size[0]} {size[1]}] /Contents {content} 0 R "
                f"/Resources << /Font << /F {font} 0 R >> {resources} >> >>"
            )
        )
    references = " ".join(f"{kid} 0 R" for kid in kids)
    out.put(tree, f"<< /Type /Pages /Count {len(kids)} /Kids [{references}] >>")
    outline = f"/Outlines {_outline(out, bookmarks, kids)} 0 R" if bookmarks else ""
    out.put(catalog, f"<< /Type /Catalog /Pages {tree} 0 R {outline} >>")
    info = f"/Info {out.add(f'<< /Title {_string(title)} >>')} 0 R" if title else ""
    return out.written(catalog, f"{info} {trailer}")


def _lines(text: str, height: float) -> str:
    lines = "".join(f"{_string(line)} Tj T*\n" for line in text.split("\n"))
    return f"BT /F 12 Tf 14 TL 50 {height - 60} Td\n{lines}ET\n" if text else ""


def _string(text: str) -> str:
    return "(" + text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)") + ")"


def _outline(out: Pdf, bookmarks: Sequence[tuple[int, str, int]], kids: Sequence[int]) -> int:
    root = out.reserve()
    numbers = [out.reserve() for _ in bookmarks]
    path = [root]
    children: dict[int, list[int]] = {root: []}
    for number, (level, _, _) in zip(numbers, bookmarks, strict=True):
        del path[level + 1 :]
        children[path[-1]].append(number)
        children[number] = []
        path.append(number)
    for parent, inside in children.items():
        for before, number, after in zip([0, *inside], inside, [*inside[1:], 0], strict=False):
            _, name, page = bookmarks[numbers.index(number)]
            links = (
                f"/Prev {before} 0 R " * bool(before) + f"/Next {after} 0 R " * bool(after) + _ends(children[number])
            )
            out.put(
                number, f"<< /Title {_string(name)} /Parent {parent} 0 R {links} /Dest [{kids[page - 1]} 0 R /Fit] >>"
            )
    return out.put(root, f"<< /Type /Outlines {_ends(children[root])} >>")


def _ends(inside: Sequence[int]) -> str:
    return f"/First {inside[0]} 0 R /Last {inside[-1]} 0 R /Count {len(inside)}" if inside else ""


def scanned_pdf(words: Sequence[str]) -> bytes:
    """A page a word, as a picture without a text layer; an empty word is an empty page."""
    pages = []
    for word in words:
        image = Image.new("L", (400, 500), 255)
        ImageDraw.Draw(image).text((50, 50), word, fill=0)
        pages.append(image)
    file = io.BytesIO()
    pages[0].save(file, "PDF", save_all=True, append_images=pages[1:])
    return file.getvalue()


def illustrated_pdf(pages: Sequence[tuple[str, Sequence[tuple[Image.Image, tuple[int, int, int, int]]]]]) -> bytes:
    """Pages of text with pictures; a picture's box is left, bottom, width, height in points of a page of 612 x 792."""
    out = Pdf()
    catalog, tree = out.reserve(), out.reserve()
    font = out.add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    kids = []
    for text, pictures in pages:
        named, drawing = "", ""
        for number, (image, (left, bottom, width, height)) in enumerate(pictures):
            across, down = image.size
            extra = f"/Type /XObject /Subtype /Image /Width {across} /Height {down} /BitsPerComponent 8"
            data = zlib.compress(image.convert("RGB").tobytes())
            named += f"/I{number} {out.stream(data, f'{extra} /ColorSpace /DeviceRGB /Filter /FlateDecode')} 0 R "
            drawing += f"q {width} 0 0 {height} {left} {bottom} cm /I{number} Do Q\n"
        content = out.stream((drawing + _lines(text, 792)).encode("cp1252"))
        resources = f"/Font << /F {font} 0 R >> /XObject << {named}>>"
        kids.append(
            out.add(
                f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 612 792] /Contents {content} 0 R "
                f"/Resources << {resources} >> >>"
            )
        )
    references = " ".join(f"{kid} 0 R" for kid in kids)
    out.put(tree, f"<< /Type /Pages /Count {len(kids)} /Kids [{references}] >>")
    out.put(catalog, f"<< /Type /Catalog /Pages {tree} 0 R >>")
    return out.written(catalog)


def rc4(key: bytes, data: bytes) -> bytes:
    box, at = list(range(256)), 0
    for i in range(256):
        at = (at + box[i] + key[i % len(key)]) % 256
        box[i], box[at] = box[at], box[i]
    return bytes(byte ^ mask for byte, mask in zip(data, _mask(box), strict=False))


def _mask(box: list[int]) -> Iterator[int]:
    i = j = 0
    while True:
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        yield box[(box[i] + box[j]) % 256]


def encrypted_pdf(text: str, *, user: bytes = b"", owner: bytes = b"owner") -> bytes:
    """One page, encrypted with 40 bits (ISO 32000-1, 7.6.3, revision 2). Opens without asking if `user` is empty."""
    padding = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
    permissions, id = -4, b"0123456789abcdef"
    o = rc4(hashlib.md5((owner + padding)[:32]).digest()[:5], (user + padding)[:32])
    key = hashlib.md5((user + padding)[:32] + o + struct.pack("<i", permissions) + id).digest()[:5]
    u = rc4(key, padding)
    lock = f"<< /Filter /Standard /V 1 /R 2 /O <{o.hex()}> /U <{u.hex()}> /P {permissions} >>"
    return pdf([text], key=key, trailer=f"/Encrypt {lock} /ID [<{id.hex()}> <{id.hex()}>]")


def flate_bomb_pdf(size: int = 1 << 30) -> bytes:
    """One page whose content is `size` bytes of blanks, compressed to a thousandth."""
    squeeze = zlib.compressobj(9)
    block = b" " * (1 << 20)
    data = b"".join(squeeze.compress(block) for _ in range(size >> 20)) + squeeze.flush()
    out = Pdf()
    catalog, tree = out.reserve(), out.reserve()
    content = out.stream(data, "/Filter /FlateDecode")
    page = out.add(f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 612 792] /Contents {content} 0 R >>")
    out.put(tree, f"<< /Type /Pages /Count 1 /Kids [{page} 0 R] >>")
    out.put(catalog, f"<< /Type /Catalog /Pages {tree} 0 R >>")
    return out.written(catalog)


def nested_forms_pdf(depth: int = 7) -> bytes:
    """One page that draws ten forms that draw ten forms ..., `depth` times: 10**depth rectangles in two kilobytes."""
    out = Pdf()
    catalog, tree = out.reserve(), out.reserve()
    box = "/Type /XObject /Subtype /Form /BBox [0 0 612 792]"
    form = out.stream(b"0 0 1 1 re f", box)
    for _ in range(depth - 1):
        form = out.stream(b"/X Do " * 10, f"{box} /Resources << /XObject << /X {form} 0 R >> >>")
    content = out.stream(b"/X Do " * 10)
    page = out.add(
        f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 612 792] /Contents {content} 0 R "
        f"/Resources << /XObject << /X {form} 0 R >> >> >>"
    )
    out.put(tree, f"<< /Type /Pages /Count 1 /Kids [{page} 0 R] >>")
    out.put(catalog, f"<< /Type /Catalog /Pages {tree} 0 R >>")
    return out.written(catalog)

"""PDF files of one page that are written down in the test: words at their places, annotations, forms, odd fonts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pypdfium2  # type: ignore[import-untyped]

from tests.support.media_files import Pdf

A4 = (595, 842)
HELVETICA = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"


def page_pdf(
    content: str,
    *,
    objects: Sequence[str] = (),
    streams: Sequence[tuple[bytes, str]] = (),
    page: str = "",
    catalog: str = "",
    info: str = "",
    size: tuple[int, int] = A4,
) -> bytes:
    """One page of `size` points, which knows the font /F.

    `@0`, `@1` ... in any of the texts are references to `objects` and then to `streams`; `@font` is Helvetica, `@page`
    the page.
    """
    out = Pdf()
    root, tree, this, font = (out.reserve() for _ in range(4))
    numbers = [out.reserve() for _ in (*objects, *streams)]

    def with_references(text: str) -> str:
        for at in reversed(range(len(numbers))):
            text = text.replace(f"@{at}", f"{numbers[at]} 0 R")
        return text.replace("@font", f"{font} 0 R").replace("@page", f"{this} 0 R")

    out.put(font, HELVETICA)
    for number, body in zip(numbers, objects, strict=False):
        out.put(number, with_references(body))
    for number, (data, extra) in zip(numbers[len(objects) :], streams, strict=True):
        out.put(
            number, f"<< /Length {len(data)} {with_references(extra)} >>\nstream\n{data.decode('latin-1')}\nendstream"
        )
    drawing = out.stream(content.encode("cp1252"))
    resources = "" if "/Resources" in page else "/Resources << /Font << /F @font >> >>"
    out.put(
        this,
        with_references(
            f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 {size[0]} {size[1]}] /Contents {drawing} 0 R "
            f"{resources} {page} >>"
        ),
    )
    out.put(tree, f"<< /Type /Pages /Count 1 /Kids [{this} 0 R] >>")
    out.put(root, with_references(f"<< /Type /Catalog /Pages {tree} 0 R {catalog} >>"))
    about = f"/Info {out.add(f'<< {info} >>')} 0 R" if info else ""
    return out.written(root, about)


def words_at(words: Iterable[tuple[float, float, str]], size: float = 11) -> str:
    """The content of a page with words at their places, drawn in the order given."""
    return "\n".join(f"BT /F {size} Tf {x} {y} Td ({text}) Tj ET" for x, y, text in words)


def turned_words(lines: Sequence[str], turn: str) -> str:
    """Lines below one another, turned as a whole: a quarter `left`, `right`, or by a `half`."""
    matrix = {"left": "0 1 -1 0 300 100", "right": "0 -1 1 0 300 700", "half": "-1 0 0 -1 500 500"}[turn]
    drawn = words_at((0, -20.0 * at, line) for at, line in enumerate(lines))
    return f"q {matrix} cm\n{drawn}\nQ"


def boxes_font(letters: str) -> tuple[list[str], list[tuple[bytes, str]]]:
    """Objects and streams for `page_pdf`: a font @0 whose codes from A on are these letters, each drawn as a box."""
    codes = range(65, 65 + len(letters))
    names = " ".join(f"/g{code}" for code in codes)
    shapes = " ".join(f"/g{code} @1" for code in codes)
    widths = " ".join("1000" for _ in codes)
    lines = "\n".join(f"<{code:02X}> <{ord(letter):04X}>" for code, letter in zip(codes, letters, strict=True))
    to_unicode = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        "1 begincodespacerange <00> <FF> endcodespacerange\n"
        f"{len(letters)} beginbfchar\n{lines}\nendbfchar endcmap end end"
    )
    font = (
        "<< /Type /Font /Subtype /Type3 /FontBBox [0 -120 1000 880] /FontMatrix [0.001 0 0 0.001 0 0] "
        f"/CharProcs << {shapes} >> /Encoding << /Type /Encoding /Differences [65 {names}] >> "
        f"/FirstChar 65 /LastChar {codes[-1]} /Widths [{widths}] /ToUnicode @2 /Resources << >> >>"
    )
    return [font], [(b"1000 0 0 -120 1000 880 d1 50 -70 900 900 re f", ""), (to_unicode.encode(), "")]


def opened(data: bytes) -> pypdfium2.PdfDocument:
    document = pypdfium2.PdfDocument(data)
    if document.get_formtype():
        document.init_forms()
    return document

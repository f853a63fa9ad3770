#!/usr/bin/env bash
# A PDF table whose cells are single characters: pypdfium2 glues them to one word, or gives each a line of its own.
#
# Both get_text_range() and get_text_bounded() are documented as ways to extract the text of a page, and for ordinary
# lines they agree. For a table of names and digits, with 60 points from cell to cell, get_text_bounded() says `Bob38112`:
# a number that nobody wrote, and a name that no search meets. get_text_range() breaks the line after each cell, though
# all cells of a row share one baseline (PDFium takes such a page for vertical writing). Neither gives `Bob 3 8 1 1 2`.
# Seen with pypdfium2 5.15.2 (PDFium 159.0.8149).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q "pypdfium2==5.15.2" 2>"$work/pip.log" || { cat "$work/pip.log"; exit 1; }
cat >"$work/look.py" <<'PY'
import pypdfium2

rows = [("Ann", *"47201"), ("Bob", *"38112"), ("Cid", *"99120")]
cells = [(text, 60 + 60 * x, 700 - 20 * y) for y, row in enumerate(rows) for x, text in enumerate(row)]
content = "".join(f"BT /F 12 Tf {x} {y} Td ({text}) Tj ET\n" for text, x, y in cells).encode()
objects = [
    b"<< /Type /Catalog /Pages 2 0 R >>",
    b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>",
    b"<< /Length %d >>\nstream\n" % len(content) + content + b"endstream",
    b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
]
out, places = bytearray(b"%PDF-1.7\n"), []
for number, body in enumerate(objects, 1):
    places.append(len(out))
    out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
table = len(out)
out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
out += b"".join(b"%010d 00000 n \n" % place for place in places)
out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, table)

text = pypdfium2.PdfDocument(bytes(out))[0].get_textpage()
whole, bounded = text.get_text_range().split("\r\n"), text.get_text_bounded().split("\r\n")
print(f"range:   {whole}\nbounded: {bounded}")
assert whole == [cell for row in rows for cell in row], "get_text_range() no longer gives each cell a line"
assert "Bob38112" in bounded, "get_text_bounded() no longer glues the cells"
PY
"$work/venv/bin/python" "$work/look.py"

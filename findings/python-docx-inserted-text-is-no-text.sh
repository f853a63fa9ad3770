#!/usr/bin/env bash
# Word documents with tracked changes, read by python-docx: what was inserted is missing, and nothing says so.
#
# `Paragraph.text` is documented as the text of a paragraph, and since 1.0 it follows hyperlinks. But it looks only at
# runs and hyperlinks that are children of the paragraph. A tracked insertion (`w:ins`), a moved sentence (`w:moveTo`)
# and the value of a content control (`w:sdt`) wrap their runs: a contract under review loses the very words that are
# under review, and a form all that was filled in. A control around whole paragraphs is no member of `paragraphs`.
# Seen with python-docx 1.2.0.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q "python-docx==1.2.0" 2>"$work/pip.log" || { cat "$work/pip.log"; exit 1; }
cat >"$work/look.py" <<'PY'
import io

import docx
from docx.oxml import parse_xml

NAMES = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


document = docx.Document()
body = document.element.body
body.insert(0, parse_xml(f'<w:p {NAMES}>{run("Pay ")}<w:ins w:id="1" w:author="A">{run("900 ")}</w:ins>{run("euros")}</w:p>'))
body.insert(1, parse_xml(f'<w:p {NAMES}>{run("Name: ")}<w:sdt><w:sdtContent>{run("Ann")}</w:sdtContent></w:sdt></w:p>'))
body.insert(2, parse_xml(f'<w:sdt {NAMES}><w:sdtContent><w:p>{run("A cover page")}</w:p></w:sdtContent></w:sdt>'))
file = io.BytesIO()
document.save(file)
texts = [paragraph.text for paragraph in docx.Document(file).paragraphs]
print(f"python-docx {docx.__version__}: {texts}")
assert texts == ["Pay euros", "Name: "], "inserted text and the values of controls are read now"
PY
"$work/venv/bin/python" "$work/look.py"

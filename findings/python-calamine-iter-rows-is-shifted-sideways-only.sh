#!/usr/bin/env bash
# A sheet whose first value is in C4: python-calamine's iter_rows() keeps the empty rows above it, and drops the columns.
#
# `start` is (3, 2) and `height` is 1, and to_python() gives the one row of the one cell. iter_rows() is documented as
# the same data as an iterator. It gives four rows of one cell: its rows count from the sheet's first row, and its
# columns from the first that has a value. Who adds `start` to both finds the value in C7; who adds it to none, in A4.
# Seen with python-calamine 0.9.1.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q "python-calamine==0.9.1" "xlsxwriter==3.3.1" 2>"$work/pip.log" ||
  { cat "$work/pip.log"; exit 1; }
cat >"$work/look.py" <<'PY'
import io

import xlsxwriter
from python_calamine import load_workbook

file = io.BytesIO()
with xlsxwriter.Workbook(file) as book:
    book.add_worksheet().write("C4", "value")
file.seek(0)
sheet = load_workbook(file).get_sheet_by_index(0)
rows, iterated = sheet.to_python(), list(sheet.iter_rows())
print(f"start: {sheet.start}, height: {sheet.height}, width: {sheet.width}")
print(f"to_python: {rows}\niter_rows: {iterated}")
assert (sheet.start, sheet.height, sheet.width, rows) == ((3, 2), 1, 1, [["value"]])
assert iterated == [[""], [""], [""], ["value"]], "iter_rows() now agrees with to_python(), or with the sheet"
PY
"$work/venv/bin/python" "$work/look.py"

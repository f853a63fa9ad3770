#!/usr/bin/env bash
# resvg: a colour function that it does not know, in a `style`, makes a shape black, although its attribute names a colour.
#
# CSS says that a declaration whose value cannot be parsed is dropped, so that the presentation attribute `fill` counts.
# resvg drops neither: the shape is filled with black. Recent draw.io writes every colour as `light-dark(a, b)` in the
# style beside an attribute for older programs, and so its drawings come out as black boxes with black words.
# Seen with resvg_py 0.5.0: a box with fill="#dae8fc" and style="fill: light-dark(#dae8fc, #1d293b)" is (0, 0, 0).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q "resvg_py==0.5.0" "pillow==13.0.0" 2>"$work/pip.log" || { cat "$work/pip.log"; exit 1; }
cat >"$work/look.py" <<'PY'
import io

import resvg_py
from PIL import Image


def colour(style: str) -> tuple[int, ...]:
    box = f'<rect width="20" height="20" fill="#dae8fc" style="{style}"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">{box}</svg>'
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg))
    return Image.open(io.BytesIO(png)).convert("RGB").getpixel((10, 10))


plain, typo, unknown = colour(""), colour("fil: red"), colour("fill: light-dark(#dae8fc, #1d293b)")
print(f"attribute alone: {plain}\nunknown property: {typo}\nunknown function: {unknown}")
assert plain == typo == (0xDA, 0xE8, 0xFC), "the attribute no longer counts"
assert unknown == (0, 0, 0), "an unknown colour function is no longer black"
PY
"$work/venv/bin/python" "$work/look.py"

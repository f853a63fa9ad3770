#!/usr/bin/env bash
# The Motion JPEG film of a camera whose frames carry EXIF: FFmpeg decodes it, and PyAV cannot say what stands beside a
# frame.
#
# Since FFmpeg 8 the decoder of JPEG hands the EXIF of each frame on as side data, of a kind that PyAV's enumeration does
# not have. `frame.side_data` is built as a whole, so that it raises ValueError ("31 is not a valid Type") for every frame,
# also for who asks for nothing but the display matrix. `frame.rotation` still tells the turn, taken from the same EXIF.
# Seen with PyAV 18.1.0 (FFmpeg 8.1).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q "av==18.1.0" "pillow==13.0.0" 2>"$work/pip.log" || { cat "$work/pip.log"; exit 1; }
cat >"$work/look.py" <<'PY'
import io
from fractions import Fraction

import av
from PIL import Image


def film(exif: Image.Exif | None) -> bytes:
    """An AVI of three frames in JPEG, as cameras write them, with EXIF in each or without."""
    frame, file = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(frame, "JPEG", **({"exif": exif} if exif else {}))
    with av.open(file, "w", format="avi") as box:
        stream = box.add_stream("mjpeg", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for number in range(3):
            packet = av.Packet(frame.getvalue())
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 5)
            box.mux(packet)
    return file.getvalue()


def first_frame(data: bytes) -> av.VideoFrame:
    with av.open(io.BytesIO(data)) as box:
        return next(box.decode(video=0))


exif = Image.Exif()
exif[0x010F], exif[0x0112] = "Camera", 6
print("av", av.__version__, "- without EXIF:", list(first_frame(film(None)).side_data))
frame = first_frame(film(exif))
try:
    print("with EXIF:", list(frame.side_data))
except ValueError as error:
    print("with EXIF:", error)
else:
    raise SystemExit("side data can be read now")
assert frame.rotation == -90, "the turn is not told any more"
print("rotation:", frame.rotation)
PY
"$work/venv/bin/python" "$work/look.py"

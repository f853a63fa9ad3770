#!/usr/bin/env bash
# Who wants PyAV to be silent sets the level PANIC, "only what ends the process". It makes PyAV less silent than it was.
#
# PyAV's default is no level at all: what FFmpeg says is dropped where it is said. Any level, PANIC too, puts a callback
# there that takes Python's lock for messages which are then filtered in Python; errors are kept for `get_last_error()`.
# Decoder threads take part in that. Seen once in some hundred films with threads of decoding ("AUTO"): the main thread
# frees a decoder with the lock in its hand and waits for the decoder's thread, which waits for the lock to say
# something, for ever. `set_level(None)` is what the author of `set_level(PANIC)` meant.
# Seen with PyAV 18.1.0. What follows opens no film and starts no thread: it counts what comes through to Python.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q "av==18.1.0" 2>"$work/pip.log" || { cat "$work/pip.log"; exit 1; }
cat >"$work/count.py" <<'PY'
import io
import logging

import av
import av.logging

shown: list[str] = []
logging.getLogger("libav").addHandler(logging.NullHandler())
logging.getLogger("libav").addFilter(lambda record: bool(shown.append(record.getMessage())) or True)


def said() -> int:
    """How many of FFmpeg's errors reach Python while a text is refused as a film."""
    before = av.logging.get_last_error()[0]
    try:
        av.open(io.BytesIO(b"just some words\n" * 50), format="mov")
    except av.FFmpegError:
        pass
    return av.logging.get_last_error()[0] - before


print("av", av.__version__, "- the level at first:", av.logging.get_level())
found = {}
for level in ("at first", av.logging.PANIC, None):
    if level != "at first":
        av.logging.set_level(level)
    found[level] = said()
    print(f"level {level}: {found[level]} errors come through to Python, {len(shown)} are shown")
assert found["at first"] == found[None] == 0, "no level is not silent any more"
assert found[av.logging.PANIC] > 0, "PANIC keeps FFmpeg's errors out of Python now"
PY
"$work/venv/bin/python" "$work/count.py"

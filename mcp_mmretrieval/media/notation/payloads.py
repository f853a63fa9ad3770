"""Files inside of a text: runs of base64, which nobody can read and everybody's index would be full of."""

from __future__ import annotations

import re

from mcp_mmretrieval.media.notation.source_map import MapBuilder, MappedText

_LEAST = 240
"""Characters of the shortest run that is left out."""
_LONG = re.compile(r"[A-Za-z0-9+/_-]{40,}+")
"""How a run begins; looked for by itself, which is quick."""
_MARK = re.compile(r";base64,[ \t]*\Z")
_MARK_CHARACTERS = 20
_RUN = re.compile(
    r"(?<![A-Za-z0-9+/_=-])"
    r"(?:[A-Za-z0-9+/_-]{40,}+(?:={0,2}(?:\\r)?\\n|\\/|[ \t]*\r?\n[ \t]*(?=[A-Za-z0-9+/_-]{4,}={0,2}[ \t]*\r?$))?)++"
    r"(?:[A-Za-z0-9+/_-]+)?={0,2}",
    re.MULTILINE,
)


def leave_out_payloads(source: str) -> tuple[MappedText, int]:
    """A source without its runs of base64, and how many there were."""
    out, done, count, over = MapBuilder(source), 0, 0, 0
    for long in _LONG.finditer(source):
        found = _RUN.match(source, long.start()) if long.start() >= over else None
        if found is None:
            continue
        over = found.end()
        marked = _MARK.search(source, max(0, found.start() - _MARK_CHARACTERS), found.start())
        if len(found[0]) >= _LEAST and (marked or _is_encoded(found[0])):
            out.keep(done, found.start())
            done = over
            count += 1
    if not count:
        return MappedText.as_written(source), 0
    out.keep(done, len(source))
    return out.mapped(), count


def _is_encoded(run: str) -> bool:
    """Whether a run has capitals, small letters and digits as evenly as bytes make them; names and sequences do not."""
    run = run[:4000]
    capitals, small = sum(map(str.isupper, run)), sum(map(str.islower, run))
    digits = sum(map(str.isdigit, run))
    return min(capitals, small) > len(run) * 0.15 and digits > len(run) * 0.03

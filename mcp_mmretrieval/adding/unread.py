"""What stands under the roots and was not read, by kind, as a person names it: `3 Word files`, `1 encrypted PDF`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePath

from mcp_mmretrieval.answers import Failure
from mcp_mmretrieval.errors import FailureCode

_KINDS = {
    "Word file": "doc docx docm dot dotx odt rtf pages wpd",
    "Excel file": "xls xlsx xlsm xlsb ods numbers",
    "PowerPoint file": "ppt pptx pptm pps ppsx odp key",
    "e-book": "epub mobi azw azw3 fb2 djvu",
    "mailbox": "pst ost mbox msg",
    "archive": "zip 7z rar tar gz tgz bz2 xz zst",
    "database": "db sqlite sqlite3 mdb accdb parquet",
    "raw photo": "cr2 cr3 nef arw orf rw2 raf dng",
    "HEIC photo": "heic heif hif",
    "CAD drawing": "dwg dxf step stp",
    "OneNote file": "one onetoc2",
    "PDF": "pdf",
    "picture": "png jpg jpeg webp gif tif tiff bmp avif svg jp2 j2k jxl ico psd ai eps",
    "recording": "wav mp3 flac ogg oga opus m4a aac wma aiff aif amr mka m4b",
    "film": "mp4 mov mkv avi webm m4v wmv mpg mpeg 3gp ts",
    "text": "txt md csv tsv json jsonl xml html htm eml log tex ipynb srt vtt",
}
_KIND_OF = {suffix: kind for kind, suffixes in _KINDS.items() for suffix in suffixes.split()}
_WHY: Mapping[FailureCode, str] = {
    "empty": "empty ",
    "corrupt": "damaged ",
    "encrypted": "encrypted ",
    "too_large": "too large ",
    "timeout": "too slow ",
    "memory": "too large ",
    "parser_crashed": "damaged ",
}
"""What a kind is called that is read as a rule, and not this time."""


def kinds_of_unread(failures: Iterable[Failure]) -> dict[str, int]:
    """How many of each kind, most first. A file counts once, by its last failure; a name that led to none does not."""
    last = {failure.path: failure for failure in failures}
    counts = Counter(_kind(failure) for failure in last.values() if failure.code != "not_found_or_not_allowed")
    return {_counted(kind, count): count for kind, count in counts.most_common()}


def _kind(failure: Failure) -> str:
    suffix = PurePath(failure.path).suffix.lstrip(".").lower()
    kind = _KIND_OF.get(suffix) or (f".{suffix} file" if suffix else "file without a suffix")
    return _WHY.get(failure.code, "") + kind


def _counted(kind: str, count: int) -> str:
    if count == 1:
        return kind
    return kind.replace("file without", "files without") if "file without" in kind else f"{kind}s"

"""Makes slides and sheets with words in every corner, and the containers of older Office."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def repacked(data: bytes, changes: Mapping[str, bytes | Callable[[bytes], bytes]]) -> bytes:
    """The container with some of its files replaced, changed or added."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            change = changes.get(name)
            kept = old.read(name)
            new.writestr(name, kept if change is None else change if isinstance(change, bytes) else change(kept))
        for name, content in changes.items():
            if name not in old.namelist():
                assert isinstance(content, bytes)
                new.writestr(name, content)
    return file.getvalue()


def inserted(before: str, what: str) -> Callable[[bytes], bytes]:
    """A change: put something before the first place where a text stands."""

    def change(data: bytes) -> bytes:
        assert before.encode() in data
        return data.replace(before.encode(), what.encode() + before.encode(), 1)

    return change


def replaced(old: str, new: str) -> Callable[[bytes], bytes]:
    """A change: put one text in the place of another one."""

    def change(data: bytes) -> bytes:
        assert old.encode() in data
        return data.replace(old.encode(), new.encode())

    return change


def related(id: str, kind: str, target: str, *, external: bool = False) -> str:
    """A relation, to be inserted before the end of a file of them."""
    mode = ' TargetMode="External"' if external else ""
    return f'<Relationship Id="{id}" Type="{OFFICE}/{kind}" Target="{target}"{mode}/>'


# -- OLE containers ----------------------------------------------------------------------------------------------------

_SECTOR = 512
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD


def ole(streams: Mapping[str, bytes]) -> bytes:
    """A compound file (MS-CFB, version 3) with streams at its top, each padded to 4,096 bytes: none is mini.

    The directory is a chain instead of a balanced tree, which readers accept.
    """
    padded = {name: data.ljust(4096, b"\0") for name, data in streams.items()}
    entries = [_entry("Root Entry", 5, child=1 if padded else -1, start=_END, size=0)]
    sectors: list[bytes] = []
    chain: list[int] = []
    for number, (name, data) in enumerate(padded.items(), 1):
        start, count = len(sectors), -(-len(data) // _SECTOR)
        sectors += [data[at : at + _SECTOR].ljust(_SECTOR, b"\0") for at in range(0, len(data), _SECTOR)]
        chain += [*range(start + 1, start + count), _END]
        following = number + 1 if number < len(padded) else -1
        entries.append(_entry(name, 2, right=following, start=start, size=len(data)))
    directory = b"".join(entries)
    first_directory = len(sectors)
    blocks = -(-len(directory) // _SECTOR)
    sectors += [directory[at : at + _SECTOR].ljust(_SECTOR, b"\0") for at in range(0, len(directory), _SECTOR)]
    chain += [*range(first_directory + 1, first_directory + blocks), _END]
    tables = 1
    while (len(chain) + tables) * 4 > tables * _SECTOR:
        tables += 1
    first_table = len(sectors)
    numbers = [*chain, *([_FAT] * tables)]
    numbers += [_FREE] * (tables * _SECTOR // 4 - len(numbers))
    header = struct.pack(
        "<8s16sHHHHH6sIIIIIIIIII",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, b""),
        *(0, tables, first_directory, 0, 4096, _END, 0, _END, 0),
        first_table,
    )
    header += struct.pack(f"<{tables - 1}I", *range(first_table + 1, first_table + tables))
    return header.ljust(_SECTOR, b"\xff") + b"".join(sectors) + struct.pack(f"<{len(numbers)}I", *numbers)


def _entry(name: str, kind: int, *, right: int = -1, child: int = -1, start: int, size: int) -> bytes:
    written = name.encode("utf-16-le") + b"\0\0"
    return (
        written.ljust(64, b"\0")
        + struct.pack("<HBBiii", len(written), kind, 1, -1, right, child)
        + bytes(16 + 4 + 16)
        + struct.pack("<IQ", start & 0xFFFFFFFF, size)
    )


# -- XLS ---------------------------------------------------------------------------------------------------------------


def xls(sheets: Mapping[str, bytes], *extra: bytes) -> bytes:
    """A workbook of BIFF8 whose sheets have these records; `extra` are records of the workbook as a whole."""
    names = [struct.pack("<BB", len(name), 0) + name.encode("latin-1") for name in sheets]
    start = len(_begin(5)) + sum(map(len, extra)) + sum(4 + 6 + len(name) for name in names) + 4
    bodies = [_begin(0x10) + records + biff(0x0A) for records in sheets.values()]
    bound = b""
    for name, body in zip(names, bodies, strict=True):
        bound += biff(0x85, struct.pack("<IH", start, 0) + name)
        start += len(body)
    return ole({"Workbook": _begin(5) + b"".join(extra) + bound + biff(0x0A) + b"".join(bodies)})


def biff(kind: int, data: bytes = b"") -> bytes:
    """One record."""
    return struct.pack("<HH", kind, len(data)) + data


def biff_label(row: int, column: int, text: str) -> bytes:
    """A cell with a text."""
    return biff(0x204, struct.pack("<HHHHB", row, column, 0, len(text), 1) + text.encode("utf-16-le"))


def biff_number(row: int, column: int, value: float) -> bytes:
    """A cell with a number."""
    return biff(0x203, struct.pack("<HHHd", row, column, 0, value))


def biff_text_box(text: str) -> bytes:
    """The words of a comment or text box."""
    head = biff(0x1B6, struct.pack("<HH6xHH4x", 0, 0, len(text), 0))
    return head + biff(0x3C, b"\1" + text.encode("utf-16-le"))


def _begin(kind: int) -> bytes:
    return biff(0x809, struct.pack("<HHHHII", 0x600, kind, 0, 0, 0, 0))

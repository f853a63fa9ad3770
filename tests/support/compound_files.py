"""Makes compound files ([MS-CFB]), version 3: storages and streams, as Outlook's messages are kept in."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, TypeAlias

Tree: TypeAlias = Mapping[str, "bytes | Tree"]
"""Streams and storages by their names."""

_SECTOR, _MINI, _SMALL = 512, 64, 4096
_FREE, _END, _FAT, _NONE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF


def compound_file(tree: Tree) -> bytes:
    """A file of these storages and streams."""
    entries: list[dict[str, Any]] = [{"name": "Root Entry", "kind": 5, "data": b""}]
    _add(entries, 0, tree)
    sectors: list[bytes] = []
    fat: list[int] = []
    mini, mini_fat = bytearray(), list[int]()
    for entry in entries[1:]:
        data = entry["data"]
        if entry["kind"] != 2 or not data:
            continue
        if len(data) >= _SMALL:
            entry["start"] = _chain(sectors, fat, data)
            continue
        entry["start"] = len(mini_fat)
        count = -(-len(data) // _MINI)
        mini += data.ljust(count * _MINI, b"\0")
        mini_fat += [*range(len(mini_fat) + 1, len(mini_fat) + count), _END]
    entries[0] |= {"start": _chain(sectors, fat, bytes(mini)) if mini else _END, "size": len(mini)}
    packed = b"".join(struct.pack("<I", each) for each in mini_fat)
    first_mini = _chain(sectors, fat, packed, b"\xff") if packed else _END
    first_entry = _chain(sectors, fat, b"".join(map(_entry, entries)))
    count = 1
    while (len(fat) + count) * 4 > count * _SECTOR:
        count += 1
    where = range(len(fat), len(fat) + count)
    fat += [_FAT] * count
    table = b"".join(struct.pack("<I", each) for each in fat).ljust(count * _SECTOR, b"\xff")
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        *(0x3E, 3, 0xFFFE, 9, 6, 0, count, first_entry, 0, _SMALL, first_mini, len(packed) // _SECTOR + 1, _END, 0),
    )
    places = b"".join(struct.pack("<I", each) for each in where).ljust(109 * 4, b"\xff")
    return header + places + b"".join(sectors) + table


def _add(entries: list[dict[str, Any]], parent: int, tree: Tree) -> None:
    """The children of a storage as a tree that leans to the right."""
    before = None
    for name, value in sorted(tree.items(), key=lambda item: (len(item[0]), item[0].upper())):
        number = len(entries)
        entries.append({"name": name, "kind": 2 if isinstance(value, bytes) else 1})
        entries[-1]["data"] = value if isinstance(value, bytes) else b""
        if before is None:
            entries[parent]["child"] = number
        else:
            entries[before]["right"] = number
        before = number
        if not isinstance(value, bytes):
            _add(entries, number, value)


def _entry(entry: dict[str, Any]) -> bytes:
    name = entry["name"].encode("utf-16-le") + b"\0\0"
    links = (_NONE, entry.get("right", _NONE), entry.get("child", _NONE))
    place = (entry.get("start", 0 if entry["kind"] == 1 else _END), entry.get("size", len(entry["data"])))
    return struct.pack("<64sHBBIII36xIQ", name, len(name), entry["kind"], 1, *links, *place)


def _chain(sectors: list[bytes], fat: list[int], data: bytes, fill: bytes = b"\0") -> int:
    first, count = len(sectors), -(-len(data) // _SECTOR)
    padded = data.ljust(count * _SECTOR, fill)
    sectors += [padded[at : at + _SECTOR] for at in range(0, len(padded), _SECTOR)]
    fat += [*range(first + 1, first + count), _END]
    return first

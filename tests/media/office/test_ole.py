"""OLE containers: their streams, and the files that embedded objects wrap."""

import io
import struct

import pytest

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.office.ole import OLE_MAGIC, made_by, stream_names, unwrapped

_SECTOR = 512
_FREE, _END, _TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def container(streams: dict[str, bytes]) -> bytes:
    """A container with streams at its top ([MS-CFB], version 3); none of them is a small one."""
    names = sorted(streams, key=lambda name: (len(name), name.upper()))
    folder_sectors = (len(names) + 4) // 4
    table = [_TABLE, *range(2, 1 + folder_sectors), _END]
    contents, entries = b"", [_entry("Root Entry", 5, child=1 if names else _FREE)]
    for number, name in enumerate(names, 1):
        data = streams[name] + bytes(-len(streams[name]) % _SECTOR) + bytes(_SECTOR * 8)
        first = len(table)
        count = len(data) // _SECTOR
        table += [*range(first + 1, first + count), _END]
        contents += data
        right = number + 1 if number < len(names) else _FREE
        entries.append(_entry(name, 2, right=right, first=first, size=len(data)))
    assert len(table) <= _SECTOR // 4
    header = OLE_MAGIC + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIIII", 0, 1, 1, 0, 4096, _END, 0, _END, 0, 0) + struct.pack("<I", _FREE) * 108
    folder = b"".join(entries) + _entry("", 0) * (folder_sectors * 4 - len(entries))
    sectors = struct.pack(f"<{len(table)}I", *table) + struct.pack("<I", _FREE) * (_SECTOR // 4 - len(table))
    return header + sectors + folder + contents


def _entry(name: str, kind: int, *, right: int = _FREE, child: int = _FREE, first: int = _END, size: int = 0) -> bytes:
    written = name.encode("utf-16-le")
    length = len(written) + 2 if name else 0
    links = struct.pack("<III", _FREE, right, child)
    return (
        written.ljust(64, b"\0")
        + struct.pack("<HBB", length, kind, 1)
        + links
        + bytes(36)
        + struct.pack("<IQ", first if kind == 2 else _END, size)
    )


def native(name: bytes, data: bytes) -> bytes:
    """A packaged file ([MS-OLEDS], 2.3.6)."""
    path = b"C:\\" + name + b"\0"
    inner = b"\2\0" + name + b"\0" + path + b"\0\0\3\0" + struct.pack("<I", len(path)) + path
    inner += struct.pack("<I", len(data)) + data
    return struct.pack("<I", len(inner)) + inner


def test_a_container_says_which_program_made_it() -> None:
    names = stream_names(io.BytesIO(container({"WordDocument": b"words", "1Table": b"x"})))
    assert names == {"WordDocument", "1Table"}
    assert made_by(names) == ("a Word document of before 2007 (.doc)", ".docx")
    assert made_by(frozenset(["Own"])) == ("an OLE container of another program", "")


def test_the_file_in_an_embedded_object_is_taken_out() -> None:
    assert unwrapped(container({"Package": b"PK\3\4 a package"})).startswith(b"PK\3\4 a package")
    assert unwrapped(container({"\x01Ole10Native": native(b"note.txt", b"words of the note")})) == b"words of the note"
    assert unwrapped(b"no container") == b"no container"
    whole = container({"Workbook": b"cells"})
    assert unwrapped(whole) == whole


def test_a_damaged_container_is_the_files_fault() -> None:
    whole = container({"Package": b"data"})
    for data in (whole[:100], whole[:700], OLE_MAGIC + bytes(2000)):
        with pytest.raises(UnreadableMedia) as failure:
            unwrapped(data)
        assert failure.value.code == "corrupt"


def test_a_packaged_file_that_is_cut_off_is_read_as_far_as_it_goes() -> None:
    cut = native(b"note.txt", b"words")[:-3]
    assert unwrapped(container({"\x01Ole10Native": cut})).startswith(b"wo")

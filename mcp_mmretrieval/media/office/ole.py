"""OLE containers ([MS-CFB]): which program made one, and the file that one of an embedded object wraps."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import BinaryIO

import olefile  # type: ignore[import-untyped]

from mcp_mmretrieval.errors import UnreadableMedia

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""What such a container begins with."""
ENCRYPTED_PACKAGE = "EncryptedPackage"
"""The stream of an Office file of today that wants a password ([MS-OFFCRYPTO])."""
_NATIVE = "\x01Ole10Native"
_WRAPPERS = ("Package", "CONTENTS", _NATIVE)
"""Streams that hold a whole file ([MS-OLEDS])."""
_FEW_BYTES = 6


def stream_names(file: BinaryIO) -> frozenset[str]:
    """The names of the streams and folders at the top of a container. Raises UnreadableMedia: `corrupt`."""
    with _opened(file) as container:
        return frozenset(path[0] for path in container.listdir(streams=True, storages=True) if path)


def unwrapped(data: bytes) -> bytes:
    """The file that an embedded object holds; the object itself where it wraps none. Raises UnreadableMedia."""
    if not data.startswith(OLE_MAGIC):
        return data
    with _opened(io.BytesIO(data)) as container:
        for name in _WRAPPERS:
            if not container.exists(name):
                continue
            try:
                stream: bytes = container.openstream(name).read()
            except _DAMAGE as error:
                raise UnreadableMedia("corrupt", "the embedded object is damaged") from error
            return _native_file(stream) if name == _NATIVE else stream
    return data


def _native_file(stream: bytes) -> bytes:
    """The file within a package of old: its size, two names, a path, and then its own size before its bytes."""
    at = stream.find(b"\0", _FEW_BYTES) + 1
    at = stream.find(b"\0", at) + 1
    at += 4
    at += 4 + int.from_bytes(stream[at : at + 4], "little")
    size = int.from_bytes(stream[at : at + 4], "little")
    return stream[at + 4 : at + 4 + size]


_DAMAGE = (OSError, ValueError, IndexError, OverflowError, EOFError)


def _opened(file: BinaryIO) -> olefile.OleFileIO:
    file.seek(0)
    try:
        return olefile.OleFileIO(file)
    except _DAMAGE as error:
        raise UnreadableMedia("corrupt", "the OLE container is damaged") from error


_PROGRAMS: Mapping[str, tuple[str, str]] = {
    "WordDocument": ("a Word document of before 2007 (.doc)", ".docx"),
    "PowerPoint Document": ("a PowerPoint presentation of before 2007 (.ppt)", ".pptx"),
    "Workbook": ("an Excel workbook of before 2007 (.xls)", ".xlsx"),
    "Book": ("an Excel workbook of before 1997 (.xls)", ".xlsx"),
    "VisioDocument": ("a Visio drawing of before 2013 (.vsd)", ".pdf"),
    "Quill": ("a Publisher document (.pub)", ".pdf"),
    "MatOST": ("a document of Microsoft Works (.wps)", ".docx"),
    "WksSSWorkBook": ("a sheet of Microsoft Works (.xlr)", ".xlsx"),
    "StarWriterDocument": ("a document of StarOffice (.sdw)", ".odt"),
    "BodyText": ("a Hangul document (.hwp)", ".pdf"),
    "__properties_version1.0": ("a mail of Outlook (.msg)", ".eml"),
    "Equation Native": ("an equation of before 2007", ".docx"),
}


def made_by(streams: frozenset[str]) -> tuple[str, str]:
    """What a container is by its streams, and the suffix to save it as; no suffix for an unknown one."""
    unknown = ("an OLE container of another program", "")
    return next((told for name, told in _PROGRAMS.items() if name in streams), unknown)

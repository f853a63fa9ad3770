"""ZIP containers (APPNOTE 6.3.10), bounded: Office files, e-books and archives are made of them."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from typing import BinaryIO

from mcp_mmretrieval.errors import UnreadableMedia

MAX_MEMBERS = 20_000
"""Files of one container."""
MAX_MEMBER_BYTES = 512_000_000
"""Bytes of one of its files, unpacked."""
MAX_UNPACKED_BYTES = 2_000_000_000
"""Bytes of all its files, unpacked."""
MAX_RATIO = 200
"""How often its packed bytes the unpacked ones of a large file may be: what is more is a bomb."""
HARMLESS_BYTES = 50_000_000
"""Unpacked bytes up to which a file is no bomb, however well it is packed."""

_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_ENCRYPTED = 1


class ZipContainer:
    """An open container. Nothing is unpacked before it is asked for, and nothing to disk."""

    def __init__(self, file: BinaryIO) -> None:
        """Raises UnreadableMedia for what is no container, and for one that would unpack to too much."""
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
            raise UnreadableMedia("corrupt", "the ZIP container is damaged") from error
        infos = self._zip.infolist()
        if len(infos) > MAX_MEMBERS:
            raise UnreadableMedia("too_large", f"it holds {len(infos):,} files, more than {MAX_MEMBERS:,}")
        if sum(info.file_size for info in infos) > MAX_UNPACKED_BYTES or any(map(_is_bomb, infos)):
            raise UnreadableMedia("too_large", "it would unpack to more than is read")
        self._infos = {info.filename: info for info in infos}

    @property
    def names(self) -> Sequence[str]:
        """The files of it, in order; folders are none."""
        return [name for name in self._infos if not name.endswith("/")]

    def __contains__(self, name: str) -> bool:
        return name in self._infos

    def is_encrypted(self, name: str) -> bool:
        """Whether one of its files wants a password."""
        return bool(self._infos[name].flag_bits & _ENCRYPTED)

    def size(self, name: str) -> int:
        """Bytes of one of its files, unpacked, by its own word: no more are ever unpacked."""
        return self._infos[name].file_size

    def digest(self, name: str) -> tuple[int, int]:
        """What two files of the same content share, by the container's own word; (0, 0) where there is none."""
        info = self._infos.get(name)
        return (info.file_size, info.CRC) if info else (0, 0)

    def read(self, name: str) -> bytes:
        """One of its files. Raises UnreadableMedia: `encrypted`, `too_large`, `corrupt` (also where there is none)."""
        info = self._infos.get(name)
        if info is None:
            raise UnreadableMedia("corrupt", f"{name} is missing in it")
        if info.flag_bits & _ENCRYPTED:
            raise UnreadableMedia("encrypted", f"{name} wants a password")
        if info.file_size > MAX_MEMBER_BYTES:
            raise UnreadableMedia("too_large", f"{name} unpacks to {info.file_size / 1e6:,.0f} MB")
        try:
            return self._zip.read(info)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError) as error:
            raise UnreadableMedia("corrupt", f"{name} is damaged") from error


def is_zip(file: BinaryIO) -> bool:
    """Whether a file begins as a container does."""
    file.seek(0)
    return file.read(4) in _MAGIC


def _is_bomb(info: zipfile.ZipInfo) -> bool:
    return info.file_size > HARMLESS_BYTES and info.file_size > MAX_RATIO * max(1, info.compress_size)

"""ZIP archives, as folders: each file in one is read as if it lay beside it. Nothing is unpacked to disk."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.compound import CompoundStep, InnerFile
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.media.zipped import ZipContainer, is_zip
from mcp_mmretrieval.roots.secrets import is_secret
from mcp_mmretrieval.types import DocumentMetadata, part_name


def recognises(source: Source) -> bool:
    """Whether it is a ZIP container of any kind: readers of Office files and books are asked before."""
    return is_zip(source.file)


def parts(source: Source, limits: Limits) -> Iterator[CompoundStep]:
    """The files of the archive, in its order, but for hidden ones and those with keys and passwords, as in a folder."""
    archive = ZipContainer(source.file)
    if not archive.names:
        raise UnreadableMedia("empty", f"{source.name}: the archive is empty.")
    if all(map(archive.is_encrypted, archive.names)):
        raise UnreadableMedia("encrypted", f"{source.name}: the archive wants a password. Unpack it to have it read.")
    left_out = 0
    for name in archive.names:
        if _is_left_out(name):
            left_out += 1
            continue
        yield InnerFile(part=part_name("member", name), name=name, data=partial(archive.read, name))
    if left_out:
        files = "1 file in it was" if left_out == 1 else f"{left_out:,} files in it were"
        yield DocumentMetadata(note=f"{files} left out: hidden, or named like keys and passwords.")


def _is_left_out(name: str) -> bool:
    *folders, last = name.split("/")
    hidden = any(piece.startswith(".") or piece == "__MACOSX" for piece in (*folders, last))
    return hidden or is_secret(last, is_folder=False) or any(is_secret(folder, is_folder=True) for folder in folders)

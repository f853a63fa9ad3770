"""Office files in OLE containers: those of before 2007, and those of today that want a password. None can be read."""

from __future__ import annotations

from collections.abc import Iterator

from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.compound import CompoundStep
from mcp_mmretrieval.media.office.ole import ENCRYPTED_PACKAGE, OLE_MAGIC, made_by, stream_names
from mcp_mmretrieval.media.source import Source


def recognises(source: Source) -> bool:
    """Whether it is an OLE container: readers of what can be read of them are asked before."""
    source.file.seek(0)
    return source.file.read(len(OLE_MAGIC)) == OLE_MAGIC


def parts(source: Source, limits: Limits) -> Iterator[CompoundStep]:
    """Raises UnreadableMedia, which says what it is and what to do: `encrypted`, `unsupported_type`, `corrupt`."""
    streams = stream_names(source.file)
    if ENCRYPTED_PACKAGE in streams:
        reason = "this Office file wants a password. Save it without one, then add it again."
        raise UnreadableMedia("encrypted", f"{source.name}: {reason}")
    what, suffix = made_by(streams)
    advice = f" Save it as {suffix}, then add that." if suffix else ""
    raise UnreadableMedia("unsupported_type", f"{source.name}: this is {what}, which cannot be read.{advice}")

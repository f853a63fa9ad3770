"""The file of a recording, opened for somebody who plays it whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.targets import ConnectionView, reopen

if TYPE_CHECKING:
    from mcp_mmretrieval.adding.shared import SharedResources
    from mcp_mmretrieval.media.wire import WebType
    from mcp_mmretrieval.roots import OpenFile


@dataclass(frozen=True, slots=True)
class Recording:
    """An open file of sound or film, which every browser plays as it lies. Whoever has it closes it."""

    file: OpenFile
    media_type: WebType


class RecordingOpener:
    """Opens recordings for one connection: its roots bound what can be heard."""

    def __init__(self, shared: SharedResources, view: ConnectionView) -> None:
        self._catalog = shared.catalog
        self._workers = shared.workers
        self._targets = view.targets
        self._readable = view.files

    def open(self, target: str) -> Recording:
        """See `Library.recording`."""
        found = self._targets.find(target)
        if found.document.modality not in ("audio", "video") or found.place.part:
            raise UnreadableMedia("unsupported_type", f"{target}: is no file of sound or film by itself.")
        file = reopen(self._catalog.files_of_one(found.document.id), self._readable)
        try:
            media_type = self._workers.web_type(file.fd, name=file.path)
            if media_type is None:
                reason = f"{target}: not every browser plays this kind of file. What is cited of it can be played."
                raise UnreadableMedia("unsupported_type", reason)
        except BaseException:
            file.close()
            raise
        return Recording(file, media_type)

"""What is said in a recording or film, where subtitles tell it: files beside it, or a stream of the container."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from mcp_mmretrieval.media import container, subtitles
from mcp_mmretrieval.media.container import Track
from mcp_mmretrieval.types import Cue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer

    from mcp_mmretrieval.media.source import Source

_SHOWN = 4.0
"""Seconds for which a cue is shown that does not say for how long."""


class Captions:
    """The cues of a document, as far in time as was asked. A context manager: it may hold the container open."""

    def __init__(self, source: Source, opened: InputContainer) -> None:
        """`opened` is only asked what it holds; the cues are read through a reader of their own."""
        self._stack = ExitStack()
        self._cues: list[Cue] = []
        self._more: Iterator[Cue] = iter(())
        self.notes: list[str] = []
        """Subtitles that could not be used."""
        for sidecar in source.sidecars:
            found = subtitles.parse_cues(sidecar.file.read(subtitles.MAX_SUBTITLE_BYTES))
            if not found:
                self.notes.append(f"{sidecar.name} holds no subtitles that can be read.")
            self._cues = self._cues or found
        if not self._cues and container.first_stream(opened, "subtitle") is not None:
            again = self._stack.enter_context(container.open_container(source.file))
            self._more = _embedded(again)

    def between(self, start: float, end: float) -> str:
        """What is said from `start` to `end`; empty where nothing is known."""
        for cue in self._more:
            self._cues.append(cue)
            if cue.start > end + container.MIN_TAIL_SECONDS:
                break
        return subtitles.spoken_between(self._cues, start, end)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def _embedded(opened: InputContainer) -> Iterator[Cue]:
    """The cues of the first text stream, in the order of the file."""
    stream = container.first_stream(opened, "subtitle")
    if stream is None:
        return
    track = Track(opened, stream)
    for packet in track.packets():
        if packet.pts is None or not packet.size:
            continue
        start = max(0.0, packet.pts * track.base - track.origin)
        end = start + ((packet.duration or 0) * track.base or _SHOWN)
        said = b"\n".join(getattr(shown, "dialogue", b"") for shown in track.decoded(packet))
        if text := subtitles.cue_words(said.decode("utf-8", "replace")):
            yield Cue(start, end, text)

"""What is said in a recording or film, where subtitles tell it: files beside it, and streams of the container."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import PurePath
from typing import TYPE_CHECKING, Self

from av.stream import Discard

from mcp_mmretrieval.media import container, subtitles, time_windows
from mcp_mmretrieval.media.container import Track
from mcp_mmretrieval.types import Cue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer

    from mcp_mmretrieval.media.source import Source


class Captions:
    """The cues of a document, as far in time as was asked. A context manager: it may hold the container open.

    Every language and every kind counts: none of them is known to be the one in which somebody will ask.
    """

    def __init__(self, source: Source, opened: InputContainer) -> None:
        """`opened` is only asked what it holds; the cues are read through a reader of their own."""
        self._stack = ExitStack()
        self._cues: list[list[Cue]] = []
        self._more: Iterator[tuple[int, Cue]] = iter(())
        self.notes: list[str] = []
        """Subtitles that could not be used, and which there are where there are several."""
        names = []
        for sidecar in source.sidecars:
            found = subtitles.parse_cues(sidecar.file.read(subtitles.MAX_SUBTITLE_BYTES))
            if found:
                self._cues.append(found)
                names.append(PurePath(sidecar.name).name)
            else:
                self.notes.append(f"{sidecar.name} holds no subtitles that can be read.")
        if streams := container.readable_streams(opened, "subtitle"):
            names += map(container.stream_name, streams)
            again = self._stack.enter_context(container.open_container(source.file))
            self._more = _embedded(again, [stream.index for stream in streams], first=len(self._cues))
            self._cues += [[] for _ in streams]
        if len(names) > 1:
            self.notes.append(f"It has several subtitles, and all are searched: {', '.join(names)}.")
        if unread := container.unread_streams(opened, "subtitle"):
            self.notes.append(f"Subtitles that are pictures or in a format that is not read: {', '.join(unread)}.")

    def between(self, start: float, end: float) -> list[Cue]:
        """What is said from `start` to `end`, a line each; the same line of several subtitles once. May be empty."""
        for number, cue in self._more:
            self._cues[number].append(cue)
            if cue.start > end + time_windows.MIN_TAIL_SECONDS:
                break
        lines: dict[tuple[str, int], Cue] = {}
        for cues in self._cues:
            for line in subtitles.spoken_between(cues, start, end):
                about = round(line.start)
                key = next((key for at in (-1, 0, 1) if (key := (line.text.casefold(), about + at)) in lines), None)
                if key is None:
                    lines[line.text.casefold(), about] = line
        return list(lines.values())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def _embedded(opened: InputContainer, wanted: list[int], *, first: int) -> Iterator[tuple[int, Cue]]:
    """The cues of streams of text in the order of the file, each with a number: `first` for the first wanted stream."""
    tracks = {index: Track(opened, opened.streams[index]) for index in wanted}
    for stream in opened.streams:
        stream.discard = Discard.default if stream.index in tracks else Discard.all
    for packet in tracks[wanted[0]].packets(*(track.stream for track in tracks.values())):
        track = tracks.get(packet.stream.index)
        if track is None or packet.pts is None or not packet.size:
            continue
        start = max(0.0, packet.pts * track.base - track.origin)
        end = start + ((packet.duration or 0) * track.base or subtitles.SHOWN_SECONDS)
        said = b"\n".join(getattr(shown, "dialogue", b"") for shown in track.decoded(packet))
        if text := subtitles.cue_words(said.decode("utf-8", "replace")):
            yield first + wanted.index(packet.stream.index), Cue(start, end, text)

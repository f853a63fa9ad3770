"""Reads one file into segments with text: split in a worker, pictures read by OCR, speech transcribed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from mcp_mmretrieval.adding import timed_lines
from mcp_mmretrieval.adding.fingerprints import fingerprint
from mcp_mmretrieval.adding.hearing import FileListener
from mcp_mmretrieval.adding.joined_text import join_texts
from mcp_mmretrieval.adding.page_numbers import with_printed_numbers
from mcp_mmretrieval.errors import Cancelled, ModelUnavailable, Unfit, UnreadableMedia
from mcp_mmretrieval.media.workers import Workers
from mcp_mmretrieval.models import ReadingModels, RecognisedText, TextReader
from mcp_mmretrieval.roots import OpenFile
from mcp_mmretrieval.types import (
    MODALITY_TRAITS,
    Content,
    DocumentMetadata,
    Film,
    Identity,
    Modality,
    Picture,
    Recogniser,
    Segment,
    Sound,
    SplitPart,
)

SPLITTER = 3
"""Version of what `split` yields; part of the reading's identity. Raise it when places or text layers change."""

FrameTexts = dict[float, str]
"""What was read in the frames of the last window of a film, by their time: windows overlap, and OCR is dear."""


@dataclass(frozen=True, slots=True)
class FileToRead:
    """An open file, and what names and accompanies its content."""

    file: OpenFile
    document: str
    """SHA-256 in hex: the id of the document that its segments belong to."""
    sidecars: Sequence[OpenFile] = ()
    """Files that are read with it, such as subtitles."""
    left_out: Sequence[str] = ()
    """Names of those beyond the number that is read with one file."""


StageSegments = Callable[[int, Sequence[Segment]], None]
"""Keeps segments that were costly to read, from an ordinal on, until the document is committed."""


@dataclass(slots=True, kw_only=True)
class FileText:
    """What was read of one file."""

    modality: Modality = "text"
    title: str = ""
    pages: int | None = None
    seconds: float | None = None
    dated: float | None = None
    keywords: str = ""
    notes: list[str] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    means: set[Recogniser] = field(default_factory=set)
    """What was asked for words, whether or not it is switched off: with another one the file reads otherwise."""
    figures: set[str] = field(default_factory=set)
    """Ids of the segments in which pictures stand that are read later."""

    def learn(self, about: DocumentMetadata) -> None:
        """Take in what `split` says of the whole document."""
        self.modality = about.modality or self.modality
        self.title = about.title or self.title
        self.pages = about.pages if about.pages is not None else self.pages
        self.seconds = about.seconds if about.seconds is not None else self.seconds
        self.dated = about.dated if about.dated is not None else self.dated
        self.keywords = about.keywords or self.keywords
        if about.note and about.note not in self.notes:
            self.notes.append(about.note)


class ReadsFiles(Protocol):
    """Where the files of a job are read: here (`FileReader`), or on a Ray cluster (`adding.cluster`)."""

    def at_once(self, *, suspicious: bool) -> int:
        """Files to have under way at a time. `suspicious`: one of them may have ended this process before."""

    def read(
        self,
        source: FileToRead,
        *,
        staged: Sequence[Segment] = (),
        stage: StageSegments | None = None,
        stop: threading.Event | None = None,
    ) -> FileText:
        """The segments of a file, from where `staged` ends. Raises UnreadableMedia, Cancelled."""


class FileReader:
    """Reads files, one at a time. See `ReadsFiles`."""

    def __init__(self, workers: Workers, models: ReadingModels) -> None:
        self._workers = workers
        self._models = models

    def at_once(self, *, suspicious: bool) -> int:
        """See `ReadsFiles.at_once`: one alone shows which it is."""
        return 1 if suspicious else self._workers.count

    @property
    def identity(self) -> Identity:
        """What owns segments and words: the splitter, OCR and speech recognition with their settings."""
        return {"splitter": SPLITTER, **self._models.reading}

    def of(self, read: FileText) -> Identity:
        """The part of the identity that this file's segments and words depend on."""
        return {what: value for what, value in self.identity.items() if what == "splitter" or what in read.means}

    def current(self, modality: Modality, read_with: Identity) -> bool:
        """Whether reading a document again would be as it was read: another OCR changes no sound.

        `read_with` may name more than the document depends on, as it did before each was noted by itself.
        """
        now = self.identity
        recognisers = MODALITY_TRAITS[modality].recognisers
        depends = {"splitter", *recognisers} if recognisers else set(read_with)  # pictures may stand in a text
        return all(now.get(what) == value for what, value in read_with.items() if what in depends)

    def probe(self, source: FileToRead, stop: threading.Event | None = None) -> None:
        """Find out whether a file can be read, by its first place, without OCR or speech.

        Raises UnreadableMedia, Cancelled.
        """
        self._workers.probe(
            source.file.fd,
            name=Path(source.file.path).name,
            sidecars=[(Path(sidecar.path).name, sidecar.fd) for sidecar in source.sidecars],
            stop=stop,
        )

    def read(
        self,
        source: FileToRead,
        *,
        staged: Sequence[Segment] = (),
        stage: StageSegments | None = None,
        most: int | None = None,
        stop: threading.Event | None = None,
    ) -> FileText:
        """The segments of a file, all or the first `most`, from where `staged` ends.

        Raises UnreadableMedia, Cancelled.
        """
        result = FileText(segments=list(staged))
        if source.left_out:
            result.notes.append(f"More subtitles than are read with one file: {', '.join(source.left_out)[:600]}.")
        frames: FrameTexts = {}
        listener, within = FileListener(self._models.transcriber), ""
        kept = len(result.segments)
        for part in self._parts(source, kept, result, stop):
            if stop is not None and stop.is_set():
                raise Cancelled("Stopped while reading.")
            if part.segment.place.part != within:  # another recording
                frames, listener, within = {}, FileListener(self._models.transcriber), part.segment.place.part
            result.segments.append(self._with_text(part, frames, listener, result))
            if part.figures:
                result.figures.add(part.segment.id)
                result.means.add("ocr")
            if stage is not None and part.content is not None:
                stage(kept, result.segments[kept:])
                kept = len(result.segments)
            if len(result.segments) == most:
                break
        if staged:  # with what those were read is not kept
            result.means |= {means for segment in staged for means in segment.traits.recognisers}
            result.figures |= {segment.id for segment in staged if segment.traits.looks_like == "document"}
        # a part that was left out shifts the numbers of the staged ones behind it: one of them may come twice
        result.segments = with_printed_numbers(list({segment.id: segment for segment in result.segments}.values()))
        return result

    def _parts(
        self,
        source: FileToRead,
        start: int,
        result: FileText,
        stop: threading.Event | None,
    ) -> Iterator[SplitPart]:
        for step in self._workers.split(
            source.file.fd,
            name=Path(source.file.path).name,
            document=source.document,
            sidecars=[(Path(sidecar.path).name, sidecar.fd) for sidecar in source.sidecars],
            start=start,
            stop=stop,
        ):
            if isinstance(step, DocumentMetadata):
                result.learn(step)
            else:
                yield step

    def _with_text(self, part: SplitPart, frames: FrameTexts, listener: FileListener, result: FileText) -> Segment:
        if part.content is None:
            return part.segment
        result.means |= _means(part.content)
        segment = replace(part.segment, fingerprint=fingerprint(part.content))
        turn = 0
        try:
            if isinstance(part.content, Sound | Film):
                return self._timed(replace(part, segment=segment), part.content, frames, listener)
            if isinstance(part.content, str):
                read = part.content
            else:
                seen = self._recognised(part.content)
                read, turn = seen.text, seen.turn
                result.learn(DocumentMetadata(note=seen.note))
        except ModelUnavailable as error:
            raise UnreadableMedia("model_missing", str(error)) from error
        except Unfit as error:
            raise UnreadableMedia("memory", str(error)) from error
        return replace(segment, text=join_texts(segment.text, read), turn=turn)

    def _timed(self, part: SplitPart, content: Sound | Film, frames: FrameTexts, listener: FileListener) -> Segment:
        """A stretch of sound or film with its lines: captions, then what is heard on each track, then what is shown."""
        segment = part.segment
        lines = timed_lines.known_lines(segment)
        first = content.sound if isinstance(content, Film) else content
        for track, sound in enumerate([first, *part.more]):
            if sound is not None:
                lines += list(timed_lines.heard_lines(listener.heard(sound, track), segment, lines))
        if isinstance(content, Film):
            told = {line.text for line in lines}
            shown = timed_lines.shown_lines(self._shown(content, frames), segment.place.end or 0.0)
            lines += [line for line in shown if line.text not in told]
        return replace(
            segment,
            text="\n".join(line.text for line in lines),
            times=tuple((line.start, line.end) for line in lines),
        )

    def _shown(self, film: Film, frames: FrameTexts) -> FrameTexts:
        """What stands in the frames of one window; `frames` goes from window to window."""
        last = dict(frames)
        frames.clear()
        for time, picture in zip(film.times, film.pictures, strict=True):
            frames[time] = last[time] if time in last else self._seen(picture)
        return frames

    def _recognised(self, picture: Picture) -> RecognisedText:
        reader: TextReader | None = self._models.text_reader()
        return reader.recognise(picture) if reader else RecognisedText("")

    def _seen(self, picture: Picture) -> str:
        reader: TextReader | None = self._models.text_reader()
        return reader.read(picture) if reader else ""


def _means(content: Content) -> set[Recogniser]:
    """The recognisers that a content is given to for its words; none for a text, which has them."""
    if isinstance(content, str):
        return set()
    if isinstance(content, Sound):
        return {"speech"}
    if isinstance(content, Film):
        heard: set[Recogniser] = {"speech"} if content.sound is not None else set()
        return heard | ({"ocr"} if content.pictures else set())
    return {"ocr"}

"""Files that hold several things: slides, sheets, chapters, pictures in a text, attachments, files in an archive.

A reader of such files has one function `parts` in place of `split` and `load`. It yields texts with their structure,
and files within the file, which are read as files of their own: an attached PDF has pages, an embedded picture is read
by OCR. All of them are places of the one document.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeAlias

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.failures import failure_of
from mcp_mmretrieval.media.passages import ENDS_IN_CELLS, MAX_PASSAGE_CHARACTERS, cut_passages
from mcp_mmretrieval.media.source import Source
from mcp_mmretrieval.types import DocumentMetadata, EnteredPart, Place, Segment, SplitPart, SplitStep

if TYPE_CHECKING:
    from mcp_mmretrieval.config.limits import Limits
    from mcp_mmretrieval.media.passages import CitedPassage
    from mcp_mmretrieval.types import Content

MAX_DEPTH = 4
"""Files within files within files, at most."""
MAX_INNER_FILES = 2_000
"""Files within one file, at most."""
MAX_PLACES_WITHIN = 150_000
"""Places of one file, at most."""
MAX_PART_CHARACTERS = 3_000
"""Of the name of one part, as a place has it: what is longer cannot be cited."""
_MAX_HEADING = 500


class CitableText(Protocol):
    """A text that is cited by its passages: `StructuredText`, or `SourceText` where places count a source."""

    def cited(self) -> Iterator[CitedPassage]:
        """Its passages in order."""

    def shown(self, first: int | None, last: int | None) -> str:
        """What stands in a range, by default all of it. Raises UnreadableMedia for one that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPart:
    """A part that is text."""

    text: CitableText
    part: str = ""
    """Its name, made by `part_name`; empty for the body of a file that has one."""
    heading: str = ""
    """What stands over all of it: the title of a slide, the path of a section."""
    label: str = ""
    """What the file itself calls the part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsPart:
    """Rows of a sheet, as many as make a passage."""

    part: str
    top: int
    """The first row, from 1."""
    bottom: int
    header: str = ""
    """The row that names the columns, where it is not among them."""
    text: str
    """A line a row."""
    heading: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InnerFile:
    """A part that is a file of its own."""

    part: str
    name: str
    """As the file calls it; what it is, its bytes say."""
    data: Callable[[], bytes]
    """Its bytes, asked for when it is read. Raises UnreadableMedia."""
    heading: str | Callable[[], str] = ""
    """What is said of it where it stands: the alternative text of a picture, the subject of a mail. Asked for when the
    file is read, where it is costly to find out."""
    counted: bool = True
    """Whether it is one of those that `MAX_INNER_FILES` bounds: a reader may have a bound of its own."""
    dispensable: bool = False
    """Whether it is left out without a word where it cannot be read: decoration, such as a drawing's preview."""


CompoundStep: TypeAlias = "TextPart | RowsPart | InnerFile | DocumentMetadata"


class CompoundModule(Protocol):
    """What the module of a reader of such files offers."""

    def recognises(self, source: Source) -> bool:
        """As of `MediaModule`."""

    def parts(self, source: Source, limits: Limits) -> Iterator[CompoundStep]:
        """The parts of a file, in order, always the same. Raises UnreadableMedia for a file that is no use at all."""


class Splitter(Protocol):
    """`media.split`, which reads the files within."""

    def __call__(self, source: Source, limits: Limits, start: int = 0, after: str = "") -> Iterator[SplitStep]:
        """See `media.split`."""


def split_parts(
    steps: Iterator[CompoundStep], source: Source, limits: Limits, splitter: Splitter, after: str
) -> Iterator[SplitStep]:
    """The places of a file, part by part; those up to `after` and within it are passed over.

    A file within that cannot be read costs a note, and the others go on.
    """
    inner = places = 0
    for step in steps:
        if isinstance(step, DocumentMetadata):
            yield step
            continue
        if after:
            within = isinstance(step, InnerFile) and after.startswith(f"{step.part}&")
            if not within and step.part != after:
                continue
            rest, after = after[len(step.part) + 1 :], ""
            if not within:
                continue
        else:
            rest = ""
        if isinstance(step, InnerFile) and step.counted:
            inner += 1
            if inner > MAX_INNER_FILES:
                yield DocumentMetadata(note=f"Only the first {MAX_INNER_FILES:,} files within it were read.")
                return
        for found in _places_of(step, source, limits, splitter, rest):
            places += isinstance(found, SplitPart)
            if places > MAX_PLACES_WITHIN:
                yield DocumentMetadata(
                    note=f"Only the first {MAX_PLACES_WITHIN:,} places were read, up to {step.part}."
                )
                return
            yield found


def load_part(
    steps: Iterator[CompoundStep], source: Source, segment: Segment, limits: Limits, loader: Callable[..., Content]
) -> Content:
    """The content of one place: of a text what stands there, of a file within what that file has there."""
    place = segment.place
    for step in steps:
        if isinstance(step, InnerFile) and (inside := place.inside(step.part)) is not None:
            return loader(_source_of(step, source), replace(segment, place=inside), limits)
        if isinstance(step, TextPart) and step.part == place.part and place.top is None:
            return step.text.shown(place.first, place.last)
        if isinstance(step, RowsPart) and step.part == place.part and place.top == step.top:
            return _text_of(step, place.first, place.last)
    raise UnreadableMedia("corrupt", f"{source.name}: there is nothing at {place.fragment or 'its beginning'}")


def _places_of(
    step: TextPart | RowsPart | InnerFile, source: Source, limits: Limits, splitter: Splitter, after: str
) -> Iterator[SplitStep]:
    if isinstance(step, TextPart):
        yield from _passages(step, source)
    elif isinstance(step, RowsPart):
        yield from _rows(step, source)
    else:
        yield from _places_within(step, source, limits, splitter, after)


def _passages(step: TextPart, source: Source) -> Iterator[SplitPart]:
    for passage in step.text.cited():
        yield SplitPart(
            segment=Segment(
                document=source.document,
                modality="text",
                place=Place(part=step.part, first=passage.first, last=passage.last),
                text=passage.text,
                heading=_path(step.heading, passage.heading),
                label=step.label,
            )
        )


def _path(over: str, heading: str) -> str:
    """Headings within a part below what stands over all of it; what both say is said once."""
    first, _, rest = heading.partition(" > ")
    said_already = over == first or over.endswith(f" > {first}") or over.startswith(f"{first} — ")
    return " > ".join(filter(None, (over, rest if said_already else heading)))[:_MAX_HEADING]


def _rows(step: RowsPart, source: Source) -> Iterator[SplitPart]:
    """One place; of a row that is longer than a passage several, each with a range of its characters."""
    place = Place(part=step.part, top=step.top, bottom=step.bottom)
    places = [place]
    if len(step.text) > MAX_PASSAGE_CHARACTERS:
        places = [
            replace(place, first=passage.first, last=passage.last)
            for passage in cut_passages(step.text, (), ENDS_IN_CELLS)
        ]
    for each in places:
        segment = Segment(
            document=source.document,
            modality="text",
            place=each,
            text=_text_of(step, each.first, each.last),
            heading=step.heading[:_MAX_HEADING],
        )
        yield SplitPart(segment=segment)


def _text_of(step: RowsPart, first: int | None, last: int | None) -> str:
    return "\n".join(filter(None, (step.header, step.text[first:last])))


def _places_within(
    step: InnerFile, source: Source, limits: Limits, splitter: Splitter, after: str
) -> Iterator[SplitStep]:
    if len(step.part) > MAX_PART_CHARACTERS:
        yield DocumentMetadata(note=f"A file within it was not read, for its name is too long: {step.name[:60]}....")
        return
    yield EnteredPart(step.part)
    if source.depth >= MAX_DEPTH:
        yield DocumentMetadata(note=f"{step.name} was not read: it is a file within {MAX_DEPTH} others.")
        return
    try:
        over = step.heading if isinstance(step.heading, str) else step.heading()
        for found in splitter(_source_of(step, source), limits, 0, after):
            if isinstance(found, EnteredPart):
                yield EnteredPart(f"{step.part}&{found.part}")
            elif isinstance(found, DocumentMetadata):
                if found.note:
                    yield DocumentMetadata(note=f"{step.name}: {found.note}")
            else:
                segment = found.segment
                heading = _path(over, segment.heading)
                yield replace(
                    found,
                    segment=replace(segment, place=segment.place.within(step.part), heading=heading),
                    figures=False,
                )
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever it is, the other files within go on
        if not step.dispensable:
            reason = str(failure_of(error)).partition(" Can be read: ")[0]
            named = reason if reason.startswith(step.name) else f"{step.name}: {reason}"
            yield DocumentMetadata(note=f"Not read: {named}")


def _source_of(step: InnerFile, source: Source) -> Source:
    return Source(file=io.BytesIO(step.data()), name=step.name, document=source.document, depth=source.depth + 1)

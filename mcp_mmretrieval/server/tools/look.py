"""What open_media answers: text that is complete by itself, then pictures, each after a line that says what it is."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mcp_types import ContentBlock, ImageContent, TextContent

from mcp_mmretrieval.errors import BadArgument, RetrievalError
from mcp_mmretrieval.server.tools import contact_sheet
from mcp_mmretrieval.server.tools.as_text import format_timestamp, quoted_text
from mcp_mmretrieval.server.tools.contact_sheet import Tile
from mcp_mmretrieval.server.tools.drawn_table import table_picture
from mcp_mmretrieval.server.tools.markdown_table import as_markdown_table, table_rows
from mcp_mmretrieval.server.tools.results import iso_time
from mcp_mmretrieval.server.tools.sanitize import (
    Fence,
    count_hidden_characters,
    sanitize_line,
    sanitize_name,
    sanitize_text,
)
from mcp_mmretrieval.types import MIN_REGION_PERCENT, Film, Place, Region, Sound

if TYPE_CHECKING:
    from mcp_mmretrieval.answers import Look
    from mcp_mmretrieval.library import Library

MAX_ANSWER_TEXT_CHARACTERS = 20_000
"""Characters of retrieved text in one answer: as many as are read of one place at once."""
MAX_NAMED_PARTS = 12
"""Parts of a place that are named."""
CONTEXT_CHARACTERS = 600
"""Characters of what stands before, and of what stands after."""
NOTES_OF_A_DOCUMENT = 3
"""Lines on what was left out of a document."""
MAX_ANSWER_PICTURES = 4
"""Pictures of one answer."""
MAX_ANSWER_PICTURES_BYTES = 640_000
"""Bytes of all pictures of one answer: some clients refuse an answer of more than a megabyte in base64."""


def open_media_content(
    library: Library,
    targets: Sequence[str],
    *,
    context: bool = True,
    sheet: bool | None = None,
    picture: bool | None = None,
    region: str = "",
) -> list[ContentBlock]:
    """Look at each target; those that cannot be opened become a line, unless none can.

    `picture`: False decodes and draws nothing, for who cannot see: each target in full, as text. True draws tables too.
    Unset, sound whose words are known has none. `region`: that part of the one target's picture. Raises the first
    RetrievalError when no target can be opened, and BadArgument.
    """
    part = _region(region, targets, picture)
    as_sheet = picture is not False and (len(targets) > 1 if sheet is None else sheet)
    side = contact_sheet.MAX_JPEG_SIDE_PIXELS // (2 if as_sheet and len(targets) > 3 else 1)
    looks, failures = _looks(library, targets, side, picture, part)
    if as_sheet:
        return _overview(looks, failures)
    return _one_by_one(looks, failures, context, drawn=bool(picture))


def _region(written: str, targets: Sequence[str], picture: bool | None) -> Region | None:
    """The region that is asked for: `10,20,50,30`, or as a media fragment has it. Raises BadArgument."""
    if not written:
        return None
    if len(targets) > 1 or picture is False:
        raise BadArgument("A region is shown of one target, as a picture: pass one target, and no picture=false.")
    place = Place.parse("xywh=percent:" + written.removeprefix("xywh=").removeprefix("percent:").replace(" ", ""))
    if place is None:
        raise BadArgument(
            f"region {sanitize_line(written, 60)!r} lies not within the picture. Write left,top,width,height in "
            f"percent of it, each side {MIN_REGION_PERCENT:g} at least: 0,0,50,25 is its upper left eighth."
        )
    return place.region


def _looks(
    library: Library, targets: Sequence[str], side: int, picture: bool | None, region: Region | None
) -> tuple[list[Look], list[str]]:
    looks: list[Look] = []
    errors: list[RetrievalError] = []
    for target in dict.fromkeys(targets):
        try:
            looks.append(library.look(target, side=side, content=picture, region=region))
        except RetrievalError as error:
            errors.append(error)
    if not looks:
        raise errors[0]
    return looks, [f"Not opened: {sanitize_line(str(error), 300)}" for error in errors]


def _one_by_one(looks: Sequence[Look], failures: Sequence[str], context: bool, drawn: bool) -> list[ContentBlock]:
    """Each target in full. `drawn`: tables as pictures too."""
    fence = Fence(*(text for look in looks for text in (look.text, look.before, look.after, *_notes(look))))
    room = MAX_ANSWER_TEXT_CHARACTERS // len(looks)
    parts = [part for look in looks for part in _text_parts(look, fence, room, context)]
    largest = min(contact_sheet.MAX_JPEG_BYTES, MAX_ANSWER_PICTURES_BYTES // min(MAX_ANSWER_PICTURES, len(looks)))
    pictures: list[ContentBlock] = []
    if len(looks) == 1 and (only := _picture(looks[0], largest, drawn)) is not None:
        text = "\n".join([*parts, *failures, _following(_label(looks[0]))])
        return [TextContent(type="text", text=text), _image(only)]
    for look in looks:
        if len(pictures) >= 2 * MAX_ANSWER_PICTURES:
            parts.append(
                f"No more than {MAX_ANSWER_PICTURES} pictures at once: open {look.citation} by itself to see it."
            )
        elif (picture := _picture(look, largest, drawn)) is not None:
            pictures += [TextContent(type="text", text=f"{_label(look)}:"), _image(picture)]
    if pictures:
        failures = [*failures, _following(f"{len(pictures) // 2} pictures")]
    return [TextContent(type="text", text="\n".join([*parts, *failures])), *pictures]


def _text_parts(look: Look, fence: Fence, room: int, context: bool) -> Iterator[str]:
    """The lines of text about one place."""
    yield _heading(look)
    if look.stale:
        yield "The file changed since it was read: this is the stored text, without a picture. Add it again to see it."
    region = look.segment.place.region is not None and look.content is not None
    text = "" if region else _text(look)
    quoted = [fence.around("notes", notes)] if (notes := "\n".join(_notes(look))) else []
    quoted += _quoted(look, text[:room], fence, context and not region)
    if quoted:
        yield fence.notice
        yield from quoted
    if len(text) > room:
        yield f"{len(text) - room} more characters were cut here: open it alone, or a smaller place of it."
    if region:
        yield "Only this region is shown; without region its text stands here too."
    yield from _ways(look)
    if taken := count_hidden_characters(look.text):
        yield f"{taken} hidden characters were taken out of the text."
    if not text and look.content is None:
        yield "There is no text and no picture for this place."


def _quoted(look: Look, text: str, fence: Fence, context: bool) -> Iterator[str]:
    """The text of a place with its title, which the file's author chose as well, and what stands around it."""
    before, after = _end(look.before), sanitize_line(look.after, CONTEXT_CHARACTERS)
    title = sanitize_line(look.title, 120)
    if context and before:
        yield fence.around("before", before)
    if title or text:
        named = f"title: {title}\n\n" if title else ""
        yield fence.around("text", f"{named}{as_markdown_table(look, text)}".strip())
    if context and after:
        yield fence.around("after", after)


def _ways(look: Look) -> Iterator[str]:
    """What can be opened from here, by citation."""
    if look.within:
        named = ", ".join(map(sanitize_name, look.within[:MAX_NAMED_PARTS]))
        more = f" and {len(look.within) - MAX_NAMED_PARTS} more" if len(look.within) > MAX_NAMED_PARTS else ""
        yield f"in it: {named}{more}"
    if look.previous:
        yield f"previous: {sanitize_name(look.previous)}"
    if look.next:
        yield f"next: {sanitize_name(look.next)}" + (" (the text goes on there)" if look.unfinished else "")


def _notes(look: Look) -> Iterator[str]:
    """What was left out, which may name what the file's author named: attachments, tracks."""
    if look.note and not look.stale:
        yield sanitize_line(look.note, 300)
    for note in look.document_notes[:NOTES_OF_A_DOCUMENT]:
        yield f"Of the document: {sanitize_line(note, 300)}"
    if len(look.document_notes) > NOTES_OF_A_DOCUMENT:
        yield "More of the document was left out: list_documents has all notes on it."


def _text(look: Look) -> str:
    return sanitize_text(_with_times(look)).rstrip().lstrip("\n")


def _with_times(look: Look) -> str:
    """The text, and before each line of which it is known when it is said or shown, `[0:51]`."""
    lines, times = look.text.split("\n"), look.segment.times
    timed = [f"[{format_timestamp(start)}] {line}" for line, (start, _) in zip(lines, times, strict=False)]
    return "\n".join([*timed, *lines[len(timed) :]])


def _end(text: str) -> str:
    """The last characters of a text, on one line: what stands nearest."""
    line = sanitize_line(text, len(text) + 1)
    return line if len(line) <= CONTEXT_CHARACTERS else "…" + line[-CONTEXT_CHARACTERS:].lstrip()


def _overview(looks: Sequence[Look], failures: Sequence[str]) -> list[ContentBlock]:
    """A line and a tile for each target."""
    fence = Fence(*(look.text for look in looks))
    lines = []
    for letter, look in zip(contact_sheet.TILE_LETTERS, looks, strict=False):
        text = sanitize_line(look.text, 200)
        stale = " (changed since it was read; its picture is left out)" if look.stale else ""
        lines.append(f"{letter}. {_heading(look)}{stale}" + (f"\n   {text}" if text else ""))
    head = f"{len(looks)} places on one contact sheet. Open one alone to read it in full."
    label = "Contact sheet of " + ", ".join(
        f"{letter} {look.citation}" for letter, look in zip(contact_sheet.TILE_LETTERS, looks, strict=False)
    )
    parts = [head, fence.notice, fence.around("places", "\n".join(lines)), *failures, _following(label)]
    tiles = [_tile(look) for look in looks]
    return [TextContent(type="text", text="\n".join(parts)), _image(contact_sheet.contact_sheet(tiles))]


def _tile(look: Look) -> Tile:
    return Tile(
        caption=sanitize_name(look.citation),
        content=look.content,
        text=sanitize_line(look.text, 1_000),
        rows=table_rows(look, _text(look)),
        time=_time(look),
    )


def _heading(look: Look) -> str:
    heading = f"{sanitize_name(look.citation)} [{look.segment.modality}] id={look.segment.id}"
    if place := _where(look):
        heading += f" {place}"
    if look.dated is not None:
        heading += f" {iso_time(look.dated)[:10]}"
    elif look.modified:
        heading += f" changed {iso_time(look.modified)[:10]}"
    return f"{heading} file: {quoted_text(sanitize_name(look.path))}" if look.path else heading


def _where(look: Look) -> str:
    place = look.segment.place
    return f"page {place.page}" if place.page is not None else _time(look)


def _time(look: Look) -> str:
    place = look.segment.place
    if place.start is None or place.end is None:
        return ""
    return f"{format_timestamp(place.start)}-{format_timestamp(place.end)}"


def _label(look: Look) -> str:
    where = _where(look)
    return f"{look.segment.traits.picture_label} of {sanitize_name(look.citation)}" + (f", {where}" if where else "")


def _following(what: str) -> str:
    """What comes after the text; many clients drop it, so that nothing is promised."""
    return f"{what}: sent with this text, and shown by some clients. If you see none, pass picture=false."


def _picture(look: Look, largest: int, drawn: bool) -> bytes | None:
    """The JPEG of one place, of at most so many bytes; None where there is only text, and no table that is `drawn`."""
    content = look.content
    if drawn and (rows := table_rows(look, _text(look))):
        return contact_sheet.photo_jpeg(table_picture(rows), largest)
    if content is None or isinstance(content, str):
        return None
    if isinstance(content, Sound):
        return contact_sheet.sound_strip(content, look.segment.place.start or 0.0, largest)
    if isinstance(content, Film):
        return contact_sheet.film_strip(content, largest) if content.pictures else None
    return contact_sheet.photo_jpeg(content, largest)


def _image(jpeg: bytes) -> ImageContent:
    return ImageContent(type="image", data=base64.b64encode(jpeg).decode("ascii"), mime_type="image/jpeg")
